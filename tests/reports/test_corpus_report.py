"""The corpus report: what it shows, that no text can break out of it, and that it asks nobody for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Corpus, load
from conflict_events.reports import write_page
from conflict_events.reports.corpus import write_corpus_report
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;</style></title>-->"
VOID = {"meta", "br", "hr", "img", "input", "link"}


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str, kind: str | None = None) -> list[Node]:
        """The elements below with this tag (and class), in order."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                if child.tag == tag and kind in (None, child.attributes.get("class")):
                    found.append(child)
                found += child.all(tag, kind)
        return found

    def below(self, heading: str) -> Node:
        """What stands between the ``h2`` that begins so and the next one."""
        (body,) = self.all("body")
        headings = [n for n, child in enumerate(body.children) if isinstance(child, Node) and child.tag == "h2"]
        (start,) = [n for n in headings if body.children[n].text.startswith(heading)]  # type: ignore[union-attr]
        end = min((n for n in headings if n > start), default=len(body.children))
        return Node("section", {}, body.children[start + 1 : end])

    def rows(self) -> list[list[str]]:
        """The cells of the tables below, by row."""
        return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in self.all("tr")]


class Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, "elements are closed in their order"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(path: Path) -> Node:
    parser = Parser()
    parser.feed(path.read_bytes().decode("utf-8"))
    parser.close()
    (page,) = parser.open
    return page


def corpus(folder: Path, **splits: list[Document]) -> Corpus:
    roles = [*(role.value for role in Role), TRIGGER, "victim"]
    return Corpus(CorpusConfig(name="mine", format="jsonl", path=str(folder), roles=roles), splits)


def report(held: Corpus, folder: Path) -> Node:
    write_corpus_report(held, folder / "report.html")
    return parsed(folder / "report.html")


def bombing(name: str, text: str, trigger: str = "bombed", **arguments: str) -> Document:
    """A document with one event of words of its text."""

    def span(role: str, words: str) -> Span:
        return Span.of(text, role, text.index(words), text.index(words) + len(words))

    spans = tuple(span(role, words) for role, words in arguments.items())
    return Document(name, text, frozenset(Layer), events=(Event(EventType.BOMBING, span(TRIGGER, trigger), spans),))


@pytest.fixture
def tiny(tiny_corpus: CorpusConfig, tmp_path: Path) -> Node:
    """The report of the tiny corpus."""
    return report(load(tiny_corpus), tmp_path)


# What it shows


def test_the_page_is_called_after_the_corpus(tiny: Node) -> None:
    assert [node.text for tag in ("title", "h1") for node in tiny.all(tag)] == ["Corpus report: tiny"] * 2
    (html,) = tiny.all("html")
    assert html.attributes == {"lang": "en"}


def test_the_totals_stand_first(tiny: Node) -> None:
    cards = [node.text for node in tiny.all("div", "cards")[0].all("div")]
    assert cards == ["12documents", "168words", "12events", "0documents with nothing to mark"]


def test_splits_and_roles_are_counted(tiny: Node) -> None:
    assert tiny.below("Splits").rows() == [
        ["split", "documents", "with nothing to mark", "words", "events", "attacker", "target", "location", "trigger"],
        ["train", "6", "0", "84", "6", "6", "6", "6", "6"],
        ["dev", "3", "0", "42", "3", "3", "3", "3", "3"],
        ["test", "3", "0", "42", "3", "3", "3", "3", "3"],
    ]
    head = ["", "train", "dev", "test", "all", ""]
    roles = [[role, "6", "3", "3", "12", ""] for role in ("attacker", "target", "location", "trigger")]
    assert tiny.below("Spans by role").rows() == [head, *roles]
    assert tiny.below("Events by type").rows() == [head, ["armed_attack", "6", "3", "3", "12", ""]]


def test_documents_are_grouped_by_what_groups_them(tiny: Node) -> None:
    assert tiny.below("Documents by region").rows()[1:] == [
        ["north", "3", "2", "2", "7", ""], ["south", "3", "1", "1", "5", ""],
    ]  # fmt: skip
    assert "Documents by source" not in [node.text for node in tiny.all("h2")], "all have the same"
    widths = [node.attributes["style"] for node in tiny.below("Documents by region").all("span")]
    assert widths == ["width: 100.0%", "width: 71.4%"]


