"""The same repository in other hands: transformers and datasets, in processes that know no more than the address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from server import TOKEN, USER, Hub

from conflict_events.config import CorpusConfig, PushConfig
from conflict_events.corpora import load
from conflict_events.publishing import publish
from conflict_events.reports.dataset_card import write_dataset

pytest_plugins = ["loopback"]

TEXT = "Rebels shelled the village near hill 7."


def run(program: str, hub: Hub, home: Path, token: str | None = TOKEN, **environment: str) -> Any:
    """What a program prints last, as JSON."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    settings = {
        "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=300,
        env=kept | settings | ({"HF_TOKEN": token} if token else {}) | environment,
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_transformers_loads_a_private_checkpoint_by_its_id_and_so_do_we_offline(
    hub: Hub, client: object, tiny_linked_checkpoint: Path, tmp_path: Path
) -> None:
    publish(PushConfig(path=str(tiny_linked_checkpoint), repo_id=f"{USER}/tagger", private=True), lambda _: None)
    home = tmp_path / "home"
    home.mkdir()
    ours = (
        "import json\n"
        "from conflict_events import EventExtractor\n"
        f"found = EventExtractor.from_pretrained('{USER}/tagger', device='cpu').extract({TEXT!r}).to_record()\n"
    )
    theirs = (
        "from transformers import pipeline\n"
        f"tokens = pipeline('token-classification', model='{USER}/tagger')({TEXT!r})\n"
        "tokens = [[token['entity'], token['start'], token['end']] for token in tokens]\n"
    )
    online, tokens = run(f"{ours}{theirs}print(json.dumps([found, tokens]))", hub, home)
    assert online["events"]
    assert tokens
    assert {label[2:] for label, _, _ in tokens} <= {"ATTACKER", "TARGET", "LOCATION", "WEAPON", "TRIGGER"}
    requests = len(hub.requests)
    offline = run(f"{ours}print(json.dumps(found))", hub, home, token=None, HF_HUB_OFFLINE="1")
    assert offline == online
    assert len(hub.requests) == requests


def test_datasets_loads_a_published_corpus_by_its_id(
    hub: Hub, client: object, tmp_path: Path, tiny_corpus: CorpusConfig
) -> None:
    corpus = load(tiny_corpus)
    write_dataset(corpus, tmp_path / "dataset")
    publish(PushConfig(dataset=str(tmp_path / "dataset"), repo_id=f"{USER}/events"), lambda _: None)
    home = tmp_path / "home"
    home.mkdir()
    found = run(
        "import json\n"
        "from datasets import load_dataset\n"
        f"dataset = load_dataset('{USER}/events')\n"
        "print(json.dumps({name: [row['text'] for row in part] for name, part in dataset.items()}))\n",
        hub, home,
    )  # fmt: skip
    called = {"train": "train", "dev": "validation", "test": "test"}
    assert found == {called[split]: [d.text for d in documents] for split, documents in corpus.splits.items()}
