"""What is released: one version, a wheel that holds what runs, a source distribution that holds the repository."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

import conflict_events

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md")])
CORE = {"huggingface_hub", "numpy", "onnxruntime", "sentencex", "tokenizers", "tqdm"}
PACKED_MODEL = ("default_model/config.json", "default_model/onnx/model.onnx")  # a file beside, and one below
NOT_SOURCE = {".venv", "outputs", ".git", "raw", "dist", "build", "default_model"}

BUILD = """
import os, sys
from setuptools import build_meta
build = {"sdist": build_meta.build_sdist, "wheel": build_meta.build_wheel}[sys.argv[1]]
build(sys.argv[2])
"""


@dataclass(frozen=True)
class Built:
    """Names in the wheel and in the sdist (below its folder), and the wheel's metadata."""

    wheel: frozenset[str]
    sdist: frozenset[str]
    metadata: Message


def build(kind: str, source: Path, output: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(output)], cwd=source, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = output.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return built


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist of this repository with a packed model, and the wheel that is built from this sdist."""
    installed = importlib.metadata.version("setuptools") if importlib.util.find_spec("setuptools") else "0"
    if int(installed.partition(".")[0]) < 77:
        pytest.skip("the build backend, setuptools 77 or newer, is not installed")
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"

    def left_out(_: str, entries: list[str]) -> set[str]:
        return {entry for entry in entries if entry in NOT_SOURCE or entry.endswith(("cache__", "_cache", ".egg-info"))}

    shutil.copytree(ROOT, source, ignore=left_out)
    for name in [*(f"src/conflict_events/{packed}" for packed in PACKED_MODEL), "data/raw/theirs/text.txt"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("{}", "utf-8")
    (source / "tests" / "left.pyc").write_bytes(b"")
    with tarfile.open(build("sdist", source, folder)) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    with zipfile.ZipFile(build("wheel", unpacked, folder)) as archive:
        wheel = archive.namelist()
        (about,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
        metadata = BytesParser().parsebytes(archive.read(about))
    return Built(frozenset(wheel), frozenset(names(unpacked)), metadata)


# One version


def test_the_version_stands_in_pyproject_and_everything_else_reads_it() -> None:
    assert conflict_events.__version__ == PROJECT["version"], "install again: pip install -e ."
    literal = [path for path in (ROOT / "src").rglob("*.py") if f'"{PROJECT["version"]}"' in path.read_text("utf-8")]
    assert literal == []


def test_the_citation_file_says_what_pyproject_says() -> None:
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["title"] == PROJECT["name"]
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Homepage"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]


# The wheel


def test_the_wheel_holds_every_module_and_every_file_that_the_package_reads(built: Built) -> None:
    package = ROOT / "src" / "conflict_events"
    expected = {
        f"conflict_events/{name}"
        for name in names(package)
        if not name.startswith("default_model/") and "__pycache__" not in name
    }
    assert {"conflict_events/handler.py", "conflict_events/py.typed"} < expected
    assert "conflict_events/reports/templates/model_card.md" in expected
    expected |= {f"conflict_events/{name}" for name in PACKED_MODEL}
    assert {name for name in built.wheel if ".dist-info/" not in name} == expected


def test_the_wheel_has_the_licence_and_the_version(built: Built) -> None:
    (licence,) = [name for name in built.wheel if name.endswith("/LICENSE")]
    assert licence == f"conflict_events-{PROJECT['version']}.dist-info/licenses/LICENSE"
    assert built.metadata["Version"] == PROJECT["version"]
    assert built.metadata["License-Expression"] == "Apache-2.0"


def test_an_installation_without_extras_brings_neither_torch_nor_hydra(built: Built) -> None:
    required = [line for line in built.metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in required} == CORE
    assert {"torch", "train", "dev"} <= set(built.metadata.get_all("Provides-Extra") or [])


# The source distribution


def test_the_source_distribution_holds_what_trains_and_tests(built: Built) -> None:
    wanted = {
        "pyproject.toml", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "MODEL_CARD.md", "Makefile",
        "constraints.txt", "configs/train.yaml", "configs/corpus/own.yaml", "data/own/train.jsonl", "data/README.md",
        "docs/metrics.md", "scripts/train.py", "tests/conftest.py", "src/conflict_events/py.typed",
        *(f"src/conflict_events/{name}" for name in PACKED_MODEL),
    }  # fmt: skip
    assert wanted - built.sdist == set()


def test_the_source_distribution_holds_no_texts_of_others_and_nothing_compiled(built: Built) -> None:
    assert [name for name in built.sdist if name.startswith("data/raw/") or name.endswith(".pyc")] == []


# Pages


def test_the_changelog_has_releases_with_dates_and_the_known_kinds_of_change() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *releases = re.findall(r"^## (.*)$", text, re.M)
    assert first == "Unreleased"
    assert [r for r in releases if not re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", r)] == []
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.M)) <= kinds
    assert not re.search(r"^- *$", text, re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []
