from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from strategies import content, documents

from conflict_events.corpora.formats.graph import Link, Region, from_graph, overlapping, spaced, to_graph
from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span

TEXT = "Rebels shelled a market in Tarin and burned it."
ATTACKER = Region("a", "attacker", 0, 6)
SHELLED = Region("s", "shelling", 7, 14)
MARKET = Region("m", "target", 15, 32)
TARIN = Region("t", "location", 27, 32)
BURNED = Region("b", "other_violence", 37, 43)


def graph(*parts: Region | Link, log: Log | None = None, text: str = TEXT) -> Document:
    regions = [part for part in parts if isinstance(part, Region)]
    links = [part for part in parts if isinstance(part, Link)]
    return from_graph("d", text, regions, links, log or Log(), "file.ann")


def told(document: Document) -> dict[str, list[tuple[str, str]]]:
    """The arguments of each event, by its trigger."""
    return {event.trigger.text: [(span.role, span.text) for span in event.arguments] for event in document.events}


@settings(max_examples=300, deadline=None)
@given(documents())
def test_a_document_comes_back_from_its_graph(document: Document) -> None:
    log = Log()
    back = from_graph(
        document.id, document.text, *to_graph(document), log, "here", document.layers, dict(document.meta)
    )
    assert content(back) == content(document)
    assert log.left_out == []


@settings(max_examples=150, deadline=None)
@given(documents())
def test_a_graph_has_a_region_for_each_span_and_event_and_every_link_has_its_ends(document: Document) -> None:
    regions, links = to_graph(document)
    arguments = {span for event in document.events for span in event.arguments}
    assert len(regions) == len({*document.role_spans, *arguments}) + len(document.events)
    assert len({region.id for region in regions}) == len(regions)
    assert [(r.start, r.end, r.label) for r in regions] == sorted((r.start, r.end, r.label) for r in regions)
    assert len(links) == sum(len(event.arguments) for event in document.events)
    labels = {region.id: region.label for region in regions}
    for link in links:
        assert labels[link.head] in set(EventType)
        assert labels[link.tail] == link.label


def test_regions_are_numbered_in_text_order_and_links_lead_from_triggers_to_arguments() -> None:
    attacker = Span.of(TEXT, Role.ATTACKER.value, 0, 6)
    events = (
        Event(EventType.OTHER_VIOLENCE, Span.of(TEXT, TRIGGER, 37, 43), (attacker,)),
        Event(EventType.SHELLING, Span.of(TEXT, TRIGGER, 7, 14), (attacker, Span.of(TEXT, "target", 15, 32))),
    )
    assert to_graph(Document("d", TEXT, role_spans=(attacker, Span.of(TEXT, "location", 27, 32)), events=events)) == (
        [
            Region("T1", "attacker", 0, 6),
            Region("T2", "shelling", 7, 14),
            Region("T3", "target", 15, 32),
            Region("T4", "location", 27, 32),
            Region("T5", "other_violence", 37, 43),
        ],
        [Link("T5", "T1", "attacker"), Link("T2", "T1", "attacker"), Link("T2", "T3", "target")],
    )


def test_two_events_with_one_trigger_keep_their_own_arguments() -> None:
    document = graph(
        ATTACKER, MARKET, SHELLED, Region("s2", "shelling", 7, 14), Region("s3", "bombing", 7, 14),
        Link("s", "a", "attacker"), Link("s2", "m", "target"),
    )  # fmt: skip
    assert sorted((event.type.value, [span.role for span in event.arguments]) for event in document.events) == [
        ("bombing", []), ("shelling", ["attacker"]), ("shelling", ["target"]),
    ]  # fmt: skip


def test_events_come_in_text_order_and_regions_that_no_event_takes_are_role_spans() -> None:
    document = graph(BURNED, TARIN, MARKET, SHELLED, ATTACKER, Link("s", "m", "target"))
    assert told(document) == {"shelled": [("target", "a market in Tarin")], "burned": []}
    assert list(told(document)) == ["shelled", "burned"]
    assert [str(span) for span in document.role_spans] == ["attacker 'Rebels' at 0", "location 'Tarin' at 27"]


def test_an_argument_has_the_role_of_each_link_that_leads_to_it() -> None:
    """A region may serve several events in several roles, whatever its own label."""
    log = Log({"PER": "person"})
    document = graph(
        Region("a", "PER", 0, 6), SHELLED, BURNED, Link("s", "a", "attacker"), Link("b", "a", "target"), log=log
    )
    assert told(document) == {"shelled": [("attacker", "Rebels")], "burned": [("target", "Rebels")]}
    assert document.role_spans == ()
    assert log.left_out == []


