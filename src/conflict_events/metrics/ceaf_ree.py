"""CEAF-REE: role-filler entity extraction as MUC-4 systems are scored since GRIT.

Each predicted entity of a role is aligned with at most one annotated entity of that role in the same document, so that
the total similarity is highest (CEAF, Luo 2005). Similarity is 1 if every mention of the predicted entity is a mention
of the annotated one, else 0 (Du, Rush and Cardie 2021, https://aclanthology.org/2021.eacl-main.52, section 5.1).
Precision is the aligned similarity over the number of predicted entities, recall over that of annotated ones, both
summed over documents and, for the micro-average, over roles. Mentions are compared as strings without case,
punctuation, articles and white space at the ends or doubled.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from conflict_events.metrics.score import Counts, Score, check_same_documents

Entities = Iterable[Collection[str]]
"""Entities of one role in one document, each as its mentions."""

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class EntityScores:
    """Counts by role, shape ``(documents, 4)``."""

    counts: Mapping[str, Counts]

    @property
    def per_role(self) -> dict[str, Score]:
        return {role: Score.of(counts) for role, counts in self.counts.items()}

    @property
    def micro(self) -> Score:
        """Over all roles together."""
        return Score.of(self.totals)

    @property
    def totals(self) -> Counts:
        """Counts of all roles together, by document."""
        total: Counts = np.sum(list(self.counts.values()), axis=0)
        return total

    def to_record(self) -> dict[str, Any]:
        """``micro``, and ``per_role`` by role."""
        return {
            "micro": self.micro.to_record(),
            "per_role": {role: score.to_record() for role, score in self.per_role.items()},
        }


def ceaf_ree(
    gold: Sequence[Mapping[str, Entities]], predicted: Sequence[Mapping[str, Entities]], roles: Sequence[str]
) -> EntityScores:
    """Score predicted role fillers.

    Args:
        gold: by document, the annotated entities of each role.
        predicted: the predicted ones of the same documents; a role that is not there has none.
        roles: which are scored.

    Raises:
        ValueError: if the two sides differ in their number of documents.
    """
    check_same_documents(gold, predicted)
    rows: dict[str, list[tuple[float, int, float, int]]] = {role: [] for role in roles}
    for annotated, found in zip(gold, predicted, strict=True):
        for role in roles:
            key, response = _normalised(annotated.get(role, ())), _normalised(found.get(role, ()))
            similarity = np.array([[float(one <= other) for other in key] for one in response])
            similarity = similarity.reshape(len(response), len(key))
            aligned = float(similarity[linear_sum_assignment(-similarity)].sum())
            rows[role].append((aligned, len(response), aligned, len(key)))
    return EntityScores({role: np.array(counts, dtype=np.float64).reshape(-1, 4) for role, counts in rows.items()})


def normalise(mention: str) -> str:
    """A mention as it is compared."""
    return " ".join(_ARTICLE.sub(" ", mention.lower().translate(_NO_PUNCTUATION)).split())


def _normalised(entities: Entities) -> list[frozenset[str]]:
    return [frozenset(map(normalise, mentions)) for mentions in entities if mentions]
