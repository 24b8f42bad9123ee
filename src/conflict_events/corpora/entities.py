"""Entities: the mentions of one role filler, as MUC-4's key groups them.

A document carries them in its meta, so that every format keeps them::

    "entities": [{"role": "victim", "mentions": [[29, 38], [44, 49]]}]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conflict_events.errors import DataError
from conflict_events.schema import Document, Span

META_KEY = "entities"

Entities = dict[str, list[list[str]]]
"""By role, entities, each as the wordings of its mentions."""


def to_meta(entities: Iterable[Sequence[Span]]) -> list[dict[str, Any]]:
    """What the meta of a document says of its entities, each given as its mentions, all of one role."""
    return [
        {"role": mentions[0].role, "mentions": [[span.start, span.end] for span in mentions]} for mentions in entities
    ]


def annotated_entities(document: Document) -> Entities | None:
    """The entities that are annotated in a document; None where entities are not annotated at all.

    Raises:
        DataError: if the meta holds something else under the name.
    """
    if META_KEY not in document.meta:
        return None
    found: Entities = {}
    try:
        for entity in document.meta[META_KEY]:
            mentions = [document.text[start:end] for start, end in entity["mentions"]]
            found.setdefault(entity["role"], []).append(mentions)
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(
            f"the entities in the meta of {document.id!r} are malformed ({error!r})",
            remedy='write {"role": "victim", "mentions": [[29, 38]]} for each',
        ) from None
    return found
