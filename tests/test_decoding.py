"""Scores to legal labels to spans."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from conftest import ROLES, TOKENIZERS
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import Algorithm, DecodingConfig
from conflict_events.decoding import Scores, decode, label_runs, log_probabilities, viterbi
from conflict_events.labels import LabelScheme
from conflict_events.schema import Span
from conflict_events.windows import TextTokenizer, Tokens

FAMILIES = {name: TextTokenizer(make()) for name, make in TOKENIZERS.items()}
SCHEME = LabelScheme(ROLES)
TWO = LabelScheme(("attacker", "target"))
O, B_ATTACKER, I_ATTACKER, B_TARGET, I_TARGET = range(5)  # noqa: E741
each_family = pytest.mark.parametrize("family", FAMILIES)
each_algorithm = pytest.mark.parametrize("algorithm", Algorithm)


def decode_one(text: str, tokens: Tokens, scores: Scores, scheme: LabelScheme, config: DecodingConfig) -> list[Span]:
    return decode([text], [tokens], [scores], scheme, config)[0]


def one_hot(labels: list[int] | npt.NDArray[np.int64], width: int) -> Scores:
    return 9 * np.eye(width, dtype=np.float32)[labels]


def tokens(*pairs: tuple[int, int], continues: tuple[int, ...] = (), breaks: tuple[int, ...] = ()) -> Tokens:
    numbers = np.arange(len(pairs))
    offsets = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Tokens(numbers, offsets, np.isin(numbers, continues), np.isin(numbers, breaks))


def keys(spans: list[Span]) -> list[tuple[str, int, int]]:
    return [span.key for span in spans]


# Probabilities


def test_log_probabilities_worked_by_hand() -> None:
    scores = np.array([[0.0, np.log(3)], [5.0, 5.0]], dtype=np.float32)
    assert np.exp(log_probabilities(scores)) == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))


def test_log_probabilities_of_huge_scores_stay_finite() -> None:
    scores = np.array([[3e4, -3e4, 0.0]], dtype=np.float32)
    assert np.isfinite(log_probabilities(scores)).all()
    assert np.exp(log_probabilities(scores)).sum() == pytest.approx(1)


# Runs of labels


@pytest.mark.parametrize(
    ("labels", "runs"),
    [
        ([], []),
        ([O, O], []),
        ([B_ATTACKER, I_ATTACKER, O, B_TARGET], [(B_ATTACKER, 0, 2), (B_TARGET, 3, 4)]),
        ([B_ATTACKER, B_ATTACKER, I_ATTACKER], [(B_ATTACKER, 0, 1), (B_ATTACKER, 1, 3)]),
        ([I_TARGET, I_TARGET, O, I_ATTACKER], [(B_TARGET, 0, 2), (B_ATTACKER, 3, 4)]),
        ([B_ATTACKER, I_TARGET, I_TARGET], [(B_ATTACKER, 0, 1), (B_TARGET, 1, 3)]),
        ([B_ATTACKER, O, I_ATTACKER], [(B_ATTACKER, 0, 1), (B_ATTACKER, 2, 3)]),
    ],
)
def test_runs_of_labels(labels: list[int], runs: list[tuple[int, int, int]]) -> None:
    assert label_runs(np.array(labels, dtype=np.int64)) == runs


# The best legal sequence


def is_legal(names: tuple[str, ...], continues: list[bool]) -> bool:
    """IOB2, and no span begins or ends where a token goes on with a word."""
    for before, name, goes_on in zip(("O", *names), names, continues, strict=False):
        role = name[2:]
        if name.startswith("I-") and before not in (f"B-{role}", f"I-{role}"):
            return False
        if goes_on and (name.startswith("B-") or (name == "O" and before != "O")):
            return False
    return True


@st.composite
def lattices(draw: st.DrawFn) -> tuple[LabelScheme, npt.NDArray[np.float64], list[bool]]:
    scheme = LabelScheme(("attacker", "target")[: draw(st.integers(1, 2))])
    length = draw(st.integers(1, 6 if len(scheme.roles) == 1 else 4))
    row = st.lists(st.integers(-9, 0), min_size=len(scheme.labels), max_size=len(scheme.labels))
    scores = draw(st.lists(row, min_size=length, max_size=length))
    continues = [False, *draw(st.lists(st.booleans(), min_size=length - 1, max_size=length - 1))]
    return scheme, np.array(scores, dtype=np.float64), continues


@given(lattices())
@settings(max_examples=150, deadline=None, database=None)
def test_viterbi_finds_what_trying_all_sequences_finds(
    lattice: tuple[LabelScheme, npt.NDArray[np.float64], list[bool]],
) -> None:
    scheme, scores, continues = lattice
    best = max(
        sum(scores[n, label] for n, label in enumerate(labels))
        for labels in itertools.product(range(len(scheme.labels)), repeat=len(scores))
        if is_legal(tuple(scheme.labels[label] for label in labels), continues)
    )
    found = viterbi(scores, scheme, np.array(continues))
    assert is_legal(tuple(scheme.labels[label] for label in found), continues)
    assert scores[np.arange(len(found)), found].sum() == best


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None, database=None)
def test_viterbi_is_legal_on_long_texts(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = log_probabilities(random.normal(scale=20, size=(300, len(SCHEME.labels))).astype(np.float32))
    continues = random.random(300) < 0.4
    continues[0] = False
    found = viterbi(scores, SCHEME, continues)
    assert is_legal(tuple(SCHEME.labels[label] for label in found), continues.tolist())


def test_a_legal_sequence_of_best_labels_is_kept() -> None:
    labels = [O, B_TARGET, I_TARGET, B_TARGET, O, B_ATTACKER]
    found = viterbi(log_probabilities(one_hot(labels, 5)), TWO, np.zeros(6, dtype=bool))
    assert found.tolist() == labels


# Spans


def test_an_illegal_inside_begins_a_span_under_argmax_only() -> None:
    text, pieces = "rebels fled", tokens((0, 6), (7, 11))
    scores = np.array([[1, 0, 4, 0, 0], [9, 0, 0, 0, 0]], dtype=np.float32)
    argmax = decode_one(text, pieces, scores, TWO, DecodingConfig(Algorithm.argmax))
    best = decode_one(text, pieces, scores, TWO, DecodingConfig(Algorithm.viterbi))
    assert keys(argmax) == [("attacker", 0, 6)]
    assert best == []


def test_a_span_does_not_end_within_a_word_unless_it_may() -> None:
    text, pieces = "rebels", tokens((0, 3), (3, 6), continues=(1,))
    scores = np.array([[0, 9, 0, 0, 0], [4, 0, 3, 0, 0]], dtype=np.float32)
    whole = decode_one(text, pieces, scores, TWO, DecodingConfig(whole_words=True))
    part = decode_one(text, pieces, scores, TWO, DecodingConfig(whole_words=False))
    assert keys(whole) == [("attacker", 0, 6)]
    assert keys(part) == [("attacker", 0, 3)]


@each_algorithm
def test_a_span_is_as_sure_as_its_weakest_label(algorithm: Algorithm) -> None:
    probabilities = np.array([[0.1, 0.9, 1e-9, 1e-9, 1e-9], [0.3, 1e-9, 0.7, 1e-9, 1e-9]])
    scores = np.log(probabilities).astype(np.float32)
    (span,) = decode_one("rebel army", tokens((0, 5), (6, 10)), scores, TWO, DecodingConfig(algorithm))
    assert span.key == ("attacker", 0, 10)
    assert span.score == pytest.approx(0.7)


def test_what_is_unsure_is_kept_whatever_the_threshold() -> None:
    scores = np.log(np.array([[0.4, 0.6, 1e-9, 1e-9, 1e-9], [0.2, 1e-9, 1e-9, 0.8, 1e-9]])).astype(np.float32)
    spans = decode_one("a b", tokens((0, 1), (2, 3)), scores, TWO, DecodingConfig(min_score=1.0))
    assert [span.score for span in spans] == pytest.approx([0.6, 0.8]), "thresholds are on calibrated scores"


@each_algorithm
def test_an_empty_text_has_no_spans(algorithm: Algorithm) -> None:
    assert decode_one("", tokens(), np.empty((0, 5), np.float32), TWO, DecodingConfig(algorithm)) == []


def test_tokens_without_text_widen_no_span_and_make_none() -> None:
    text, pieces = "  rebels  army ", tokens((2, 2), (2, 8), (10, 10), (10, 14), (15, 15))
    spread = one_hot([B_ATTACKER, I_ATTACKER, I_ATTACKER, I_ATTACKER, I_ATTACKER], 5)
    assert keys(decode_one(text, pieces, spread, TWO, DecodingConfig())) == [("attacker", 2, 14)]
    alone = one_hot([B_ATTACKER, O, B_TARGET, O, B_TARGET], 5)
    assert decode_one(text, pieces, alone, TWO, DecodingConfig()) == []


@each_algorithm
def test_no_span_goes_on_past_an_empty_line(algorithm: Algorithm) -> None:
    text, pieces = "Oruba\n\nrebels fled", tokens((0, 5), (7, 13), (14, 18), breaks=(1,))
    scores = one_hot([B_ATTACKER, I_ATTACKER, I_ATTACKER], 5)
    scores[1, B_ATTACKER] = 5
    decoded = decode_one(text, pieces, scores, TWO, DecodingConfig(algorithm))
    assert keys(decoded) == [("attacker", 0, 5), ("attacker", 7, 18)]


texts = st.lists(
    st.sampled_from(["a", "the", "é", "e\u0301", "ж", "中", "עזה", "😀", "\u00ad", "\x00", "-", " ", "\u00a0", "\r\n"]),
    max_size=12,
).map("".join)


@each_family
@each_algorithm
@pytest.mark.parametrize("whole_words", [True, False])
@given(text=texts, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, database=None)
def test_spans_never_overlap_and_stand_in_text_order(
    family: str, algorithm: Algorithm, whole_words: bool, text: str, seed: int
) -> None:
    (pieces,) = FAMILIES[family]([text])
    scores = np.random.default_rng(seed).normal(scale=5, size=(len(pieces), 11)).astype(np.float32)
    spans = decode_one(text, pieces, scores, SCHEME, DecodingConfig(algorithm, whole_words))
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))
    assert all(span.text == text[span.start : span.end] == span.text.strip() for span in spans)


@each_family
@given(text=texts, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None, database=None)
def test_whole_words_hold_for_any_scores(family: str, text: str, seed: int) -> None:
    (pieces,) = FAMILIES[family]([text])
    scores = np.random.default_rng(seed).normal(scale=5, size=(len(pieces), 11)).astype(np.float32)
    edges = [at for s in decode_one(text, pieces, scores, SCHEME, DecodingConfig()) for at in (s.start, s.end)]
    assert [at for at in edges if 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()] == []


# From spans to labels and back


letters = st.sampled_from("aZ7éßжשع中한ǅﬁİ") | st.characters(categories=["L", "Nd"])
middles = st.sampled_from(["", "a", "th", "-", ".", "’", "e\u0301", "\u00ad", "\u200d", "\x00", "😀", "👍🏽", "्", "عَ"])
marks = st.sampled_from(["", "", "\u0301", "\u00ad", "\u200d", "ी", "\u0323\u0301"])
words = st.tuples(letters, st.lists(middles, max_size=4).map("".join), letters, marks).map("".join)
gaps = st.sampled_from([" ", " ", "\u00a0", "  ", " \r\n", "\r\n\t ", "\u3000 ", " \u00a0"])
marked_words = st.tuples(words, gaps, st.none() | st.sampled_from(ROLES), st.booleans())


def build(pieces: list[tuple[str, str, str | None, bool]]) -> tuple[str, list[Span]]:
    """A text of words, and spans of neighbouring words in one role that are to go together."""
    text, found = "", []
    for word, gap, role, together in pieces:
        start, end = len(text), len(text) + len(word)
        if role and together and found and found[-1][0] == role and text[found[-1][2] :].isspace():
            found[-1] = (role, found[-1][1], end)
        elif role:
            found.append((role, start, end))
        text += word + gap
    return text, [Span.of(text, *span) for span in found]


@each_family
@given(st.lists(marked_words, max_size=8))
@settings(max_examples=200, deadline=None, database=None)
def test_spans_of_whole_words_come_back_from_their_labels(
    family: str, pieces: list[tuple[str, str, str | None, bool]]
) -> None:
    text, spans = build(pieces)
    (found,) = FAMILIES[family]([text])
    labels, lost = SCHEME.encode(found.offsets, spans)
    assert lost == []
    for algorithm in Algorithm:
        decoded = decode_one(text, found, one_hot(labels, len(SCHEME.labels)), SCHEME, DecodingConfig(algorithm))
        assert keys(decoded) == keys(spans)


@each_family
@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("the rebels\r\nattacked", "rebels"),
        ("rebels\nattacked the village", "attacked the village"),
        ("near “Ghal”, in Oruba.", "Ghal"),
        ("near Al-Noor", "Al-Noor"),
        ("the `rebels` fled", "rebels"),
        ("T-72s,the village", "the village"),
    ],
)
def test_spans_beside_line_breaks_and_punctuation_come_back(family: str, text: str, target: str) -> None:
    (pieces,) = FAMILIES[family]([text])
    span = Span.of(text, "target", text.index(target), text.index(target) + len(target))
    labels, _ = SCHEME.encode(pieces.offsets, [span])
    decoded = decode_one(text, pieces, one_hot(labels, len(SCHEME.labels)), SCHEME, DecodingConfig())
    assert keys(decoded) == [span.key]
