"use strict";
// Filters of the error browser. Without script the groups open and close all the same, and the filters stay hidden.
(() => {
  const filters = document.getElementById("filters");
  const selects = [...filters.querySelectorAll("select")];
  const search = filters.querySelector("input");
  const total = document.getElementById("total");
  const groups = [...document.querySelectorAll("details.errors")].map((element) => ({
    element,
    kind: element.dataset.kind,
    count: element.querySelector("summary b"),
    wasOpen: element.open,
    cards: [...element.querySelectorAll(".error")].map((card) => ({ card, data: card.dataset, text: null })),
  }));

  const holds = (item, wanted, words) =>
    wanted.every(([name, value]) => (name === "roles" ? item.data.roles.split(" ").includes(value) : item.data[name] === value)) &&
    words.every((word) => (item.text ??= item.card.textContent.toLowerCase()).includes(word));

  let filtering = false;
  const apply = () => {
    const chosen = selects.filter((select) => select.selectedIndex > 0);
    const kind = chosen.find((select) => select.name === "kind")?.value;
    const wanted = chosen.filter((select) => select.name !== "kind").map((select) => [select.name, select.value]);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = chosen.length > 0 || words.length > 0;
    let all = 0;
    for (const group of groups) {
      let left = 0;
      const open = kind === undefined || kind === group.kind;
      for (const item of group.cards) {
        item.card.hidden = !(open && holds(item, wanted, words));
        left += !item.card.hidden;
      }
      if (active && !filtering) group.wasOpen = group.element.open;
      group.element.hidden = active && left === 0;
      group.element.open = active ? left > 0 : group.wasOpen;
      group.count.textContent = left.toLocaleString("en");
      all += left;
    }
    filtering = active;
    total.textContent = all.toLocaleString("en");
  };

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 150);
  });
  for (const select of selects) select.addEventListener("change", apply);
  filters.querySelector("button").addEventListener("click", () => {
    for (const select of selects) select.selectedIndex = 0;
    search.value = "";
    apply();
  });
  filters.hidden = false;
})();
