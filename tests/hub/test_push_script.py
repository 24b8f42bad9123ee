"""``scripts/push_to_hub.py`` as a user runs it, against a Hub on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from server import TOKEN, USER, Hub

pytest_plugins = ["loopback"]


def push(hub: Hub, home: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    given = [f"{key}={value}" for key, value in settings.items()]
    command = [sys.executable, "scripts/push_to_hub.py", *given, f"hydra.run.dir={home / 'hydra'}"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    hub_of = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, env=kept | hub_of)


def test_a_checkpoint_is_published_and_its_place_is_told(
    hub: Hub, tmp_path: Path, tiny_linked_checkpoint: Path
) -> None:
    name = f"{USER}/tagger"
    done = push(hub, tmp_path, path=tiny_linked_checkpoint, repo_id=name, private=True, message="First")
    assert done.returncode == 0, done.stderr[-3000:]
    repo = hub.repos["model", name]
    assert repo.private
    assert repo.messages == ["initial commit", "First"]
    assert done.stdout.splitlines()[-1] == f"published: {hub.url}/{name} at commit {repo.branches['main']}"
    files = repo.commits[repo.branches["main"]]
    assert files["model.safetensors"] == (tiny_linked_checkpoint / "model.safetensors").read_bytes()
    assert b"Separatist gunners" in files["README.md"]  # the example of configs/push.yaml
