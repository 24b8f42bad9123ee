"""Roles to labels, and spans to labels of tokens."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.labels import LabelScheme, Offsets, gather, tokens_of
from conflict_events.schema import Span

SCHEME = LabelScheme(("attacker", "target"))
O, B_ATTACKER, I_ATTACKER, B_TARGET, I_TARGET = range(5)  # noqa: E741
TEXT = "Rebel forces shelled Oruba-on-Sea"


def offsets(*pairs: tuple[int, int]) -> Offsets:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


# Rebel, forces, shell, ed, Or, uba, -, on, -, Sea
TOKENS = offsets((0, 5), (6, 12), (13, 18), (18, 20), (21, 23), (23, 26), (26, 27), (27, 29), (29, 30), (30, 33))


def encode(*spans: tuple[str, int, int]) -> tuple[list[int], list[tuple[str, int, int]]]:
    labels, lost = SCHEME.encode(TOKENS, [Span.of(TEXT, *span) for span in spans])
    return labels.tolist(), [span.key for span in lost]


# The inventory


def test_labels_stand_in_the_order_of_the_roles() -> None:
    assert SCHEME.labels == ["O", "B-ATTACKER", "I-ATTACKER", "B-TARGET", "I-TARGET"]
    assert SCHEME.id2label == {0: "O", 1: "B-ATTACKER", 2: "I-ATTACKER", 3: "B-TARGET", 4: "I-TARGET"}
    assert SCHEME.label2id == {"O": 0, "B-ATTACKER": 1, "I-ATTACKER": 2, "B-TARGET": 3, "I-TARGET": 4}
    assert (SCHEME.begin("target"), SCHEME.inside("target")) == (3, 4)


@pytest.mark.parametrize("roles", [(), ("attacker", "attacker")])
def test_empty_or_repeated_roles_are_refused(roles: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"are empty or repeat.*Name each role once"):
        LabelScheme(roles)


def test_only_a_begin_or_inside_of_the_same_role_comes_before_an_inside() -> None:
    yes, no = True, False
    assert SCHEME.transitions().tolist() == [
        # O   B-A  I-A  B-T  I-T
        [yes, yes, no, yes, no],  # after O
        [yes, yes, yes, yes, no],  # after B-ATTACKER
        [yes, yes, yes, yes, no],  # after I-ATTACKER
        [yes, yes, no, yes, yes],  # after B-TARGET
        [yes, yes, no, yes, yes],  # after I-TARGET
    ]


# Labels of checkpoints


def test_the_labels_of_some_roles_are_found_by_their_ids() -> None:
    scheme = LabelScheme(("attacker", "target", "weapon"))
    assert scheme.of_roles({"weapon", "attacker", "unknown"}) == [False, True, True, False, False, True, True]
    assert scheme.of_roles(()) == [False] * 7


def test_labels_of_a_checkpoint_are_found_in_any_order_and_case() -> None:
    names = ["I-Target", "B-Target", "b-attacker", "O", "i-ATTACKER"]
    scheme, columns = LabelScheme.from_id2label(dict(enumerate(names)))
    assert scheme.roles == ("target", "attacker")
    assert columns == [(3,), (1,), (0,), (2,), (4,)]


@given(st.permutations(range(5)))
@settings(max_examples=50, deadline=None, database=None)
def test_columns_bring_shuffled_scores_into_the_order_of_the_scheme(order: list[int]) -> None:
    names = [SCHEME.labels[number] for number in order]
    scheme, columns = LabelScheme.from_id2label(dict(enumerate(names)))
    assert [names[column] for (column,) in columns] == scheme.labels
    assert set(scheme.roles) == {"attacker", "target"}


@pytest.mark.parametrize(
    "names",
    [
        ["LABEL_0", "LABEL_1"],
        ["O"],
        ["B-TARGET", "I-TARGET"],
        ["O", "B-TARGET"],
        ["O", "I-TARGET"],
        ["O", "B-TARGET", "I-TARGET", "I-ATTACKER"],
        ["O", "B-TARGET", "I-TARGET", "MISC"],
        ["O", "B-TARGET", "I-TARGET", "S-TARGET", "E-TARGET"],
        [],
    ],
)
def test_labels_that_are_no_bio_set_are_refused(names: list[str]) -> None:
    with pytest.raises(CheckpointError, match=r"not a BIO scheme.*id2label with O, B-ROLE and I-ROLE"):
        LabelScheme.from_id2label(dict(enumerate(names)))


@pytest.mark.parametrize("ids", [[0, 2, 5], [1, 2, 3], [0, 1, 3]])
def test_label_numbers_with_gaps_are_refused(ids: list[int]) -> None:
    with pytest.raises(CheckpointError, match="numbered from 0"):
        LabelScheme.from_id2label(dict(zip(ids, ["O", "B-TARGET", "I-TARGET"], strict=True)))


def test_two_labels_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(CheckpointError, match="not a BIO scheme"):
        LabelScheme.from_id2label(dict(enumerate(["O", "B-PER", "I-PER", "b-per"])))


# Labels of others

CONLL = dict(enumerate(["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]))


def test_types_of_others_become_roles_and_the_rest_keep_their_name() -> None:
    scheme, columns = LabelScheme.from_id2label(CONLL, {"PER": "attacker", "loc": "Location"})
    assert scheme.roles == ("misc", "attacker", "org", "location")
    assert columns == [(number,) for number in range(9)]


def test_several_types_may_become_one_role() -> None:
    scheme, columns = LabelScheme.from_id2label(CONLL, {"PER": "attacker", "ORG": "attacker", "MISC": "loc"})
    assert scheme.roles == ("loc", "attacker")
    assert columns == [(0,), (1, 7), (2, 8), (3, 5), (4, 6)]


def test_a_dropped_type_counts_as_no_label() -> None:
    scheme, columns = LabelScheme.from_id2label(CONLL, {"MISC": None, "ORG": None})
    assert scheme.roles == ("per", "loc")
    assert columns == [(0, 1, 2, 5, 6), (3,), (4,), (7,), (8,)]


def test_a_map_of_a_type_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"label_map names PERSON.*MISC, PER, ORG, LOC"):
        LabelScheme.from_id2label(CONLL, {"person": "attacker"})


def test_a_map_that_drops_every_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="drops every label"):
        LabelScheme.from_id2label(CONLL, dict.fromkeys(["MISC", "PER", "ORG", "LOC"]))


def test_probabilities_of_columns_that_make_up_a_label_add_up() -> None:
    logits = np.random.default_rng(0).normal(scale=5, size=(20, 9)).astype(np.float32)
    _, columns = LabelScheme.from_id2label(CONLL, {"MISC": None, "ORG": "per"})
    gathered = gather(logits, columns)
    assert gathered.dtype == np.float32

    def softmax(rows: np.ndarray) -> np.ndarray:
        return np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)

    expected = np.stack([softmax(logits)[:, list(group)].sum(axis=1) for group in columns], axis=1)
    assert np.allclose(softmax(gathered), expected, atol=1e-6)


def test_of_a_token_that_is_surely_of_a_dropped_type_nothing_is_made() -> None:
    logits = np.array([[1, 10, 0, 2, 0, 0, 0, 0, 0]], dtype=np.float32)  # MISC, then PER, then O
    scheme, columns = LabelScheme.from_id2label(CONLL, {"MISC": None})
    assert scheme.labels[int(gather(logits, columns).argmax())] == "O"


# Spans to labels


def test_a_span_begins_once_and_goes_on() -> None:
    labels, lost = encode(("attacker", 0, 12), ("target", 21, 33))
    assert labels == [B_ATTACKER, I_ATTACKER, O, O, B_TARGET, *[I_TARGET] * 5]
    assert lost == []


def test_spans_side_by_side_stay_two() -> None:
    labels, lost = encode(("attacker", 0, 5), ("attacker", 6, 12))
    assert labels[:3] == [B_ATTACKER, B_ATTACKER, O]
    assert lost == []


def test_a_span_within_a_token_takes_the_whole_token() -> None:
    labels, lost = encode(("target", 24, 25))
    assert labels == [O, O, O, O, O, B_TARGET, O, O, O, O]
    assert lost == []


def test_the_longer_of_two_competing_spans_is_kept() -> None:
    labels, lost = encode(("attacker", 0, 5), ("target", 0, 12))
    assert labels[:3] == [B_TARGET, I_TARGET, O]
    assert lost == [("attacker", 0, 5)]


def test_the_longer_span_is_kept_though_it_begins_later() -> None:
    labels, lost = encode(("attacker", 0, 12), ("target", 6, 20))
    assert labels[:5] == [O, B_TARGET, I_TARGET, I_TARGET, O]
    assert lost == [("attacker", 0, 12)]


def test_the_earlier_of_two_spans_as_long_is_kept() -> None:
    labels, lost = encode(("attacker", 18, 23), ("target", 13, 18), ("attacker", 16, 21))
    assert labels[2:6] == [B_TARGET, B_ATTACKER, I_ATTACKER, O]
    assert lost == [("attacker", 16, 21)]


def test_spans_that_meet_in_one_token_compete() -> None:
    labels, lost = encode(("attacker", 0, 3), ("target", 3, 5))
    assert labels == [B_ATTACKER] + [O] * 9
    assert lost == [("target", 3, 5)]


def test_a_span_of_a_role_outside_the_scheme_is_lost() -> None:
    assert encode(("weapon", 0, 5)) == ([O] * 10, [("weapon", 0, 5)])


def test_a_span_that_covers_no_token_is_lost() -> None:
    assert encode(("target", 12, 13)) == ([O] * 10, [("target", 12, 13)])


def test_a_token_without_text_takes_part_only_within_a_span() -> None:
    tokens = offsets((0, 0), (0, 5), (6, 6), (6, 12), (13, 13), (13, 20))
    labels, lost = SCHEME.encode(tokens, [Span.of(TEXT, "attacker", 0, 12)])
    assert labels.tolist() == [O, B_ATTACKER, I_ATTACKER, I_ATTACKER, O, O]
    assert lost == []


def test_a_text_without_tokens_loses_all_spans() -> None:
    labels, lost = SCHEME.encode(offsets(), [Span.of(TEXT, "target", 0, 5)])
    assert labels.shape == (0,)
    assert [span.key for span in lost] == [("target", 0, 5)]


@given(st.lists(st.tuples(st.sampled_from(["attacker", "target", "weapon"]), st.integers(0, 32), st.integers(1, 33))))
@settings(max_examples=200, deadline=None, database=None)
def test_every_span_is_encoded_or_lost_and_the_labels_are_legal(drawn: list[tuple[str, int, int]]) -> None:
    keys = [(role, start, end) for role, start, end in drawn if start < end]
    labels, lost = encode(*keys)
    assert sum(label in (B_ATTACKER, B_TARGET) for label in labels) + len(lost) == len(keys)
    assert labels[0] not in (I_ATTACKER, I_TARGET)
    assert all(SCHEME.transitions()[before, after] for before, after in pairwise(labels))


# Tokens of a span


@pytest.mark.parametrize(
    ("start", "end", "tokens"),
    [(0, 5, [0]), (5, 6, []), (4, 7, [0, 1]), (12, 13, []), (20, 21, []), (0, 33, list(range(10))), (26, 27, [6])],
)
def test_tokens_of_a_stretch_share_a_character_with_it(start: int, end: int, tokens: list[int]) -> None:
    assert tokens_of(TOKENS, start, end).tolist() == tokens


def test_a_token_without_text_belongs_to_no_stretch() -> None:
    assert tokens_of(offsets((0, 3), (4, 4), (4, 7)), 0, 7).tolist() == [0, 2]
