"""Export a checkpoint for onnxruntime and compare it with torch. Settings: configs/export.yaml."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from conflict_events.config import ExportConfig, register, structured
from conflict_events.exporting import export
from conflict_events.terminal import display, export_table, plain_errors

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="export")
def main(cfg: DictConfig) -> None:
    """Export, and show sizes and differences."""
    with plain_errors():
        config = structured(cfg, ExportConfig)
        result = export(config)
        display(export_table(result.checks))
        for name, size in result.sizes.items():
            display(f"{name}: {size / 1e6:.1f} MB")
        if config.quantize and not result.is_quantized:
            display(f"the graphs in 8 bits lose more than most_loss={config.most_loss:g} role F1: not kept")
        display(f"written to {result.folder}")


if __name__ == "__main__":
    main()
