"""What documents are, in few characters that can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from conflict_events.schema import Document


def fingerprint(documents: Iterable[Document]) -> str:
    """The sha256 of ids, texts and annotation, without the meta, whatever the order of the documents."""
    digest = hashlib.sha256()
    for document in sorted(documents, key=lambda d: d.id):
        record = document.to_record()
        record.pop("meta", None)
        digest.update(json.dumps(record, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
