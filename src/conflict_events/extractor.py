"""Articles to events: the class that users call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conflict_events.checkpoint import Settings, label_scheme, require_fitting_tokenizer
from conflict_events.confidence import Confidence
from conflict_events.config import CheckpointConfig, EngineKind
from conflict_events.engines import load_engine
from conflict_events.errors import ConfigError, InputError
from conflict_events.extraction import Extraction
from conflict_events.fillers import fillers
from conflict_events.hub import checkpoint_folder
from conflict_events.incidents import incidents
from conflict_events.linking.rule import TypeModel
from conflict_events.schema import TRIGGER, Event, Span, lone_surrogate
from conflict_events.screening import Screen
from conflict_events.tagging import Reading, Tagger
from conflict_events.windows import TextTokenizer


class EventExtractor:
    """Reads articles and returns who attacked whom or what, where, with what weapon.

    Use :meth:`from_pretrained`.

    Args:
        tagger: finds role spans, triggers and events.
        name: written into every record as ``model``.
    """

    def __init__(self, tagger: Tagger, name: str | None = None) -> None:
        self.tagger = tagger
        self.name = name

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        *,
        revision: str | None = None,
        subfolder: str | None = None,
        label_map: Mapping[str, str | None] | None = None,
        min_score: float | None = None,
        merge_mentions: bool | None = None,
        recall_loss: float | None = None,
        device: str | None = None,
        batch_tokens: int = 4096,
        engine: EngineKind | str = EngineKind.auto,
        threads: int | None = None,
    ) -> EventExtractor:
        """Load a checkpoint.

        Args:
            model: a folder or a Hub id; None for the model that is packaged.
            revision: branch, tag or commit on the Hub.
            subfolder: where in the folder or repository the checkpoint is.
            label_map: for checkpoints of others: their entity types to roles, e.g. ``{"PER": "attacker", "MISC":
                None}``; None drops a type. Types that are not named keep their name.
            min_score: leave out spans, arguments and events below this confidence (in [0, 1]); None for the
                checkpoint's own thresholds.
            merge_mentions: group events that are mentions of the same act into incidents, and spans that name the
                same into role fillers; None for the checkpoint's own setting (off unless it was trained otherwise).
            recall_loss: the share of events that may be lost to a cheap first pass, which skips articles that seem to
                have none; None reads every article.
            device: ``cpu``, ``cuda``, ``mps``; None for the CPU with onnx, for the best present with torch.
            batch_tokens: about how many tokens one pass of the torch engine takes.
            engine: ``onnx`` (no torch is imported), ``torch``, or ``auto``: onnx if the checkpoint has an ``onnx/``
                folder made from its weights and no device but the CPU is asked for.
            threads: cores that the onnx engine takes; None for all that this process may use.

        Raises:
            CheckpointError: if the checkpoint is missing, unsafe, incomplete, or not a BIO token classifier.
            SourceError: if the Hub cannot be reached and the cache has no copy.
            ConfigError: if ``min_score`` is outside [0, 1], ``label_map`` names types that are not there, there is no
                first pass or ``recall_loss`` is more than what was measured, or the engine is not installed.
        """
        folder = checkpoint_folder(None if model is None else str(model), revision, subfolder)
        scheme, columns = label_scheme(folder, label_map)
        settings = Settings.load(folder)
        given: dict[str, Any] = {"min_score": min_score, "merge_mentions": merge_mentions}
        decoding = replace(settings.decoding, **{name: value for name, value in given.items() if value is not None})
        types = TypeModel.from_record(settings.event_types) if settings.event_types is not None else None
        tokenizer = TextTokenizer.from_file(folder / "tokenizer.json")
        require_fitting_tokenizer(folder, tokenizer.highest_id, settings.window)
        networks = load_engine(folder, EngineKind.of(engine), device, batch_tokens, threads)
        confidence = Confidence() if settings.confidence is None else Confidence.from_record(settings.confidence)
        if decoding.min_score is not None:
            confidence = confidence.at(decoding.min_score)
        tagger = Tagger(
            tokenizer,
            networks,
            scheme,
            columns,
            settings.window,
            decoding,
            networks.reach,
            types,
            settings.language,
            confidence,
            None if recall_loss is None else _screen(settings, folder).at(recall_loss),
        )
        if model is None:
            return cls(tagger, f"default@{version('conflict-events')}")
        is_local = Path(model).expanduser().is_dir()
        name = (settings.name or folder.resolve().name) if is_local else str(model)
        return cls(tagger, f"{name}@{revision}" if revision else name)

    @classmethod
    def from_config(cls, config: CheckpointConfig) -> EventExtractor:
        """:meth:`from_pretrained` with the settings of a config."""
        return cls.from_pretrained(
            config.path or None,
            revision=config.revision,
            subfolder=config.subfolder,
            label_map=config.label_map,
            min_score=config.min_score,
            merge_mentions=config.merge_mentions,
            recall_loss=config.recall_loss,
            device=config.device,
            batch_tokens=config.batch_tokens,
            engine=config.engine,
            threads=config.threads,
        )

    def extract(self, text: str) -> Extraction:
        """The events and role spans of one article; offsets are half-open characters into ``text``.

        Raises:
            InputError: if ``text`` is not a string, or holds half a surrogate pair.
        """
        if not isinstance(text, str):
            raise InputError(
                f"extract takes one text, not {type(text).__name__}", remedy="use extract_many for several"
            )
        return next(self.extract_many([text]))

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        """The extractions of many articles, in their order, worked on in batches as they are asked for.

        Raises:
            InputError: if ``texts`` is one string, or an item is not a string or holds half a surrogate pair.
        """
        if isinstance(texts, str):
            raise InputError("extract_many takes several texts, not one", remedy="use extract for one")
        return self._extract_many(texts)

    def _extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for reading in self._readings(texts):
            events = tuple(reading.events)
            roles = tuple(span for span in reading.spans if span.role != TRIGGER)
            found = Extraction(events, roles, model=self.name, skipped=reading.skipped)
            if self.tagger.decoding.merge_mentions:
                found = replace(found, incidents=tuple(incidents(events)), fillers=tuple(fillers(roles)))
            yield found

    def read_many(self, texts: Iterable[str]) -> Iterator[tuple[list[Span], tuple[Event, ...]]]:
        """The tagged spans of each text, triggers among them, and its events: what evaluation scores.

        Raises:
            InputError: if an item is not a string or holds half a surrogate pair.
        """
        for reading in self._readings(texts):
            yield reading.spans, tuple(reading.events)

    def _readings(self, texts: Iterable[str]) -> Iterator[Reading]:
        checked = (_checked(text, number) for number, text in enumerate(texts))
        return (reading for _, reading in self.tagger.read_many(checked))

    @property
    def finds_events(self) -> bool:
        """Whether the checkpoint was trained with events; others give spans only."""
        return self.tagger.finds_events


def _screen(settings: Settings, folder: Path) -> Screen:
    if settings.screen is None:
        raise ConfigError(
            "recall_loss is given, but the checkpoint has no first pass",
            where=str(folder),
            remedy="leave recall_loss out, or train on a corpus with events, some of its sentences without any",
        )
    return Screen.from_record(settings.screen)


def _checked(text: str, number: int) -> str:
    if not isinstance(text, str):
        raise InputError(f"text number {number} is {type(text).__name__}, not a string")
    if (at := lone_surrogate(text)) is not None:
        raise InputError(
            f"text number {number} holds half a surrogate pair at character {at}",
            remedy="decode the source with errors='replace'",
        )
    return text
