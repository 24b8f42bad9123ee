"""The plain recipe: what it finds, and what truncation loses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import ROLES, violent_documents
from transformers import EvalPrediction

from conflict_events.baselines.base import Options
from conflict_events.baselines.plain import Plain, _f1
from conflict_events.config import ModelConfig
from conflict_events.errors import ConfigError
from conflict_events.labels import IGNORE, LabelScheme
from conflict_events.schema import Document, Layer

LENGTH = 64  # tokens; the tiny tokenizer makes one of most letters
TEXT = "rebels attacked the village near hill 7 ."
AWKWARD = "\u201crebels\u201d\u00a0attacked the village \U0001f642\r\n\r\ncafe\u0301\u00ad near hill\u00a07."


@pytest.fixture(scope="module")
def fitted(tiny_encoder: Path) -> Plain:
    options = Options(model=ModelConfig(str(tiny_encoder)), epochs=20, learning_rate=5e-3)
    plain = Plain(LENGTH, options)
    plain.fit(violent_documents(16, "train"), violent_documents(4, "dev"), ROLES)
    return plain


def test_it_finds_what_it_has_learned(fitted: Plain) -> None:
    ((spans, events),) = fitted.predict([TEXT])
    assert {("attacker", "rebels"), ("trigger", "attacked")} <= {(span.role, span.text) for span in spans}
    assert [event.trigger.text for event in events] == ["attacked"]


def test_what_comes_after_the_truncation_is_lost(fitted: Plain) -> None:
    filler = "the " * LENGTH  # a token each
    ((spans, events),) = fitted.predict([filler + TEXT])
    assert not [span for span in spans if span.end > len(filler)]
    assert not [event for event in events if event.trigger.start >= len(filler)]
    assert any(span.text == "attacked" for span in fitted.predict([TEXT])[0][0])  # it is found where it is read


def test_offsets_hold_in_awkward_text(fitted: Plain) -> None:
    ((spans, events),) = fitted.predict([AWKWARD])
    Document("awkward", AWKWARD, frozenset(Layer), tuple(spans), tuple(events))  # refuses spans of another text
    assert spans


def test_texts_without_words_have_no_spans(fitted: Plain) -> None:
    assert fitted.predict(["", " \r\n "]) == [([], [])] * 2


def test_more_tokens_than_the_encoder_takes_are_refused(tiny_encoder: Path) -> None:
    plain = Plain(256, Options(model=ModelConfig(str(tiny_encoder))))
    with pytest.raises(ConfigError, match="128 positions"):
        plain.fit(violent_documents(2, "train"), [], ROLES)


def test_the_same_seed_gives_the_same_again(tiny_encoder: Path) -> None:
    found = []
    for _ in range(2):
        plain = Plain(LENGTH, Options(model=ModelConfig(str(tiny_encoder)), epochs=2, seed=3))
        plain.fit(violent_documents(8, "train"), [], ROLES)
        found.append(plain.predict([TEXT]))
    assert found[0] == found[1]


def test_the_epoch_is_chosen_by_spans_over_tokens_that_count() -> None:
    scheme = LabelScheme(("attacker",))  # O, B-ATTACKER, I-ATTACKER
    gold = np.array([[IGNORE, 1, 2, 0, 1, IGNORE]])
    guessed = np.eye(3)[[[2, 1, 2, 0, 0, 1]]]  # the first span is found, the second not: P 1, R 1/2
    assert _f1(EvalPrediction(predictions=guessed, label_ids=gold), scheme)["f1"] == pytest.approx(2 / 3)
