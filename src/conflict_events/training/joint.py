"""Tagger and linker trained together: one encoder, one pass, the sum of their losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from conflict_events.labels import IGNORE, OUTSIDE
from conflict_events.linking.network import Linker


class JointModel(nn.Module):
    """What the Trainer trains.

    The tagger's loss is the mean cross entropy over tokens; the linker's are the mean cross entropy over pairs of a
    trigger and a role span within its reach, and that over the types of events. Triggers and spans are the annotated
    ones. A teacher's soft labels take the part ``soft_weight`` of the tagger's loss: the mean cross entropy against
    them; where a batch has no annotation, or no soft labels, the other is all of it. Where nobody looked for a role, a
    token outside spans may be one of that role: what counts is the probability of ``O`` and the role's labels together
    (token by token what Greenberg et al. 2018, https://aclanthology.org/D18-1306, do over whole sentences).

    Args:
        tagger: a token classifier.
        linker: on the tagger's states; None trains the tagger alone.
        loss_weight: of the linker's losses.
        label_smoothing: of all of them.
        soft_weight: of a teacher's soft labels.
    """

    def __init__(
        self,
        tagger: PreTrainedModel,
        linker: Linker | None,
        loss_weight: float = 1.0,
        label_smoothing: float = 0.0,
        soft_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.tagger = tagger
        self.linker = linker
        self.loss_weight = loss_weight
        self.soft_weight = soft_weight
        self.cross_entropy = nn.CrossEntropyLoss(ignore_index=IGNORE, label_smoothing=label_smoothing)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        soft: Tensor | None = None,
        unread: Tensor | None = None,
        link_row: Tensor | None = None,
        link_start: Tensor | None = None,
        link_mask: Tensor | None = None,
        link_first: Tensor | None = None,
        link_last: Tensor | None = None,
        link_sentence: Tensor | None = None,
        link_between: Tensor | None = None,
        link_span_first: Tensor | None = None,
        link_span_last: Tensor | None = None,
        link_span_role: Tensor | None = None,
        link_type: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The loss of a batch; arguments as :class:`conflict_events.training.encoding.Collator` makes them."""
        with_states = self.linker is not None
        output = self.tagger(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=with_states)
        loss = self._tagger_loss(output.logits.float(), labels, soft, unread)
        if self.linker is None:
            return {"loss": loss}
        if link_row is None or link_start is None or link_mask is None or link_span_role is None:
            # So that every process of a distributed run has gradients for the same weights.
            return {"loss": loss + torch.stack([0.0 * weights.sum() for weights in self.linker.parameters()]).sum()}
        states = output.hidden_states[-1]
        at = link_start[:, None] + torch.arange(link_mask.shape[1], device=states.device)  # (links, tokens)
        roles, types = self.linker(
            states[link_row[:, None], at.clamp(max=states.shape[1] - 1)],
            link_mask,
            link_first,
            link_last,
            link_sentence,
            link_between,
            link_span_first,
            link_span_last,
        )
        linked = self.cross_entropy(types.float(), link_type)
        if (link_span_role != IGNORE).any():  # the mean over no spans is not a number
            linked = linked + self.cross_entropy(roles.flatten(0, 1).float(), link_span_role.flatten())
        return {"loss": loss + self.loss_weight * linked}

    def _tagger_loss(self, logits: Tensor, labels: Tensor, soft: Tensor | None, unread: Tensor | None) -> Tensor:
        """From logits and soft labels, ``(rows, tokens, labels)``, label ids, ``(rows, tokens)``, and which of the
        labels nobody looked for, ``(rows, labels)``."""
        if soft is None:
            return self._hard_loss(logits, labels, unread)
        told = soft.sum(dim=-1) > 0
        softly: Tensor = -(soft * logits.log_softmax(dim=-1)).sum(dim=-1)[told].mean()
        if not (labels != IGNORE).any():  # the mean over no labels is not a number
            return softly
        return (1 - self.soft_weight) * self._hard_loss(logits, labels, unread) + self.soft_weight * softly

    def _hard_loss(self, logits: Tensor, labels: Tensor, unread: Tensor | None) -> Tensor:
        if unread is None:
            loss: Tensor = self.cross_entropy(logits.flatten(0, 1), labels.flatten())
            return loss
        every = logits.log_softmax(dim=-1)
        hidden = unread[:, None].expand_as(every)
        read = every.masked_fill(hidden, 0.0)  # not taught, nor smoothed over
        may_be = hidden.clone()
        may_be[..., OUTSIDE] = True
        read[..., OUTSIDE] = every.masked_fill(~may_be, -torch.inf).logsumexp(dim=-1)
        annotated = read.gather(-1, labels.clamp(min=OUTSIDE)[..., None])[..., 0]
        evenly = read.sum(dim=-1) / (~hidden).sum(dim=-1)
        smoothing = self.cross_entropy.label_smoothing
        return -((1 - smoothing) * annotated + smoothing * evenly)[labels != IGNORE].mean()
