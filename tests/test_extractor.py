"""The class that users call: records, laziness, order, thresholds, and texts as they come."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import ROLES, SMALL_LINKER, tiny_linker, violent_documents, wordpiece_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import pipeline

from conflict_events.checkpoint import Settings
from conflict_events.confidence import Confidence, Kind
from conflict_events.config import CheckpointConfig, DecodingConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError, InputError
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.hub import packaged
from conflict_events.labels import LabelScheme
from conflict_events.linking.network import save_linker
from conflict_events.linking.rule import TypeModel
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.metrics.calibration import Scaling
from conflict_events.scores import Link, LinkScores, Scored
from conflict_events.tagging import Tagger
from conflict_events.windows import TextTokenizer

TEXT = "Rebels attacked the village near hill 3.\r\nTroops\u00a0bombed the caf\u00e9 \U0001f4a3 with cafe\u0301 oil."
WORDS = {"rebels": "ATTACKER", "attacked": "TRIGGER", "bombed": "TRIGGER", "village": "TARGET"}


class Keywords:
    """An engine that is nine tenths sure of the label of each known word."""

    def __init__(self) -> None:
        self.windows = 0
        labels = LabelScheme(ROLES).label2id
        vocabulary = wordpiece_tokenizer().get_vocab()
        self._column = {vocabulary[word]: labels[f"B-{role}"] for word, role in WORDS.items()}

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        self.windows += len(windows)
        scores = []
        for window in windows:
            rows = np.full((len(window), 11), 0.01)
            rows[np.arange(len(window)), [self._column.get(token, 0) for token in window]] = 0.9
            scores.append(Scored(np.log(rows).astype(np.float32), None))
        return scores

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        raise AssertionError("a checkpoint without linker is not asked to link")


def keyword_extractor(engine: Keywords | None = None, types: TypeModel | None = None) -> EventExtractor:
    scheme = LabelScheme(ROLES)
    tagger = Tagger(
        TextTokenizer(wordpiece_tokenizer()), engine or Keywords(), scheme, scheme.columns, WindowConfig(64, 16),
        DecodingConfig(), types=types,
    )  # fmt: skip
    return EventExtractor(tagger, name="tiny@1")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """Random weights: they find many spans, though none that makes sense."""
    folder = Path(shutil.copytree(tiny_encoder, tmp_path_factory.mktemp("model") / "tiny"))
    types = TypeModel.fit(violent_documents(6, "train"))
    assert types is not None
    Settings(window=WindowConfig(64, 16), event_types=types.to_record()).save(folder)
    return folder


@pytest.fixture(scope="module")
def extractor(checkpoint: Path) -> EventExtractor:
    return EventExtractor.from_pretrained(checkpoint, device="cpu")


def spans_of(extraction: Extraction) -> list[tuple[str, int, int]]:
    return [span.key for span in extraction.spans]


# Records


def test_a_record_has_exactly_the_keys_of_the_format() -> None:
    types = TypeModel({"air_strike": 3, "armed_attack": 1}, {})  # no words: three of four events are air strikes
    text = "Then rebels bombed the village."
    record = keyword_extractor(types=types).extract(text).to_record()
    attacker = {"start": 5, "end": 11, "text": "rebels", "score": 0.9}
    target = {"start": 23, "end": 30, "text": "village", "score": 0.9}
    assert record == {
        "id": None,
        "events": [
            {
                "id": "E1",
                "type": "air_strike",
                "score": 0.675,  # 0.9 of the trigger x 3/4 of the type
                "type_score": 0.75,
                "trigger": {"start": 12, "end": 18, "text": "bombed", "score": 0.9},
                "attacker": [attacker],
                "target": [target],
                "location": [],
                "weapon": [],
            }
        ],
        "spans": [{"role": "attacker", **attacker}, {"role": "target", **target}],
        "meta": {},
        "model": "tiny@1",
    }
    assert list(record) == ["id", "events", "spans", "meta", "model"]
    assert list(record["events"][0]) == [
        "id", "type", "score", "type_score", "trigger", "attacker", "target", "location", "weapon",
    ]  # fmt: skip


def test_events_are_numbered_in_the_order_of_the_text() -> None:
    types = TypeModel({"armed_attack": 1}, {})
    record = keyword_extractor(types=types).extract("Rebels attacked. Rebels bombed. Rebels attacked.").to_record()
    assert [(event["id"], event["trigger"]["start"]) for event in record["events"]] == [
        ("E1", 7),
        ("E2", 24),
        ("E3", 39),
    ]


def test_spans_without_an_event_are_kept_and_triggers_are_no_role_spans() -> None:
    found = keyword_extractor(types=TypeModel({"armed_attack": 1}, {})).extract("The village slept. Rebels attacked.")
    assert spans_of(found) == [("target", 4, 11), ("attacker", 19, 25)]
    assert [span.key for span in found.events[0].arguments] == [("attacker", 19, 25)]


def test_a_checkpoint_without_event_types_gives_spans_only() -> None:
    found = keyword_extractor(types=None).extract("Rebels attacked.")
    assert (found.events, spans_of(found)) == ((), [("attacker", 0, 6)])


def test_records_are_ready_for_json(extractor: EventExtractor) -> None:
    record = extractor.extract(TEXT).to_record()
    assert record["spans"]
    assert record["events"]
    assert record["model"] == "tiny"
    assert json.loads(json.dumps(record)) == record


# What may be given


@pytest.mark.parametrize("given", [["a", "b"], ("a",), b"a", None, 3])
def test_extract_takes_one_text(extractor: EventExtractor, given: object) -> None:
    with pytest.raises(InputError, match=rf"one text, not {type(given).__name__}.*extract_many"):
        extractor.extract(given)  # type: ignore[arg-type]


def test_extract_many_refuses_one_text_at_once(extractor: EventExtractor) -> None:
    with pytest.raises(InputError, match=r"several texts, not one.*extract for one"):
        extractor.extract_many("Rebels attacked.")


def test_an_item_that_is_no_text_is_named(extractor: EventExtractor) -> None:
    with pytest.raises(InputError, match="text number 1 is bytes"):
        list(extractor.extract_many(["a", b"b"]))  # type: ignore[list-item]


def test_half_a_surrogate_is_refused_with_its_place(extractor: EventExtractor) -> None:
    with pytest.raises(InputError, match=r"number 0 holds half a surrogate pair at character 3.*errors='replace'"):
        extractor.extract("abc\ud83d")


@pytest.mark.parametrize("text", ["", " ", "\r\n\t\u00a0\u2003", "\u200d\ufeff", "\x07"])
def test_a_text_without_words_has_no_events(extractor: EventExtractor, text: str) -> None:
    assert extractor.extract(text) == Extraction((), (), model="tiny")


# Laziness and order


def test_nothing_is_read_before_the_first_is_asked_for_and_not_much_ahead_of_it() -> None:
    given = []

    def endless() -> Iterator[str]:
        for number in itertools.count():
            given.append(number)
            assert number < 1000, "texts are read far ahead of what is asked for"
            yield "x " * (number % 10) + "rebels"

    found = keyword_extractor().extract_many(endless())
    assert given == []
    assert [span for extraction in itertools.islice(found, 3) for span in spans_of(extraction)] == [
        ("attacker", 0, 6),
        ("attacker", 2, 8),
        ("attacker", 4, 10),
    ]


def test_texts_are_worked_on_in_batches() -> None:
    engine = Keywords()
    found = keyword_extractor(engine).extract_many(["rebels"] * 5)
    assert spans_of(next(found)) == [("attacker", 0, 6)]
    assert engine.windows == 5


SENTENCES = [
    "",
    TEXT,
    "rebels",
    "The village near hill 3 slept.",
    "  troops  ",
    "bombed hill " * 35,
    "\U0001f4a3 the the",
]


@pytest.fixture(scope="module")
def alone(extractor: EventExtractor) -> dict[str, Extraction]:
    return {text: extractor.extract(text) for text in SENTENCES}


@given(texts=st.lists(st.sampled_from(SENTENCES), max_size=6))
@settings(max_examples=10, deadline=None)
def test_each_text_gets_what_it_gets_alone_in_the_order_given(
    extractor: EventExtractor, alone: dict[str, Extraction], texts: list[str]
) -> None:
    many = list(extractor.extract_many(iter(texts)))
    assert [spans_of(found) for found in many] == [spans_of(alone[text]) for text in texts]
    assert [[event.trigger.key for event in found.events] for found in many] == [
        [event.trigger.key for event in alone[text].events] for text in texts
    ]


# Offsets

NOISE = st.text(
    st.sampled_from(
        "xyz .,\r\n\t\u00a0\u00ad\u0301\u20dd\u200f\u05d0\u0130\u01c4\ufb01\u1e9e\u4e2d"
        "\U0001f4a3\u200d\u2028\x00\x07\ufeff"
    ),
    max_size=30,
)


@given(before=NOISE, after=NOISE)
@settings(max_examples=150, deadline=None)
def test_a_word_is_found_where_it_stands_whatever_is_around_it(before: str, after: str) -> None:
    text = f"{before} Rebels {after}"
    assert spans_of(keyword_extractor().extract(text)) == [("attacker", len(before) + 1, len(before) + 7)]


@given(
    text=st.lists(st.one_of(NOISE, st.sampled_from(["rebels", "Bombed", "caf\u00e9", "hill"])), max_size=6).map(
        " ".join
    )
)
@settings(max_examples=25, deadline=None)
def test_spans_hold_their_text_in_order_and_begin_and_end_with_no_white_space(
    extractor: EventExtractor, text: str
) -> None:
    found = extractor.extract(text)
    spans = sorted([*found.spans, *(event.trigger for event in found.events)])
    for span in spans:
        assert text[span.start : span.end] == span.text == span.text.strip()
        assert span.text
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    assert list(found.spans) == sorted(found.spans)


def test_nothing_is_cut_off_a_long_text() -> None:
    text = "x " * 3000 + "rebels"
    assert spans_of(keyword_extractor().extract(text)) == [("attacker", 6000, 6006)]


# Loading


def test_without_a_model_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match=r"make train.*Hub id"):
        EventExtractor.from_pretrained()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder") as caught:
        EventExtractor.from_pretrained(tmp_path / "nowhere" / "checkpoint")
    assert "nowhere" in str(caught.value)


def test_min_score_leaves_out_less_certain_spans(checkpoint: Path, extractor: EventExtractor) -> None:
    every = extractor.extract(TEXT)
    scores = sorted(span.score for span in every.spans if span.score is not None)
    middle = (scores[len(scores) // 2 - 1] + scores[len(scores) // 2]) / 2
    strict = EventExtractor.from_pretrained(checkpoint, min_score=middle, device="cpu").extract(TEXT)
    kept = [span.key for span in every.spans if span.score is not None and span.score >= middle]
    assert 0 < len(kept) < len(every.spans)
    assert spans_of(strict) == kept
    assert all(event.trigger.score is not None and event.trigger.score >= middle for event in strict.events)


def test_min_score_goes_before_the_checkpoints_own_threshold(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "careful"))
    Settings(window=WindowConfig(64, 16), decoding=DecodingConfig(min_score=1.0)).save(folder)
    assert EventExtractor.from_pretrained(folder, device="cpu").extract(TEXT).spans == ()
    assert EventExtractor.from_pretrained(folder, min_score=0.0, device="cpu").extract(TEXT).spans != ()


def with_settings(source: Path, folder: Path, **options: object) -> Path:
    """A copy of a checkpoint that says other things of itself."""
    shutil.copytree(source, folder)
    types = Settings.load(source).event_types
    Settings(window=WindowConfig(64, 16), event_types=types, **options).save(folder)  # type: ignore[arg-type]
    return folder


def test_a_checkpoint_leaves_out_what_is_below_its_fitted_thresholds_unless_told_otherwise(
    checkpoint: Path, extractor: EventExtractor, tmp_path: Path
) -> None:
    fitted = Confidence({}, {Kind.SPAN: 1.0, Kind.EVENT: 0.0})
    folder = with_settings(checkpoint, tmp_path / "fitted", confidence=fitted.to_record())
    every, careful = extractor.extract(TEXT), EventExtractor.from_pretrained(folder, device="cpu").extract(TEXT)
    assert careful.spans == ()
    assert [event.trigger.key for event in careful.events] == [event.trigger.key for event in every.events] != []
    told_otherwise = EventExtractor.from_pretrained(folder, min_score=0.0, device="cpu").extract(TEXT)
    assert told_otherwise.spans == every.spans


def test_scores_are_calibrated_whatever_the_threshold(
    checkpoint: Path, extractor: EventExtractor, tmp_path: Path
) -> None:
    scaling = {Kind.SPAN: Scaling(0.5, -0.25), Kind.TRIGGER: Scaling(2.0, 0.0)}
    folder = with_settings(checkpoint, tmp_path / "scaled", confidence=Confidence(scaling).to_record())
    every = extractor.extract(TEXT)
    raw = [span.score for span in every.spans if span.score is not None]
    for min_score in (None, 0.0):
        found = EventExtractor.from_pretrained(folder, min_score=min_score, device="cpu").extract(TEXT)
        assert [span.score for span in found.spans] == pytest.approx([scaling[Kind.SPAN](score) for score in raw])
    middle = sorted(scaling[Kind.SPAN](score) for score in raw)[len(raw) // 2]
    kept = EventExtractor.from_pretrained(folder, min_score=middle, device="cpu").extract(TEXT)
    assert len(kept.spans) == sum(scaling[Kind.SPAN](score) >= middle for score in raw) < len(raw)


@pytest.mark.parametrize(
    "record",
    [{"scaling": {}, "thresholds": {"span": 1.5}}, {"scaling": {}, "thresholds": {"event": -0.1}}, {"scaling": {}}],
    ids=str,
)
def test_impossible_thresholds_are_refused_with_the_folder(checkpoint: Path, tmp_path: Path, record: object) -> None:
    folder = with_settings(checkpoint, tmp_path / "broken", confidence=record)
    with pytest.raises(CheckpointError, match="thresholds"):
        EventExtractor.from_pretrained(folder, device="cpu")


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_min_score_outside_zero_to_one_is_refused(checkpoint: Path, value: float) -> None:
    with pytest.raises(ConfigError, match="min_score"):
        EventExtractor.from_pretrained(checkpoint, min_score=value, device="cpu")


def test_a_config_says_all_that_from_pretrained_takes(checkpoint: Path, extractor: EventExtractor) -> None:
    config = CheckpointConfig(path=str(checkpoint), min_score=0.0, device="cpu", batch_tokens=100)
    assert EventExtractor.from_config(config).extract(TEXT).to_record() == extractor.extract(TEXT).to_record()
    with pytest.raises(ConfigError, match="min_score"):
        EventExtractor.from_config(CheckpointConfig(path=str(checkpoint), min_score=2.0))


def relabelled(source: Path, folder: Path, order: list[int], name: Callable[[str], str]) -> Path:
    """A checkpoint whose label k is the source's label ``order[k]``: the same model, written another way."""
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    names = [name(config["id2label"][str(k)]) for k in order]
    config["id2label"] = {str(k): label for k, label in enumerate(names)}
    config["label2id"] = {label: k for k, label in enumerate(names)}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tensors = load_file(folder / "model.safetensors")
    tensors |= {key: tensors[key][order].clone() for key in ("classifier.weight", "classifier.bias")}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("name", [str.upper, str.lower], ids=["upper", "lower"])
