"""What computes faster computes the same."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import MPNetConfig, MPNetForTokenClassification

from conflict_events.training.faster import make_faster


def dropout(p: float) -> nn.Module:
    """The faster module."""
    return make_faster(nn.Sequential(nn.Dropout(p)))[0]  # type: ignore[index]


@pytest.fixture
def slow() -> MPNetForTokenClassification:
    """An MPNet without dropout whose position bias matters."""
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=50, hidden_size=64, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64, num_labels=5,
        max_position_embeddings=80, initializer_range=0.2,
    )  # fmt: skip
    model = MPNetForTokenClassification(config)
    nn.init.normal_(model.mpnet.encoder.relative_attention_bias.weight)
    return model.eval()


@pytest.fixture
def fast(slow: MPNetForTokenClassification) -> MPNetForTokenClassification:
    model = make_faster(copy.deepcopy(slow))
    assert isinstance(model, MPNetForTokenClassification)
    return model


def batch() -> dict[str, Tensor]:
    """Three texts, of which one is padded, longer than the distance after which all positions are as far."""
    ids = torch.randint(3, 50, (3, 70), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 40:] = 0
    return {"input_ids": ids, "attention_mask": mask, "labels": ids % 5}


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.85])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.ones(501, 799, dtype=dtype)  # not a multiple of four
    found = dropout(p)(x)
    assert found.shape == x.shape
    assert found.dtype == dtype
    share = (found == 0).double().mean().item()
    assert share == pytest.approx(p, abs=5 * (p * (1 - p) / x.numel()) ** 0.5 + 1 / 65536)
    kept = found[found != 0].unique()
    assert kept.tolist() == [pytest.approx(1 / (1 - p), rel=1e-4 if dtype == torch.float32 else 1e-2)]


def test_what_is_dropped_hangs_on_nothing_near_it_and_on_the_seed() -> None:
    torch.manual_seed(0)
    module, x = dropout(0.3), torch.ones(400_000)
    first, second = module(x) == 0, module(x) == 0
    pairs = [(first[step:], first[:-step]) for step in range(1, 9)] + [(first, second)]
    for one, other in pairs:  # a number of 64 bits makes four neighbours
        assert (one & other).double().mean().item() == pytest.approx(0.09, abs=0.003)
    torch.manual_seed(0)
    assert torch.equal(module(x) == 0, first)


def test_dropped_elements_have_no_gradient_and_the_others_one_as_large_as_they_are() -> None:
    x = torch.full((64, 65), 2.0, requires_grad=True)
    found = dropout(0.4)(x)
    found.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad * 2, found)


def test_dropout_that_drops_nothing_or_everything_and_that_of_a_model_in_use() -> None:
    x = torch.randn(10, 10)
    assert dropout(0.0)(x) is x
    assert dropout(0.3).eval()(x) is x
    assert torch.equal(dropout(1.0)(x), torch.zeros_like(x))
    assert dropout(0.3)(torch.empty(0, 5)).shape == (0, 5)


def test_modules_that_do_other_things_stay() -> None:
    class Other(nn.Dropout):
        pass

    model = nn.Sequential(Other(0.5), nn.Linear(2, 2))
    assert [type(module) for module in make_faster(model).children()] == [Other, nn.Linear]


# MPNet


def trained(model: nn.Module, on: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and gradients by name."""
    output = model(**(on or batch()))
    output.loss.backward()
    return output.logits, {name: w.grad for name, w in model.named_parameters() if w.grad is not None}


def test_mpnet_computes_the_same_forwards_and_backwards(
    slow: MPNetForTokenClassification, fast: MPNetForTokenClassification
) -> None:
    (expected, slow_gradients), (logits, fast_gradients) = trained(slow), trained(fast)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    assert fast_gradients.keys() == slow_gradients.keys() == dict(slow.named_parameters()).keys()
    for name, gradient in slow_gradients.items():
        assert (fast_gradients[name] - gradient).norm() <= 1e-4 * gradient.norm() + 1e-6, name
    assert slow_gradients["mpnet.encoder.relative_attention_bias.weight"].abs().max() > 1e-4


def test_in_mixed_precision_mpnet_is_as_near_to_full_precision_as_it_was(
    slow: MPNetForTokenClassification, fast: MPNetForTokenClassification
) -> None:
    exact, exactly = trained(copy.deepcopy(slow))
    distances = []
    for model in (slow, fast):
        with torch.autocast("cpu", torch.bfloat16):
            logits, gradients = trained(model)
        off = sum((gradients[name] - gradient).square().sum() for name, gradient in exactly.items())
        distances.append(((logits - exact).square().mean().sqrt().item(), float(off) ** 0.5))
    (as_it_was, gradients_were), (now, gradients_are) = distances
    assert 0 < now < 1.5 * as_it_was
    assert 0 < gradients_are < 1.5 * gradients_were


def test_the_attention_of_mpnet_can_be_looked_at_all_the_same(
    slow: MPNetForTokenClassification, fast: MPNetForTokenClassification
) -> None:
    expected, found = (model(**batch(), output_attentions=True).attentions for model in (slow, fast))
    assert len(found) == 3
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_text_of_padding_alone_spoils_nothing(fast: MPNetForTokenClassification) -> None:
    padded = batch()
    padded["attention_mask"][2] = 0
    with torch.autocast("cpu", torch.bfloat16):
        logits, gradients = trained(fast, padded)
    assert logits.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients.values())


def test_a_faster_model_is_saved_as_what_it_was(
    slow: MPNetForTokenClassification, fast: MPNetForTokenClassification, tmp_path: Path
) -> None:
    fast.save_pretrained(tmp_path)
    again = MPNetForTokenClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(again(**batch()).logits, slow(**batch()).logits)
