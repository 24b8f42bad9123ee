"""The generated model card: the whole of it, what depends on what is known, and strings that want to be more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from hypothesis import given, settings
from hypothesis import strategies as st

import conflict_events
from conflict_events import Event, EventType, Extraction, Span
from conflict_events.errors import ConfigError, DataError
from conflict_events.model_card import Example, ModelFacts, TrainingCorpus, citation, corpora_of, render_card
from conflict_events.model_card.escaping import code, fenced, plain
from conflict_events.model_card.rendering import front_matter

GOLDEN = Path(__file__).with_name("model_card.md")
TEXT = "Russian warplanes bombed a market in Idlib on Monday."
HOSTILE = [
    "quotes \"double\" and 'single'",
    "<script>alert(1)</script>",
    "</code></td><img src=x onerror=alert(1)>",
    "key: value\n---\nlicense: mit",
    "---",
    "a | b | c",
    "{{ 7 * 7 }} {% raw %}",
    "```\nfence\n````",
    "[click](javascript:alert(1)) ![x](http://host/x.png) http://host",
    "# heading\n\n- item",
    "*bold* _under_ ~~struck~~ `code` \\ $x$",
    "!!python/object:os.system & *alias %TAG @x",
    "\u202eturned\u2028line\x00nul\x1b[31m",
    " leading, trailing ",
    "yes",
    "",
]


def span(role: str, text: str, score: float = 0.9) -> Span:
    start = TEXT.index(text)
    return Span.of(TEXT, role, start, start + len(text), score)


def score(f1: float, interval: bool = True) -> dict[str, Any]:
    found = {"precision": f1 + 0.01, "recall": f1 - 0.01, "f1": f1, "support": 40}
    return found | {"low": f1 - 0.04, "high": f1 + 0.04} if interval else found


def record(**more: Any) -> dict[str, Any]:
    """What an evaluation measured, by made-up figures that are all different."""
    return {
        "format": 2, "corpus": "conflict", "split": "test", "documents": 182, "gold_sha256": "5f" * 32,
        "model": "conflict_own-13, conflict_own-14", "seeds": 2,
        "scores": {
            "roles": score(0.71), "overall": score(0.72),
            "per_role": {"attacker": score(0.73), "weapon": score(0.74), "trigger": score(0.75)},
        },
        "matching": {"head": {"roles": score(0.76, False), "overall": score(0.77, False), "per_role": {}}},
        "events": {"exact": {"trigger_identification": score(0.78), "linked": score(0.61), "type_accuracy": 0.9333}},
        "unseen": {
            "roles": {"seen": {"recall": 0.86, "support": 30}, "unseen": {"recall": 0.745, "support": 10}},
            "per_role": {},
        },
        "calibration": {
            kind: {"count": 9, "ece": ece, "bins": [], "curve": []}
            for kind, ece in {"spans": 0.041, "triggers": 0.042, "arguments": 0.043, "events": 0.044}.items()
        },
        "slices": {
            "seen": {"seen": {"documents": 9, "roles": score(0.5), "trigger": score(0.5), "linked": score(0.5)}},
            "source": {"news": {"documents": 25, "roles": score(0.45), "trigger": score(0.66), "linked": None}},
        },
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def facts() -> ModelFacts:
    event = Event(EventType.AIR_STRIKE, span("trigger", "bombed"), (span("attacker", "Russian warplanes"),), 0.87)
    loose = span("location", "Idlib", 0.81239)
    corpus = {
        "name": "conflict_own", "path": "data/conflict", "extra": {"own": {"name": "own", "path": "data/own"}},
    }  # fmt: skip
    return ModelFacts(
        repo_id="someone/conflict-tagger",
        license="apache-2.0",
        base_model="sentence-transformers/all-MiniLM-L6-v2",
        has_onnx=True,
        corpora=(
            *corpora_of(corpus, {"conflict_own": 1030, "own": 421}),
            TrainingCorpus(name="mine", dataset="someone/mine"),
        ),
        train_sha256="ab" * 32,
        config={
            "corpus": corpus, "output_dir": "/home/someone/outputs", "linker": {"reach": 96},
            "training": {"learning_rate": 3e-4, "bf16": True, "max_steps": None, "resume_from_checkpoint": "/home/x"},
        },
        metrics=[record(), record(corpus="own", documents=64, seeds=1, events=None, slices={}, unseen=None)],
        examples=[
            Example(TEXT, Extraction((event,), (span("attacker", "Russian warplanes"), loose))),
            Example("Nothing happened.", Extraction((), ())),
        ],
        versions={"conflict-events": "0.1.0", "torch": "2.13.0"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def card(facts: ModelFacts) -> str:
    return render_card(facts)


def body(card: str) -> str:
    return ModelCard(card).text


# The whole card


def test_the_whole_card(card: str) -> None:
    assert card == GOLDEN.read_text("utf-8").replace("VERSION", conflict_events.__version__)


def test_the_metadata_are_those_that_the_hub_reads(card: str, facts: ModelFacts) -> None:
    data = ModelCard(card).data
    assert data.to_dict() == front_matter(facts).to_dict()
    assert data.language == ["en"]
    assert (data.license, data.library_name, data.pipeline_tag) == (
        "apache-2.0", "transformers", "token-classification",
    )  # fmt: skip
    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert data.datasets == ["someone/mine"]
    assert data.metrics == ["f1", "precision", "recall", "accuracy", "ece"]
    assert data.tags == ["conflict-events", "conflict", "event-extraction"]
    # The Hub shows output of this form; a span that an event has, too, is there once.
    assert data.get("widget") == [
        {
            "text": TEXT,
            "output": [
                {"label": "attacker: Russian warplanes", "score": 0.9},
                {"label": "trigger: bombed", "score": 0.9},
                {"label": "location: Idlib", "score": 0.8124},
            ],
        },
        {"text": "Nothing happened.", "output": []},
    ]


def test_every_result_is_in_the_model_index_with_its_interval(card: str) -> None:
    name, results = model_index_to_eval_results(ModelCard(card).data.to_dict()["model-index"])
    assert name == "conflict-tagger"
    found = {(r.dataset_name, r.metric_name): r for r in results}
    assert len(found) == len(results)
    linked = found["conflict", "events, linked, F1 (exact spans), mean of 2 seeds"]
    assert (linked.task_type, linked.dataset_type, linked.dataset_split) == (
        "token-classification", "conflict", "test",
    )  # fmt: skip
    assert (linked.metric_type, linked.metric_value) == ("f1", 0.61)
    assert linked.metric_args == {"confidence_interval_95": [0.57, 0.65]}
    assert linked.dataset_args == {"documents": 182, "gold_sha256": "5f" * 32}
    assert {key: r.metric_value for key, r in found.items() if key[0] == "own"} == {
        ("own", "roles, F1 (strict)"): 0.71,
        ("own", "roles, precision (strict)"): 0.72,
        ("own", "roles, recall (strict)"): 0.7,
        ("own", "roles and triggers, F1 (strict)"): 0.72,
        ("own", "attacker, F1 (strict)"): 0.73,
        ("own", "weapon, F1 (strict)"): 0.74,
        ("own", "trigger, F1 (strict)"): 0.75,
        ("own", "roles, F1 (head match)"): 0.76,
        ("own", "expected calibration error of spans"): 0.041,
        ("own", "expected calibration error of triggers"): 0.042,
        ("own", "expected calibration error of arguments"): 0.043,
        ("own", "expected calibration error of events"): 0.044,
    }
    assert found["conflict", "events, type accuracy (exact spans), mean of 2 seeds"].metric_type == "accuracy"


def test_what_the_page_of_the_repository_says_too_is_said_in_the_same_words(card: str) -> None:
    def section(text: str, heading: str) -> str:
        return text.partition(f"## {heading}\n")[2].partition("\n## ")[0].strip()

    page = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    for heading in ("Intended use", "Misuse"):
        assert section(page, heading)
        assert section(card, heading) == section(page, heading)
    both = set(section(card, "Limits").splitlines()) & set(section(page, "Limits").splitlines())
    assert len(both) >= 2


def test_the_card_of_real_results(facts: ModelFacts) -> None:
    metrics = [json.loads((ROOT / "docs/results" / f"conflict_own-on-{name}.json").read_text("utf-8")) for name in
               ("conflict", "own")]  # fmt: skip
    card = render_card(replace(facts, metrics=metrics))
    page = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    for line in page.partition("<!-- results:model -->")[2].partition("<!-- /results -->")[0].splitlines():
        if line.startswith("| `conflict_own`"):
            roles = line.split(" | ")[2]
            assert f"documents, mean of 3 seeds | {roles} |" in card
    assert ModelCard(card).data.eval_results


# What depends on what is known


def test_a_bare_checkpoint_has_a_card_that_claims_nothing() -> None:
    card = render_card(ModelFacts(repo_id="tagger", license="other", roles=("perp_org",), has_linker=False))
    data = ModelCard(card).data.to_dict()
    assert data.keys() == {"language", "license", "library_name", "pipeline_tag", "tags"}
    text = body(card)
    for said in (
        "It finds no events.", "`B-PERP_ORG`, `I-PERP_ORG`, `O`.", "This checkpoint was not evaluated.",
        "take scores as an order, not as probabilities",
    ):  # fmt: skip
        assert said in text
    for unsaid in (
        "Encoder:",
        "Trained on\n",
        "Settings:",
        "Made with",
        "## Examples",
        "Platt",
        "onnx",
        "linker",
        "SATP",
    ):
        assert unsaid not in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Use", "## Training", "## Evaluation", "## Calibration", "## Limits", "## Biases", "## Intended use",
        "## Misuse", "## Citation",
    ]  # fmt: skip


def test_events_by_the_rule_are_told_as_such(facts: ModelFacts) -> None:
    text = body(render_card(replace(facts, has_linker=False)))
    assert "events are put together by a rule" in text
    assert "Arguments are chosen" not in text


def test_a_model_of_invented_news_alone_says_so(facts: ModelFacts) -> None:
    own = corpora_of({"name": "own", "path": "data/own"})
    assert "It has seen invented news only." in body(render_card(replace(facts, corpora=own)))
    assert "It has seen invented news only." not in body(render_card(facts))


@pytest.mark.parametrize("path", ["/data/own", "mine/data/own", "own", "data/mine", ""])
def test_a_corpus_of_the_same_name_elsewhere_is_not_taken_for_the_projects(path: str, facts: ModelFacts) -> None:
    (corpus,) = corpora_of({"name": "own", "path": path})
    assert not corpus.known
    text = body(render_card(replace(facts, corpora=(corpus,))))
    assert "synthetic" not in text
    assert "- `own`: a corpus that is not part of the project.\n" in text
    assert "- `own` is not part of the project: which regions" in text


def test_evaluations_on_the_same_split_are_told_apart_by_system(facts: ModelFacts) -> None:
    card = render_card(replace(facts, metrics=[record(seeds=1, model="tagger-13"), record(seeds=1, model="tagger-14")]))
    assert "| `conflict` test, 182 documents (tagger-13) |" in card
    assert "| `conflict` test, 182 documents (tagger-14) |" in card


def test_no_path_of_the_machine_that_trained_is_told(card: str) -> None:
    assert "/home" not in card
    assert "output_dir" not in card


def test_the_citation_comes_from_the_metadata_of_the_distribution() -> None:
    assert f"version = {{{conflict_events.__version__}}}" in citation()
    assert "url = {https://github.com/conflict-events/conflict-events}" in citation()
    assert "author = {{The conflict-events authors}}" in citation()


# Refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        *(({"repo_id": text}, "repo_id .* is no Hub id") for text in HOSTILE if text != "yes"),
        ({"repo_id": "a/b\n"}, "is no Hub id"),
        ({"repo_id": "../b"}, "is no Hub id"),
        ({"base_model": "/home/someone/encoder"}, "base_model '/home/someone/encoder' is no Hub id"),
        ({"license": "Apache 2.0"}, "license 'Apache 2.0' is no identifier.*apache-2.0"),
        ({"license": "mit\n---"}, "is no identifier"),
        ({"language": "English"}, "language 'English' is no code"),
    ],
    ids=repr,
)
def test_ids_and_codes_that_the_hub_would_refuse_are_refused(
    wrong: dict[str, Any], message: str, facts: ModelFacts
) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(facts, **wrong)


def test_a_dataset_that_no_hub_id_names_is_refused() -> None:
    with pytest.raises(ConfigError, match="dataset of corpus 'mine' '<b>' is no Hub id"):
        TrainingCorpus(name="mine", dataset="<b>")


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"corpus": "own", "split": "test", "documents": 3}, "there is no 'scores'"),
        (record(seeds="<b>"), "metrics 0: seeds: '<b>' is no number"),
        (record(documents="many"), "documents: 'many' is no number"),
        (record(scores={"roles": score(0.5) | {"f1": "<script>"}}), r"scores\.roles\.f1: '<script>' is no number"),
        (record(scores={"roles": score(0.5) | {"low": float("nan")}}), r"scores\.roles\.low: nan is no number"),
        (record(calibration={"spans": {"ece": "---"}}), r"calibration\.spans\.ece"),
    ],
    ids=["no scores", "seeds", "documents", "f1", "nan", "ece"],
)
def test_figures_that_are_no_numbers_are_refused_with_their_place(
    metrics: dict[str, Any], message: str, facts: ModelFacts
) -> None:
    with pytest.raises(DataError, match=message):
        replace(facts, metrics=[metrics])


# Escaped


def hostile_facts(facts: ModelFacts, text: str) -> ModelFacts:
    """The same with a string wherever one of unknown origin may stand."""
    part = {"documents": 3, "roles": score(0.5), "trigger": score(0.6), "linked": None}
    metrics = record(corpus=text, split=text, model=text, gold_sha256=text, slices={text: {text: part}})
    metrics["scores"]["per_role"] = {text: score(0.5)}
    metrics["matching"][text] = {"roles": score(0.5)}
    metrics["events"][text] = {text: score(0.5)}
    shown = text or "x"
    event = Event(
        EventType.SHELLING, Span.of(shown, "trigger", 0, len(shown)), (Span.of(shown, "target", 0, len(shown)),)
    )
    return replace(
        facts,
        roles=(text,),
        corpora=(TrainingCorpus(name=text),),
        train_sha256=text,
        config={"training": {text: text}, "window": {"deep": {text: [text]}}},
        metrics=[metrics, metrics],
        examples=[Example(shown, Extraction((event,), ()))],
        versions={text: text},
    )


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_strings_that_want_to_be_more_stay_text(text: str, facts: ModelFacts, card: str) -> None:
    hostile = hostile_facts(facts, text)
    rendered = render_card(hostile)
    read = ModelCard(rendered)
    assert read.data.to_dict() == front_matter(hostile).to_dict()
    assert read.data.license == "apache-2.0"
    assert read.data.get("widget")[0]["text"] == (text or "x")
    outside = out_of_fences(read.text)
    for mark in ("<", "javascript:", "](http://", "{{", "{%", "\u202e", "\x00", "---\nlicense"):
        assert mark not in outside, mark
    headings = [line for line in outside.splitlines() if line.startswith("#")]
    assert headings == [line for line in out_of_fences(body(card)).splitlines() if line.startswith("#")]
    for table in outside.split("\n\n"):  # every row of a table has the cells of its head
        rows = [line for line in table.strip().splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def out_of_fences(text: str) -> str:
    """A page without its fenced blocks, as Markdown takes them: a fence ends with as many backticks or more."""
    kept, fence = [], ""
    for line in text.split("\n"):
        marks = len(line) - len(line.lstrip("`"))
        if not fence and marks >= 3:
            fence = "`" * marks
        elif fence and line.startswith(fence) and not line.strip("`"):
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence
    return "\n".join(kept)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_whatever_the_text_it_is_one_line_without_markup(text: str) -> None:
    made = str(plain(text))
    assert not set(made) & set("<>|*_[]()`\\$~\"'{}!\n\r\u2028")
    name = str(code(text))
    assert name == made or not set(name[1:-1]) & set("<>|`\n\r\u2028")


@given(st.text(alphabet="`\n a"))
def test_no_text_ends_its_fence(text: str) -> None:
    assert out_of_fences(str(fenced(text))) == ""


def test_usual_names_are_left_readable() -> None:
    assert str(code("conflict_own-13")) == "`conflict_own-13`"
    assert str(plain("Nigeria and Lake Chad, 3")) == "Nigeria and Lake Chad, 3"
    assert str(plain("a_b <c>")) == "a&#95;b &#60;c&#62;"
