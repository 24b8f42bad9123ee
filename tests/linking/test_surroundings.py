"""What the linker sees around a trigger."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import TOKENIZERS
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.linking.surroundings import (
    FARTHEST_SENTENCE,
    MOST_BETWEEN,
    Surroundings,
    sentence_numbers,
    surroundings,
)
from conflict_events.text import SentenceIndex
from conflict_events.windows import TextTokenizer

FAMILIES = {name: TextTokenizer(make()) for name, make in TOKENIZERS.items()}
Row = tuple[int, int, int]  # token, sentences away, triggers between


def rows(seen: Surroundings) -> list[Row]:
    """What is seen, token by token, sentences counted from the trigger's."""
    away = (seen.sentence - FARTHEST_SENTENCE).tolist()
    assert seen.sentence.shape == seen.between.shape == (seen.end - seen.start,)
    return list(zip(range(seen.start, seen.end), away, seen.between.tolist(), strict=True))


def by_looking(sentences: list[int], triggers: list[tuple[int, int]], reach: int) -> list[list[Row]]:
    """The same by looking at every token and every other trigger."""
    found = []
    for first, last in triggers:
        row = []
        for at, sentence in enumerate(sentences):
            if first - reach <= at <= last + reach:
                away = max(-FARTHEST_SENTENCE, min(FARTHEST_SENTENCE, sentence - sentences[first]))
                others = sum(at < f < first if at < first else first < f <= at for f, _ in triggers)
                row.append((at, away, min(others, MOST_BETWEEN)))
        found.append(row)
    return found


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]], int]:
    """Tokens' sentences, triggers that do not overlap, and a reach."""
    steps = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=1, max_size=40))
    sentences = np.cumsum(steps).tolist()
    begins = sorted(draw(st.sets(st.integers(0, len(sentences) - 1), max_size=12)))
    triggers = [
        (first, draw(st.integers(first, min(first + 2, following - 1))))
        for first, following in zip(begins, [*begins[1:], len(sentences)], strict=False)
    ]
    return sentences, triggers, draw(st.integers(1, 45))


@given(layouts())
@settings(max_examples=150, deadline=None, database=None)
def test_surroundings_are_what_looking_at_every_token_finds(
    layout: tuple[list[int], list[tuple[int, int]], int],
) -> None:
    sentences, triggers, reach = layout
    found = surroundings(np.array(sentences, dtype=np.int64), triggers, reach)
    assert [rows(seen) for seen in found] == by_looking(sentences, triggers, reach)


def test_surroundings_worked_by_hand() -> None:
    # tokens     0  1  2  3  4  5  6  7  8  9
    # sentences  0  0  0  1  1  1  1  2  2  3
    # triggers      T           U  U     V
    sentences = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
    t, u, v = surroundings(sentences, [(1, 1), (5, 6), (8, 8)], reach=3)
    assert rows(t) == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 1, 0)]
    # U reaches from 5 - 3 to 6 + 3; "between" counts V from its own token on, and T not at all: it begins before 2.
    assert rows(u) == [
        (2, -1, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0), (6, 0, 0), (7, 1, 0), (8, 1, 1), (9, 2, 1),
    ]  # fmt: skip
    assert rows(v) == [(5, -1, 0), (6, -1, 0), (7, 0, 0), (8, 0, 0), (9, 1, 0)]


def test_far_sentences_and_many_triggers_count_as_the_farthest_and_the_most() -> None:
    sentences = np.arange(20)
    first, *_, last = surroundings(sentences, [(n, n) for n in range(20)], reach=50)
    assert (first.start, first.end, last.start, last.end) == (0, 20, 0, 20)
    assert rows(first)[-1] == (19, FARTHEST_SENTENCE, MOST_BETWEEN)
    assert rows(last)[0] == (0, -FARTHEST_SENTENCE, MOST_BETWEEN)


def test_no_triggers_have_no_surroundings() -> None:
    assert surroundings(np.zeros(9, dtype=np.int64), [], 4) == []
    assert surroundings(np.empty(0, dtype=np.int64), [], 4) == []


def test_a_hundred_triggers_see_no_more_than_their_reach_each() -> None:
    found = surroundings(np.zeros(1000, dtype=np.int64), [(10 * n, 10 * n + 1) for n in range(100)], reach=7)
    assert len(found) == 100
    assert {seen.end - seen.start for seen in found[1:-1]} == {7 + 2 + 7}
    assert sum(len(seen.between) for seen in found) <= 100 * 16


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "the rebels",
        "rebels shelled the village without an end " * 30,
        "The rebels left. Troops came.\r\nMr. Smith slept.\n\nVillage calm!\u00a0 Why? 7 a.m.",
        "\u00a0\u00ad. é. \x00 . 😀 The end.",
    ],
)
def test_each_token_has_the_number_of_the_sentence_in_which_it_begins(family: str, text: str) -> None:
    (tokens,) = FAMILIES[family]([text])
    index = SentenceIndex(text)
    assert sentence_numbers(text, tokens, "en").tolist() == [index.number(int(start)) for start in tokens.offsets[:, 0]]


def test_a_text_without_ends_of_sentences_is_one() -> None:
    text = "rebels shelled the village with troops near " * 40
    (tokens,) = FAMILIES["wordpiece"]([text])
    assert set(sentence_numbers(text, tokens, "en").tolist()) == {0}
