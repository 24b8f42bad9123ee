"""Texts to spans, whatever the length of the text."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from conftest import ROLES, TOKENIZERS
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import DecodingConfig, WindowConfig
from conflict_events.labels import LabelScheme
from conflict_events.schema import Span
from conflict_events.scores import Link, LinkScores, Scored
from conflict_events.tagging import Reading, Tagger
from conflict_events.windows import TextTokenizer

FAMILIES = {name: TextTokenizer(make()) for name, make in TOKENIZERS.items()}
SCHEME = LabelScheme(ROLES)
WIDTH = len(SCHEME.labels)
TABLE = np.random.default_rng(0).normal(scale=4, size=(997, WIDTH)).astype(np.float32)
SMALL, LARGE = WindowConfig(16, 6), WindowConfig(100_000, 48)
Rows = npt.NDArray[np.float32]
each_family = pytest.mark.parametrize("family", FAMILIES)


class StubEngine:
    """Scores from token ids by a rule, without an encoder; remembers what it was given."""

    def __init__(self, rule: Callable[[npt.NDArray[np.int64]], Rows]) -> None:
        self.rule = rule
        self.seen: list[list[int]] = []

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        self.seen.extend(list(window) for window in windows)
        return [Scored(self.rule(np.array(window)), None) for window in windows]

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        raise AssertionError("a checkpoint without linker is not asked to link")


def by_token(ids: npt.NDArray[np.int64]) -> Rows:
    """Each token for itself."""
    return TABLE[ids % 997]


def by_neighbours(reach: int) -> Callable[[npt.NDArray[np.int64]], Rows]:
    """Each token with those at most ``reach`` away."""

    def rule(ids: npt.NDArray[np.int64]) -> Rows:
        padded = np.pad(ids + 1, reach)
        return TABLE[sum((n * n + 3) * padded[n : n + len(ids)] for n in range(2 * reach + 1)) % 997]

    return rule


def by_whole_window(ids: npt.NDArray[np.int64]) -> Rows:
    return TABLE[(np.arange(len(ids)) * 31 + ids.sum() * 7 + ids) % 997]


def tagger(
    rule: Callable[[npt.NDArray[np.int64]], Rows] = by_token, window: WindowConfig = SMALL, family: str = "wordpiece"
) -> Tagger:
    return Tagger(FAMILIES[family], StubEngine(rule), SCHEME, SCHEME.columns, window, DecodingConfig())


def spans(at_work: Tagger, texts: Sequence[str]) -> list[list[Span]]:
    """The spans found in each text."""
    return [reading.spans for reading in at_work.read(texts)]


pieces = [
    "the rebels ",
    "attacked ",
    "village",
    " ",
    "é",
    "e\u0301",
    "ж",
    "😀",
    "\u00a0",
    "\r\n",
    "\u00ad",
    "\x00",
    ". ",
]
short_texts = st.lists(st.sampled_from(pieces), max_size=3).map("".join)
long_texts = st.lists(st.sampled_from(pieces), max_size=100).map(lambda some: "".join(some) + " the" * 20)
long_sentences = long_texts.map(lambda text: text.replace(".", ",").replace("\r\n", " "))


@each_family
@given(text=st.lists(st.sampled_from(["a", "é", " ", "\u00a0", "7"]), max_size=4).map("".join))
@settings(max_examples=50, deadline=None, database=None)
def test_a_text_of_one_window_is_scored_whole(family: str, text: str) -> None:
    windowed, whole = (spans(tagger(by_whole_window, window, family), [text]) for window in (SMALL, LARGE))
    assert windowed == whole


@each_family
@given(text=long_texts)
@settings(max_examples=40, deadline=None, database=None)
def test_windows_make_no_difference_where_each_token_is_scored_for_itself(family: str, text: str) -> None:
    windowed, whole = tagger(by_token, SMALL, family), tagger(by_token, LARGE, family)
    assert spans(windowed, [text]) == spans(whole, [text])
    assert len(windowed.engine.seen) > 1  # type: ignore[attr-defined]


@each_family
@given(text=long_sentences)
@settings(max_examples=40, deadline=None, database=None)
def test_in_a_long_sentence_windows_make_no_difference_to_context_of_half_the_overlap(family: str, text: str) -> None:
    rule = by_neighbours(SMALL.overlap // 2)
    assert spans(tagger(rule, SMALL, family), [text]) == spans(tagger(rule, LARGE, family), [text])


@given(st.lists(short_texts | long_texts, max_size=5))
@settings(max_examples=30, deadline=None, database=None)
def test_texts_tagged_together_are_tagged_as_each_alone(texts: list[str]) -> None:
    together = spans(tagger(by_whole_window), texts)
    assert together == [spans(tagger(by_whole_window), [text])[0] for text in texts]


@each_family
def test_every_token_is_shown_to_the_engine_within_the_window_size(family: str) -> None:
    at_work = tagger(family=family)
    text = "the rebels attacked the village near hill 7 . " * 20
    at_work.read([text])
    tokenizer, seen = FAMILIES[family], at_work.engine.seen  # type: ignore[attr-defined]
    assert all(len(window) <= SMALL.max_tokens for window in seen)
    assert all(window[0] == tokenizer.prefix[0] and window[-1] == tokenizer.suffix[0] for window in seen)
    assert {token for window in seen for token in window[1:-1]} == set(tokenizer([text])[0].ids.tolist())


def test_windows_hold_whole_sentences() -> None:
    sentences = ["the rebels attacked . ", "The village near hill 7 . ", "The troops . "] * 9
    at_work = tagger()
    at_work.read(["".join(sentences)])
    whole = [tokens.ids.tolist() for tokens in at_work.tokenizer(sentences)]
    sequences = [whole[first:last] for first in range(len(whole)) for last in range(first + 1, len(whole) + 1)]
    seen = at_work.engine.seen  # type: ignore[attr-defined]
    assert all(window[1:-1] in [list(itertools.chain(*some)) for some in sequences] for window in seen)
    assert len(seen) > 5


def test_scores_have_a_row_a_token_and_a_column_a_label() -> None:
    texts = ["", "the village", "the village " * 40]
    for text, (tokens, scores, states) in zip(texts, tagger().score(texts, tagger().tokenizer(texts)), strict=True):
        assert states is None
        assert scores.shape == (len(text.split()), WIDTH) == (len(tokens), WIDTH)
        assert np.array_equal(scores, TABLE[tokens.ids])


def test_columns_find_the_scores_of_a_checkpoint_with_labels_in_another_order() -> None:
    order = np.random.default_rng(1).permutation(WIDTH)
    shuffled = Tagger(
        FAMILIES["wordpiece"], StubEngine(lambda ids: by_token(ids)[:, order]), SCHEME,
        [(n,) for n in np.argsort(order).tolist()], SMALL, DecodingConfig(),
    )  # fmt: skip
    text = "the rebels attacked the village near hill 7 . " * 5
    assert spans(shuffled, [text]) == spans(tagger(), [text]) != [[]]


def test_texts_without_tokens_have_no_spans() -> None:
    assert tagger().read([]) == []
    assert tagger().read(["", " \r\n\u00a0", "\x00"]) == [Reading([], [])] * 3


def test_many_texts_come_back_in_order_with_what_each_alone_gives() -> None:
    texts = [f"the rebels attacked village {n}" * (n % 4) for n in range(600)]
    found = list(tagger().read_many(iter(texts)))
    assert [text for text, _ in found] == texts
    assert [reading for _, reading in found] == tagger().read(texts)


def test_many_texts_are_read_as_they_are_asked_for() -> None:
    endless = (f"the rebels {n}" for n in itertools.count())
    first = list(itertools.islice(tagger().read_many(endless), 3))
    assert [text for text, _ in first] == ["the rebels 0", "the rebels 1", "the rebels 2"]


def test_no_texts_are_no_results() -> None:
    assert list(tagger().read_many([])) == []


def test_five_megabytes_go_through_in_seconds_and_nothing_is_lost() -> None:
    sentence = "rebels attacked the village near the troops with 7 . "
    count = 5_000_000 // len(sentence) + 1
    rebels = int(FAMILIES["wordpiece"](["rebels"])[0].ids[0])

    def rule(ids: npt.NDArray[np.int64]) -> Rows:
        scores = np.zeros((len(ids), WIDTH), dtype=np.float32)
        scores[np.arange(len(ids)), np.where(ids == rebels, SCHEME.begin("attacker"), 0)] = 9
        return scores

    began = time.perf_counter()
    (found,) = spans(tagger(rule, WindowConfig()), [sentence * count])
    assert time.perf_counter() - began < 60
    assert [span.start for span in found] == list(range(0, count * len(sentence), len(sentence)))
    assert {(span.role, span.text) for span in found} == {("attacker", "rebels")}
