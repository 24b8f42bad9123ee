"""The same networks, computed faster on a CPU (docs/experiments.md, section 22).

PyTorch draws dropout masks there number by number and in one thread. transformers' MPNet divides, adds to and casts
matrices of every token by every token, for each head, and keeps a position bias for each text though they are equal.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder, MPNetSelfAttention

_LEVELS = 1 << 16


class _Dropout(nn.Dropout):
    """Each 64-bit number that is drawn makes four of 16 bits: a probability is right to 1/65536."""

    def forward(self, input: Tensor) -> Tensor:
        dropped = round(self.p * _LEVELS)
        if not self.training or self.inplace or dropped in (0, _LEVELS) or input.device.type != "cpu":
            return super().forward(input)
        numbers = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(1 << 63), None)
        drawn = numbers.view(torch.int16)[: input.numel()].view(input.shape)
        mask = (drawn >= dropped - _LEVELS // 2).to(input.dtype)
        return input * mask.mul_(_LEVELS / (_LEVELS - dropped))


class _MPNetEncoder(MPNetEncoder):
    """One position bias for all texts of a batch."""

    def compute_position_bias(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        return super().compute_position_bias(x[:1], *args, **options)  # type: ignore[no-any-return, no-untyped-call]


class _MPNetSelfAttention(MPNetSelfAttention):
    """Scores stay in the precision of the matrix product: what softmax gives is rounded to it anyway."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        output_attentions: bool = False,
        **options: Any,
    ) -> tuple[Tensor, ...]:
        if output_attentions:
            return super().forward(  # type: ignore[no-any-return, no-untyped-call]
                hidden_states, attention_mask, position_bias, output_attentions, **options
            )
        heads = (*hidden_states.shape[:-1], self.num_attention_heads, self.attention_head_size)
        q = (self.q(hidden_states) * self.attention_head_size**-0.5).view(heads).transpose(1, 2)
        k, v = (project(hidden_states).view(heads).transpose(1, 2) for project in (self.k, self.v))
        scores = q @ k.transpose(-1, -2)  # (texts, heads, tokens, tokens)
        if position_bias is not None:
            scores += position_bias.to(scores.dtype)
        if attention_mask is not None:  # its lowest number may be none of a shorter type
            scores += attention_mask.clamp(min=torch.finfo(scores.dtype).min).to(scores.dtype)
        with torch.autocast(scores.device.type, enabled=False):  # it would cast to 32 bits and back
            weights = scores.softmax(dim=-1)
        seen = self.dropout(weights) @ v
        return (self.o(seen.transpose(1, 2).flatten(2)),)


_FASTER: dict[type[nn.Module], type[nn.Module]] = {
    nn.Dropout: _Dropout,
    MPNetEncoder: _MPNetEncoder,
    MPNetSelfAttention: _MPNetSelfAttention,
}


def make_faster(model: nn.Module) -> nn.Module:
    """The model, with modules that compute the same faster. Weights and their names stay."""
    for module in model.modules():
        module.__class__ = _FASTER.get(type(module), type(module))
    return model
