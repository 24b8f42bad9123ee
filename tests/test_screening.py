"""The first pass: hand-worked scores and curves, a fit to words that mean events, and what extraction does with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import violent_documents, wordpiece_tokenizer

from conflict_events import EventExtractor
from conflict_events.checkpoint import Settings
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.schema import Document
from conflict_events.screening import MOST_LOST, WIDTH, Screen
from conflict_events.training.screening import fit_screen
from conflict_events.windows import TextTokenizer


def ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_a_short_article_scores_the_sum_of_its_tokens_weights() -> None:
    screen = Screen({3: 2.0, 7: -0.5}, ())
    assert screen.score(ids(3, 7, 3)) == 3.5
    assert screen.score(ids(1, 2, 99)) == 0.0, "tokens without a weight, below and above those that have one"
    assert screen.score(ids()) == 0.0


def test_a_long_article_scores_its_best_stretch_and_no_sum_over_the_whole() -> None:
    screen = Screen({1: 1.0, 2: -9.0}, ())
    apart = [1, *[0] * WIDTH, 1, 1]
    assert screen.score(ids(*apart)) == 2.0
    assert screen.score(ids(2, *[0] * (WIDTH - 1), 1)) == 1.0, "the stretch may begin after what speaks against it"
    brute = np.random.default_rng(0).integers(0, 4, 3 * WIDTH)
    sums = [sum({1: 1.0, 2: -9.0}.get(int(t), 0.0) for t in brute[n : n + WIDTH]) for n in range(2 * WIDTH + 1)]
    assert screen.score(brute) == pytest.approx(max(sums))


def test_the_curve_holds_the_share_of_events_in_articles_that_score_less() -> None:
    scores, events = np.array([5.0, 1.0, 3.0, 0.0, 4.0]), np.array([86, 2, 4, 0, 8])
    screen = Screen.measured({}, scores, events)
    assert screen.curve == [(1.0, 0.0), (3.0, 0.02), (4.0, 0.06)], "from 0.14 on more is lost than anyone may ask for"
    assert [screen.at(share).threshold for share in (0.0, 0.019, 0.02, 0.06, MOST_LOST)] == [1.0, 1.0, 3.0, 4.0, 4.0]


def test_without_a_threshold_everything_passes_and_with_one_what_reaches_it() -> None:
    screen = Screen({1: 1.0}, [(1.0, 0.0), (2.0, 0.05)])
    assert screen.passes(ids(0))
    assert [screen.at(0.0).passes(ids(*[1] * n)) for n in (0, 1, 2)] == [False, True, True]
    assert [screen.at(0.05).passes(ids(*[1] * n)) for n in (0, 1, 2)] == [False, False, True]


@pytest.mark.parametrize("share", [-0.01, MOST_LOST + 0.001, math.nan])
def test_a_share_that_was_not_measured_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"recall_loss=.* is outside \[0, 0\.1\]"):
        Screen({}, [(0.0, 0.0)]).at(share)


def test_it_comes_back_from_its_record() -> None:
    screen = Screen({3: 2.5, 700: -1.0}, [(0.5, 0.0), (1.5, 0.01)])
    assert Screen.from_record(json.loads(json.dumps(screen.to_record()))) == screen


@pytest.mark.parametrize(
    "record",
    [
        None, [], {}, {"weights": {}, "curve": []}, {"weights": {"x": 1}, "curve": [[0, 0]]},
        {"weights": {"-1": 1.0}, "curve": [[0, 0]]}, {"weights": {"99999999999": 1.0}, "curve": [[0, 0]]},
        {"weights": {"1": math.nan}, "curve": [[0, 0]]}, {"weights": {"1": 1}, "curve": [[0, 0], [math.inf, 0.1]]},
        {"weights": {"1": 1}, "curve": [[1, 0], [0, 0.1]]}, {"weights": {"1": 1}, "curve": [[0, 0.1]]},
        {"weights": {"1": 1}, "curve": [0]}, {"weights": [1], "curve": [[0, 0]]},
    ],
)  # fmt: skip
def test_a_malformed_record_is_refused(record: object) -> None:
    with pytest.raises(CheckpointError, match="the first pass is malformed"):
        Screen.from_record(record)


def peaceful(count: int) -> list[Document]:
    return [
        Document.from_record(
            {"id": f"quiet-{n}", "text": f"the market was open near hill {n} .", "layers": ["roles", "events"]}
        )
        for n in range(count)
    ]


@pytest.fixture
def tokenizer() -> TextTokenizer:
    return TextTokenizer(wordpiece_tokenizer())


def test_the_fit_finds_the_words_of_events_and_loses_none_of_them(tokenizer: TextTokenizer) -> None:
    documents = [*violent_documents(30, "loud"), *peaceful(30)]
    screen = fit_screen(documents, tokenizer, "en")
    assert screen is not None
    strict = screen.at(0.0)
    read = [strict.passes(tokens.ids) for tokens in tokenizer([document.text for document in documents])]
    assert read == [bool(document.events) for document in documents]
    new = tokenizer(
        ["the market was open . rebels shelled the village near hill 77 .", "the market near hill 77 was open ."]
    )
    assert [strict.passes(tokens.ids) for tokens in new] == [True, False]


def test_too_little_is_no_first_pass(tokenizer: TextTokenizer) -> None:
    assert fit_screen(violent_documents(19, "few"), tokenizer, "en") is None
    assert fit_screen(peaceful(30), tokenizer, "en") is None
    assert fit_screen([], tokenizer, "en") is None
    unlabelled = [replace(d, layers=frozenset()) for d in [*violent_documents(30, "loud"), *peaceful(30)]]
    assert fit_screen(unlabelled, tokenizer, "en") is None, "nobody says that there are no other events"


def test_extraction_skips_what_does_not_pass_and_says_so(tiny_checkpoint: Path) -> None:
    tokenizer = TextTokenizer.from_file(tiny_checkpoint / "tokenizer.json")
    (bombed,) = tokenizer(["bombed"])[0].ids
    screen = Screen({int(bombed): 1.0}, [(1.0, 0.0)])
    replace(Settings.load(tiny_checkpoint), screen=screen.to_record()).save(tiny_checkpoint)
    texts = ["rebels bombed the village .", "the market was open .", "", "troops bombed hill 3 ."]
    whole = list(EventExtractor.from_pretrained(tiny_checkpoint, engine="torch").extract_many(texts))
    quick = list(EventExtractor.from_pretrained(tiny_checkpoint, engine="torch", recall_loss=0.0).extract_many(texts))
    assert [extraction.skipped for extraction in quick] == [False, True, True, False]
    assert not any(extraction.skipped for extraction in whole)
    assert [quick[n].to_record() for n in (0, 3)] == [whole[n].to_record() for n in (0, 3)]
    assert "skipped" not in quick[0].to_record()
    assert quick[1].to_record() == {
        "id": None, "events": [], "spans": [], "meta": {}, "model": quick[0].model, "skipped": True,
    }  # fmt: skip


def test_a_checkpoint_without_a_first_pass_says_so(tiny_checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match="recall_loss is given, but the checkpoint has no first pass"):
        EventExtractor.from_pretrained(tiny_checkpoint, engine="torch", recall_loss=0.01)