def test_a_link_without_a_label_takes_that_of_the_region_it_leads_to() -> None:
    log = Log({"ORG": "attacker"})
    document = graph(Region("a", "ORG", 0, 6), MARKET, SHELLED, Link("s", "a", ""), Link("s", "m", ""), log=log)
    assert told(document) == {"shelled": [("attacker", "Rebels"), ("target", "a market in Tarin")]}
    assert log.left_out == []


def test_labels_are_mapped_in_regions_and_links() -> None:
    log = Log({"Conflict.Attack": "shelling", "Place": "location", "Arg-Loc": "location"})
    document = graph(
        Region("s", "Conflict.Attack", 7, 14), Region("t", "Place", 27, 32), Region("p", "Place", 0, 6),
        Link("s", "t", "Arg-Loc"), log=log,
    )  # fmt: skip
    assert told(document) == {"shelled": [("location", "Tarin")]}
    assert [str(span) for span in document.role_spans] == ["location 'Rebels' at 0"]
    assert log.left_out == []


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Perpetrator Individual", "perpetrator_individual"),
        ("ATTACKER", "attacker"),
        ("perp-individual", "perp_individual"),
        (" Weapon ", "weapon"),
        ("Human.Target/2", "human_target_2"),
    ],
)
def test_labels_become_names(label: str, role: str) -> None:
    assert [span.role for span in graph(Region("a", label, 0, 6)).spans] == [role]


@pytest.mark.parametrize("label", ["Air Strike", "AIR_STRIKE", "air-strike"])
def test_labels_become_event_types(label: str) -> None:
    assert [event.type for event in graph(Region("s", label, 7, 14)).events] == [EventType.AIR_STRIKE]


def test_a_label_that_makes_no_name_can_be_mapped() -> None:
    with pytest.raises(DataError, match=r"label 'Цель'.*corpus\.label_map"):
        graph(Region("a", "Цель", 0, 6))
    assert [span.role for span in graph(Region("a", "Цель", 0, 6), log=Log({"Цель": "target"})).spans] == ["target"]


def test_regions_with_dropped_labels_are_gone_and_may_cross_others() -> None:
    log = Log({"Paragraph": None})
    document = graph(Region("p", "Paragraph", 3, 20), ATTACKER, SHELLED, log=log)
    assert [span.text for span in document.spans] == ["Rebels", "shelled"]
    assert log.left_out == []


def test_a_region_with_a_dropped_label_that_a_link_leads_to_is_checked_like_any_other() -> None:
    log = Log({"Thing": None})
    thing = Region("x", "Thing", 24, 40)
    assert told(graph(SHELLED, thing, Link("s", "x", "target"), log=log)) == {
        "shelled": [("target", "in Tarin and bur")]
    }
    with pytest.raises(DataError, match=r"regions target .* and Thing .* overlap in part"):
        graph(SHELLED, MARKET, thing, Link("s", "x", "target"), log=log)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (ATTACKER, MARKET, Link("a", "m", "target")),
            "link 'target' from attacker 'Rebels' at 0 to target 'a market in Tarin' at 15",
        ),
        ((SHELLED, BURNED, Link("s", "b", "cause")), "link 'cause' from shelling 'shelled' at 7 to other_violence"),
        ((SHELLED, BURNED, Link("s", "b", "target")), "link 'target' from shelling 'shelled' at 7 to other_violence"),
        ((SHELLED, Link("s", "s", "target")), "link 'target' from shelling 'shelled' at 7 to shelling 'shelled' at 7"),
        (
            (SHELLED, TARIN, Link("s", "t", "time")),
            "link 'time' from shelling 'shelled' at 7 to location 'Tarin' at 27",
        ),
        ((SHELLED, Region("x", "date", 0, 6), Link("s", "x", "")), "link '' from shelling 'shelled' at 7 to date"),
        ((SHELLED, Region("n", "None", 0, 6), Link("s", "n", "")), "link '' from shelling 'shelled' at 7 to None"),
        ((SHELLED, MARKET, Link("s", "m", "None")), "link 'None' from shelling 'shelled' at 7 to target"),
        ((Region("n", "None", 0, 6), MARKET, Link("n", "m", "target")), "link 'target' from None 'Rebels' at 0"),
    ],
)
def test_links_that_are_left_out_are_told(parts: tuple[Region | Link, ...], message: str) -> None:
    log = Log({"None": None})
    document = graph(*parts, log=log)
    assert [line.startswith(f"file.ann: {message}") for line in log.left_out] == [True], log.left_out
    assert all(event.arguments == () for event in document.events)


