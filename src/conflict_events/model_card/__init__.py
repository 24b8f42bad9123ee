"""The card of a checkpoint that is published: what it is, how good, on what, and what it is not for.

The prose is in ``reports/templates/model_card.md``; the figures come from evaluations (``metrics.json``).
"""

from conflict_events.model_card.facts import Example, ModelFacts, TrainingCorpus, citation, corpora_of
from conflict_events.model_card.rendering import render_card

__all__ = ["Example", "ModelFacts", "TrainingCorpus", "citation", "corpora_of", "render_card"]
