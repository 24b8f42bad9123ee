"""Annotated documents to rows that a model trains on, and rows to batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from torch import Tensor

from conflict_events.config import WindowConfig
from conflict_events.errors import DataError
from conflict_events.labels import IGNORE, LabelScheme, is_inside, tokens_of
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.surroundings import sentence_numbers, surroundings
from conflict_events.schema import Document, Layer, Role, Span
from conflict_events.training.distilling import SoftLabels
from conflict_events.windows import TextTokenizer, Tokens, Window, cut_spans, windows_of

_LISTS = {"sentence": 0, "between": 0, "span_first": 0, "span_last": 0, "span_role": IGNORE}
"""What a link has several of, and what fills the places of those that are not there."""

_TOKENS, _LINKS = 32, 8  # lengths and numbers of events are multiples of these
_NO_LINK: dict[str, Any] = {
    "row": 0, "start": 0, "first": 0, "last": 0, "type": IGNORE,
    "sentence": [0], "between": [0], "span_first": [], "span_last": [], "span_role": [],
}  # fmt: skip


@dataclass(frozen=True)
class LostGold:
    """Annotated spans of the training split that the tagger cannot learn as they are.

    Attributes:
        spans: all annotated spans.
        cut: longer than any window shows whole.
        competing: overlapping another span, which single-label BIO cannot hold.
    """

    spans: int
    cut: int
    competing: int


@dataclass(frozen=True)
class _Link:
    """An event over the tokens of its document: the trigger's first and last token, type, and its spans' roles."""

    first: int
    last: int
    type: int
    roles: dict[tuple[int, int], int]


def encode(
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    scheme: LabelScheme,
    window: WindowConfig,
    reach: int | None = None,
    language: str = "en",
    soft: Sequence[SoftLabels] | None = None,
    texts: Sequence[tuple[Document, SoftLabels]] = (),
    unread: Sequence[Collection[str]] = (),
) -> tuple[Dataset, LostGold]:
    """Windows of documents with label ids, and the annotation that was lost on the way.

    A span that a window shows in part is hidden from the loss there; the overlap shows it whole in the next window.

    Args:
        documents: annotated.
        tokenizer: the encoder's.
        scheme: the tagger's labels.
        window: how documents are cut.
        reach: of the linker; None leaves events out.
        language: for sentence boundaries.
        soft: a teacher's probabilities for the tokens of each document.
        texts: further documents that are not annotated, with a teacher's probabilities.
        unread: of each document, the roles that nobody looked for in it; none in any if there are none.

    Returns:
        A dataset with ``input_ids``, ``labels`` (special tokens and hidden ones are -100), ``length`` and, with
        ``reach``, ``links``: for each event whose trigger the window shows, its ``type``, the ``start`` of what the
        linker sees of ``input_ids``, and, counted from there, its trigger's ``first`` and ``last`` token,
        ``sentence`` and ``between`` of every token seen, and of every role span seen ``span_first``, ``span_last`` and
        ``span_role`` (0 for none). With ``soft``, the column of that name has the teacher's probabilities, float16,
        as the bytes of an array of the shape ``(length, labels)``, zeros for special tokens. Where a document has
        ``unread`` roles, the column of that name says for every label whether it is of one.
    """
    hidden = [scheme.of_roles(roles) for roles in unread] if any(unread) else None
    rows: list[dict[str, Any]] = []
    total = cut = competing = 0
    for number, (document, tokens) in enumerate(zip(documents, tokenizer([d.text for d in documents]), strict=True)):
        spans = document.spans
        labels, lost = scheme.encode(tokens.offsets, spans)
        links, role_spans = _links(document, tokens) if reach is not None else ([], [])
        sentences = sentence_numbers(document.text, tokens, language) if links else np.empty(0, np.int64)
        windows = windows_of(len(tokens), window, tokenizer.special_tokens)
        total += len(spans)
        competing += len(lost)
        cut += len(cut_spans(windows, tokens.offsets, set(spans) - set(lost)))
        for part in windows:
            frame = tokenizer.frame(tokens, part)
            row = {"input_ids": frame, "labels": _framed(labels, part, tokenizer), "length": len(frame)}
            if reach is not None:
                shown = [link for link in links if part.start <= link.first and link.last < part.end]
                row["links"] = list(_seen(shown, role_spans, sentences, part, reach, len(tokenizer.prefix)))
            if soft is not None:
                row["soft"] = _soft(soft[number], part, tokenizer)
            if hidden is not None:
                row["unread"] = hidden[number]
            rows.append(row)
    for (_, probabilities), tokens in zip(texts, tokenizer([d.text for d, _ in texts]), strict=True):
        for part in windows_of(len(tokens), window, tokenizer.special_tokens):
            frame = tokenizer.frame(tokens, part)
            row = {"input_ids": frame, "labels": [IGNORE] * len(frame), "length": len(frame)}
            row["soft"] = _soft(probabilities, part, tokenizer)
            if reach is not None:
                row["links"] = []
            if hidden is not None:
                row["unread"] = scheme.of_roles(())
            rows.append(row)
    if not rows:
        raise DataError("no document of the training split has any text", remedy="check corpus.path")
    return Dataset.from_list(rows), LostGold(total, cut, competing)


def _links(document: Document, tokens: Tokens) -> tuple[list[_Link], list[tuple[int, int]]]:
    """The events of a document, in the order of their triggers, and the tokens of every role span."""
    if Layer.EVENTS not in document.layers:
        return [], []

    def place(span: Span) -> tuple[int, int] | None:
        touched = tokens_of(tokens.offsets, span.start, span.end)
        return (int(touched[0]), int(touched[-1])) if len(touched) else None

    links = []
    for event in document.events:
        if (at := place(event.trigger)) is not None:
            roles = {where: ROLES.index(Role(span.role)) + 1 for span in event.arguments if (where := place(span))}
            links.append(_Link(*at, TYPES.index(event.type), roles))
    spans = {where for link in links for where in link.roles}
    return sorted(links, key=lambda link: link.first), sorted(spans)


def _seen(
    links: Sequence[_Link],
    spans: Sequence[tuple[int, int]],
    sentences: npt.NDArray[np.int64],
    part: Window,
    reach: int,
    prefix: int,
) -> Iterator[dict[str, Any]]:
    """The events of a window as rows; the linker sees no special tokens."""
    anchors = [(link.first - part.start, link.last - part.start) for link in links]
    around = surroundings(sentences[part.start : part.end], anchors, reach)
    for link, (first, last), seen in zip(links, anchors, around, strict=True):
        start, end = seen.start + part.start, seen.end + part.start
        near = [span for span in spans if start <= span[0] and span[1] < end]
        yield {
            "type": link.type,
            "start": seen.start + prefix,
            "first": first - seen.start,
            "last": last - seen.start,
            "sentence": seen.sentence.tolist(),
            "between": seen.between.tolist(),
            "span_first": [span[0] - start for span in near],
            "span_last": [span[1] - start for span in near],
            "span_role": [link.roles.get(span, 0) for span in near],
        }


def _framed(labels: npt.NDArray[np.int64], part: Window, tokenizer: TextTokenizer) -> list[int]:
    """A window's labels with those of special tokens."""
    shown: list[int] = _shown(labels, part).tolist()
    return [IGNORE] * len(tokenizer.prefix) + shown + [IGNORE] * len(tokenizer.suffix)


