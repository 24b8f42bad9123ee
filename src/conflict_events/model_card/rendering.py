"""Facts into a page: the Hub's metadata above, the prose of the template below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import ModelCardData
from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]
from markupsafe import Markup

from conflict_events.model_card.escaping import code, fenced, plain
from conflict_events.model_card.facts import Example, ModelFacts, citation
from conflict_events.model_card.results import TASK, calibration_table, eval_results, meta_tables, score_table, wordings
from conflict_events.reports import render_page
from conflict_events.schema import Role

_SHOWN_GROUPS = ("linker", "window", "decoding", "training")
_PATHS = ("resume_from_checkpoint",)  # of the machine that trained, and nobody else's


def render_card(facts: ModelFacts) -> str:
    """The card of a checkpoint: ``README.md`` of its repository."""
    tables = list(meta_tables(facts.metrics))
    calibration = calibration_table(facts.metrics)
    page = render_page(
        "model_card.md",
        front_matter=Markup(front_matter(facts).to_yaml()),
        facts=facts,
        known=[corpus.name for corpus in facts.corpora if corpus.known],
        unknown=[corpus.name for corpus in facts.corpora if not corpus.known],
        examples=[(fenced(example.text, "text"), _event_rows(example)) for example in facts.examples],
        roles=[role.value for role in Role],
        settings=fenced(yaml_dump(_settings(facts.config), sort_keys=False).strip(), "yaml"),
        has_settings=bool(_settings(facts.config)),
        scores=Markup(score_table(facts.metrics).rstrip()),
        calibration=Markup(calibration.rstrip()) if calibration else None,
        wordings=[tuple(map(Markup, row)) for row in wordings(facts.metrics)],
        meta_tables=[(Markup(title), Markup(table.rstrip())) for title, table in tables],
        citation=fenced(citation(), "bibtex"),
        code=code,
        plain=plain,
    )
    return f"{page}\n"


def front_matter(facts: ModelFacts) -> ModelCardData:
    """The metadata that the Hub reads."""
    results = eval_results(facts)
    return ModelCardData(
        language=[facts.language],
        license=facts.license,
        library_name="transformers",
        pipeline_tag=TASK,
        base_model=facts.base_model,
        datasets=[corpus.dataset for corpus in facts.corpora if corpus.dataset] or None,
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        tags=["conflict-events", "conflict", "event-extraction"],
        widget=[_widget(example) for example in facts.examples] or None,
        eval_results=results or None,
        model_name=facts.name if results else None,
    )


def _widget(example: Example) -> dict[str, Any]:
    """A text and what is found in it, in the one form of output that the Hub shows for labels."""
    spans = {span.key: span for event in example.found.events for span in (event.trigger, *event.arguments)}
    spans |= {span.key: span for span in example.found.spans}
    return {
        "text": example.text,
        "output": [
            {"label": f"{span.role}: {span.text}", "score": round(span.score or 0.0, 4)}
            for span in sorted(spans.values())
        ],
    }


def _event_rows(example: Example) -> list[list[Markup]]:
    """A row for each event: type, trigger, a cell for each role, score."""
    return [
        [
            code(event.type),
            plain(event.trigger.text),
            *(plain("; ".join(s.text for s in event.arguments if s.role == role)) or Markup("–") for role in Role),
            plain("–" if event.score is None else f"{event.score:.2f}"),
        ]
        for event in example.found.events
    ]


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What was set in training, without paths and what was left open."""
    shown = {
        group: {k: v for k, v in config[group].items() if v is not None and k not in _PATHS}
        for group in _SHOWN_GROUPS
        if isinstance(config.get(group), Mapping)
    }
    return {group: values for group, values in shown.items() if values}
