"""The conditional random field: features, offsets, the search on dev."""

from __future__ import annotations

import pytest
from conftest import ROLES, roles_only, violent_documents

from conflict_events.baselines.base import Options
from conflict_events.baselines.crf import L1, L2, Crf
from conflict_events.baselines.features import features, shape
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Layer

pytest.importorskip(
    "sklearn_crfsuite", reason="sklearn-crfsuite is not installed: pip install 'conflict-events[baselines]'"
)

AWKWARD = (
    "\u201crebels\u201d\u00a0attacked the village near hill\u00a07 \U0001f642.\r\n\r\n"
    "troops bombed the\tvillage near hill 8, cafe\u0301\u00ad \U0001f468\u200d\U0001f469\u200d\U0001f467."
)


@pytest.fixture(scope="module")
def fitted() -> Crf:
    crf = Crf(Options())
    crf.fit(violent_documents(12, "train"), violent_documents(4, "dev"), ROLES)
    return crf


@pytest.mark.parametrize(
    ("word", "expected"), [("Idlib", "Xx"), ("3RD", "dX"), ("AK47", "Xd"), ("...", "."), ("\u0915", "x"), ("x", "x")]
)
def test_the_shape_joins_runs_of_one_kind(word: str, expected: str) -> None:
    assert shape(word) == expected


def test_features_of_a_word_name_its_neighbours() -> None:
    first, second = features(["Rebels", "attacked"])
    assert {"0:lower=rebels", "1:lower=attacked", "-1:before", "2:after", "0:shape=Xx", "title"} <= set(first)
    assert {"prefix=reb", "suffix=bels", "0|1=rebels|attacked"} <= set(first)
    assert {"-1|0=rebels|attacked", "-2:before", "1:after", "2:after"} <= set(second)
    assert not {"title", "digits", "sign"} & set(second)


def test_affixes_are_shorter_than_the_word() -> None:
    (found,) = features(["on"])
    assert {f for f in found if f.startswith(("prefix", "suffix"))} == {"prefix=o", "suffix=n"}


def test_it_learns_what_is_always_the_same(fitted: Crf) -> None:
    documents = violent_documents(30, "test")[12:]  # hills that train does not have
    found = fitted.predict([document.text for document in documents])
    scores = strict_scores([d.spans for d in documents], [spans for spans, _ in found], ROLES)
    assert scores.overall.f1 > 0.9
    assert all(span.score is not None and 0 < span.score <= 1 for spans, _ in found for span in spans)
    assert {len(events) for _, events in found} == {1}


def test_the_penalties_are_the_best_on_dev(fitted: Crf) -> None:
    assert set(fitted.tried) == {(c1, c2) for c1 in L1 for c2 in L2}
    assert fitted.tried[fitted.chosen] == max(fitted.tried.values())


def test_without_dev_documents_nothing_is_searched() -> None:
    crf = Crf(Options())
    crf.fit(violent_documents(6, "train"), [], ROLES)
    assert crf.tried == {}
    assert crf.predict([violent_documents(1, "test")[0].text])[0][0]


def test_offsets_hold_in_awkward_text(fitted: Crf) -> None:
    ((spans, events),) = fitted.predict([AWKWARD])
    Document("awkward", AWKWARD, frozenset(Layer), tuple(spans), tuple(events))  # refuses spans of another text
    assert {"rebels", "attacked", "troops", "bombed"} <= {span.text for span in spans}


def test_texts_without_words_have_no_spans(fitted: Crf) -> None:
    assert fitted.predict(["", " \r\n ", "\u00a0"]) == [([], [])] * 3


def test_a_fit_is_repeatable(fitted: Crf) -> None:
    again = Crf(Options())
    again.fit(violent_documents(12, "train"), violent_documents(4, "dev"), ROLES)
    assert again.predict([AWKWARD]) == fitted.predict([AWKWARD])


def test_a_corpus_without_events_gives_spans_only() -> None:
    crf = Crf(Options())
    crf.fit(list(map(roles_only, violent_documents(12, "train"))), [], ROLES[:-1])
    ((spans, events),) = crf.predict([violent_documents(1, "test")[0].text])
    assert events == []
    assert spans
    assert {span.role for span in spans} <= set(ROLES[:-1])
