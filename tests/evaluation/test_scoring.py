"""Scores of a checkpoint, of a file of predictions, and of seeds, as users get them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import violent_documents

from conflict_events.config import CheckpointConfig, CorpusConfig, EvaluateConfig
from conflict_events.corpora import Corpus, load
from conflict_events.corpora.formats import jsonl
from conflict_events.errors import CheckpointError, ConfigError, DataError, InputError
from conflict_events.evaluation.scoring import evaluate
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.schema import Event, Span


def settings(corpus: CorpusConfig, checkpoint: Path, folder: Path, **options: object) -> EvaluateConfig:
    model = CheckpointConfig(path=str(checkpoint), device="cpu")
    return EvaluateConfig(corpus=corpus, model=model, output_dir=str(folder / "scores"), **options)  # type: ignore[arg-type]


def perfect(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> None:
    """Let the checkpoint find what is annotated, except in the first test document, where it finds nothing."""
    gold = {document.text: document for split in corpus.splits.values() for document in split}
    first = corpus.split("test")[0].text

    def read_many(self: EventExtractor, texts: Iterable[str]) -> Iterator[tuple[list[Span], tuple[Event, ...]]]:
        for text in texts:
            yield ([], ()) if text == first else (list(gold[text].spans), gold[text].events)

    monkeypatch.setattr(EventExtractor, "read_many", read_many)


def test_scores_are_returned_and_written(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load(tiny_corpus)
    perfect(monkeypatch, corpus)
    found = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path), corpus)
    metrics = found.metrics
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text("utf-8")) == metrics
    assert {key: metrics[key] for key in ("corpus", "split", "documents", "model")} == {
        "corpus": "tiny", "split": "test", "documents": 3, "model": "checkpoint",
    }  # fmt: skip
    roles = metrics["scores"]["roles"]  # three documents of one attacker, target, location and trigger each; two right
    assert (roles["precision"], roles["recall"], roles["f1"]) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert (roles["support"], metrics["scores"]["overall"]["support"]) == (9, 12)
    assert metrics["scores"]["per_role"]["weapon"]["support"] == 0
    assert metrics["unseen"]["roles"]["seen"]["support"] == 9
    assert "by" not in metrics
    assert [len(spans) for spans in found.spans] == [0, 4, 4]
    assert [len(events) for events in found.events] == [0, 1, 1]
    assert [document.id for document in found.documents] == ["test-0", "test-1", "test-2"]
    assert {(error.document, error.kind.value) for error in found.errors} == {(0, "missed")}


def test_scores_by_a_key_of_the_meta(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load(tiny_corpus)
    perfect(monkeypatch, corpus)
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, by="region"), corpus).metrics
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
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, limit=1), corpus).metrics
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
    metrics = evaluate(settings(corpus.config, tiny_checkpoint, tmp_path, split="dev"), corpus).metrics
    assert metrics["scores"]["overall"]["f1"] == metrics["scores"]["roles"]["f1"] == 1.0
    assert metrics["scores"]["overall"]["support"] > metrics["scores"]["roles"]["support"] > 0


def test_the_predictions_of_an_evaluation_have_its_scores(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    corpus = load(tiny_corpus)
    first = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path, by="region"), corpus).metrics
    written = tmp_path / "scores" / "predictions.jsonl"
    lines = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["test-0", "test-1", "test-2"]
    assert all(line["model"] == "checkpoint" for line in lines)
    assert first["calibration"].keys() >= {"spans", "triggers"}
    again = EvaluateConfig(
        corpus=tiny_corpus, predictions=str(written), by="region", output_dir=str(tmp_path / "again")
    )
    assert evaluate(again, corpus).metrics == first
    assert (tmp_path / "again" / "predictions.jsonl").read_bytes() == written.read_bytes()


def test_seeds_are_averaged(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    corpus = load(tiny_corpus)
    folders = []
    for seed, kept in enumerate((0, 3)):  # a seed that finds nothing, and one that finds everything
        path = tmp_path / f"seed-{seed}.jsonl"
        lines = [
            {
                "id": d.id,
                "spans": [{"role": s.role, "start": s.start, "end": s.end} for s in d.spans if kept],
                "events": [],
            }
            for d in corpus.split("test")
        ]
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        folders.append(str(tmp_path / f"run-{seed}"))
        evaluate(EvaluateConfig(corpus=tiny_corpus, predictions=str(path), output_dir=folders[-1]), corpus)
    config = EvaluateConfig(corpus=tiny_corpus, runs=folders, output_dir=str(tmp_path / "mean"))
    metrics = evaluate(config, corpus).metrics
    assert json.loads((tmp_path / "mean" / "metrics.json").read_text("utf-8")) == metrics
    roles = metrics["scores"]["roles"]
    assert (metrics["seeds"], roles["f1"], roles["f1_by_seed"]) == (2, 0.5, [0.0, 1.0])
    assert (roles["low"], roles["high"]) == (0.5, 0.5)
    assert not (tmp_path / "mean" / "predictions.jsonl").exists()


@pytest.mark.parametrize("given", [[], ["a", "a"]])
def test_seeds_that_are_none_or_repeat_are_refused(tiny_corpus: CorpusConfig, tmp_path: Path, given: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"are none, or repeat\. Name the folder of each seed once"):
        evaluate(EvaluateConfig(corpus=tiny_corpus, runs=given, output_dir=str(tmp_path)), load(tiny_corpus))


def test_a_span_that_is_wider_than_a_window_is_told(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    text = "the village " * 60  # windows of the checkpoint hold 64 tokens
    whole = {"role": "target", "start": 0, "end": len(text) - 1}
    record = {"id": "wide", "text": text, "layers": ["roles"], "spans": [whole]}
    document = violent_documents(1, "x")[0].from_record(record)
    corpus = Corpus(tiny_corpus, {"test": [document]})
    metrics = evaluate(settings(tiny_corpus, tiny_checkpoint, tmp_path), corpus).metrics
    assert metrics["cut"] == [{"id": "wide", **whole}]
    assert metrics["errors"]["cut_by_window"]["total"] + metrics["errors"]["boundary"]["total"] + metrics["errors"][
        "role_and_boundary"
    ]["total"] == 1  # fmt: skip


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"predictions": "p", "runs": ["a"]}, "predictions, runs"),
        ({"predictions": "p", "model": CheckpointConfig(path="m")}, "predictions, model.path"),
        ({"compare": ["a", "b"], "runs": ["a"]}, "runs, compare"),
        ({"tables": "t", "baselines": ["crf"]}, "baselines, tables"),
        ({"tables": "t", "model": CheckpointConfig(path="m")}, "model.path, tables"),
    ],
)
def test_settings_that_contradict_each_other_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=f"{named} cannot be done at once"):
        EvaluateConfig(**options)
    with pytest.raises(ConfigError, match=r"also\.\* goes with baselines="):
        EvaluateConfig(also={"own": CorpusConfig()})
    with pytest.raises(ConfigError, match="limit=-1 is less than 1"):
        EvaluateConfig(limit=-1)
    EvaluateConfig(baselines=["crf"], model=CheckpointConfig(path="m"))
    EvaluateConfig(baselines=["crf"], runs=["a"])


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
    assert not (tmp_path / "scores" / "predictions.jsonl").exists()


def test_a_missing_checkpoint_is_named(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        evaluate(settings(tiny_corpus, tmp_path / "no" / "such", tmp_path), load(tiny_corpus))


def test_bad_predictions_leave_nothing_behind(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    path, out = tmp_path / "p.jsonl", tmp_path / "out"
    path.write_text('{"id": "test-0", "spans": []}\n', "utf-8")
    config = EvaluateConfig(corpus=tiny_corpus, predictions=str(path), output_dir=str(out))
    with pytest.raises(DataError, match=r"p\.jsonl: 2 of 3 documents of split 'test' have no prediction"):
        evaluate(config, load(tiny_corpus))
    path.unlink()
    with pytest.raises(InputError, match="no such file of predictions"):
        evaluate(config, load(tiny_corpus))
    assert not out.exists()
