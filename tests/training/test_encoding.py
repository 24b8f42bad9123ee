"""Annotation to rows and batches, for the tagger and for the linker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from conftest import ROLES, violent_documents, wordpiece_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import WindowConfig
from conflict_events.errors import DataError
from conflict_events.labels import IGNORE, LabelScheme, tokens_of
from conflict_events.linking.decoding import ROLES as LINKED
from conflict_events.linking.decoding import TYPES
from conflict_events.linking.surroundings import FARTHEST_SENTENCE
from conflict_events.schema import Document, EventType, Role
from conflict_events.training.encoding import Collator, encode
from conflict_events.windows import TextTokenizer, windows_of

TOKENIZER = TextTokenizer(wordpiece_tokenizer())
NAMES = {number: word for word, number in wordpiece_tokenizer().get_vocab().items()}
SCHEME = LabelScheme(ROLES)
WIDE = WindowConfig(64, 16)
Told = tuple[str, str, list[tuple[str, str]]]


def document(text: str, *spans: tuple[str, str]) -> Document:
    """A document of role spans only."""
    record: dict[str, Any] = {"id": "d", "text": text, "spans": []}
    for role, words in spans:
        start = text.index(words)
        record["spans"].append({"role": role, "start": start, "end": start + len(words)})
    return Document.from_record(record)


def with_events(text: str, *events: Mapping[str, Any], layers: Sequence[str] = ("roles", "events")) -> Document:
    """A document of events: ``{"trigger": words, "type": ..., role: [words, ...]}``; the first occurrence counts."""

    def pair(words: str) -> list[int]:
        return [text.index(words), text.index(words) + len(words)]

    records = [
        {
            key: value if key == "type" else pair(value) if key == "trigger" else [pair(words) for words in value]
            for key, value in {"type": "shelling", **event}.items()
        }
        for event in events
    ]
    return Document.from_record({"id": "d", "text": text, "layers": list(layers), "events": records})


def links_of(documents: Sequence[Document], window: WindowConfig = WIDE, reach: int = 30) -> list[list[dict[str, Any]]]:
    """The links of each window."""
    dataset, _ = encode(documents, TOKENIZER, SCHEME, window, reach)
    return [row["links"] for row in dataset]


def told(document: Document, window: WindowConfig = WIDE, reach: int = 30) -> list[list[Told]]:
    """The links of each window in words: (trigger, type, [(role or none, span)])."""
    dataset, _ = encode([document], TOKENIZER, SCHEME, window, reach)
    found = []
    for row in dataset:
        in_row = []
        for link in row["links"]:
            seen = [NAMES[token] for token in row["input_ids"][link["start"] :]][: len(link["sentence"])]

            def words(first: int, last: int, seen: list[str] = seen) -> str:
                return " ".join(seen[first : last + 1])

            places = zip(link["span_first"], link["span_last"], link["span_role"], strict=True)
            spans = [
                ("none" if role == 0 else LINKED[role - 1].value, words(first, last)) for first, last, role in places
            ]
            in_row.append((words(link["first"], link["last"]), TYPES[link["type"]].value, spans))
        found.append(in_row)
    return found


# The tagger's part


def test_encoding_frames_windows_and_labels_their_tokens() -> None:
    text = document("rebels bombed the village", ("attacker", "rebels"), ("target", "village"), ("trigger", "bombed"))
    dataset, lost = encode([text], TOKENIZER, SCHEME, WIDE)
    assert [SCHEME.id2label.get(n, "-") for n in dataset[0]["labels"]] == [
        "-", "B-ATTACKER", "B-TRIGGER", "O", "B-TARGET", "-",
    ]  # fmt: skip
    assert dataset[0]["length"] == len(dataset[0]["input_ids"]) == 6
    assert (lost.spans, lost.cut, lost.competing) == (3, 0, 0)


def test_a_span_that_a_window_shows_in_part_is_hidden_from_the_loss_there_and_whole_in_another() -> None:
    text = document("the " * 7 + "rebels near the village " + "the " * 9, ("attacker", "rebels near the village"))
    dataset, lost = encode([text], TOKENIZER, SCHEME, WindowConfig(max_tokens=14, overlap=6))
    runs = [[n for n in row["labels"][1:-1] if n != 0] for row in dataset]
    begin, inside = SCHEME.begin("attacker"), SCHEME.inside("attacker")
    assert [begin, inside, inside, inside] in runs
    assert all(run in ([], [begin, inside, inside, inside], [IGNORE] * len(run)) for run in runs)
    assert any(IGNORE in run for run in runs), "the case under test does not occur"
    assert lost.cut == 0


def test_lost_gold_is_counted() -> None:
    long = "rebels " * 12
    cut = document(long + "the " * 12, ("attacker", long.strip()))
    competing = document("rebels bombed", ("attacker", "rebels"), ("target", "rebels"))
    _, lost = encode([cut, competing], TOKENIZER, SCHEME, WindowConfig(12, 4))
    assert (lost.spans, lost.cut, lost.competing) == (3, 1, 1)


def test_rows_say_which_labels_nobody_looked_for_if_any_has_some() -> None:
    documents = [document("rebels " * 20), document("rebels bombed", ("attacker", "rebels"))]
    dataset, _ = encode(documents, TOKENIZER, SCHEME, WindowConfig(12, 4), unread=[(), {"trigger", "weapon"}])
    *long, short = (row["unread"] for row in dataset)
    assert len(long) > 1
    assert all(unread == [False] * len(SCHEME.labels) for unread in long)
    assert {label for label, hidden in zip(SCHEME.labels, short, strict=True) if hidden} == {
        "B-TRIGGER", "I-TRIGGER", "B-WEAPON", "I-WEAPON",
    }  # fmt: skip
    assert Collator(0)(list(dataset))["unread"].tolist() == [*long, short]
    dataset, _ = encode(documents, TOKENIZER, SCHEME, WIDE, unread=[(), ()])
    assert "unread" not in dataset.column_names


def test_a_training_split_without_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"corpus\.path"):
        encode([document("")], TOKENIZER, SCHEME, WindowConfig())


# The linker's part


def test_links_decode_back_to_the_annotation() -> None:
    text = "rebels shelled troops near the village . troops attacked with 7 7"
    annotated = with_events(
        text,
        {"trigger": "attacked", "type": "armed_clash", "target": ["rebels"], "attacker": ["troops"], "weapon": ["7 7"]},
        {"trigger": "shelled", "attacker": ["rebels"], "target": ["troops"], "location": ["near the village"]},
    )
    assert told(annotated) == [
        [
            (
                "shelled",
                "shelling",
                [("attacker", "rebels"), ("target", "troops"), ("location", "near the village"), ("none", "7 7")],
            ),
            (
                "attacked",
                "armed_clash",
                [("target", "rebels"), ("attacker", "troops"), ("none", "near the village"), ("weapon", "7 7")],
            ),
        ]
    ]


def test_a_link_says_where_tokens_stand_to_the_trigger() -> None:
    annotated = with_events(
        "rebels slept. Troops shelled. the village attacked", {"trigger": "shelled"}, {"trigger": "attacked"}
    )
    ((first, second),) = links_of([annotated], reach=100)
    (tokens,) = TOKENIZER([annotated.text])
    assert len(first["sentence"]) == len(first["between"]) == len(second["between"]) == len(tokens)
    assert first["start"] == second["start"] == 1, "after [CLS]"
    dots = [n for n, token in enumerate(tokens.ids) if NAMES[int(token)] == "."]
    away = [-1] * (dots[0] + 1) + [0] * (dots[1] - dots[0]) + [1] * (len(tokens) - dots[1] - 1)
    assert first["sentence"] == [number + FARTHEST_SENTENCE for number in away]
    assert first["between"] == [0] * (len(tokens) - 1) + [1]
    assert second["between"] == [1] * first["first"] + [0] * (len(tokens) - first["first"])


def test_the_reach_bounds_what_a_link_sees() -> None:
    annotated = with_events(
        "rebels the the the shelled the the the troops",
        {"trigger": "shelled", "attacker": ["rebels"], "target": ["troops"]},
    )
    assert told(annotated, reach=4) == [[("shelled", "shelling", [("attacker", "rebels"), ("target", "troops")])]]
    assert told(annotated, reach=3) == [[("shelled", "shelling", [])]]
    ((link,),) = links_of([annotated], reach=2)
    assert (len(link["sentence"]), link["start"], link["first"], link["last"]) == (5, 3, 2, 2)


def test_a_trigger_belongs_to_the_windows_that_show_it_whole() -> None:
    text = "the " * 10 + "shelled and attacked " + "the " * 14
    annotated = with_events(text, {"trigger": "shelled and attacked"})  # shelled a ##n ##d attacked
    window = WindowConfig(14, 6)
    (tokens,) = TOKENIZER([text])
    shown = [part.start <= 10 and part.end >= 15 for part in windows_of(len(tokens), window, 2)]
    assert any(shown) and not all(shown), "the case under test does not occur"
    assert [len(links) for links in told(annotated, window)] == [int(whole) for whole in shown]


def test_spans_that_the_window_cuts_are_no_arguments_there() -> None:
    text = "shelled " + "the " * 6 + "rebels near the village " + "the " * 9
    annotated = with_events(text, {"trigger": "shelled", "attacker": ["rebels near the village"]})
    assert told(annotated, WindowConfig(12, 4))[0] == [("shelled", "shelling", [])]
    assert told(annotated, WIDE)[0] == [("shelled", "shelling", [("attacker", "rebels near the village")])]


def test_documents_without_the_events_layer_have_no_links() -> None:
    trigger = {"trigger": "shelled", "attacker": ["rebels"]}
    mixed = [
        document("rebels shelled", ("attacker", "rebels")),
        with_events("rebels shelled", trigger),
        with_events("rebels shelled", trigger, layers=["roles"]),
        with_events("the village"),
    ]
    assert [len(links) for links in links_of(mixed)] == [0, 1, 0, 0]


def test_without_events_anywhere_every_window_has_no_links() -> None:
    assert links_of([document("rebels"), document("the village " * 60)]) == [[]] * 4


def test_without_a_linker_rows_are_the_taggers_alone() -> None:
    dataset, _ = encode(violent_documents(2, "train"), TOKENIZER, SCHEME, WIDE)
    assert set(dataset.column_names) == {"input_ids", "labels", "length"}


@given(
    words=st.lists(st.sampled_from(["rebels", "troops", "the", "village", ".", "7"]), min_size=8, max_size=30),
    triggers=st.sets(st.integers(0, 29), max_size=5),
    window=st.sampled_from([WindowConfig(12, 4), WindowConfig(20, 8), WIDE]),
    reach=st.integers(1, 12),
    random=st.randoms(use_true_random=False),
)
@settings(max_examples=20, deadline=None, database=None)
def test_links_are_the_events_of_the_window_within_reach(
    words: list[str], triggers: set[int], window: WindowConfig, reach: int, random: Any
) -> None:
    # Words are single tokens, so that word numbers are token numbers.
    at = sorted(n for n in triggers if n < len(words))
    starts = [sum(len(word) + 1 for word in words[:n]) for n in range(len(words))]
    text = " ".join(words)

    def pair(first: int, last: int) -> list[int]:
        return [starts[first], starts[last] + len(words[last])]

    arguments = {n: {} for n in at}  # type: dict[int, dict[tuple[int, int], Role]]
    for n in at:
        for _ in range(random.randint(0, 3)):
            first = random.randrange(len(words))
            place = (first, min(first + random.randint(0, 2), len(words) - 1))
            arguments[n][place] = random.choice(list(Role))
    records = [
        {"type": random.choice(list(EventType)).value, "trigger": pair(n, n)}
        | {role.value: [pair(*place) for place, own in arguments[n].items() if own is role] for role in Role}
        for n in at
    ]
    annotated = Document.from_record({"id": "d", "text": text, "layers": ["events"], "events": records})
    everything = sorted({place for of_event in arguments.values() for place in of_event})
    dataset, _ = encode([annotated], TOKENIZER, SCHEME, window, reach)
    parts = windows_of(len(words), window, 2)
    assert len(dataset) == len(parts)
    for row, part in zip(dataset, parts, strict=True):
        shown = [n for n in at if part.start <= n < part.end]
        assert len(row["links"]) == len(shown)
        for n, link in zip(shown, row["links"], strict=True):
            low, high = max(part.start, n - reach), min(part.end, n + reach + 1)
            seen = [(first, last) for first, last in everything if low <= first and last < high]
            assert link["start"] == low - part.start + 1
            assert (link["first"], link["last"]) == (n - low, n - low)
            assert len(link["sentence"]) == len(link["between"]) == high - low
            assert list(zip(link["span_first"], link["span_last"], strict=True)) == [
                (first - low, last - low) for first, last in seen
            ]
            own = [arguments[n].get(place) for place in seen]
            assert link["span_role"] == [0 if role is None else LINKED.index(role) + 1 for role in own]
            assert link["type"] == TYPES.index(annotated.events[at.index(n)].type)


# Batches


def rows(*documents: Document, reach: int | None = 30) -> list[Mapping[str, Any]]:
    dataset, _ = encode(documents, TOKENIZER, SCHEME, WIDE, reach)
    return list(dataset)


def test_rows_are_padded_and_links_name_their_row() -> None:
    batch = Collator(0)(
        rows(
            with_events("the village"),
            with_events("rebels shelled the village", {"trigger": "shelled", "attacker": ["rebels"]}),
            with_events(
                "troops bombed rebels . troops attacked",
                {"trigger": "bombed", "target": ["rebels"], "attacker": ["troops"]},
                {"trigger": "attacked"},
            ),
        )
    )
    rows_, tokens = batch["input_ids"].shape
    assert batch["labels"].shape == batch["attention_mask"].shape == (rows_, tokens) == (3, max(tokens, 8))
    assert batch["attention_mask"].sum(1).tolist() == [4, 6, 8]
    assert set(batch["labels"][batch["attention_mask"] == 0].tolist()) <= {IGNORE}
    assert set(batch["input_ids"][batch["attention_mask"] == 0].tolist()) <= {0}
    real = batch["link_type"] != IGNORE  # others fill the batch up
    assert real.tolist() == [True] * 3 + [False] * (len(real) - 3)
    assert batch["link_type"][real].tolist() == [TYPES.index(EventType.SHELLING)] * 3
    assert batch["link_row"][real].tolist() == [1, 2, 2]
    assert batch["link_start"][real].tolist() == [1, 1, 1]
    assert batch["link_first"][real].tolist() == batch["link_last"][real].tolist() == [1, 1, 5]
    assert batch["link_mask"].dtype == torch.bool
    assert batch["link_mask"][real].sum(1).tolist() == [4, 6, 6]
    assert batch["link_mask"].any(1).all(), "attention over no tokens is not a number"
    assert batch["link_sentence"].shape == batch["link_between"].shape == batch["link_mask"].shape
    assert batch["link_span_first"][real, :2].tolist() == [[0, 0], [0, 2], [0, 2]]
    assert batch["link_span_last"][real, :2].tolist() == [[0, 0], [0, 2], [0, 2]]
    attacker, target = (LINKED.index(role) + 1 for role in (Role.ATTACKER, Role.TARGET))
    assert batch["link_span_role"][real, :2].tolist() == [[attacker, IGNORE], [attacker, target], [0, 0]]
    assert set(batch["link_span_role"][~real].flatten().tolist()) <= {IGNORE}
    assert set(batch["link_span_role"][:, 2:].flatten().tolist()) <= {IGNORE}


def test_a_batch_whose_events_have_no_spans_has_no_roles() -> None:
    batch = Collator(0)(rows(with_events("they shelled", {"trigger": "shelled"})))
    assert set(batch["link_span_role"].flatten().tolist()) <= {IGNORE}
    assert int((batch["link_type"] != IGNORE).sum()) == 1


@pytest.mark.parametrize("reach", [None, 30])
def test_a_batch_without_links_is_the_taggers_alone(reach: int | None) -> None:
    batch = Collator(7)(rows(document("the village"), document("rebels"), reach=reach))
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    assert set(batch["input_ids"][batch["attention_mask"] == 0].tolist()) == {7}


def test_triggers_are_where_their_tokens_are() -> None:
    (annotated,) = violent_documents(1, "train")
    (row,) = rows(annotated)
    (tokens,) = TOKENIZER([annotated.text])
    (event,), (link,) = annotated.events, row["links"]
    touched = tokens_of(tokens.offsets, event.trigger.start, event.trigger.end)
    assert link["start"] - 1 + link["first"] == touched[0]
    assert link["start"] - 1 + link["last"] == touched[-1]
