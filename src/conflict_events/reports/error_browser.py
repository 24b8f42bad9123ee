"""Errors as the report shows them: grouped by kind, the frequent first, each in its sentence with both spans marked."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from conflict_events.metrics.errors import Error, ErrorKind
from conflict_events.metrics.events import types_by_trigger
from conflict_events.schema import Document, Event, Span
from conflict_events.text import SentenceIndex

_CONTEXT = 240  # characters on either side of what is marked, where a sentence is longer
_NEAR = 500  # characters; a trigger further away is named, but not shown
_QUOTED = 80  # characters of a span in a description
_REPEATED = 5  # descriptions that head a group
_MOST = 1000  # errors of a kind that are shown: a page with a hundred thousand opens in no browser
MEANING: Mapping[str, str] = {
    ErrorKind.BOUNDARY: "The role is right, but the span begins or ends elsewhere.",
    ErrorKind.WRONG_ROLE: "The span is right, but it was found in another role.",
    ErrorKind.ROLE_AND_BOUNDARY: "Something overlapping was found, in another role and with other boundaries.",
    ErrorKind.MISSED: "A span is annotated where nothing was found.",
    ErrorKind.SPURIOUS: "A span was found where nothing is annotated.",
    ErrorKind.WRONG_TYPE: "The trigger is right, but the event has another type.",
    ErrorKind.WRONG_EVENT: "Span and role are right, but the span belongs to another event, or to none.",
    ErrorKind.CUT: "A missed span that no window showed whole to the model.",
}

# What a reader does not see, or what turns the text around it: shown as its code point. Line ends and tabs stay.
_UNSEEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text between two boundaries.

    Attributes:
        text: of the document.
        annotated: the role in which this error's annotation has it, if any.
        found: the role in which this error's prediction has it, if any.
        begins: which of the two begin here, and so bear a label.
        around: other spans here, as ``annotated target``, ``found weapon``.
    """

    text: str
    annotated: str | None
    found: str | None
    begins: frozenset[str]
    around: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An error.

    Attributes:
        id: of the document.
        what: the error in words.
        confidence: of the prediction, if there is one.
        roles: annotated and found.
        groups: the document's values of the grouping keys.
        pieces: the sentence.
        cut_before: whether the sentence begins earlier.
        cut_after: whether it ends later.
    """

    id: str
    what: str
    confidence: float | None
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    pieces: tuple[Piece, ...]
    cut_before: bool
    cut_after: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The errors of a kind, those that occur again and again first.

    Attributes:
        errors: the first of them.
        total: how many there are.
        repeated: what occurs more than once, and how often; the most frequent.
    """

    kind: str
    meaning: str
    errors: tuple[Shown, ...]
    total: int
    repeated: tuple[tuple[str, int], ...]