def test_groups_may_be_called_anything(tmp_path: Path) -> None:
    values = ["b.b.c", "2020", "2020", "items", "a b", "", None, "0"]
    documents = [Document(f"d{n}", "x", meta={"source": value}) for n, value in enumerate(values)]
    found = report(corpus(tmp_path, train=documents, dev=documents[:1]), tmp_path).below("Documents by source").rows()
    assert found[1:] == [
        ["b.b.c", "1", "1", "2", ""], ["2020", "2", "0", "2", ""], ["(not given)", "2", "0", "2", ""],
        ["items", "1", "0", "1", ""], ["a b", "1", "0", "1", ""], ["0", "1", "0", "1", ""],
    ]  # fmt: skip


def test_large_numbers_are_easy_to_read(tmp_path: Path) -> None:
    found = report(corpus(tmp_path, train=[Document("a", "word " * 12345)]), tmp_path)
    assert found.below("Splits").rows()[1] == ["train", "1", "1", "12,345", "0"]


def test_histograms_have_a_column_for_each_length_and_one_for_all_longer(tmp_path: Path) -> None:
    text = " ".join(f"w{n}" for n in range(40))
    starts = [match.start() for match in re.finditer("w", text)] + [len(text) + 1]
    lengths = [1, 1, 1, 1, 2, 11, 12, 30]
    spans = tuple(Span.of(text, "victim", starts[0], starts[length] - 1) for length in lengths)
    documents = [Document(f"d{n}", text, role_spans=(span,)) for n, span in enumerate(spans)]
    section = report(corpus(tmp_path, train=documents), tmp_path).below("Span lengths")
    assert [node.text for node in section.all("h3")] == ["victim"]
    (columns,), (axis,) = section.all("div", "columns"), section.all("div", "axis")
    assert [node.text for node in axis.all("span")] == [*(str(n) for n in range(1, 12)), "12+"]
    expected = [4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    names = [*range(1, 12), "12+"]
    assert [(node.attributes["title"], node.attributes["style"]) for node in columns.all("div")] == [
        (f"{name} words: {bar}", f"height: {100 * bar / 4}%") for name, bar in zip(names, expected, strict=True)
    ]


def test_the_most_frequent_wordings_stand_first(tiny: Node) -> None:
    section = tiny.below("Most frequent wordings")
    assert [node.text for node in section.all("h3")] == [
        "attacker 2 distinct", "target 1 distinct", "location 6 distinct", "trigger 3 distinct",
    ]  # fmt: skip
    assert [node.text for node in section.all("ol")[0].all("li")] == ["rebels 7", "troops 5"]


def test_at_most_fifteen_wordings_are_shown(tmp_path: Path) -> None:
    documents = [bombing(f"d{n}", f"Town{n} was bombed.", target=f"Town{n}") for n in range(20)]
    section = report(corpus(tmp_path, train=documents), tmp_path).below("Most frequent wordings")
    assert section.all("h3")[0].text == "target 20 distinct"
    assert [len(node.all("li")) for node in section.all("ol")] == [15, 1]


# Examples


def examples(page: Node) -> list[tuple[str, str, Node]]:
    """Type, id and card of each."""
    section = page.below("Examples")
    heads = [(node.children[0].strip(), node.all("span")[0].text) for node in section.all("h3")]  # type: ignore[union-attr]
    return [(*head, card) for head, card in zip(heads, section.all("div", "card"), strict=True)]


def marked(card: Node) -> list[tuple[str, str, str]]:
    return [(mark.attributes["class"], mark.attributes["title"], mark.text) for mark in card.all("mark")]


def test_three_examples_of_a_type_are_whole_texts_with_their_spans(tiny: Node, tiny_corpus: CorpusConfig) -> None:
    documents = {d.id: d for split in load(tiny_corpus).splits.values() for d in split}
    found = examples(tiny)
    assert [kind for kind, _, _ in found] == ["armed_attack"] * 3
    assert len({name for _, name, _ in found}) == 3
    for _, name, card in found:
        document = documents[name]
        assert card.text == document.text
        assert marked(card) == [(span.role, span.role, span.text) for span in document.spans]


def test_the_roles_are_named_in_their_colours(tiny: Node) -> None:
    legend = tiny.below("Examples").all("p")[0].all("mark")
    names = ["attacker", "target", "location", "trigger"]
    assert [(node.attributes["class"], node.text) for node in legend] == [(name, name) for name in names]
    (style,) = tiny.all("style")
    assert all(f"mark.{name} " in style.text for name in names)


def test_each_type_has_examples_in_the_order_of_types(tmp_path: Path) -> None:
    kinds = list(EventType)
    trigger = Span.of("fled", TRIGGER, 0, 4)
    documents = [
        Document(f"{kind}{n}", "fled", events=(Event(kind, trigger),)) for n in range(4) for kind in kinds[::-1]
    ]
    found = examples(report(corpus(tmp_path, train=documents), tmp_path))
    assert [kind for kind, _, _ in found] == [kind.value for kind in kinds for _ in range(3)]
    assert all(name.startswith(kind) for kind, name, _ in found)


def test_a_document_is_shown_once_for_each_type(tmp_path: Path) -> None:
    one = bombing("a", "Rebels bombed Arna and bombed Bela.", attacker="Rebels")
    twice = replace(one, events=(*one.events, Event(EventType.BOMBING, Span.of(one.text, TRIGGER, 23, 29))))
    assert [(kind, name) for kind, name, _ in examples(report(corpus(tmp_path, train=[twice]), tmp_path))] == [
        ("bombing", "a")
    ]


def test_an_example_shows_the_spans_of_its_event_only(tmp_path: Path) -> None:
    text = "Rebels bombed Arna. Troops shelled Bela."
    events = (
        bombing("x", text, attacker="Rebels").events[0],
        replace(bombing("x", text, "shelled", attacker="Troops").events[0], type=EventType.SHELLING),
    )
    document = Document("a", text, frozenset(Layer), events=events)
    found = {kind: marked(card) for kind, _, card in examples(report(corpus(tmp_path, train=[document]), tmp_path))}
    assert found == {
        "bombing": [("attacker", "attacker", "Rebels"), ("trigger", "trigger", "bombed")],
        "shelling": [("attacker", "attacker", "Troops"), ("trigger", "trigger", "shelled")],
    }


def test_spans_that_nest_are_cut_into_pieces_that_name_all_their_roles(tmp_path: Path) -> None:
    document = bombing("a", "They bombed Arna town.", target="Arna town", location="Arna", weapon="Arna town")
    ((_, _, card),) = examples(report(corpus(tmp_path, train=[document]), tmp_path))
    assert marked(card) == [
        ("trigger", "trigger", "bombed"), ("target", "target, location, weapon", "Arna"),
        ("target", "target, weapon", " town"),
    ]  # fmt: skip
    assert card.text == document.text


def test_without_events_some_documents_with_spans_are_examples(tmp_path: Path) -> None:
    text = "A farmer fled with a victim."
    victims = tuple(Span.of(text, "victim", *place) for place in ((21, 27), (2, 8)))
    documents = [Document(f"d{n}", text, frozenset({Layer.ROLES}), role_spans=victims) for n in range(5)]
    page = report(corpus(tmp_path, train=documents, dev=[Document("none", "Nobody fled.")]), tmp_path)
    found = examples(page)
    assert [kind for kind, _, _ in found] == ["no event"] * 3
    assert marked(found[0][2]) == [("victim", "victim", "farmer"), ("victim", "victim", "victim")]
    assert "Events by type" not in [node.text for node in page.all("h2")]
    assert page.below("Splits").rows()[1:] == [["train", "5", "0", "30", "0", "10"], ["dev", "1", "1", "2", "0", "0"]]


def test_long_texts_are_cut_between_words_around_the_trigger(tmp_path: Path) -> None:
    text = "before " * 100 + "Rebels bombed Arna " + "after " * 100
    ((_, _, card),) = examples(
        report(corpus(tmp_path, train=[bombing("a", text, attacker="Rebels", target="Arna")]), tmp_path)
    )
    assert card.text in text
    assert re.fullmatch(r"(before )+Rebels bombed Arna( after)+", card.text)
    assert 480 < len(card.text) <= 2 * 260 + len("bombed")
    assert [text for _, _, text in marked(card)] == ["Rebels", "bombed", "Arna"]


@pytest.mark.parametrize("filler", ["弹", "\n", "x"])
def test_where_no_blanks_stand_a_passage_has_text_on_both_sides(tmp_path: Path, filler: str) -> None:
    text = f"{filler * 400}bombed{filler * 400}"
    ((_, _, card),) = examples(report(corpus(tmp_path, train=[bombing("a", text)]), tmp_path))
    assert card.text == f"{filler * 260}bombed{filler * 260}"


def test_arguments_out_of_sight_are_no_part_of_a_passage(tmp_path: Path) -> None:
    text = f"Rebels {'x ' * 300}bombed {'y ' * 300}Arna"
    document = bombing("a", text, attacker="Rebels", target="Arna", weapon=text[6:650])
    ((_, _, card),) = examples(report(corpus(tmp_path, train=[document]), tmp_path))
    assert card.text in text
    assert [title for _, title, _ in marked(card)] == ["weapon", "weapon, trigger", "weapon"]
    assert "Rebels" not in card.text
    assert "Arna" not in card.text


@st.composite
def documents_with_an_event(draw: st.DrawFn) -> Document:
    text = draw(st.text(st.sampled_from("ab \n\r<&\"'\u00a0弹"), min_size=1, max_size=30)) * draw(st.integers(1, 40))

    def place(role: str) -> Span:
        start = draw(st.integers(0, len(text) - 1))
        return Span.of(text, role, start, draw(st.integers(start + 1, len(text))))

    arguments = tuple(place(draw(st.sampled_from(Role)).value) for _ in range(draw(st.integers(0, 4))))
    return Document("d", text, frozenset(Layer), events=(Event(EventType.BOMBING, place(TRIGGER), arguments),))


@settings(max_examples=80, deadline=None)
@given(documents_with_an_event())
def test_a_passage_is_the_text_around_the_trigger_and_every_letter_has_its_roles(
    tmp_path_factory: pytest.TempPathFactory, document: Document
) -> None:
    folder = tmp_path_factory.getbasetemp()
    ((_, _, card),) = examples(report(corpus(folder, train=[document]), folder))
    (event,) = document.events
    expected = [
        (letter, {s.role for s in (event.trigger, *event.arguments) if s.start <= n < s.end})
        for n, letter in enumerate(document.text)
    ]
    found = []
    for child in card.children:
        roles = set() if isinstance(child, str) else set(child.attributes["title"].split(", "))
        found += [(letter, roles) for letter in (child if isinstance(child, str) else child.text)]
    starts = range(max(0, event.trigger.start - 260), event.trigger.start + 1)
    fitting = [start for start in starts if expected[start : start + len(found)] == found]
    assert any(start + len(found) >= event.trigger.end for start in fitting)


# Agreement, resemblance, what was left out


def test_without_two_annotators_the_page_says_so(tiny: Node) -> None:
    section = tiny.below("Agreement of annotators")
    assert section.all("p")[0].text == (
        "No document of this corpus is annotated twice (nothing in agreement/first and agreement/second)."
    )
    assert section.rows() == []


def test_the_agreement_of_two_annotators_is_shown(tmp_path: Path) -> None:
    for side, body in {"first": "{Rebels|A1} {fled|E1:abduction}", "second": "{Reb|A1}els {fled|E1:bombing}"}.items():
        (tmp_path / "agreement" / side).mkdir(parents=True)
        (tmp_path / "agreement" / side / "a.txt").write_text(f"id: a\n---\n{body}.\n", "utf-8")
    section = report(corpus(tmp_path, train=[]), tmp_path).below("Agreement of annotators")
    assert section.all("p")[0].text == "1 documents annotated twice, independently; F1 of one against the other."
    assert section.rows() == [
        ["triggers", "100.0"], ["role spans, exact", "0.0"], ["role spans, overlapping", "100.0"],
        ["event type of shared triggers (accuracy)", "0.0"], ["event arguments", "0.0"],
    ]  # fmt: skip


def test_resembling_documents_are_listed_the_most_alike_first(tmp_path: Path) -> None:
    text = "one two three four five six seven eight"
    held = corpus(
        tmp_path, train=[Document("a", text), Document("b", "other words")],
        test=[Document("c", text), Document("d", f"{text[:23]} and so on")],
    )  # fmt: skip
    section = report(held, tmp_path).below("Resembling documents")
    assert section.all("p")[0].text == (
        "3 pairs share at least a quarter of their five-word sequences, 2 of them across splits."
    )
    assert section.rows()[1:] == [
        ["train/a", "test/c", "100 %", "across splits"],
        ["test/c", "test/d", "25 %", ""],
        ["train/a", "test/d", "25 %", "across splits"],
    ]


def test_no_more_than_fifty_pairs_are_listed_but_all_are_counted(tmp_path: Path) -> None:
    documents = [Document(f"d{n}", "one two three four five six") for n in range(12)]
    section = report(corpus(tmp_path, train=documents), tmp_path).below("Resembling documents")
    assert section.all("p")[0].text.startswith("66 pairs share")
    assert len(section.rows()) == 1 + 50


def test_where_nothing_resembles_there_is_no_table(tmp_path: Path) -> None:
    section = report(corpus(tmp_path, train=[Document("a", "x")]), tmp_path).below("Resembling documents")
    assert section.all("p")[0].text.startswith("0 pairs share")
    assert section.all("table") == []


def test_what_reading_left_out_is_listed(tmp_path: Path) -> None:
    held = replace(corpus(tmp_path, train=[]), left_out=("train.jsonl:3: not JSON.", HOSTILE))
    section = report(held, tmp_path).below("Left out when reading")
    assert section.all("summary")[0].text == "2 entries"
    assert [node.text for node in section.all("li")] == ["train.jsonl:3: not JSON.", HOSTILE]


def test_where_nothing_was_left_out_the_page_is_silent_on_it(tiny: Node) -> None:
    assert "Left out when reading" not in [node.text for node in tiny.all("h2")]


# Little and nothing


def test_an_empty_split_has_a_row_of_noughts(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    (Path(tiny_corpus.path) / "dev.jsonl").write_text("", "utf-8")
    page = report(load(tiny_corpus), tmp_path)
    assert page.below("Splits").rows()[2] == ["dev", *["0"] * 8]
    assert page.below("Events by type").rows()[1] == ["armed_attack", "6", "0", "3", "9", ""]


@pytest.mark.parametrize("splits", [{}, {"train": []}, {"train": [], "dev": [], "test": []}])
def test_an_empty_corpus_has_a_page(tmp_path: Path, splits: dict[str, list[Document]]) -> None:
    page = report(corpus(tmp_path, **splits), tmp_path)
    assert page.below("Splits").rows() == [
        ["split", "documents", "with nothing to mark", "words", "events"],
        *([split, "0", "0", "0", "0"] for split in splits),
    ]
    assert [node.text for node in page.all("h2")] == [
        "Splits", "Span lengths", "Most frequent wordings", "Agreement of annotators", "Resembling documents",
        "Examples",
    ]  # fmt: skip
    assert examples(page) == []


# Safe and self-contained


def hostile_corpus(folder: Path) -> Corpus:
    text = f"{HOSTILE} bombed {HOSTILE[:24]} {HOSTILE}"
    documents = [
        replace(bombing(f"{HOSTILE}{n}", text, target=HOSTILE), meta={HOSTILE: f"{HOSTILE}{n}"}) for n in range(2)
    ]
    held = corpus(folder, **{HOSTILE: documents, "dev": documents[:1]})
    return Corpus(replace(held.config, name=HOSTILE), held.splits, (HOSTILE,))


def test_hostile_names_texts_and_values_are_text_and_nothing_else(tmp_path: Path, tiny_corpus: CorpusConfig) -> None:
    held = hostile_corpus(tmp_path)
    write_corpus_report(held, tmp_path / "hostile.html")
    raw, page = (tmp_path / "hostile.html").read_text("utf-8"), parsed(tmp_path / "hostile.html")
    assert "<script" not in raw
    assert "<img" not in raw
    assert "49" not in page.below("Examples").text, "no template in a template"
    assert page.all("h1")[0].text == page.all("title")[0].text == f"Corpus report: {HOSTILE}"
    assert page.below("Splits").rows()[1][0] == HOSTILE
    assert [row[0] for row in page.below(f"Documents by {HOSTILE}").rows()[1:]] == [f"{HOSTILE}0", f"{HOSTILE}1"]
    assert " ".join(HOSTILE.lower().split()) in page.below("Most frequent wordings").all("li")[0].text
    ((_, name, card), *_) = examples(page)
    document = next(d for d in held.splits[HOSTILE] if d.id == name)
    assert card.text == document.text
    assert marked(card)[0] == ("target", "target", HOSTILE)
    pairs = {cell for row in page.below("Resembling documents").rows()[1:] for cell in row[:2]}
    assert pairs >= {f"{HOSTILE}/{HOSTILE}0", f"dev/{HOSTILE}0"}
    harmless = report(load(tiny_corpus), tmp_path)
    tags = [{node.tag for node in walk(one)} for one in (page, harmless)]
    assert tags[0] - tags[1] <= {"details", "summary"}
    assert {name for node in walk(page) for name in node.attributes} == ATTRIBUTES


ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "style", "title"}


def walk(node: Node) -> list[Node]:
    below = [one for child in node.children if isinstance(child, Node) for one in walk(child)]
    return [node, *below]


@pytest.mark.parametrize("hostile", [False, True])
def test_no_request_leaves_the_page(tiny_corpus: CorpusConfig, tmp_path: Path, hostile: bool) -> None:
    page = report(hostile_corpus(tmp_path) if hostile else load(tiny_corpus), tmp_path)
    nodes = walk(page)
    assert {node.tag for node in nodes}.isdisjoint({"script", "img", "link", "iframe", "object", "form", "base", "a"})
    for node in nodes:
        assert not node.attributes.keys() & {"src", "href", "srcset", "action", "background"}
        assert not any(name.startswith("on") for name in node.attributes)
        assert "url(" not in node.attributes.get("style", "")
    (style,) = page.all("style")
    assert not re.search(r"url\(|@import|https?:|//", style.text)
    policies = [node for node in nodes if node.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert [node.attributes["content"] for node in policies] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]


def test_the_policy_stands_before_everything_that_it_governs(tiny: Node) -> None:
    (head,) = tiny.all("head")
    tags = [node.tag for node in head.children if isinstance(node, Node)]
    assert tags == ["meta", "meta", "meta", "title", "style"]


def test_the_same_corpus_gives_the_same_page(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from conflict_events.config import CorpusConfig\n"
        "from conflict_events.corpora import load\n"
        "from conflict_events.reports.corpus import write_corpus_report\n"
        "config = CorpusConfig(name='tiny', format='jsonl', path=sys.argv[1])\n"
        "write_corpus_report(load(config), Path(sys.argv[2]))\n"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'torch came along'\n"
    )
    pages = [tmp_path / f"{seed}.html" for seed in (1, 2)]
    for seed, page in enumerate(pages):
        done = subprocess.run(
            [sys.executable, "-c", program, tiny_corpus.path, str(page)], env={"PYTHONHASHSEED": str(seed)}, cwd=ROOT,
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert pages[0].read_bytes() == pages[1].read_bytes()
    write_corpus_report(load(tiny_corpus), tmp_path / "here.html")
    assert (tmp_path / "here.html").read_bytes() == pages[0].read_bytes()


def test_a_page_makes_its_folder_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "report.html"
    write_corpus_report(corpus(tmp_path, train=[Document("a", "x")]), path)
    before = path.read_bytes()
    write_corpus_report(corpus(tmp_path, train=[]), path)
    assert path.read_bytes() != before


def test_line_ends_of_a_text_are_kept(tmp_path: Path) -> None:
    write_corpus_report(corpus(tmp_path, train=[bombing("a", "They\r\nbombed\nArna")]), tmp_path / "r.html")
    assert (
        b'They\r\n<mark class="trigger" title="trigger">bombed</mark>\nArna</div>' in (tmp_path / "r.html").read_bytes()
    )


def test_a_value_that_a_template_needs_and_does_not_get_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="'name' is undefined"):
        write_page(tmp_path / "r.html", "corpus.html")


def test_the_projects_own_corpus_has_a_report(tmp_path: Path) -> None:
    own = load(CorpusConfig(name="own", format="jsonl", path=str(ROOT / "data" / "own")))
    page = report(own, tmp_path)
    assert len(examples(page)) == 3 * len(EventType)
    texts = {document.id: document.text for split in own.splits.values() for document in split}
    assert all(card.text in texts[name] for _, name, card in examples(page))
    assert "64 documents annotated twice" in page.below("Agreement of annotators").all("p")[0].text