def test_labels_of_another_order_or_case_give_the_same_spans(
    checkpoint: Path, extractor: EventExtractor, tmp_path: Path, name: Callable[[str], str]
) -> None:
    order = [6, 0, 9, 3, 2, 10, 1, 8, 4, 7, 5]
    other = EventExtractor.from_pretrained(relabelled(checkpoint, tmp_path / "tiny", order, name), device="cpu")
    assert other.tagger.scheme.roles != extractor.tagger.scheme.roles
    for text in SENTENCES:
        found, expected = other.extract(text), extractor.extract(text)
        assert spans_of(found) == spans_of(expected)
        assert [s.score for s in found.spans] == pytest.approx([s.score for s in expected.spans], abs=1e-5)
        assert [event.trigger.key for event in found.events] == [event.trigger.key for event in expected.events]


@pytest.fixture(scope="module")
def linked(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same checkpoint with a linker."""
    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("linked") / "tiny"))
    save_linker(tiny_linker(), folder, SMALL_LINKER)
    return folder


def records(extractor: EventExtractor) -> list[dict[str, object]]:
    return [extraction.to_record() for extraction in extractor.extract_many(SENTENCES)]


def test_a_linker_changes_the_events_and_not_the_spans(linked: Path, extractor: EventExtractor) -> None:
    with_linker = EventExtractor.from_pretrained(linked, device="cpu")
    assert with_linker.finds_events
    ours, theirs = records(with_linker), records(extractor)
    for one, other in zip(ours, theirs, strict=True):
        assert [event["trigger"] for event in one["events"]] == [event["trigger"] for event in other["events"]]  # type: ignore[attr-defined]
        assert one["spans"] == other["spans"]
    assert [one["events"] for one in ours] != [other["events"] for other in theirs]
    assert json.loads(json.dumps(ours)) == ours


def test_a_linker_needs_no_event_types_of_the_rule(linked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(linked, tmp_path / "tiny"))
    Settings(window=WindowConfig(64, 16)).save(folder)
    alone = EventExtractor.from_pretrained(folder, device="cpu")
    assert alone.finds_events
    assert records(alone) == records(EventExtractor.from_pretrained(linked, device="cpu"))


def test_labels_of_another_order_give_the_linker_the_same_to_do(linked: Path, tmp_path: Path) -> None:
    order = [6, 0, 9, 3, 2, 10, 1, 8, 4, 7, 5]
    other = EventExtractor.from_pretrained(relabelled(linked, tmp_path / "tiny", order, str.upper), device="cpu")
    for one, two in zip(
        other.extract_many(SENTENCES), EventExtractor.from_pretrained(linked, device="cpu").extract_many(SENTENCES),
        strict=True,
    ):  # fmt: skip
        assert [(event.type, event.trigger.key) for event in one.events] == [
            (event.type, event.trigger.key) for event in two.events
        ]
        assert [[span.key for span in event.arguments] for event in one.events] == [
            [span.key for span in event.arguments] for event in two.events
        ]


def test_a_linker_of_another_encoder_is_refused_with_the_file(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "mixed"))
    save_linker(tiny_linker(hidden_size=64), folder, SMALL_LINKER)
    with pytest.raises(CheckpointError, match=r"hidden_size 64.*needs 32") as caught:
        EventExtractor.from_pretrained(folder, device="cpu")
    assert caught.value.where == str(folder / LINKER_CONFIG)
    assert caught.value.remedy


def test_transformers_loads_the_same_checkpoint_with_real_label_names(linked: Path, extractor: EventExtractor) -> None:
    tagger = pipeline("token-classification", model=str(linked), tokenizer=str(linked), device="cpu")
    assert set(tagger.model.config.id2label.values()) == {"O"} | {f"{p}-{role.upper()}" for role in ROLES for p in "BI"}
    text = "rebels attacked the village"
    found = {token["start"]: (token["entity"], float(token["score"])) for token in tagger(text)}
    ((tokens, logits, _),) = extractor.tagger.score([text], extractor.tagger.tokenizer([text]))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = extractor.tagger.scheme.labels
    ours = {
        int(start): (labels[row.argmax()], float(row.max()))
        for (start, _), row in zip(tokens.offsets, probabilities, strict=True)
        if row.argmax()
    }
    assert {start: label for start, (label, _) in found.items()} == {start: label for start, (label, _) in ours.items()}
    assert [found[start][1] for start in ours] == pytest.approx([score for _, score in ours.values()], abs=1e-5)


def test_the_package_offers_the_extractor_and_refuses_other_names() -> None:
    import conflict_events

    assert conflict_events.EventExtractor is EventExtractor
    with pytest.raises(AttributeError, match="Extractr"):
        _ = conflict_events.Extractr
