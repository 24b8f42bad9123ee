"""Another system's spans, events by the sentence rule alone: what a trained linker has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from conflict_events.baselines.base import Prediction, ReadsMany, events_by_rule
from conflict_events.linking.rule import TypeModel
from conflict_events.schema import Document


class Nearest:
    """The spans of an extractor; each belongs to the nearest trigger of its sentence.

    Args:
        extractor: whose spans they are.
        types: names the type of an event; None to fit one to the train split.
        language: of the texts, for sentence boundaries.
    """

    def __init__(self, extractor: ReadsMany, types: TypeModel | None = None, language: str = "en") -> None:
        self._extractor = extractor
        self._types = types
        self._language = language

    def fit(self, train: Sequence[Document], dev: Sequence[Document], roles: Sequence[str]) -> None:
        """Fit the event types, unless they were given; the extractor stays as it is."""
        del dev, roles
        self._types = self._types or TypeModel.fit(train)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The extractor's spans of each text, and events by the rule."""
        return [
            (list(spans), events_by_rule(text, spans, self._types, self._language))
            for text, (spans, _) in zip(texts, self._extractor.read_many(texts), strict=True)
        ]
