"""A corpus as a dataset folder: typed Parquet files and a card, as the Hub and ``datasets.load_dataset`` take it.

Licence and description come from ``card.json`` in the corpus's folder, if it has one.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import DatasetCardData
from markupsafe import Markup

from conflict_events.corpora import Corpus
from conflict_events.corpora.convert import require_new
from conflict_events.corpora.dataset import SUFFIX, features, split_name, to_dataset_dict
from conflict_events.corpora.reading import parse_line
from conflict_events.corpora.statistics import annotators_agree, count
from conflict_events.errors import DataError
from conflict_events.reports import write_page
from conflict_events.schema import EventType

ABOUT = "card.json"
_WHAT = {
    "id": "unique name of the document",
    "text": "the original text, unchanged",
    "layers": "what is annotated: role spans, events or both",
    "spans": "every span with its role, triggers included",
    "events": "trigger, type and the spans that take part",
    "tokens": "words and signs",
    "ner_tags": "IOB2 over tokens; of spans that compete for a token, one",
    "meta": "whatever else is known of the document, as JSON",
}
_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]


def write_dataset(corpus: Corpus, folder: Path) -> None:
    """Write ``train.parquet``, ``validation.parquet`` and ``test.parquet``, of those that hold documents, and the card.

    Raises:
        ConfigError: if the folder has something in it.
    """
    from datasets import disable_progress_bars

    require_new("dataset", folder)
    folder.mkdir(parents=True, exist_ok=True)
    disable_progress_bars()
    for split, part in to_dataset_dict(corpus.splits, corpus.config.roles).items():
        part.to_parquet(str(folder / f"{split}{SUFFIX}"))
    write_dataset_card(corpus, folder / "README.md")


def write_dataset_card(corpus: Corpus, path: Path) -> None:
    """Write the card: counts by split, columns, agreement, licence, and the Hub's metadata above."""
    config = corpus.config
    about = _about(Path(config.path) / ABOUT)
    licences = {about["license"], *(_about(Path(c.path) / ABOUT)["license"] for c in config.extra.values())}
    licence = about["license"] if len(licences) == 1 else "other"  # texts of several owners
    counts = {split_name(split): count(documents, ()) for split, documents in corpus.splits.items()}
    total = sum(c.documents for c in counts.values())
    front_matter = DatasetCardData(
        language=[config.language],
        license=licence,
        pretty_name=config.name,
        task_categories=["token-classification"],
        tags=["conflict", "event-extraction", "conflict-events"],
        size_categories=[next((name for limit, name in _SIZES if total < limit), "1M<n<10M")],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"{split}{SUFFIX}"} for split, c in counts.items() if c.documents
                ],
            }
        ],
    ).to_yaml()
    write_page(
        path,
        "dataset_card.md",
        front_matter=Markup(front_matter),
        name=config.name,
        description=about["description"],
        license=licence,
        counts=counts,
        roles=config.roles,
        types=[t.value for t in EventType if any(t.value in c.types for c in counts.values())],
        columns=[(name, _kind(kind), _WHAT[name]) for name, kind in features(config.roles).items()],
        agreement=annotators_agree(Path(config.path) / "agreement"),
    )


def _about(path: Path) -> dict[str, str]:
    """``license`` (as the Hub names it; ``other`` where texts are not ours to give) and ``description`` of a corpus."""
    about = {"license": "unknown", "description": ""}
    if path.is_file():
        given = parse_line(str(path), path.read_bytes())
        if unknown := given.keys() - about.keys():
            raise DataError(f"unknown keys {sorted(unknown)}", where=str(path), remedy=f"known: {', '.join(about)}")
        about |= {key: str(value) for key, value in given.items()}
    return about


def _kind(feature: object) -> str:
    """A column's type in short."""
    from datasets import ClassLabel, List, Value

    if isinstance(feature, Value):
        return str(feature.dtype)
    if isinstance(feature, ClassLabel):
        return "class label"
    if isinstance(feature, List):
        return f"list of {_kind(feature.feature)}"
    assert isinstance(feature, dict)
    return "{" + ", ".join(feature) + "}"
