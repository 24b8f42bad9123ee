"""A checkpoint as a Hugging Face Inference Endpoint.

This file is copied into published repositories and stands on its own there. Where the package conflict-events is
installed, answers are its extraction records, events and all; elsewhere transformers gives role spans and triggers.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("conflict_events.handler")


class EndpointHandler:
    """Answers requests ``{"inputs": text or list of texts, "parameters": {...}}``.

    Args:
        path: folder of the checkpoint.

    Attributes:
        answers_with: the library that reads the texts, and its version.
    """

    def __init__(self, path: str = "") -> None:
        folder = Path(path)
        self._reader = _events_by_package(folder) or _spans_by_transformers(folder)
        self.answers_with = self._reader.library
        _LOG.info("%s: answers by %s", folder.resolve().name, self.answers_with)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
        """One record for a text, a list of records for a list of texts, in its order.

        A record has ``spans`` (role, start, end, text, score; half-open characters of the text) and, from the package,
        ``events``. ``parameters`` may hold ``min_score``: what is less sure, from 0 to 1, is left out; and, with the
        package, ``merge_mentions``: true groups events that are mentions of one act, and spans that name the same.

        Raises:
            ValueError: if the request has another form.
        """
        if not isinstance(data, dict) or "inputs" not in data:
            raise ValueError('the request has no "inputs": send {"inputs": "text of an article"}')
        inputs, parameters = data["inputs"], data.get("parameters")
        parameters = {} if parameters is None else parameters
        texts = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f'"inputs" must be a text or a list of texts, not {type(inputs).__name__}')
        if not isinstance(parameters, dict) or not parameters.keys() <= {"min_score", "merge_mentions"}:
            raise ValueError(f'"parameters" may have min_score and merge_mentions, not {parameters!r}')
        least, merge = parameters.get("min_score"), parameters.get("merge_mentions")
        if least is not None and (isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1):
            raise ValueError(f"min_score must be a number from 0 to 1, not {least!r}")
        if merge is not None and not isinstance(merge, bool):
            raise ValueError(f"merge_mentions must be true or false, not {merge!r}")
        records = self._reader.read(texts, least, merge)
        return records[0] if isinstance(inputs, str) else records


class _Package:
    def __init__(self, extractor: Any, version: str) -> None:
        self._extractor = extractor
        self.library = f"conflict-events {version}"

    def read(self, texts: list[str], least: float | None, merge: bool | None) -> list[dict[str, Any]]:
        extractor, tagger = self._extractor, self._extractor.tagger
        if least is not None:
            tagger = replace(tagger, confidence=tagger.confidence.at(least))
        if merge is not None:
            tagger = replace(tagger, decoding=replace(tagger.decoding, merge_mentions=merge))
        if tagger is not extractor.tagger:
            extractor = type(extractor)(tagger, extractor.name)  # on the same weights
        return [extraction.to_record() for extraction in extractor.extract_many(texts)]


class _Transformers:
    def __init__(self, pipeline: Any, version: str, stride: int, name: str) -> None:
        self._pipeline = pipeline
        self._stride = stride
        self._name = name
        self.library = f"transformers {version}, without events: conflict-events is not installed"

    def read(self, texts: list[str], least: float | None, merge: bool | None) -> list[dict[str, Any]]:
        if merge:
            raise ValueError("merge_mentions needs the package conflict-events: name it in requirements.txt")
        return [self._record(text, least or 0.0) for text in texts]

    def _record(self, text: str, least: float) -> dict[str, Any]:
        # Windows of the encoder's length that overlap, joined again by the pipeline: no part of a text is left out.
        found = self._pipeline(text, aggregation_strategy="first", stride=self._stride) if text.strip() else []
        spans = []
        for entity in found:
            start, end = int(entity["start"]), int(entity["end"])
            start += len(text[start:end]) - len(text[start:end].lstrip())  # byte-level tokens begin with the space
            score = round(float(entity["score"]), 4)
            if start < end and score >= least:
                role = entity["entity_group"].lower()
                spans.append({"role": role, "start": start, "end": end, "text": text[start:end], "score": score})
        return {"id": None, "spans": spans, "meta": {}, "model": self._name}


def _events_by_package(folder: Path) -> _Package | None:
    """None where the package is not installed; one that is there, but cannot be imported, is an error."""
    try:
        from conflict_events.extractor import EventExtractor
    except ModuleNotFoundError as error:
        if error.name != "conflict_events":
            raise
        return None
    return _Package(EventExtractor.from_pretrained(folder), version("conflict-events"))


def _spans_by_transformers(folder: Path) -> _Transformers:
    import transformers

    pipeline = transformers.pipeline("token-classification", model=str(folder))
    tokenizer: Any = pipeline.tokenizer
    settings = folder / "conflict_events.json"
    known = json.loads(settings.read_text("utf-8")) if settings.is_file() else {}
    # RoBERTa's kind keeps two positions for itself; some encoders have no limit.
    longest = getattr(pipeline.model.config, "max_position_embeddings", 514) - 2
    window = known.get("window") or {"max_tokens": longest, "overlap": longest // 5}
    tokenizer.model_max_length = min(tokenizer.model_max_length, longest, window["max_tokens"])
    stride = min(window["overlap"], tokenizer.model_max_length // 4)
    return _Transformers(pipeline, transformers.__version__, stride, known.get("name") or folder.resolve().name)
