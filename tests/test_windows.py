"""Texts to tokens whose offsets hold for the original text, and tokens to windows that lose none."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import TOKENIZERS, bytelevel_tokenizer, wordpiece_tokenizer
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conflict_events.config import WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.schema import Span
from conflict_events.windows import TextTokenizer, Tokens, Window, cut_spans, join, windows_of, windows_of_sentences

FAMILIES = {name: TextTokenizer(make()) for name, make in TOKENIZERS.items()}
each_family = pytest.mark.parametrize("family", FAMILIES)

ATOMS = [
    "a", "Z", "7", "the", " rebels", "é", "e\u0301", "ß", "ﬁ", "İ", "ж", "中", "한", "नी", "ש", "عَ",
    "²", "-", ".", "^", "`", "¨", "“", "’",
    "😀", "👍🏽", "👩\u200d🚒", "\u0301", "\u00ad", "\u200d", "\u200f", "\ufeff", "\x00", "\ufffd",
    " ", "\u00a0", "\u3000", "\u2028", "\t", "\n", "\r\n", "\x85",
]  # fmt: skip
texts = st.lists(st.sampled_from(ATOMS) | st.characters(exclude_categories=["Cs"]), max_size=20).map("".join)


def tokens_of_text(family: str, text: str) -> Tokens:
    (tokens,) = FAMILIES[family]([text])
    return tokens


def words(text: str, tokens: Tokens) -> list[str]:
    """The text of the tokens, those that go on with a word joined to it."""
    found: list[list[int]] = []
    for (start, end), continues in zip(tokens.offsets.tolist(), tokens.continues.tolist(), strict=True):
        if start == end:
            continue
        if continues:
            found[-1][1] = end
        else:
            found.append([start, end])
    return [text[start:end] for start, end in found]


# Tokens


@each_family
@given(text=texts)
@settings(max_examples=200, deadline=None, database=None)
def test_offsets_stay_in_the_text_and_in_order(family: str, text: str) -> None:
    tokens = tokens_of_text(family, text)
    starts, ends = tokens.offsets[:, 0], tokens.offsets[:, 1]
    assert len(tokens) == len(tokens.ids) == len(tokens.offsets) == len(tokens.continues)
    assert (starts >= 0).all() and (starts <= ends).all() and (ends <= len(text)).all()
    assert (np.diff(starts) >= 0).all() and (np.diff(ends) >= 0).all()


@each_family
@given(text=texts)
@settings(max_examples=200, deadline=None, database=None)
def test_no_token_has_outer_white_space(family: str, text: str) -> None:
    pieces = [text[start:end] for start, end in tokens_of_text(family, text).offsets.tolist()]
    assert all(piece == piece.strip() for piece in pieces)


@each_family
@given(text=texts)
@settings(max_examples=200, deadline=None, database=None)
def test_every_letter_and_digit_is_in_a_token(family: str, text: str) -> None:
    covered = {at for start, end in tokens_of_text(family, text).offsets.tolist() for at in range(start, end)}
    assert [c for at, c in enumerate(text) if c.isalnum() and at not in covered] == []


@each_family
@given(text=texts)
@settings(max_examples=200, deadline=None, database=None)
def test_no_word_begins_within_a_run_of_letters_and_digits(family: str, text: str) -> None:
    tokens = tokens_of_text(family, text)
    starts = tokens.offsets[~tokens.continues & (tokens.offsets[:, 0] < tokens.offsets[:, 1]), 0]
    assert [at for at in starts if at and text[at - 1].isalnum() and text[at].isalnum()] == []


@each_family
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi the\u00a0rebels", ["Hi", "the", "rebels"]),
        ("  the\r\n\tvillage \u3000", ["the", "village"]),
        ("Al-Noor", ["Al", "-", "Noor"]),
        ("(the village)", ["(", "the", "village", ")"]),
        ("T-72 tanks.", ["T", "-", "72", "tanks", "."]),
        ("", []),
        ("\r\n \u00a0", []),
    ],
)
def test_words_are_those_of_the_original_text(family: str, text: str, expected: list[str]) -> None:
    assert words(text, tokens_of_text(family, text)) == expected


@each_family
@pytest.mark.parametrize(
    "word",
    [
        "café", "cafe\u0301", "cafe\u0301s", "e\u0301\u0323tude", "Zapori\u0301zhzhia", "vil\u00adlage", "न\u0940लम",
        "हिन्दी", "السَّلام", "می\u200cخواهد",
    ],
)  # fmt: skip
def test_a_word_with_marks_or_joiners_is_one_word(family: str, word: str) -> None:
    text = f"a {word} b"
    assert words(text, tokens_of_text(family, text)) == ["a", word, "b"]


@each_family
@pytest.mark.parametrize("mark", ["`", "^"])
def test_an_accent_that_stands_for_itself_is_no_part_of_a_word(family: str, mark: str) -> None:
    text = f"{mark}the{mark} village"
    assert words(text, tokens_of_text(family, text)) == [mark, "the", mark, "village"]


@each_family
@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n", "\r\n\u00a0\r\n ", "\n\n\n\n"])
def test_an_empty_line_breaks_before_the_token_after_it(family: str, gap: str) -> None:
    text = f"7 rebels{gap}the village\nthe hill"
    tokens = tokens_of_text(family, text)
    (at,) = np.flatnonzero(tokens.breaks)
    assert tokens.offsets[at, 0] == text.index("the")


@each_family
@pytest.mark.parametrize("gap", [" ", "\n", "\r\n", "\r", " \r\n\t", "\n  "])
def test_the_end_of_a_line_breaks_nothing(family: str, gap: str) -> None:
    assert not tokens_of_text(family, f"7 rebels{gap}the village").breaks.any()


@each_family
def test_an_empty_line_at_the_end_breaks_nothing(family: str) -> None:
    tokens = tokens_of_text(family, "the village\n\n")
    assert not tokens.breaks[tokens.offsets[:, 0] < tokens.offsets[:, 1]].any()


def test_a_dropped_accent_belongs_to_the_token_before_it() -> None:
    tokens = tokens_of_text("wordpiece", "cafe\u0301\u0323 the")
    assert tokens.offsets.tolist() == [[0, 1], [1, 2], [2, 3], [3, 6], [7, 10]]


@each_family
def test_offsets_count_characters_not_bytes(family: str) -> None:
    text = "😀😀 😀 the village"
    starts = tokens_of_text(family, text).offsets[:, 0].tolist()
    assert text.index("the") in starts and text.index("village") in starts


def test_a_tokenizer_that_truncates_and_pads_is_used_without_either() -> None:
    tokenizer = wordpiece_tokenizer()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=512)
    one, many = TextTokenizer(tokenizer)(["the", "the village " * 500])
    assert (len(one), len(many)) == (1, 1000)


def test_texts_are_tokenised_each_for_itself() -> None:
    tokenizer = FAMILIES["wordpiece"]
    together = tokenizer(["the village", "", "rebels"])
    for text, tokens in zip(["the village", "", "rebels"], together, strict=True):
        assert tokens.ids.tolist() == tokens_of_text("wordpiece", text).ids.tolist()
        assert tokens.offsets.shape == (len(tokens), 2)
    assert tokenizer([]) == []


# The tokenizer's frame and file


@each_family
def test_a_framed_window_is_what_the_tokenizer_itself_makes(family: str) -> None:
    tokenizer, text = FAMILIES[family], "the rebels 7"
    tokens = tokens_of_text(family, text)
    assert tokenizer.frame(tokens, Window(0, len(tokens), 0, len(tokens))) == TOKENIZERS[family]().encode(text).ids
    assert tokenizer.special_tokens == 2


def test_a_frame_holds_the_tokens_of_its_window_only() -> None:
    tokenizer = FAMILIES["wordpiece"]
    tokens = tokens_of_text("wordpiece", "the rebels attacked the village")
    framed = tokenizer.frame(tokens, Window(1, 3, 2, 3))
    assert framed == [*tokenizer.prefix, int(tokens.ids[1]), int(tokens.ids[2]), *tokenizer.suffix]


def test_a_tokenizer_without_special_tokens_has_an_empty_frame() -> None:
    tokenizer = bytelevel_tokenizer()
    tokenizer.post_processor = None
    assert TextTokenizer(tokenizer).special_tokens == 0


@each_family
def test_a_tokenizer_comes_back_from_its_file(family: str, tmp_path: Path) -> None:
    TOKENIZERS[family]().save(str(tmp_path / "tokenizer.json"))
    tokenizer = TextTokenizer.from_file(tmp_path / "tokenizer.json")
    assert tokenizer(["the rebels"])[0].ids.tolist() == tokens_of_text(family, "the rebels").ids.tolist()
    assert tokenizer.highest_id == FAMILIES[family].highest_id > 0


def test_a_missing_tokenizer_file_is_named_with_the_call_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json.*save_pretrained\(folder\)") as caught:
        TextTokenizer.from_file(tmp_path / "tokenizer.json")
    assert caught.value.where == str(tmp_path)


def test_a_broken_tokenizer_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"model": 1}')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json cannot be read") as caught:
        TextTokenizer.from_file(path)
    assert caught.value.where == str(path)


# Windows


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, WindowConfig, int, list[Window]]:
    """A document's length, how it is cut, special tokens, and its windows."""
    max_tokens = draw(st.integers(2, 64))
    config = WindowConfig(max_tokens, draw(st.integers(0, max_tokens // 2 - 1)))
    special = draw(st.integers(0, 3))
    assume(max_tokens - special > config.overlap)
    length = draw(st.integers(0, 300))
    return length, config, special, windows_of(length, config, special)


@given(cuts())
@settings(max_examples=300, deadline=None, database=None)
def test_every_token_is_owned_by_one_window_that_holds_it(cut: tuple[int, WindowConfig, int, list[Window]]) -> None:
    length, _, _, windows = cut
    assert [token for w in windows for token in range(w.own_start, w.own_end)] == list(range(length))
    assert all(0 <= w.start <= w.own_start <= w.own_end <= w.end <= length for w in windows)


@given(cuts())
@settings(max_examples=300, deadline=None, database=None)
def test_windows_fit_the_encoder_and_overlap_enough(cut: tuple[int, WindowConfig, int, list[Window]]) -> None:
    _, config, special, windows = cut
    assert all(0 < len(w) <= config.max_tokens - special for w in windows)
    assert all(before.end - after.start >= config.overlap for before, after in pairwise(windows))
    assert all(before.start < after.start and before.end < after.end for before, after in pairwise(windows))


@given(cuts())
@settings(max_examples=200, deadline=None, database=None)
def test_each_token_is_owned_where_it_has_the_most_context(cut: tuple[int, WindowConfig, int, list[Window]]) -> None:
    length, _, _, windows = cut

    def context(token: int, window: Window) -> float:
        left = token - window.start if window.start > 0 else float("inf")
        right = window.end - 1 - token if window.end < length else float("inf")
        return min(left, right)

    for owner in windows:
        for token in range(owner.own_start, owner.own_end):
            assert context(token, owner) == max(context(token, w) for w in windows if w.start <= token < w.end)


@given(cuts())
@settings(max_examples=200, deadline=None, database=None)
def test_windows_are_few_and_of_one_size(cut: tuple[int, WindowConfig, int, list[Window]]) -> None:
    length, config, special, windows = cut
    assert len({len(w) for w in windows}) <= 1
    fewer, size = len(windows) - 1, config.max_tokens - special
    if fewer > 0:
        assert fewer * size - (fewer - 1) * config.overlap < length, "one window less would have done"


def test_windows_of_a_document_worked_by_hand() -> None:
    # Ten tokens in windows of at most six with two shared: two windows of six; the middle of what they share is 5.
    assert windows_of(10, WindowConfig(8, 2), 2) == [Window(0, 6, 0, 5), Window(4, 10, 5, 10)]


@pytest.mark.parametrize(("length", "count"), [(0, 0), (1, 1), (6, 1), (7, 2), (10, 2), (11, 3)])
def test_the_number_of_windows_at_the_edges(length: int, count: int) -> None:
    assert len(windows_of(length, WindowConfig(8, 2), 2)) == count


@pytest.mark.parametrize(("max_tokens", "overlap", "special"), [(2, 0, 2), (6, 2, 4), (8, 3, 6)])
def test_a_window_that_its_frame_fills_is_refused(max_tokens: int, overlap: int, special: int) -> None:
    with pytest.raises(ConfigError, match="max_tokens"):
        windows_of(100, WindowConfig(max_tokens, overlap), special)


# Windows of whole sentences


@st.composite
def cuts_of_sentences(draw: st.DrawFn) -> tuple[list[int], WindowConfig, int, list[Window]]:
    """The lengths of a document's sentences, how it is cut, special tokens, and its windows."""
    max_tokens = draw(st.integers(2, 64))
    config = WindowConfig(max_tokens, draw(st.integers(0, max_tokens // 2 - 1)))
    special = draw(st.integers(0, 3))
    assume(max_tokens - special > config.overlap)
    lengths = draw(st.lists(st.integers(1, 80), max_size=20))
    numbers = np.repeat(np.arange(len(lengths)), lengths)
    return lengths, config, special, windows_of_sentences(numbers, config, special)


@given(cuts_of_sentences())
@settings(max_examples=300, deadline=None, database=None)
def test_windows_of_sentences_end_where_sentences_do(cut: tuple[list[int], WindowConfig, int, list[Window]]) -> None:
    lengths, config, special, windows = cut
    size = config.max_tokens - special
    assert [token for w in windows for token in range(w.own_start, w.own_end)] == list(range(sum(lengths)))
    assert all(w.start <= w.own_start and w.own_end <= w.end <= w.start + size for w in windows)
    ends = [0, *accumulate(lengths)]
    for window in windows:
        if window.own_start in ends and window.own_end in ends:
            assert window.start in ends
            assert window.own_start - window.start <= config.overlap
            assert window.end == window.own_end
        else:
            number = bisect_right(ends, window.own_start)
            assert ends[number] - ends[number - 1] > size, "only a sentence that fits into no window is cut"


@given(cuts_of_sentences())
@settings(max_examples=300, deadline=None, database=None)
def test_windows_of_sentences_show_what_fits_before(
    cut: tuple[list[int], WindowConfig, int, list[Window]],
) -> None:
    lengths, config, special, windows = cut
    ends = [0, *accumulate(lengths)]
    for window in windows:
        if window.own_start in ends and window.own_end in ends:
            earlier = [end for end in ends if end < window.start]
            more = earlier[-1] if earlier else -1000
            fits = window.end - more <= config.max_tokens - special
            assert not fits or window.own_start - more > config.overlap


def test_windows_of_sentences_worked_by_hand() -> None:
    # 18 tokens in windows of 8: three, so the first ends nearest to 6, and the second nearest to 5 + 13 / 2 = 11.5. Two
    # tokens of context fit before the second; before the third they would have to be four.
    numbers = np.repeat(np.arange(6), [3, 2, 2, 4, 4, 3])
    assert windows_of_sentences(numbers, WindowConfig(10, 2), 2) == [
        Window(0, 5, 0, 5), Window(3, 11, 5, 11), Window(11, 18, 11, 18),
    ]  # fmt: skip


def test_a_sentence_longer_than_a_window_is_cut_with_overlap() -> None:
    numbers = np.repeat(np.arange(3), [2, 10, 3])
    assert windows_of_sentences(numbers, WindowConfig(8, 2), 2) == [
        Window(0, 2, 0, 2), Window(2, 8, 2, 7), Window(6, 12, 7, 12), Window(12, 15, 12, 15),
    ]  # fmt: skip


# Joining windows again


@given(cuts())
@settings(max_examples=100, deadline=None, database=None)
def test_scores_of_windows_join_into_scores_of_the_document(cut: tuple[int, WindowConfig, int, list[Window]]) -> None:
    length, _, _, windows = cut
    assume(length > 0)
    scores = np.arange(length * 3, dtype=np.float32).reshape(length, 3)
    assert np.array_equal(join(windows, (scores[w.start : w.end] for w in windows)), scores)


def test_each_row_of_joined_scores_comes_from_the_owner() -> None:
    windows = [Window(0, 6, 0, 5), Window(4, 10, 5, 10)]
    joined = join(windows, [np.full((6, 1), 1, np.float32), np.full((6, 1), 2, np.float32)])
    assert joined[:, 0].tolist() == [1] * 5 + [2] * 5


def test_a_window_without_scores_is_no_shorter_document() -> None:
    with pytest.raises(ValueError, match="shorter"):
        join([Window(0, 6, 0, 5), Window(4, 10, 5, 10)], [np.zeros((6, 1), np.float32)])


# Spans that windows cut


LETTERS = "a b c d e f g h i j"  # ten tokens: token n is [2n, 2n + 1)
OFFSETS = np.array([(2 * n, 2 * n + 1) for n in range(10)])


def letters(first: int, last: int) -> Span:
    return Span.of(LETTERS, "target", 2 * first, 2 * last + 1)


def test_a_span_that_no_window_holds_whole_is_cut() -> None:
    windows = [Window(0, 6, 0, 5), Window(4, 10, 5, 10)]
    whole = [letters(0, 5), letters(4, 5), letters(4, 9), letters(9, 9)]
    cut = [letters(0, 6), letters(3, 6), letters(0, 9)]
    assert cut_spans(windows, OFFSETS, [*whole, *cut]) == cut


def test_a_span_without_tokens_is_not_cut_by_windows() -> None:
    windows = [Window(0, 6, 0, 5), Window(4, 10, 5, 10)]
    assert cut_spans(windows, OFFSETS, [Span.of(LETTERS, "target", 1, 2)]) == []


@pytest.mark.parametrize(("max_tokens", "overlap"), [(4, 1), (6, 2), (7, 2), (8, 3)])
def test_a_span_as_short_as_the_overlap_is_never_cut(max_tokens: int, overlap: int) -> None:
    windows = windows_of(10, WindowConfig(max_tokens, overlap), 0)
    assert len(windows) > 1
    short = [letters(first, first + overlap - 1) for first in range(11 - overlap)]
    assert cut_spans(windows, OFFSETS, short) == []
