"""Token scores to legal labels to spans of the document."""

from __future__ import annotations

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
    shifted = scores.astype(np.float64) - scores.max(axis=-1, keepdims=True)
    normalised: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def decode(text: str, tokens: Tokens, scores: Scores, scheme: LabelScheme, config: DecodingConfig) -> list[Span]:
    """The spans of a document, in text order, never overlapping.

    A span's score is the lowest probability among the labels of its tokens: a span is no surer than its weakest part.

    Args:
        text: the document's text.
        tokens: its tokens.
        scores: logits, shape ``(tokens, labels)``.
        scheme: what the labels mean.
        config: how to choose.
    """
    if len(tokens) == 0:
        return []
    log_probability = log_probabilities(scores)
    # No span goes on past an empty line: a headline and what follows it are two things.
    log_probability[np.ix_(tokens.breaks, is_inside(np.arange(scores.shape[1])))] = _FORBIDDEN
    continues = tokens.continues if config.whole_words else np.zeros(len(tokens), dtype=bool)
    if config.algorithm is Algorithm.viterbi:
        labels = viterbi(log_probability, scheme, continues)
    else:
        labels = log_probability.argmax(axis=1)
    chosen = np.exp(log_probability[np.arange(len(labels)), labels])
    spans: list[Span] = []
    for label, first, last in label_runs(labels):
        pairs = tokens.offsets[first:last]
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]  # a token of white space has no place in the text
        score = float(chosen[first:last].min())
        if len(pairs):
            start, end = int(pairs[0, 0]), int(pairs[-1, 1])
            if spans and start < spans[-1].end:
                continue  # tokens of one character (byte fallback), split by argmax
            spans.append(Span.of(text, scheme.roles[(label - 1) // 2], start, end, score))
    return spans


def viterbi(
    log_probability: npt.NDArray[np.float64], scheme: LabelScheme, continues: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The most probable label sequence that is legal IOB2 (Viterbi 1967, with hard transition constraints).

    Args:
        log_probability: shape ``(tokens, labels)``.
        scheme: which label may follow which.
        continues: shape ``(tokens,)``; at these tokens no span may begin or end.

    Returns:
        Label ids, shape ``(tokens,)``.
    """
    allowed = scheme.transitions()
    greedy: npt.NDArray[np.int64] = log_probability.argmax(axis=1)
    within_word = np.eye(len(allowed), dtype=bool)
    for role in scheme.roles:
        begin, inside = scheme.begin(role), scheme.inside(role)
        within_word[begin, begin] = False
        within_word[begin, inside] = True
    before, after = greedy[:-1], greedy[1:]
    steps = np.where(continues[1:], within_word[before, after], allowed[before, after])
    if steps.all() and not is_inside(greedy[0]):
        return greedy  # the best of all sequences is legal
    penalty = np.where(allowed, 0.0, _FORBIDDEN)
    word_penalty = np.where(within_word, 0.0, _FORBIDDEN)
    best = log_probability[0] + np.where(is_inside(np.arange(len(allowed))), _FORBIDDEN, 0.0)
    came_from = np.zeros(log_probability.shape, dtype=np.int64)
    for t in range(1, len(log_probability)):
        paths = best[:, None] + (word_penalty if continues[t] else penalty)
        came_from[t] = paths.argmax(axis=0)
        best = paths.max(axis=0) + log_probability[t]
    labels = np.empty(len(log_probability), dtype=np.int64)
    labels[-1] = best.argmax()
    for t in range(len(labels) - 1, 0, -1):
        labels[t - 1] = came_from[t, labels[t]]
    return labels


def label_runs(labels: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """``(B-label, first, last + 1)`` of every span in a label sequence; an illegal I- begins a span."""
    runs: list[tuple[int, int, int]] = []
    marked = np.flatnonzero(labels != OUTSIDE)
    for position, label, inside in zip(
        marked.tolist(), labels[marked].tolist(), is_inside(labels[marked]).tolist(), strict=True
    ):
        if inside and runs and runs[-1][2] == position and runs[-1][0] == label - 1:
            runs[-1] = (runs[-1][0], runs[-1][1], position + 1)
        else:
            runs.append((label - inside, position, position + 1))
    return runs
