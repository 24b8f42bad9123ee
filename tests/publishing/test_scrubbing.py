"""What names the machine or its user is taken out, or not published."""

from __future__ import annotations

import getpass
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from conflict_events.errors import ConfigError
from conflict_events.publishing.scrubbing import require_impersonal, without_paths


def test_of_absolute_paths_the_last_part_is_left() -> None:
    config = {
        "corpus": {"path": "/home/alice/corpora/mine", "source_dir": "data/raw", "roles": ["attacker", "/x/y"]},
        "model": {"encoder": "C:\\Users\\alice\\encoder", "revision": None},
        "training": {"resume_from_checkpoint": "~/runs/last", "learning_rate": 3e-4, "seed": 13},
    }
    assert without_paths(config) == {
        "corpus": {"path": "mine", "source_dir": "data/raw", "roles": ["attacker", "y"]},
        "model": {"encoder": "encoder", "revision": None},
        "training": {"resume_from_checkpoint": "last", "learning_rate": 3e-4, "seed": 13},
    }


def test_a_link_to_the_hub_is_no_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    require_impersonal({"README.md": b"[mine](https://huggingface.co/datasets/alice/mine), huggingface.co/alice/model"})
    with pytest.raises(ConfigError, match="'/alice/'"):
        require_impersonal({"README.md": b"https://huggingface.co/x, /mnt/alice/mine"})


def test_folders_of_the_run_are_left_out() -> None:
    config = {"output_dir": "outputs/x", "hydra": {"run": {"dir": "/x"}}, "model": {"output_dir": "y", "a": 1}}
    assert without_paths(config) == {"model": {"a": 1}}


def test_names_of_encoders_and_labels_stay_as_they_are() -> None:
    config: dict[str, Any] = {
        "encoder": "owner/name",
        "license": "apache-2.0",
        "share": "1/3",
        "none": None,
        "on": True,
    }
    assert without_paths(config) == config


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "/home/alice/x"}',
        '{"a": "file:///Users/alice/x.json"}',
        '{"a": "C:\\\\Users\\\\alice\\\\x"}',
        json.dumps({"a": str(PurePosixPath("/", "root", "x"))}),
    ],
)
@pytest.mark.parametrize("name", ["config.json", "README.md", "training_config.yaml", "onnx/export.json"])
def test_a_home_folder_in_any_text_is_refused_with_file_and_line(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}:2: .*names a folder of this machine or its user"):
        require_impersonal({name: f"first\n{text}\n".encode()})


def test_the_working_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"metrics\.json:1"):
        require_impersonal({"metrics.json": f'{{"model": "{tmp_path}/outputs"}}'.encode()})
    require_impersonal({"metrics.json": f'{{"model": "{tmp_path}-other"}}'.encode()})


def test_the_users_name_in_a_path_is_refused_but_not_as_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "rebels")
    with pytest.raises(ConfigError, match="/rebels/"):
        require_impersonal({"config.json": b'{"a": "/mnt/rebels/x"}'})
    require_impersonal({"config.json": b'{"a": "the rebels attacked"}'})


def test_a_machine_without_user_names_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    require_impersonal({"config.json": b"{}"})


def test_weights_and_vocabularies_are_not_read(tmp_path: Path) -> None:
    require_impersonal({"tokenizer.json": b'"/home/alice/"', "model.safetensors": tmp_path / "not there"})
