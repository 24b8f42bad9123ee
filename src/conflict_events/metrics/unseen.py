"""Recall on names that training has shown, and on those that it has not.

An annotated span is seen if the train split annotates the same characters in the same role, whatever their case and
white space (surface forms, as in Augenstein, Derczynski and Bontcheva 2017). A span is found if role, start and end are
right. Precision has no such parts: what is wrongly predicted is annotated nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from conflict_events.metrics.alignment import distinct
from conflict_events.metrics.score import check_same_documents, share
from conflict_events.schema import TRIGGER, Document, Span

Found = npt.NDArray[np.float64]
"""Shape ``(documents, 2)``: annotated spans that were found, annotated spans."""

SurfaceForm = tuple[str, str]


@dataclass(frozen=True)
class SeenRecall:
    """Counts by document of the seen and the unseen spans of each role."""

    documents: int
    seen: Mapping[str, Found]
    unseen: Mapping[str, Found]

    @property
    def parts(self) -> dict[str, Mapping[str, Found]]:
        return {"seen": self.seen, "unseen": self.unseen}

    def over_roles(self, part: str) -> Found:
        """Counts of ``seen`` or ``unseen`` spans of all roles but the trigger."""
        counts = self.parts[part]
        total: Found = sum((counts[role] for role in counts if role != TRIGGER), np.zeros((self.documents, 2)))
        return total

    def to_record(self) -> dict[str, Any]:
        """Recall and support, over all roles but the trigger and of each role; recall of nothing is 0."""
        return {
            "roles": {part: _record(self.over_roles(part)) for part in self.parts},
            "per_role": {role: {part: _record(self.parts[part][role]) for part in self.parts} for role in self.seen},
        }


def seen_recall(
    train: Iterable[Document],
    gold: Sequence[Iterable[Span]],
    predicted: Sequence[Iterable[Span]],
    roles: Sequence[str],
) -> SeenRecall:
    """Recall apart for seen and unseen surface forms.

    Args:
        train: the documents that the system learned from; without any, every span is unseen.
        gold: annotated spans of each document; repeats of a ``(role, start, end)`` count once.
        predicted: predicted spans of the same documents, in the same order.
        roles: the role inventory; spans of other roles are left out.

    Raises:
        ValueError: if the two sides differ in their number of documents.
    """
    check_same_documents(gold, predicted)
    known = surface_forms(train)
    counts = np.zeros((2, len(roles), len(gold), 2))  # (unseen and seen, roles, documents, found and annotated)
    for number, (annotated, guesses) in enumerate(zip(gold, predicted, strict=True)):
        found = {span.key for span in guesses}
        for span in distinct(annotated, roles):
            cell = counts[int(surface_form(span) in known), roles.index(span.role), number]
            cell += (span.key in found, 1)
    unseen, seen = (dict(zip(roles, part, strict=True)) for part in counts)
    return SeenRecall(len(gold), seen, unseen)


def surface_forms(documents: Iterable[Document]) -> set[SurfaceForm]:
    """Every form that documents annotate."""
    return {surface_form(span) for document in documents for span in document.spans}


def surface_form(span: Span) -> SurfaceForm:
    """Role and text, without case and with single spaces."""
    return span.role, " ".join(span.text.casefold().split())


def _record(counts: Found) -> dict[str, Any]:
    totals = counts.sum(axis=0)
    return {"recall": float(share(totals)), "support": int(totals[1])}
