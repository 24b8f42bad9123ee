"""Systems that a user would otherwise take, to measure the model against: on the same split, fitted to the same train.

- ``crf``: a conditional random field with the usual features.
- ``plain_128``, ``plain_256``: the same encoder as the model, as a tutorial would fine-tune it, truncated at so many
  tokens.
- ``rules``: a dictionary and a dependency parse.
- ``nearest``: the model's own spans, events by the sentence rule.

The first three make their events with the sentence rule, too; ``rules`` reads them off the parse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conflict_events.baselines.base import Baseline, Options, Prediction
from conflict_events.baselines.crf import Crf
from conflict_events.baselines.nearest import Nearest
from conflict_events.baselines.rules import Rules
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError

__all__ = ["BASELINES", "Baseline", "Options", "Prediction", "create", "fitted"]


def _plain(options: Options, max_length: int) -> Baseline:
    from conflict_events.baselines.plain import Plain  # torch, transformers and datasets, which the others need not

    return Plain(max_length, options)


def _nearest(options: Options) -> Baseline:
    if options.extractor is None:
        raise ConfigError(
            "the baseline 'nearest' has no spans to work with", remedy="give the extractor whose they are"
        )
    return Nearest(options.extractor, language=options.language)


BASELINES: dict[str, Callable[[Options], Baseline]] = {
    "crf": Crf,
    "plain_128": partial(_plain, max_length=128),
    "plain_256": partial(_plain, max_length=256),
    "rules": Rules,
    "nearest": _nearest,
}


def create(name: str, options: Options | None = None) -> Baseline:
    """A baseline that is not fitted yet.

    Raises:
        ConfigError: if there is none of this name, or something that it needs is missing.
    """
    if name not in BASELINES:
        raise ConfigError(f"there is no baseline {name!r}", remedy=f"choose from {', '.join(BASELINES)}")
    return BASELINES[name](options or Options())


def fitted(name: str, corpus: Corpus, seed: int = 13, options: Options | None = None) -> Baseline:
    """A baseline fitted to the corpus's train and dev splits; the same seed gives the same again.

    Args:
        name: one of :data:`BASELINES`.
        corpus: gives documents, roles and language.
        seed: of everything random.
        options: further settings; seed and language are replaced.

    Raises:
        ConfigError: for an unknown name, a corpus without the splits, or a missing package.
        DataError: if the train split has no text.
    """
    baseline = create(name, replace(options or Options(), seed=seed, language=corpus.config.language))
    baseline.fit(corpus.split("train"), corpus.split("dev"), corpus.config.roles)
    return baseline
