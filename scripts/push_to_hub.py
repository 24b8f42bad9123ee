"""Publish a checkpoint or a dataset on the Hugging Face Hub. Settings: configs/push.yaml."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from conflict_events.config import PushConfig, register, structured
from conflict_events.publishing import publish
from conflict_events.terminal import display, plain_errors

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="push")
def main(cfg: DictConfig) -> None:
    """List the files, publish them, and say where they are."""
    with plain_errors():
        config = structured(cfg, PushConfig)
        published = publish(config, display)
        if published is not None:
            display(f"published: {published.url} at commit {published.commit}")
        else:
            display("dry run: nothing was published" if config.dry_run else f"packed: {config.pack}")


if __name__ == "__main__":
    main()