def _soft(probabilities: SoftLabels, part: Window, tokenizer: TextTokenizer) -> bytes:
    """A window's soft labels with zeros for special tokens."""
    shown = probabilities[part.start : part.end]
    return np.pad(shown, ((len(tokenizer.prefix), len(tokenizer.suffix)), (0, 0))).tobytes()


def _shown(labels: npt.NDArray[np.int64], part: Window) -> npt.NDArray[np.int64]:
    """A window's labels; spans that it does not show whole are hidden."""
    shown = labels[part.start : part.end].copy()
    first = 0
    while first < len(shown) and is_inside(shown[first]):
        first += 1  # a span that began before this window
    shown[:first] = IGNORE
    if part.end < len(labels) and is_inside(labels[part.end]):
        last = len(shown)
        while last > 0 and is_inside(shown[last - 1]):
            last -= 1  # a span that goes on after this window
        shown[max(last - 1, 0) :] = IGNORE
    return shown


@dataclass(frozen=True)
class Collator:
    """Rows to padded tensors.

    Lengths and numbers of events are rounded up: for every new shape oneDNN compiles kernels anew, which takes longer
    than the padding.

    Attributes:
        padding: token id that fills short rows.
    """

    padding: int

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """``input_ids``, ``attention_mask``, ``labels``: ``(rows, tokens)``; and of the rows' events ``link_row``,
        ``link_start``, ``link_first``, ``link_last``, ``link_type``: ``(links,)``, ``link_mask``, ``link_sentence``,
        ``link_between``: ``(links, tokens seen)``, ``link_span_first``, ``link_span_last``, ``link_span_role``:
        ``(links, spans seen)``; of a teacher ``soft``: ``(rows, tokens, labels)``, zeros where it says nothing; and
        ``unread``: ``(rows, labels)``."""
        ids = [row["input_ids"] for row in rows]
        batch = {
            "input_ids": _padded(ids, self.padding),
            "attention_mask": _padded([[1] * len(row) for row in ids], 0),
            "labels": _padded([row["labels"] for row in rows], IGNORE),
        }
        if "soft" in rows[0]:
            batch["soft"] = _padded_soft([row["soft"] for row in rows], [len(row) for row in ids])
        if "unread" in rows[0]:
            batch["unread"] = torch.tensor([row["unread"] for row in rows])
        links = [{"row": number, **link} for number, row in enumerate(rows) for link in row.get("links") or ()]
        if links:
            links += [_NO_LINK] * (-len(links) % _LINKS)
            batch["link_mask"] = _padded([[1] * len(link["sentence"]) for link in links], 0).bool()
            for name in ("row", "start", "first", "last", "type"):
                batch[f"link_{name}"] = torch.tensor([link[name] for link in links])
            for name, fill in _LISTS.items():
                batch[f"link_{name}"] = _padded([link[name] for link in links], fill)
        return batch


def _padded_soft(rows: Sequence[bytes], lengths: Sequence[int]) -> Tensor:
    parts = [np.frombuffer(row, np.float16).reshape(length, -1) for row, length in zip(rows, lengths, strict=True)]
    longest = max(lengths)
    padded = np.zeros((len(parts), longest + -longest % _TOKENS, parts[0].shape[1]), np.float32)
    for number, part in enumerate(parts):
        padded[number, : len(part)] = part
    return torch.from_numpy(padded)


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    longest = max(map(len, rows))
    padded = torch.full((len(rows), longest + -longest % _TOKENS), fill)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = torch.tensor(row)
    return padded
