"""Token scores to legal labels to spans of the document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from conflict_events.config import Algorithm, DecodingConfig
from conflict_events.labels import OUTSIDE, LabelScheme, is_inside
from conflict_events.schema import Span
from conflict_events.windows import Tokens

Scores = npt.NDArray[np.float32]
"""Shape ``(tokens, labels)``: one row of unnormalised scores (logits) a token."""

_FORBIDDEN = -1e30


def log_probabilities(scores: Scores) -> npt.NDArray[np.float64]:
    """Log-softmax over labels, shape ``(tokens, labels)``."""
    rows = scores.astype(np.float64, order="C")  # sums round as the memory is laid out: let it be the same each time
    shifted = rows - rows.max(axis=-1, keepdims=True)
    normalised: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def decode(
    texts: Sequence[str],
    tokens: Sequence[Tokens],
    scores: Sequence[Scores],
    scheme: LabelScheme,
    config: DecodingConfig,
) -> list[list[Span]]:
    """The spans of each document, in text order, never overlapping.

    A span's score is the lowest probability among the labels of its tokens: a span is no surer than its weakest part.

    Args:
        texts: the documents' texts.
        tokens: the tokens of each.
        scores: logits of each, shape ``(tokens, labels)``.
        scheme: what the labels mean.
        config: how to choose.
    """
    spans: list[list[Span]] = [[] for _ in texts]
    ends = np.cumsum([len(of_text) for of_text in tokens])
    if len(ends) == 0 or ends[-1] == 0:
        return spans
    # All documents as one long one, in which some tokens begin anew.
    log_probability = log_probabilities(np.concatenate(scores))
    offsets = np.concatenate([of_text.offsets for of_text in tokens])
    begins = np.zeros(len(offsets), dtype=bool)
    begins[[0, *ends[:-1][ends[:-1] < len(offsets)]]] = True
    # No span goes on past an empty line: a headline and what follows it are two things.
    breaks = np.concatenate([of_text.breaks for of_text in tokens])
    log_probability[np.ix_(breaks, is_inside(np.arange(log_probability.shape[1])))] = _FORBIDDEN
    if config.algorithm is Algorithm.viterbi:
        continues = np.concatenate([of_text.continues for of_text in tokens])
        continues = continues & config.whole_words
        labels = viterbi(log_probability, scheme, continues, begins | (breaks & ~continues))
    else:
        labels = log_probability.argmax(axis=1)
    chosen = np.exp(log_probability[np.arange(len(labels)), labels])
    in_text = np.flatnonzero(offsets[:, 0] < offsets[:, 1])  # a token of white space has no place in the text
    for label, first, last in label_runs(labels, begins):
        one, other = np.searchsorted(in_text, (first, last))
        if one == other:
            continue
        start, end = int(offsets[in_text[one], 0]), int(offsets[in_text[other - 1], 1])
        number = int(np.searchsorted(ends, first, side="right"))
        if spans[number] and start < spans[number][-1].end:
            continue  # tokens of one character (byte fallback), split by argmax
        score = float(chosen[first:last].min())
        spans[number].append(Span.of(texts[number], scheme.roles[(label - 1) // 2], start, end, score))
    return spans


def viterbi(
    log_probability: npt.NDArray[np.float64],
    scheme: LabelScheme,
    continues: npt.NDArray[np.bool_],
    begins: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """The most probable label sequence that is legal IOB2 (Viterbi 1967, with hard transition constraints).

    Args:
        log_probability: shape ``(tokens, labels)``.
        scheme: which label may follow which.
        continues: shape ``(tokens,)``; at these tokens no span may begin or end.
        begins: shape ``(tokens,)``; True where a sequence of its own begins; None for one sequence.

    Returns:
        Label ids, shape ``(tokens,)``.
    """
    allowed = scheme.transitions()
    labels: npt.NDArray[np.int64] = log_probability.argmax(axis=1)
    within_word = np.eye(len(allowed), dtype=bool)
    for role in scheme.roles:
        begin, inside = scheme.begin(role), scheme.inside(role)
        within_word[begin, begin] = False
        within_word[begin, inside] = True
    first = np.zeros(len(labels), dtype=bool) if begins is None else begins.copy()
    first[0] = True
    before, after = labels[:-1], labels[1:]
    legal = ~is_inside(labels)
    steps = np.where(continues[1:], within_word[before, after], allowed[before, after])
    legal[1:] = np.where(first[1:], legal[1:], steps)
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=len(labels))
    # Where the best labels make a legal sequence it is the best of all. The others, longest first, side by side:
    illegal = np.flatnonzero(~np.logical_and.reduceat(legal, starts))
    illegal = illegal[np.argsort(-lengths[illegal], kind="stable")]
    starts, lengths = starts[illegal], lengths[illegal]
    penalty = np.where(allowed, 0.0, _FORBIDDEN)
    word_penalty = np.where(within_word, 0.0, _FORBIDDEN)
    best = log_probability[starts] + np.where(is_inside(np.arange(len(allowed))), _FORBIDDEN, 0.0)
    came_from = np.zeros((lengths.max(initial=0), *best.shape), dtype=np.int16)  # (tokens, sequences, labels)
    for t in range(1, len(came_from)):
        going = int(np.searchsorted(-lengths, -t))  # how many sequences have a token t
        at = starts[:going] + t
        paths = best[:going, :, None] + np.where(continues[at, None, None], word_penalty, penalty)
        came_from[t, :going] = paths.argmax(axis=1)
        best[:going] = paths.max(axis=1) + log_probability[at]
    label = best.argmax(axis=1)
    for t in range(len(came_from) - 1, -1, -1):
        going = int(np.searchsorted(-lengths, -t))
        labels[starts[:going] + t] = label[:going]
        label[:going] = came_from[t, np.arange(going), label[:going]]
    return labels


def label_runs(
    labels: npt.NDArray[np.int64], begins: npt.NDArray[np.bool_] | None = None
) -> list[tuple[int, int, int]]:
    """``(B-label, first, last + 1)`` of every span in a label sequence; an illegal I- begins a span.

    Args:
        labels: shape ``(tokens,)``.
        begins: shape ``(tokens,)``; True where a sequence of its own begins; None for one sequence.
    """
    inside = is_inside(labels)
    starting = labels - inside  # the B-label of each token's role
    goes_on = np.zeros(len(labels), dtype=bool)
    goes_on[1:] = inside[1:] & (starting[1:] == starting[:-1])
    if begins is not None:
        goes_on &= ~begins
    firsts = np.flatnonzero((labels != OUTSIDE) & ~goes_on)
    stops = np.append(np.flatnonzero(~goes_on), len(labels))
    lasts = stops[np.searchsorted(stops, firsts, side="right")]
    return list(zip(starting[firsts].tolist(), firsts.tolist(), lasts.tolist(), strict=True))