def test_a_region_whose_link_is_left_out_stays_a_role_span() -> None:
    assert [span.text for span in graph(SHELLED, TARIN, Link("s", "t", "time")).role_spans] == ["Tarin"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((Region("a", "attacker", 40, 48),), r"span \[40, 48\) leaves the text of 47 characters"),
        ((Region("a", "attacker", -1, 3),), r"span \[-1, 3\) leaves the text"),
        ((Region("a", "attacker", 3, 3),), r"span \[3, 3\) is empty"),
        ((Region("a", "attacker", 6, 3),), r"span \[6, 3\) is empty or negative"),
        ((Region("a", "attacker", 0, "6"),), "offsets must be integers, not 0 and '6'"),  # type: ignore[arg-type]
        ((Region("a", "attacker", 0, 6.0),), "offsets must be integers, not 0 and 6.0"),  # type: ignore[arg-type]
        ((SHELLED, Link("s", "x", "target")), "a link 'target' leads to region 'x', which there is not"),
        ((TARIN, Link("x", "t", "")), "a link '' leads to region 'x', which there is not"),
        ((ATTACKER, Region("a", "target", 7, 14)), "two regions have the same id.*Number the regions anew"),
        (
            (SHELLED, MARKET, TARIN, Link("s", "m", "target"), Link("s", "t", "location")),
            "target 'a market in Tarin' at 15 and location 'Tarin' at 27 overlap in the event 'shelled'.*Keep one",
        ),
        (
            (SHELLED, TARIN, Link("s", "t", "target"), Link("s", "t", "location")),
            "location 'Tarin' at 27 and target 'Tarin' at 27 overlap in the event 'shelled'",
        ),
        (
            (SHELLED, Region("w", "weapon", 7, 12), Link("s", "w", "weapon")),
            "weapon 'shell' at 7 and trigger 'shelled' at 7 overlap in the event 'shelled'",
        ),
        (
            (MARKET, Region("x", "location", 24, 40)),
            "regions target 'a market in Tarin' at 15 and location 'in Tarin and bur' at 24 overlap in part.*Let one",
        ),
        ((Region("x", "weapon", 0, 9), SHELLED), "regions weapon 'Rebels sh' at 0 and shelling 'shelled' at 7 overlap"),
        ((Region("a", "1st", 0, 6),), "role '1st' is not a name"),
        ((Region("a", "--", 0, 6),), r"label '--'.*corpus\.label_map"),
        ((SHELLED, TARIN, Link("s", "t", "?")), r"label '\?'.*corpus\.label_map"),
    ],
)
def test_what_is_wrong_with_a_graph_is_told(parts: tuple[Region | Link, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        graph(*parts)


def test_regions_that_cross_are_found_behind_others_that_do_not() -> None:
    inner = [Region(f"i{n}", "weapon", n, n + 1) for n in range(15, 31)]
    with pytest.raises(DataError, match="regions target 'a market in Tarin' at 15 and location 'n and' at 31"):
        graph(MARKET, *inner, Region("x", "location", 31, 36))


def test_regions_may_nest_touch_and_coincide() -> None:
    parts = [Region(str(n), "target", *at) for n, at in enumerate([(0, 14), (0, 6), (6, 7), (7, 14), (8, 9), (0, 14)])]
    assert [(span.start, span.end) for span in graph(*parts).spans] == [(0, 6), (0, 14), (6, 7), (7, 14), (8, 9)]


@pytest.mark.parametrize(
    ("identifier", "text", "message"),
    [
        ("", "Hi", "the document has no id.*unique, non-empty id"),
        ("d", "a\ud83d b", "half a surrogate pair at character 1.*Write the character whole"),
    ],
)
def test_a_document_needs_an_id_and_whole_characters(identifier: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_graph(identifier, text, [], [], Log(), "here")


def test_layers_and_meta_are_carried_along() -> None:
    meta: dict[str, Any] = {"source": "wire"}
    document = from_graph("d", "", [], [], Log(), "here", frozenset({Layer.ROLES}), meta)
    assert document == Document("d", "", frozenset({Layer.ROLES}), meta={"source": "wire"})
    meta["source"] = "changed later"
    assert document.meta == {"source": "wire"}


@pytest.mark.parametrize(
    ("pieces", "holds"),
    [
        ([(0, 1)], True),
        ([(0, 1), (1, 2)], True),
        ([(0, 1), (4, 5)], True),
        ([(0, 1), (4, 5), (6, 7)], False),
        ([(4, 5), (0, 1)], False),
        ([(0, 5), (4, 5)], False),
    ],
)
def test_pieces_are_spaced_if_only_white_space_is_between(pieces: list[tuple[int, int]], holds: bool) -> None:
    assert spaced(pieces, "a \n\u00a0b-c") is holds


def test_spans_overlap_if_they_share_a_character() -> None:
    spans = [Span.of(TEXT, "target", *at) for at in [(0, 4), (4, 6), (3, 5), (2, 3)]]
    assert [(one.start, other.start) for one, other in overlapping(spans)] == [(0, 2), (0, 3), (3, 4)]
