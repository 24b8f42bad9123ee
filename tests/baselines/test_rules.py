"""The rule system on hand-written sentences."""

from __future__ import annotations

import pytest
from conftest import ROLES

from conflict_events.baselines.base import Options
from conflict_events.baselines.lexicon import load
from conflict_events.baselines.rules import Rules
from conflict_events.errors import ConfigError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span

AWKWARD = (
    "\u201cRebels\u201d\u00a0attacked a caf\u0065\u0301 \U0001f642 in\r\nTarmo.\r\n\r\n"
    "Gunmen ambushed a con\u00advoy\u2014twice\u2026"
)


def test_the_lexicon_holds_words_in_lower_case_and_lists_that_name_its_entries() -> None:
    lexicon = load()
    names = {entry.name for entry in lexicon}
    assert {entry.type for entry in lexicon} == set(EventType)
    assert all(word == word.lower() for entry in lexicon for word in entry.words)
    for name in ("weak", "generic", "with_munition", "without_agent", "mutual", "needs_object"):
        assert lexicon.lists[name] <= names, name


def test_longer_entries_come_first() -> None:
    lengths = [len(entry.words) for entry in load().entries["shoot"]]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 1


@pytest.fixture(scope="module")
def rules() -> Rules:
    try:
        return Rules(Options())
    except ConfigError as error:
        pytest.skip(str(error))


def only(rules: Rules, text: str) -> Event:
    ((_, events),) = rules.predict([text])
    (event,) = events
    return event


def arguments(event: Event, role: Role) -> list[str]:
    return [span.text for span in event.by_role(role)]


def test_active_voice(rules: Rules) -> None:
    event = only(rules, "Russian warplanes bombed a bakery in Idlib with barrel bombs.")
    assert (event.trigger.text, event.type) == ("bombed", EventType.AIR_STRIKE)
    assert arguments(event, Role.ATTACKER) == ["Russian warplanes"]
    assert arguments(event, Role.TARGET) == ["bakery"]
    assert arguments(event, Role.LOCATION) == ["Idlib"]
    assert arguments(event, Role.WEAPON) == ["barrel bombs"]


def test_passive_voice(rules: Rules) -> None:
    event = only(rules, "An army convoy was ambushed by rebels near Aleppo.")
    assert (event.trigger.text, event.type) == ("ambushed", EventType.ARMED_ATTACK)
    assert arguments(event, Role.ATTACKER) == ["rebels"]
    assert arguments(event, Role.TARGET) == ["army convoy"]
    assert arguments(event, Role.LOCATION) == ["Aleppo"]


def test_a_nominal_trigger_takes_the_victims_of_a_weaker_word(rules: Rules) -> None:
    event = only(rules, "The shelling of the village by the army killed at least 12 civilians.")
    assert (event.trigger.text, event.type) == ("shelling", EventType.SHELLING)
    assert arguments(event, Role.ATTACKER) == ["army"]
    assert arguments(event, Role.TARGET) == ["village", "12 civilians"]


def test_what_explodes_is_the_weapon(rules: Rules) -> None:
    event = only(rules, "A car bomb exploded near the market, wounding two policemen.")
    assert (event.trigger.text, event.type) == ("exploded", EventType.BOMBING)
    assert arguments(event, Role.ATTACKER) == []
    assert arguments(event, Role.WEAPON) == ["car bomb"]
    assert arguments(event, Role.TARGET) == ["two policemen"]
    assert arguments(event, Role.LOCATION) == ["market"]


def test_a_phrase_of_several_words_is_one_trigger(rules: Rules) -> None:
    event = only(rules, "Gunmen opened fire on a bus in Karachi.")
    assert event.trigger.text == "opened fire"
    assert arguments(event, Role.TARGET) == ["bus"]
    assert arguments(event, Role.ATTACKER) == ["Gunmen"]


def test_coordinated_victims_are_spans_of_their_own(rules: Rules) -> None:
    event = only(rules, "Militants kidnapped three teachers and a driver.")
    assert event.type == EventType.ABDUCTION
    assert arguments(event, Role.TARGET) == ["three teachers", "driver"]


def test_a_relative_pronoun_stands_for_its_noun(rules: Rules) -> None:
    event = only(rules, "The police arrested the men who stabbed a nurse.")
    assert arguments(event, Role.ATTACKER) == ["men"]
    assert arguments(event, Role.TARGET) == ["nurse"]


def test_pronouns_are_never_marked(rules: Rules) -> None:
    assert only(rules, "They attacked him.").arguments == ()


@pytest.mark.parametrize(
    "text",
    [
        "The army did not shell the town.",
        "The kidnapped engineers came home.",
        "The rebels could attack the city.",
        "The committee met in Geneva on Monday.",
        "",
        " \r\n\u00a0",
        "\U0001f642 \u2026",
    ],
)
def test_what_did_not_happen_is_no_event(rules: Rules, text: str) -> None:
    assert rules.predict([text]) == [([], [])]


def test_offsets_hold_in_awkward_text(rules: Rules) -> None:
    ((spans, events),) = rules.predict([AWKWARD])
    Document("awkward", AWKWARD, frozenset(Layer), tuple(spans), tuple(events))  # refuses spans of another text
    assert {"attacked", "ambushed"} <= {span.text for span in spans}


def document(number: int, text: str, trigger: str | None) -> Document:
    events: tuple[Event, ...] = ()
    if trigger:
        start = text.index(trigger)
        events = (Event(EventType.ARMED_ATTACK, Span.of(text, TRIGGER, start, start + len(trigger))),)
    return Document(f"d{number}", text, frozenset(Layer), (), events)


def test_entries_that_are_seldom_triggers_are_switched_off(rules: Rules) -> None:
    strikes = [document(n, "Workers began a strike on Monday.", None) for n in range(4)]
    ambushes = [document(n, "Rebels ambushed a convoy.", "ambushed") for n in range(4, 8)]
    fitted = Rules(Options())
    fitted.fit([*strikes, *ambushes], [*strikes, *ambushes], ROLES)
    assert fitted.tried[fitted.chosen] == max(fitted.tried.values())
    names = {entry.name for entry in fitted.trusted}
    assert "ambush" in names
    assert "massacre" in names, "what train does not show keeps its place"
    assert fitted.predict(["Workers began a strike on Monday."]) == [([], [])]


def test_roles_that_the_corpus_does_not_have_are_not_predicted(rules: Rules) -> None:
    fitted = Rules(Options())
    text = "Rebels ambushed a convoy."
    fitted.fit([Document("d", text, frozenset({Layer.ROLES}))], [], ["attacker", "victim"])
    ((spans, events),) = fitted.predict([text])
    assert [(span.role, span.text) for span in spans] == [("attacker", "Rebels")]
    assert events == []
    with pytest.raises(ConfigError, match="the corpus has victim"):
        fitted.fit([Document("d", text)], [], ["victim"])
