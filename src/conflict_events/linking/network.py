"""The event linker's network: which spans around a trigger belong to its event, in which role, and the event's type.

It works on the states of the one encoder pass that the tagger makes anyway. Each token's state is joined with the
trigger's by a sum, an elementwise product (the bilinear term of biaffine scorers, Dozat and Manning 2017,
https://arxiv.org/abs/1611.01734) and embeddings of where the token stands to the trigger; a narrow transformer layer
then lets the tokens see each other, conditioned on this one trigger. A span is the mean over its tokens; each pair of a
trigger and a span within its reach is classified as one of the roles or none.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from conflict_events.config import LinkerConfig
from conflict_events.errors import CheckpointError
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.settings import LINKER_CONFIG, read_linker_config, write_linker_config
from conflict_events.linking.surroundings import FARTHEST_SENTENCE, MOST_BETWEEN
from conflict_events.weights import Shapes, shapes_of

LINKER_WEIGHTS = "linker.safetensors"


class Block(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.before_feedforward = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (links, tokens, width), ``mask`` (links, tokens), True for tokens that are there."""
        links, tokens, width = x.shape
        parts = self.attention_in(self.before_attention(x)).view(links, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (links, heads, tokens, width / heads)
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.attention_out(seen.transpose(1, 2).reshape(links, tokens, width)))
        forwarded: Tensor = x + self.dropout(self.feedforward(self.before_feedforward(x)))
        return forwarded


class Linker(nn.Module):
    """Scores the arguments and the type of events, one row a trigger.

    Args:
        hidden_size: width of the encoder's states.
        roles: how many roles arguments have.
        types: how many event types there are.
        config: its own size.
    """

    def __init__(self, hidden_size: int, roles: int, types: int, config: LinkerConfig) -> None:
        super().__init__()
        self.reach = config.reach
        width = config.width
        self.token = nn.Linear(hidden_size, width)
        self.trigger = nn.Linear(hidden_size, width)
        self.token_factor = nn.Linear(hidden_size, width)
        self.trigger_factor = nn.Linear(hidden_size, width)
        self.distance = _embedding(2 * config.reach + 1, width)
        self.sentence = _embedding(2 * FARTHEST_SENTENCE + 1, width)
        self.between = _embedding(MOST_BETWEEN + 1, width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.roles = _classifier(width, roles + 1, config.dropout)
        self.types = _classifier(width, types, config.dropout)

    def forward(
        self,
        states: Tensor,
        mask: Tensor,
        first: Tensor,
        last: Tensor,
        sentence: Tensor,
        between: Tensor,
        span_first: Tensor,
        span_last: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Score events. Positions count from the first token that the linker sees.

        Args:
            states: the encoder's last states of the tokens around each trigger, ``(links, tokens, hidden_size)``.
            mask: True for tokens, False for padding, ``(links, tokens)``.
            first: where each trigger begins in them, ``(links,)``.
            last: its last token, ``(links,)``.
            sentence: see :class:`conflict_events.linking.surroundings.Surroundings`, ``(links, tokens)``.
            between: likewise.
            span_first: where each span begins, ``(links, spans)``; 0 for padding.
            span_last: its last token, ``(links, spans)``; 0 for padding.

        Returns:
            Logits of no role and each role, ``(links, spans, roles + 1)``, and of event types, ``(links, types)``.
        """
        at = torch.arange(states.shape[1], device=states.device)[None]  # (1, tokens)
        away = (at - last[:, None]).clamp(min=0) + (at - first[:, None]).clamp(max=0)  # 0 within the trigger
        place = self.distance(away.clamp(-self.reach, self.reach) + self.reach)
        place = place + self.sentence(sentence) + self.between(between)
        of_trigger = _mean_over(at[None], first[:, None, None], last[:, None, None]).to(states.dtype)
        of_spans = _mean_over(at[None], span_first[..., None], span_last[..., None]).to(states.dtype)
        trigger = of_trigger @ states  # (links, 1, hidden_size)
        x = self.token(states) + self.trigger(trigger) + self.token_factor(states) * self.trigger_factor(trigger)
        x = self.dropout(x + place)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        return self.roles(of_spans.to(x.dtype) @ x), self.types(of_trigger.to(x.dtype) @ x).squeeze(1)


def _mean_over(at: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Weights that take the mean over stretches of tokens, ``(links, stretches, tokens)``."""
    return ((at >= first) & (at <= last)) / (last - first + 1)


def _embedding(size: int, width: int) -> nn.Embedding:
    embedding = nn.Embedding(size, width)
    nn.init.normal_(embedding.weight, std=0.02)
    return embedding


def _classifier(width: int, classes: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, width), nn.GELU(), nn.Linear(width, classes))


def save_linker(linker: Linker, folder: Path, config: LinkerConfig) -> None:
    """Write ``linker.safetensors`` and ``linker.json`` beside a tagger's files."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in linker.state_dict().items()}
    save_file(weights, folder / LINKER_WEIGHTS)
    write_linker_config(folder, config, linker.token.in_features)


def load_linker(folder: Path, hidden_size: int) -> Linker | None:
    """The linker of a checkpoint; None if it has none.

    Args:
        folder: the checkpoint's.
        hidden_size: of the tagger's encoder.

    Raises:
        CheckpointError: if the linker's files are damaged, of another version, or made for another encoder or other
            roles or types.
    """
    config = read_linker_config(folder, hidden_size)
    if config is None:
        return None
    try:
        _require_fitting(config, hidden_size, shapes_of(folder / LINKER_WEIGHTS))
        linker = Linker(hidden_size, len(ROLES), len(TYPES), config)
        linker.load_state_dict(load_file(folder / LINKER_WEIGHTS))
    except (TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the linker cannot be loaded ({error})",
            where=str(folder),
            remedy=f"{LINKER_CONFIG} and {LINKER_WEIGHTS} do not go together: copy both again or train again",
        ) from None
    return linker.eval()


def _require_fitting(config: LinkerConfig, hidden_size: int, shapes: Shapes) -> None:
    """Refuse sizes that the weights do not have before a network of these sizes is built."""
    layers = len({name.split(".")[1] for name in shapes if name.startswith("blocks.")})
    expected = {"token.weight": (config.width, hidden_size), "distance.weight": (2 * config.reach + 1, config.width)}
    if layers != config.layers or any(shapes.get(name) != shape for name, shape in expected.items()):
        raise ValueError(
            f"width={config.width}, reach={config.reach}, layers={config.layers} are not those of the weights"
        )
