"""The model in the box: whole, small, and as good as the figures beside it say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.evaluation.results import Gold
from conflict_events.extractor import EventExtractor
from conflict_events.hub import default_model
from conflict_events.metrics.events import event_scores
from conflict_events.metrics.score import Score
from conflict_events.metrics.strict import strict_scores

FOLDER = ROOT / "src" / "conflict_events" / "default_model"
SAID = 0.01  # processors round differently: without VNNI, products of bytes are added up in other steps


def evaluation(corpus: str) -> dict[str, Any]:
    record = json.loads((FOLDER / "metrics.json").read_text("utf-8"))
    return next(found for found in record["evaluations"] if found["corpus"] == corpus)


def test_it_is_whole_and_small() -> None:
    assert default_model() == FOLDER
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 25_000_000


def test_it_reproduces_the_scores_beside_it_on_the_own_corpus() -> None:
    said = evaluation("own")
    corpus = load(CorpusConfig("own", "jsonl", str(ROOT / "data" / "own")))
    gold = Gold.of(corpus, said["split"])
    assert gold.sha256 == said["gold_sha256"], "the corpus has changed: evaluate the packaged model again"
    extractor = EventExtractor.from_pretrained()
    found = list(extractor.read_many(document.text for document in gold.documents))
    strict = strict_scores([d.spans for d in gold.documents], [spans for spans, _ in found], gold.roles)
    events = event_scores(gold.documents, [made for _, made in found])
    assert strict.roles.f1 == pytest.approx(said["scores"]["roles"]["f1"], abs=SAID)
    assert strict.per_role["trigger"].f1 == pytest.approx(said["scores"]["per_role"]["trigger"]["f1"], abs=SAID)
    assert Score.of(events.counts["linked"]).f1 == pytest.approx(said["events"]["exact"]["linked"]["f1"], abs=SAID)


def test_it_extracts_offline_without_torch() -> None:
    program = (
        "import sys; from conflict_events import EventExtractor; "
        "found = EventExtractor.from_pretrained().extract('Russian warplanes bombed a bakery in Idlib on Monday.'); "
        "(event,) = found.events; print(found.model, event.trigger.text, *(span.text for span in event.arguments)); "
        "assert not {'torch', 'transformers', 'hydra'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1)[0].startswith("default@")
    assert done.stdout.rstrip().endswith("bombed Russian warplanes bakery Idlib")
