"""Tagger and linker trained together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROLES, roles_only, tiny_bert, tiny_linker, violent_documents, wordpiece_tokenizer
from torch import Tensor
from torch.nn.functional import cross_entropy

from conflict_events.config import WindowConfig
from conflict_events.extractor import EventExtractor
from conflict_events.labels import IGNORE, LabelScheme
from conflict_events.schema import Document, Layer
from conflict_events.scores import Floats, Scored
from conflict_events.training.encoding import Collator, encode
from conflict_events.training.joint import JointModel
from conflict_events.windows import TextTokenizer

TOKENIZER = TextTokenizer(wordpiece_tokenizer())
SCHEME = LabelScheme(ROLES)
REACH = 12


def batch_of(*documents: Document, unread: Sequence[Sequence[str]] = ()) -> dict[str, Tensor]:
    dataset, _ = encode(documents, TOKENIZER, SCHEME, WindowConfig(64, 16), REACH, unread=unread)
    return Collator(0)(list(dataset))


def with_events() -> dict[str, Tensor]:
    return batch_of(*violent_documents(4, "train"))


def without_events() -> dict[str, Tensor]:
    return batch_of(*map(roles_only, violent_documents(2, "train")))


def joint(linked: bool = True, **options: float) -> JointModel:
    """A model without dropout, always with the same weights."""
    tagger = tiny_bert(SCHEME, len(wordpiece_tokenizer().get_vocab()))
    return JointModel(tagger, tiny_linker() if linked else None, **options).eval()


def gradients(model: JointModel, batch: dict[str, Tensor], of: str) -> dict[str, Tensor]:
    model(**batch)["loss"].backward()
    return {name: weights.grad for name, weights in getattr(model, of).named_parameters() if weights.grad is not None}


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_loss_is_the_sum_of_its_parts_each_of_them_smoothed(weight: float, smoothing: float) -> None:
    model, batch, outputs = joint(loss_weight=weight, label_smoothing=smoothing), with_events(), {}
    model.tagger.register_forward_hook(lambda module, args, output: outputs.update(tagger=output.logits))
    model.linker.register_forward_hook(lambda module, args, output: outputs.update(linker=output))  # type: ignore[union-attr]
    loss = model(**batch)["loss"]
    roles, types = outputs["linker"]
    parts = [
        cross_entropy(scores.flatten(0, -2), gold.flatten(), label_smoothing=smoothing)
        for scores, gold in (
            (outputs["tagger"], batch["labels"]), (roles, batch["link_span_role"]), (types, batch["link_type"]),
        )
    ]  # fmt: skip
    assert all(part > 0.1 for part in parts)
    torch.testing.assert_close(loss, parts[0] + weight * (parts[1] + parts[2]))


def test_without_linker_the_loss_is_the_taggers() -> None:
    batch = with_events()
    alone = joint(linked=False)
    logits = alone.tagger(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    torch.testing.assert_close(alone(**batch)["loss"], cross_entropy(logits.flatten(0, 1), batch["labels"].flatten()))


def test_without_weight_the_linker_teaches_nothing() -> None:
    batch = with_events()
    expected = gradients(joint(linked=False), batch, "tagger")
    weightless = gradients(joint(loss_weight=0.0), batch, "tagger")
    assert weightless.keys() == expected.keys() != set()
    for name, gradient in weightless.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-7, rtol=1e-4)


def test_with_weight_it_teaches_tagger_and_linker() -> None:
    batch = with_events()
    alone, both = gradients(joint(linked=False), batch, "tagger"), gradients(joint(), batch, "tagger")
    assert any(not torch.allclose(alone[name], both[name], atol=1e-6) for name in alone)
    torch.testing.assert_close(both["classifier.weight"], alone["classifier.weight"])
    of_linker = gradients(joint(), batch, "linker")
    assert all(torch.isfinite(gradient).all() for gradient in of_linker.values())
    moved = {name for name, gradient in of_linker.items() if gradient.abs().max() > 0}
    assert {"token.weight", "trigger.weight", "distance.weight"} <= moved


def test_a_batch_without_links_has_the_taggers_loss_and_gives_the_linker_gradients_of_zero() -> None:
    batch = without_events()
    torch.testing.assert_close(joint()(**batch)["loss"], joint(linked=False)(**batch)["loss"])
    model = joint()
    of_linker = gradients(model, batch, "linker")
    assert of_linker.keys() == dict(model.linker.named_parameters()).keys()  # type: ignore[union-attr]
    assert all(gradient.abs().max() == 0 for gradient in of_linker.values())


def test_events_without_spans_teach_their_type_only() -> None:
    record = {
        "id": "d", "text": "they shelled the village", "layers": ["events"],
        "events": [{"type": "shelling", "trigger": [5, 12]}],
    }  # fmt: skip
    batch = batch_of(Document.from_record(record))
    model = joint()
    loss = model(**batch)["loss"]
    assert torch.isfinite(loss)
    assert loss > joint(linked=False)(**batch)["loss"]
    assert all(torch.isfinite(gradient).all() for gradient in gradients(model, batch, "linker").values())


def of_roles_only() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A batch of two documents with events and two without, and the same with the others' triggers unread."""
    first, second, _, *others = violent_documents(5, "train")  # others with the triggers of the first two
    documents = [first, second, *map(roles_only, others)]
    unread = [(), (), ("trigger",), ("trigger",)]
    return batch_of(*documents), batch_of(*documents, unread=unread)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_of_an_unread_role_and_of_none_the_probabilities_count_together(smoothing: float) -> None:
    _, batch = of_roles_only()
    model = joint(linked=False, label_smoothing=smoothing)
    logits = model.tagger(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    triggers = [SCHEME.begin("trigger"), SCHEME.inside("trigger")]
    others = [label for label in range(1, len(SCHEME.labels)) if label not in triggers]
    losses: list[Tensor] = []
    for row, unread in enumerate((False, False, True, True)):
        scores = logits[row]
        if unread:  # a classifier that has no such role, and whose O is any of the three
            scores = torch.cat([scores[:, [0, *triggers]].logsumexp(-1, keepdim=True), scores[:, others]], dim=-1)
        ids = [0, *others] if unread else list(range(len(SCHEME.labels)))
        gold = [ids.index(label) if label != IGNORE else IGNORE for label in batch["labels"][row].tolist()]
        losses.append(cross_entropy(scores, torch.tensor(gold), label_smoothing=smoothing, reduction="none"))
    told = batch["labels"] != IGNORE
    torch.testing.assert_close(model(**batch)["loss"], torch.stack(losses)[told].mean())


def test_where_a_role_is_unread_it_is_learnt_from_the_other_documents() -> None:
    begin = SCHEME.begin("trigger")
    found = []
    for batch in of_roles_only():
        model = joint().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
        for _ in range(60):
            optimizer.zero_grad()
            model(**batch)["loss"].backward()
            optimizer.step()
        logits = model.eval().tagger(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        found.append(((logits.argmax(-1) == begin) & (batch["labels"] != IGNORE)).sum(-1).tolist())
    taught_as_none, unread = found
    assert taught_as_none == [1, 1, 0, 0]
    assert unread == [1, 1, 1, 1]


def test_padding_of_links_and_rows_changes_nothing() -> None:
    short, long = violent_documents(2, "train")
    longer = Document.from_record(long.to_record() | {"text": long.text + " the village near troops" * 4})
    model = joint()
    found: list[tuple[Tensor, Tensor]] = []
    model.linker.register_forward_hook(lambda module, args, output: found.append(output))  # type: ignore[union-attr]
    for documents in [(short, longer), (short,), (longer,)]:
        model(**batch_of(*documents))
    together, *alone = found
    for number, (roles, types) in enumerate(alone):
        torch.testing.assert_close(together[1][number], types[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together[0][number, :3], roles[0, :3], atol=1e-5, rtol=1e-4)


def test_training_lowers_the_loss_until_events_are_learnt() -> None:
    model, batch = joint().train(), with_events()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(**batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    found: list[Any] = []
    model.linker.register_forward_hook(lambda module, args, output: found.extend(output))  # type: ignore[union-attr]
    model.eval()(**batch)
    roles, types = found
    known = batch["link_span_role"] != IGNORE
    assert roles.argmax(-1)[known].tolist() == batch["link_span_role"][known].tolist()
    real = batch["link_type"] != IGNORE
    assert types.argmax(-1)[real].tolist() == batch["link_type"][real].tolist()


WORDS = {
    "rebels": "B-ATTACKER", "troops": "B-TARGET", "village": "B-LOCATION",
    "bombed": "B-TRIGGER", "shelled": "B-TRIGGER",
}  # fmt: skip


def by_words(window: Sequence[int]) -> Floats:
    """Logits that are sure of the label of every known word."""
    vocabulary = wordpiece_tokenizer().get_vocab()
    labels = {vocabulary[word]: SCHEME.label2id[label] for word, label in WORDS.items()}
    return 9 * np.eye(len(SCHEME.labels), dtype=np.float32)[[labels.get(token, 0) for token in window]]


def test_training_shows_the_linker_what_reading_shows_it(
    tiny_linked_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = EventExtractor.from_pretrained(tiny_linked_checkpoint, device="cpu")
    engine: Any = extractor.tagger.engine
    run, link, answers = engine.run, engine.link, []

    def sure(windows: Sequence[Sequence[int]]) -> list[Scored]:
        return [Scored(by_words(w), scored.states) for w, scored in zip(windows, run(windows), strict=True)]

    monkeypatch.setattr(engine, "run", sure)
    monkeypatch.setattr(engine, "link", lambda links: answers.extend(link(links)) or answers)
    text = "rebels bombed the village near hill 7. Troops shelled rebels with 9 guns."
    found = extractor.extract(text)
    assert [(event.trigger.text, len(found.spans)) for event in found.events] == [("bombed", 4), ("shelled", 4)]
    # Annotated with all the spans that the linker was asked about:
    first, second = found.events
    annotated = Document("d", text, frozenset(Layer), (), (replace(first, arguments=found.spans), second))
    tagger = extractor.tagger
    dataset, _ = encode([annotated], tagger.tokenizer, SCHEME, tagger.window, tagger.reach)
    outputs: list[Tensor] = []
    engine.linker.register_forward_hook(lambda module, args, output: outputs.extend(output))
    JointModel(engine.model, engine.linker).eval()(**Collator(0)(list(dataset)))
    roles, types = outputs
    assert [len(answer.roles) for answer in answers] == [4, 4]
    for number, answer in enumerate(answers):
        np.testing.assert_allclose(types[number].detach(), answer.types, atol=1e-5)
        np.testing.assert_allclose(roles[number, : len(answer.roles)].detach(), answer.roles, atol=1e-5)