def visible(text: object) -> str:
    """A text in which control characters, bidirectional marks and halves of surrogate pairs are seen: ``[U+202E]``."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text))


def group_errors(
    documents: Sequence[Document],
    spans: Sequence[Collection[Span]],
    events: Sequence[Collection[Event]],
    errors: Iterable[Error],
    keys: Sequence[str],
) -> list[Group]:
    """The errors by kind, the most frequent kind first.

    Args:
        documents: the annotated documents.
        spans: what was found in each, in the same order.
        events: the events found in each.
        errors: of these documents.
        keys: of the documents' meta, whose values an error carries.

    Raises:
        ValueError: if there are not as many predictions as documents.
    """
    if not len(documents) == len(spans) == len(events):
        raise ValueError(f"{len(documents)} documents, but {len(spans)} and {len(events)} predictions")
    by_kind: dict[str, list[Error]] = defaultdict(list)
    for error in sorted(errors, key=lambda error: error.document):
        by_kind[error.kind.value].append(error)

    @cache
    def setting(number: int) -> tuple[Document, Sequence[tuple[str, Span]], SentenceIndex, tuple[str, ...]]:
        """What the errors of a document are shown with."""
        document = documents[number]
        around = [
            *_named("annotated", document.spans, document.events),
            *_named("found", spans[number], events[number]),
        ]
        groups = tuple("" if (value := document.meta.get(key)) is None else visible(value) for key in keys)
        return document, around, SentenceIndex(document.text), groups

    return [
        _group(kind, held, lambda error, what: _show(error, what, *setting(error.document)))
        for kind, held in sorted(by_kind.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _group(kind: str, errors: Sequence[Error], show: Callable[[Error, str], Shown]) -> Group:
    worded = [(visible(_in_words(error)), error) for error in errors]
    times = Counter(what for what, _ in worded)
    ranked = sorted(worded, key=lambda item: (-times[item[0]], item[0]))  # stable: then as the documents stand
    repeated = tuple((what, count) for what, count in times.most_common(_REPEATED) if count > 1)
    return Group(kind, MEANING[kind], tuple(show(error, what) for what, error in ranked[:_MOST]), len(ranked), repeated)


def _show(
    error: Error,
    what: str,
    document: Document,
    around: Iterable[tuple[str, Span]],
    index: SentenceIndex,
    groups: tuple[str, ...],
) -> Shown:
    annotated, found = ([span] if span else [] for span in (error.gold, error.predicted))
    roles = tuple(dict.fromkeys(str(span.role) for span in (*annotated, *found)))
    place = (annotated or found)[0].start
    annotated += [error.gold_trigger] if error.gold_trigger else []
    found += [error.predicted_trigger] if error.predicted_trigger else []
    near = [span for span in (*annotated, *found) if abs(span.start - place) <= _NEAR]
    start, end = _passage(document.text, near, index)
    return Shown(
        id=visible(document.id),
        what=what,
        confidence=error.predicted.score if error.predicted else None,
        roles=roles,
        groups=groups,
        pieces=tuple(
            _pieces(
                document.text,
                annotated,
                found,
                [(name, span) for name, span in around if span.start < end and start < span.end],
                (start, end),
            )
        ),
        cut_before=start != index.bounds[index.number(start)][0],
        cut_after=end != index.bounds[index.number(end - 1)][1],
    )


def _named(side: str, spans: Iterable[Span], events: Iterable[Event]) -> Iterator[tuple[str, Span]]:
    """Spans with what they are: ``found weapon``, ``annotated trigger of shelling``."""
    types = types_by_trigger(events)
    for span in spans:
        held = types[span.key]
        yield f"{side} {span.role}" + (f" of {' and '.join(sorted(held))}" if held else ""), span


def _in_words(error: Error) -> str:
    sides: dict[str, str | None] = {
        "annotated": _quoted(error.gold) if error.gold else None,
        "found": _quoted(error.predicted) if error.predicted else None,
    }
    if error.kind is ErrorKind.WRONG_TYPE:
        types = (("annotated", error.gold_type), ("found", error.predicted_type))
        return f"{sides['annotated']}: " + ", ".join(f"{side} as {kind or 'no further event'}" for side, kind in types)
    if error.kind is ErrorKind.WRONG_EVENT:
        triggers = (("annotated", error.gold_trigger), ("found", error.predicted_trigger))
        return f"{sides['annotated']}: " + ", ".join(
            f"{side} with {_quoted(trigger) if trigger else 'no further event'}" for side, trigger in triggers
        )
    return ", ".join(f"{side} {quoted}" for side, quoted in sides.items() if quoted)


def _quoted(span: Span) -> str:
    words = " ".join(span.text.split())
    return f"{span.role} “{words if len(words) <= _QUOTED else words[:_QUOTED] + '…'}”"


def _passage(text: str, spans: Sequence[Span], index: SentenceIndex) -> tuple[int, int]:
    """Offsets of the sentence, or sentences, of the spans; of a long one what stands around them."""
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    start, end = index.bounds[index.number(first)][0], index.bounds[index.number(last - 1)][1]
    if start < first - _CONTEXT:
        start = text.find(" ", first - _CONTEXT, first) + 1 or first - _CONTEXT
    if end > last + _CONTEXT:
        blank = text.rfind(" ", last, last + _CONTEXT)
        end = blank if blank > 0 else last + _CONTEXT
    return start, end


def _pieces(
    text: str,
    annotated: Sequence[Span],
    found: Sequence[Span],
    around: Sequence[tuple[str, Span]],
    passage: tuple[int, int],
) -> Iterator[Piece]:
    start, end = passage
    everything = [*annotated, *found, *(span for _, span in around)]
    edges = {start, end} | {edge for span in everything for edge in (span.start, span.end) if start < edge < end}
    for one, other in pairwise(sorted(edges)):
        gold, guess = _covering(annotated, one, other), _covering(found, one, other)
        begins = {side for side, span in (("annotated", gold), ("found", guess)) if span and span.start == one}
        near = dict.fromkeys(name for name, span in around if span.start <= one and other <= span.end)
        yield Piece(
            text=visible(text[one:other]),
            annotated=str(gold.role) if gold else None,
            found=str(guess.role) if guess else None,
            begins=frozenset(begins),
            around=", ".join(near),
        )


def _covering(spans: Iterable[Span], start: int, end: int) -> Span | None:
    return next((span for span in spans if span.start <= start and end <= span.end), None)
