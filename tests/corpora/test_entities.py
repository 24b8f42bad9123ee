from __future__ import annotations

from typing import Any

import pytest

from conflict_events.corpora.entities import annotated_entities, to_meta
from conflict_events.errors import DataError
from conflict_events.schema import Document, Span

TEXT = "gunmen shot the mayor , said the mayor ' s aide"


def document(**meta: Any) -> Document:
    return Document("d", TEXT, meta=meta)


def test_entities_go_into_the_meta_and_come_out_as_wordings() -> None:
    mayor = [Span.of(TEXT, "victim", start, start + 9) for start in (12, 29)]
    meta = to_meta([[Span.of(TEXT, "perp_ind", 0, 6)], mayor])
    assert meta[1] == {"role": "victim", "mentions": [[12, 21], [29, 38]]}
    assert annotated_entities(document(entities=meta)) == {
        "perp_ind": [["gunmen"]], "victim": [["the mayor", "the mayor"]],
    }  # fmt: skip


def test_no_entities_are_something_else_than_none_annotated() -> None:
    assert annotated_entities(document(entities=[])) == {}
    assert annotated_entities(document(source="muc4")) is None


@pytest.mark.parametrize(
    "entities", [5, [5], [{"role": "victim"}], [{"role": "victim", "mentions": [[1]]}], [{"mentions": [["a", "b"]]}]]
)
def test_malformed_entities_are_an_error_that_names_the_document(entities: Any) -> None:
    with pytest.raises(DataError, match="entities in the meta of 'd' are malformed"):
        annotated_entities(document(entities=entities))
