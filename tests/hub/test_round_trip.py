"""To a Hub and back, over HTTP on loopback, through ``huggingface_hub``'s own client."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import RemoteEntryNotFoundError
from server import STRANGER, TOKEN, USER, Hub, Repo

from conflict_events import EventExtractor
from conflict_events.config import PushConfig
from conflict_events.errors import CheckpointError, ConfigError, SourceError
from conflict_events.hub import resolve
from conflict_events.publishing import Published, publish
from conflict_events.publishing.uploading import upload

pytest_plugins = ["loopback"]

ID = f"{USER}/tagger"
TEXT = "Rebels shelled the village near hill 7."
WEIGHTS = os.urandom(100_000)
FILES: dict[str, bytes | Path] = {
    "config.json": b'{"model_type": "bert"}', "model.safetensors": WEIGHTS, "linker.json": b"{}",
    "onnx/model_quantized.onnx": b"graph", "README.md": b"---\nlicense: apache-2.0\n---\n# A card\n",
}  # fmt: skip
Client = Callable[..., None]


@pytest.fixture
def pushed(hub: Hub, client: Client) -> Published:
    """A repository with one push in it."""
    return upload(FILES, ID, "model")


def repo(hub: Hub, name: str = ID, kind: str = "model") -> Repo:
    return hub.repos[kind, name]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# A checkpoint, published and loaded


def test_a_published_checkpoint_finds_what_the_folder_finds(
    hub: Hub, client: Client, tiny_linked_checkpoint: Path
) -> None:
    said: list[str] = []
    published = publish(PushConfig(path=str(tiny_linked_checkpoint), repo_id=ID), said.append)
    assert published is not None
    assert published == Published(f"{hub.url}/{ID}", repo(hub).branches["main"])
    assert {"config.json", "model.safetensors", "linker.safetensors", "handler.py", "README.md"} <= set(
        HfApi().list_repo_files(ID)
    )
    here = EventExtractor.from_pretrained(tiny_linked_checkpoint, device="cpu").extract(TEXT)
    there = EventExtractor.from_pretrained(ID, revision=published.commit, device="cpu").extract(TEXT)
    assert here.events
    assert {**there.to_record(), "model": None} == {**here.to_record(), "model": None}
    assert there.model == f"{ID}@{published.commit}"
    assert not any(path.endswith("handler.py") for _, path, _ in hub.requests if "/resolve/" in path)


def test_a_push_is_one_commit_with_its_message(hub: Hub, client: Client) -> None:
    upload(FILES, ID, "model", message="First")
    assert repo(hub).messages == ["initial commit", "First"]
    assert upload(FILES, ID, "model").commit == repo(hub).branches["main"]
    assert repo(hub).messages == ["initial commit", "First"]  # nothing had changed


def test_what_an_earlier_push_left_is_removed_and_what_others_added_stays(hub: Hub, pushed: Published) -> None:
    HfApi().upload_file(path_or_fileobj=b"picture", path_in_repo="map.png", repo_id=ID)
    upload({name: FILES[name] for name in ("config.json", "model.safetensors")}, ID, "model")
    assert sorted(HfApi().list_repo_files(ID)) == [
        ".gitattributes", "README.md", "config.json", "map.png", "model.safetensors",
    ]  # fmt: skip


def test_a_branch_is_made_and_leaves_the_main_one_alone(hub: Hub, pushed: Published) -> None:
    there = upload(FILES | {"config.json": b'{"a": 1}'}, ID, "model", branch="trial/2")
    assert repo(hub).branches == {"main": pushed.commit, "trial/2": there.commit}
    assert (resolve(ID, "trial/2") / "config.json").read_bytes() == b'{"a": 1}'
    assert (resolve(ID) / "config.json").read_bytes() == FILES["config.json"]


def test_a_new_repository_is_private_if_that_is_wanted(hub: Hub, client: Client) -> None:
    upload(FILES, ID, "model", private=True)
    assert repo(hub).private
    client(token=None, cache="other")
    with pytest.raises(CheckpointError, match=r"nor such a repository.*private repository set HF_TOKEN"):
        resolve(ID)
    client(token=STRANGER, cache="other")
    with pytest.raises(CheckpointError, match="nor such a repository"):
        resolve(ID)
    client(cache="other")
    assert (resolve(ID) / "model.safetensors").read_bytes() == WEIGHTS


# Revisions and the cache


def test_after_the_branch_moved_the_old_commit_still_gives_the_old_bytes(hub: Hub, pushed: Published) -> None:
    assert (resolve(ID) / "model.safetensors").read_bytes() == WEIGHTS
    moved = upload(FILES | {"model.safetensors": b"new weights"}, ID, "model")
    assert moved.commit != pushed.commit
    assert (resolve(ID) / "model.safetensors").read_bytes() == b"new weights"
    for revision, expected in ((pushed.commit, WEIGHTS), (moved.commit, b"new weights"), ("main", b"new weights")):
        assert (resolve(ID, revision) / "model.safetensors").read_bytes() == expected


def test_what_is_in_the_cache_is_not_fetched_again(hub: Hub, pushed: Published) -> None:
    resolve(ID, onnx=True)
    fetched = len([r for r in hub.requests if r[0] == "GET" and "/api/" not in r[1]])
    resolve(ID, onnx=True)
    assert len([r for r in hub.requests if r[0] == "GET" and "/api/" not in r[1]]) == fetched > 0


def test_large_files_come_from_another_host_that_never_sees_the_token(hub: Hub, pushed: Published) -> None:
    resolve(ID)
    assert hub.fetched(hashlib.sha256(WEIGHTS).hexdigest()) == [None]
    assert not hub.leaked


def test_onnx_is_fetched_for_who_asks_for_it(hub: Hub, pushed: Published) -> None:
    assert not (resolve(ID) / "onnx").exists()
    assert (resolve(ID, onnx=True) / "onnx" / "model_quantized.onnx").read_bytes() == b"graph"


def test_a_subfolder_is_fetched_alone(hub: Hub, client: Client) -> None:
    upload({f"small/{name}": content for name, content in FILES.items()}, ID, "model")
    upload({"large/model.safetensors": b"huge"}, ID, "model")
    folder = resolve(ID, subfolder="small")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not (folder.parent / "large").exists()


# What goes wrong


def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(
    hub: Hub, pushed: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    hub.cuts[oid] = [40_000, 30_500]
    assert (resolve(ID) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched(oid) == [None, "bytes=40000-", "bytes=70000-"]  # whole chunks are kept


def test_after_a_transfer_that_failed_the_next_call_fetches_what_is_missing(
    hub: Hub, pushed: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    hub.cuts[oid] = [0] * 20
    with pytest.raises(SourceError, match=r"broke off.*run it again: files that arrived whole are kept"):
        resolve(ID)
    del hub.cuts[oid]
    before = len(hub.fetched("/config.json"))
    assert (resolve(ID) / "model.safetensors").read_bytes() == WEIGHTS
    assert len(hub.fetched("/config.json")) == before == 1


def test_a_half_fetched_model_is_not_taken_for_a_whole_one_when_the_network_is_down(
    hub: Hub, pushed: Published, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.cuts[hashlib.sha256(WEIGHTS).hexdigest()] = [0] * 20
    with pytest.raises(SourceError):
        resolve(ID)
    client(offline=True)
    with pytest.raises(SourceError, match=r"cache has no copy"):
        resolve(ID)


@pytest.mark.parametrize("revision", [None, "commit"])
def test_with_the_network_down_the_cache_serves(
    hub: Hub, pushed: Published, client: Client, revision: str | None
) -> None:
    asked = revision and pushed.commit
    there = resolve(ID, asked)
    client(endpoint=f"http://127.0.0.1:{free_port()}")
    assert resolve(ID, asked) == there
    client(offline=True)
    assert resolve(ID, asked) == there
    assert (there / "model.safetensors").read_bytes() == WEIGHTS


def test_with_the_network_down_and_nothing_in_the_cache_that_is_told(
    hub: Hub, pushed: Published, client: Client
) -> None:
    client(endpoint=f"http://127.0.0.1:{free_port()}", cache="empty")
    with pytest.raises(SourceError, match=rf"^{ID}: the Hub cannot be reached.*no copy \(ConnectError\).*local folder"):
        resolve(ID)
    requests = len(hub.requests)
    client(offline=True, cache="empty")
    with pytest.raises(SourceError, match=r"cache has no copy \(OfflineModeIsEnabled\).*HF_HUB_OFFLINE"):
        resolve(ID)
    assert len(hub.requests) == requests


def test_a_wrong_token_is_told_for_loading_and_for_publishing(hub: Hub, pushed: Published, client: Client) -> None:
    client(token="hf_wrong", cache="empty")
    for attempt in (lambda: resolve(ID), lambda: upload(FILES, ID, "model")):
        with pytest.raises(SourceError, match=rf"^{ID}: the Hub refuses the token \(Invalid credentials.*HF_TOKEN"):
            attempt()


def test_publishing_without_a_token_is_told(hub: Hub, client: Client) -> None:
    client(token=None)
    with pytest.raises(SourceError, match=r"refuses the token.*hf auth login"):
        upload(FILES, ID, "model")
    assert hub.repos == {}


def test_publishing_under_the_name_of_another_is_told(hub: Hub, client: Client) -> None:
    with pytest.raises(SourceError, match=r"token may not do this.*under the namespace"):
        upload(FILES, "others/tagger", "model")
    assert hub.repos == {}


def test_publishing_into_the_repository_of_another_is_told(hub: Hub, pushed: Published, client: Client) -> None:
    client(token=STRANGER)
    with pytest.raises(SourceError, match=r"token may not do this.*rights"):
        upload(FILES, ID, "model")
    assert repo(hub).branches["main"] == pushed.commit


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_missing_repository_is_told(hub: Hub, client: Client, token: str | None) -> None:
    client(token=token)
    with pytest.raises(CheckpointError, match=r"^somebody/nothing: .*nor such a repository.*Check the name"):
        resolve("somebody/nothing")


def test_a_repository_on_request_is_told(hub: Hub, pushed: Published, client: Client) -> None:
    repo(hub).gated = True
    client(token=STRANGER, cache="empty")
    with pytest.raises(CheckpointError, match=r"gives access on request only.*Ask for it"):
        resolve(ID)


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_a_missing_revision_is_told(hub: Hub, pushed: Published, revision: str) -> None:
    with pytest.raises(CheckpointError, match=f"revision '{revision}' does not exist.*branch, tag or commit"):
        resolve(ID, revision)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_told(hub: Hub, client: Client, tiny_checkpoint: Path, missing: str) -> None:
    names = {"config.json", "tokenizer.json", "model.safetensors", "conflict_events.json"} - {missing}
    upload({name: tiny_checkpoint / name for name in names}, ID, "model")
    with pytest.raises(RemoteEntryNotFoundError):
        huggingface_hub.hf_hub_download(ID, missing)
    with pytest.raises(CheckpointError, match=f"there is no {missing}".replace(".", r"\.")):
        EventExtractor.from_pretrained(ID, device="cpu")


def test_pickles_are_not_fetched_and_not_loaded(hub: Hub, client: Client, tiny_checkpoint: Path) -> None:
    files = {name: tiny_checkpoint / name for name in ("config.json", "tokenizer.json")}
    upload(files | {"pytorch_model.bin": b"cos\nsystem\n"}, ID, "model")
    with pytest.raises(CheckpointError, match=r"no model\.safetensors.*pickled weights only is not loaded"):
        EventExtractor.from_pretrained(ID, device="cpu")
    assert hub.fetched("pytorch_model.bin") == []


@pytest.mark.parametrize("name", ["no id", "a/b/c", "", "../x", "a" * 120])
def test_what_is_no_id_is_not_published(hub: Hub, client: Client, name: str) -> None:
    with pytest.raises(ConfigError, match=r"is no Hub id.*Write owner/name"):
        upload(FILES, name, "model")
    assert hub.repos == {}


def test_a_card_that_the_hub_refuses_is_told_and_nothing_is_committed(hub: Hub, pushed: Published) -> None:
    with pytest.raises(ConfigError, match=r"the Hub does not take it.*metadata.*README"):
        upload(FILES | {"README.md": b"---\na: [\n---\n"}, ID, "model")
    assert repo(hub).branches["main"] == pushed.commit


def test_weights_that_were_cut_short_on_the_way_to_the_hub_are_refused_when_loaded(
    hub: Hub, client: Client, tiny_checkpoint: Path
) -> None:
    raw = (tiny_checkpoint / "model.safetensors").read_bytes()
    whole = {path.name: path for path in tiny_checkpoint.iterdir()}
    upload(whole | {"model.safetensors": raw[: len(raw) // 2]}, ID, "model")
    with pytest.raises(CheckpointError, match="cut short"):
        EventExtractor.from_pretrained(ID, device="cpu")


# Datasets


def test_a_dataset_is_published_as_one(hub: Hub, client: Client, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("train.parquet", "test.parquet", "README.md"):
        (tmp_path / "mine" / name).write_bytes(b"first")
    said: list[str] = []
    config = PushConfig(dataset=str(tmp_path / "mine"), repo_id=f"{USER}/events", private=True)
    published = publish(config, said.append)
    assert published is not None
    assert published.url == f"{hub.url}/datasets/{USER}/events"
    assert repo(hub, f"{USER}/events", "dataset").private
    assert HfApi().list_repo_files(f"{USER}/events", repo_type="dataset", revision=published.commit) == [
        ".gitattributes", "README.md", "test.parquet", "train.parquet",
    ]  # fmt: skip
    (tmp_path / "mine" / "test.parquet").unlink()
    publish(config, said.append)
    assert "test.parquet" not in HfApi().list_repo_files(f"{USER}/events", repo_type="dataset")


# Dry runs


def test_a_dry_run_lists_files_and_shows_the_card_without_a_network(
    hub: Hub, client: Client, tiny_linked_checkpoint: Path, tmp_path: Path
) -> None:
    client(offline=True, token=None)
    (tmp_path / "example.txt").write_text(f"{TEXT}\n", "utf-8")
    said: list[str] = []
    config = PushConfig(
        path=str(tiny_linked_checkpoint), repo_id=ID, dry_run=True, examples=[str(tmp_path / "example.txt")]
    )
    assert publish(config, said.append) is None
    listed = dict(reversed(line.split()) for line in said if len(line.split()) == 2)
    size = (tiny_linked_checkpoint / "model.safetensors").stat().st_size
    assert listed["model.safetensors"] == f"{size:,}"
    assert {"config.json", "linker.safetensors", "handler.py", "README.md"} <= listed.keys()
    assert said[-1].startswith("---\n")
    assert "library_name: transformers" in said[-1]
    assert TEXT in said[-1]
    assert [r for r in hub.requests if "agent-harnesses" not in r[1]] == []
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"repo_id": ID}, "nothing to publish.*path=CHECKPOINT"), ({"path": "."}, "repo_id is missing")],
)
def test_a_push_of_nothing_or_to_nowhere_is_told(
    tiny_checkpoint: Path, settings: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_checkpoint)
    with pytest.raises(ConfigError, match=words):
        publish(PushConfig(**settings), print)  # type: ignore[arg-type]


def test_a_checkpoint_that_cannot_be_loaded_is_not_published(hub: Hub, client: Client, tiny_checkpoint: Path) -> None:
    raw = (tiny_checkpoint / "model.safetensors").read_bytes()
    (tiny_checkpoint / "model.safetensors").write_bytes(raw[:-10])
    with pytest.raises(CheckpointError, match="cut short"):
        publish(PushConfig(path=str(tiny_checkpoint), repo_id=ID), print)
    assert hub.repos == {}


def test_a_checkpoint_that_names_this_machine_is_not_published(hub: Hub, client: Client, tiny_checkpoint: Path) -> None:
    settings = json.loads((tiny_checkpoint / "conflict_events.json").read_text("utf-8"))
    (tiny_checkpoint / "conflict_events.json").write_text(json.dumps(settings | {"name": "/home/x/best"}), "utf-8")
    with pytest.raises(ConfigError, match=r"conflict_events\.json:1: '/home/x/best' names a folder of this machine"):
        publish(PushConfig(path=str(tiny_checkpoint), repo_id=ID), print)
    assert hub.repos == {}


def test_the_cache_folder_is_a_checkpoint_that_can_be_published_again(
    hub: Hub, client: Client, tiny_checkpoint: Path
) -> None:
    said: list[str] = []
    publish(PushConfig(path=str(tiny_checkpoint), repo_id=ID), said.append)
    again = publish(PushConfig(path=ID, repo_id=f"{USER}/again"), said.append)
    assert again is not None
    first, second = (repo(hub, name).commits[repo(hub, name).branches["main"]] for name in (ID, f"{USER}/again"))
    assert {name: raw for name, raw in first.items() if name != "README.md"} == {
        name: raw for name, raw in second.items() if name != "README.md"
    }
