"""Training with this package's recipe and with the plain one: the same documents, encoder, number of epochs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from conflict_events.baselines import Options
from conflict_events.baselines.plain import Plain
from conflict_events.config import BenchmarkConfig, ModelConfig, TrainConfig, TrainingConfig
from conflict_events.corpora import Corpus
from conflict_events.training import train

_PLAIN_LENGTH = 256


def training(config: BenchmarkConfig, corpus: Corpus) -> dict[str, Any]:
    """Tokens per second of both, padding not counted, and the ratio.

    Neither looks at dev meanwhile. Ours trains tagger and linker, in the precision that ``config.bf16`` says; the plain
    recipe the tagger alone, in 32 bits.
    """
    documents = corpus.split("train")[: config.train_documents]
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainConfig(
            corpus=corpus.config,
            model=ModelConfig(attention_dropout=0.0, attention="eager"),  # configs/model/minilm.yaml
            training=TrainingConfig(
                num_train_epochs=1,
                eval_strategy="no",
                save_strategy="no",
                load_best_model_at_end=False,
                bf16=config.bf16,
            ),
            output_dir=str(Path(folder) / "ours"),
            test_split=None,
        )
        splits = {"train": documents, "dev": corpus.split("dev")[:1]}
        ours = train(settings, Corpus(corpus.config, splits)).metrics["training"]
        plain = Plain(_PLAIN_LENGTH, Options(epochs=1))
        plain.fit(documents, [], corpus.config.roles)
    tokens = ours["tokens_per_epoch"]
    record: dict[str, Any] = {
        "documents": len(documents),
        "ours": {"seconds": ours["seconds"], "tokens_per_second": tokens / ours["seconds"], "bf16": config.bf16},
        "plain": {"seconds": plain.train_seconds, "tokens_per_second": plain.train_tokens / plain.train_seconds},
    }
    return record | {"ratio": record["ours"]["tokens_per_second"] / record["plain"]["tokens_per_second"]}
