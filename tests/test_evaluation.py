"""Scores of a checkpoint on a corpus, as users get it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import violent_documents

from conflict_events.config import CheckpointConfig, CorpusConfig, EvaluateConfig
from conflict_events.corpora import Corpus, load
from conflict_events.corpora.formats import jsonl
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.evaluation import evaluate
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.tagging import Tagger


def settings(corpus: CorpusConfig, checkpoint: Path, folder: Path, **options: object) -> EvaluateConfig:
    model = CheckpointConfig(path=str(checkpoint), device="cpu")
    return EvaluateConfig(corpus=corpus, model=model, output_dir=str(folder / "scores"), **options)  # type: ignore[arg-type]


def perfect(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> None:
    """Let the checkpoint find what is annotated, except in the first test document, where it finds nothing."""
    gold = {document.text: list(document.spans) for split in corpus.splits.values() for document in split}
    first = corpus.split("test")[0].text
    monkeypatch.setattr(
        Tagger, "tag", lambda self, texts: [[] if text == first else gold[text] for text in texts], raising=True
    )


def test_scores_are_returned_and_written(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load(tiny_corpus)
    perfect(monkeypatch, corpus)
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path), corpus)
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text("utf-8")) == metrics
    assert {key: metrics[key] for key in ("corpus", "split", "documents", "model")} == {
        "corpus": "tiny", "split": "test", "documents": 3, "model": "checkpoint",
    }  # fmt: skip
    scores = metrics["scores"]  # three documents of one attacker, target, location and trigger each; two are right
    assert scores["roles"] == {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8), "support": 9}
    assert scores["overall"]["support"] == 12
    assert scores["per_role"]["weapon"]["support"] == 0
    assert "by" not in metrics


def test_scores_by_a_key_of_the_meta(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load(tiny_corpus)
    perfect(monkeypatch, corpus)
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, by="region"), corpus)
    by = {
        value: (group["scores"]["roles"]["recall"], group["scores"]["roles"]["support"])
        for value, group in metrics["by"].items()
    }
    assert by == {"north": (0.5, 6), "south": (1.0, 3)}  # documents 0 and 2 are of the north, 0 is missed


def test_a_limit_takes_the_first_documents(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load(tiny_corpus)
    perfect(monkeypatch, corpus)
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, limit=1), corpus)
    assert (metrics["documents"], metrics["scores"]["roles"]["support"]) == (1, 3)
    assert metrics["scores"]["roles"]["recall"] == 0.0


def test_what_is_measured_is_what_users_get(tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path) -> None:
    extractor = EventExtractor.from_pretrained(tiny_checkpoint, device="cpu")
    folder = tmp_path / "selfmade"
    documents = []
    for document in violent_documents(3, "self"):  # annotated with what the checkpoint finds
        found: Extraction = extractor.extract(document.text)
        spans = [{"role": s.role, "start": s.start, "end": s.end} for s in found.spans]
        spans += [{"role": "trigger", "start": e.trigger.start, "end": e.trigger.end} for e in found.events]
        record = {"id": document.id, "text": document.text, "layers": ["roles"], "spans": spans}
        documents.append(type(document).from_record(record))
    jsonl.write(folder / "dev.jsonl", documents)
    corpus = load(CorpusConfig(name="self", format="jsonl", path=str(folder), roles=list(tiny_corpus.roles)))
    metrics = evaluate(settings(corpus.config, tiny_checkpoint, tmp_path, split="dev"), corpus)
    assert metrics["scores"]["overall"]["f1"] == metrics["scores"]["roles"]["f1"] == 1.0
    assert metrics["scores"]["overall"]["support"] > metrics["scores"]["roles"]["support"] > 0


def test_a_missing_split_is_named(tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'tiny' has no split 'holdout'.*train, dev, test"):
        evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, split="holdout"), load(tiny_corpus))


def test_a_missing_key_of_the_meta_is_named(tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'test-0' has no 'country'.*source, region"):
        evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, by="country"), load(tiny_corpus))


def test_a_checkpoint_for_other_roles_is_refused(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    other = Corpus(CorpusConfig("other", "jsonl", "x", roles=["victim"]), load(tiny_corpus).splits)
    with pytest.raises(ConfigError, match=r"attacker, target.*'other' has victim.*same roles"):
        evaluate(settings(other.config, tiny_checkpoint, tmp_path), other)


def test_a_missing_checkpoint_is_named(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        evaluate(settings(tiny_corpus, tmp_path / "no" / "such", tmp_path), load(tiny_corpus))
