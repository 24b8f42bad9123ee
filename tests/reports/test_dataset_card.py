"""The dataset folder and its card, and the script that writes both pages."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROLES, ROOT
from huggingface_hub import DatasetCard
from pyarrow import parquet

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Corpus, load
from conflict_events.corpora.formats import jsonl
from conflict_events.corpora.reading import Log
from conflict_events.corpora.validate import validate
from conflict_events.errors import ConfigError, DataError
from conflict_events.reports.dataset_card import ABOUT, write_dataset, write_dataset_card
from conflict_events.schema import Document, Layer

HOSTILE = "A \"quoted\" <script>alert('x')</script> & {{ 7 * 7 }}: a\n---\n# b\n| c | {% if %} `d` 戦争"


def written(corpus: Corpus, folder: Path) -> tuple[dict[str, Any], str]:
    """The front matter and the text of the card in a dataset folder."""
    write_dataset(corpus, folder / "dataset")
    return parts(folder / "dataset" / "README.md")


def parts(card: Path) -> tuple[dict[str, Any], str]:
    whole = card.read_bytes().decode("utf-8")
    assert whole.startswith("---\n")
    front, end, text = whole[4:].partition("\n---\n")
    assert end
    found: dict[str, Any] = yaml.safe_load(front)
    return found, text


def table(text: str, corner: str) -> list[list[str]]:
    """The cells of the Markdown table whose first cell is ``corner``."""
    (start,) = [match.start() for match in re.finditer(rf"^\| {corner} \|", text, re.MULTILINE)]
    rows = [line.strip("|").split("|") for line in text[start:].partition("\n\n")[0].splitlines()]
    assert {cell.strip() for cell in rows[1]} == {"---"}
    assert len({len(row) for row in rows}) == 1, "every row has the same columns"
    return [[cell.strip() for cell in row] for row in (rows[0], *rows[2:])]


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].strip()


def about(config: CorpusConfig, **values: str) -> None:
    """Write ``card.json`` into the folder of a corpus."""
    (Path(config.path) / ABOUT).write_text(json.dumps(values), "utf-8")


def untitled(folder: Path, **splits: list[Document]) -> Corpus:
    return Corpus(CorpusConfig(name="mine", format="jsonl", path=str(folder), roles=list(ROLES)), splits)


def plain(name: str) -> Document:
    return Document(name, "Nobody fled.", frozenset(Layer))


# Front matter


def test_the_front_matter_is_what_the_hub_reads(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    about(tiny_corpus, license="cc-by-4.0")
    front, _ = written(load(replace(tiny_corpus, language="fr")), tmp_path)
    assert front == {
        "language": ["fr"], "license": "cc-by-4.0", "pretty_name": "tiny",
        "task_categories": ["token-classification"], "tags": ["conflict", "event-extraction", "conflict-events"],
        "size_categories": ["n<1K"],
        "configs": [{
            "config_name": "default",
            "data_files": [
                {"split": split, "path": f"{split}.parquet"} for split in ("train", "validation", "test")
            ],
        }],
    }  # fmt: skip
    card = DatasetCard.load(tmp_path / "dataset" / "README.md")
    assert card.data.to_dict() == front
    assert card.text.lstrip().startswith("# tiny\n")


def test_the_files_that_it_names_are_there_and_no_others(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    (Path(tiny_corpus.path) / "dev.jsonl").write_text("", "utf-8")
    front, _ = written(load(tiny_corpus), tmp_path)
    (config,) = front["configs"]
    files = {entry["split"]: tmp_path / "dataset" / entry["path"] for entry in config["data_files"]}
    assert {split: parquet.read_metadata(path).num_rows for split, path in files.items()} == {"train": 6, "test": 3}
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {"README.md", "train.parquet", "test.parquet"}


@pytest.mark.parametrize(
    ("documents", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K")]
)
def test_the_size_is_in_the_hubs_words(tmp_path: Path, documents: int, size: str) -> None:
    write_dataset_card(untitled(tmp_path, train=[plain("a")] * documents), tmp_path / "README.md")
    assert parts(tmp_path / "README.md")[0]["size_categories"] == [size]


@pytest.mark.parametrize("name", [HOSTILE, "yes", "1.0", "a: b", "- x", "---", "\n---\n", "'", "#", "{}", "\u2028"])
def test_whatever_a_corpus_is_called_the_front_matter_holds(tmp_path: Path, name: str) -> None:
    corpus = untitled(tmp_path, train=[plain("a")])
    corpus = replace(corpus, config=replace(corpus.config, name=name, language="no"))
    about(corpus.config, license="other")
    write_dataset_card(corpus, tmp_path / "README.md")
    front, _ = parts(tmp_path / "README.md")
    assert (front["pretty_name"], front["language"], front["license"]) == (name, ["no"], "other")
    data = DatasetCard.load(tmp_path / "README.md").data
    assert (data.pretty_name, data.license, len(data.configs)) == (name, "other", 1)


# Text


def test_the_counts_are_those_of_the_corpus(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    held = load(tiny_corpus)
    held.splits["dev"].append(plain("quiet"))
    _, text = written(held, tmp_path)
    assert table(text, "split") == [
        ["split", "documents", "with nothing to mark", "words", "events", *ROLES],
        ["train", "6", "0", "84", "6", "6", "6", "6", "0", "6"],
        ["validation", "4", "1", "44", "3", "3", "3", "3", "0", "3"],
        ["test", "3", "0", "42", "3", "3", "3", "3", "0", "3"],
    ]
    assert table(text, "event type") == [
        ["event type", "train", "validation", "test"], ["armed_attack", "6", "3", "3"],
    ]  # fmt: skip


def test_every_column_is_described(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    _, text = written(load(tiny_corpus), tmp_path)
    rows = table(text, "column")[1:]
    assert [name.strip("`") for name, _, _ in rows] == parquet.read_schema(tmp_path / "dataset/train.parquet").names
    kinds = {name.strip("`"): kind.strip("`") for name, kind, _ in rows}
    assert kinds == {
        "id": "string", "text": "string", "layers": "list of class label", "spans": "list of {role, start, end, text}",
        "events": "list of {type, trigger, attacker, target, location, weapon}", "tokens": "list of string",
        "ner_tags": "list of class label", "meta": "string",
    }  # fmt: skip
    assert all(what for _, _, what in rows)


def test_without_events_there_is_no_table_of_types(tmp_path: Path) -> None:
    record = {"id": "a", "text": "Rebels", "layers": ["roles"], "spans": [{"role": "attacker", "start": 0, "end": 6}]}
    _, text = written(untitled(tmp_path, train=[Document.from_record(record)]), tmp_path)
    assert "event type" not in text.partition("## Columns")[0]
    assert table(text, "split")[1] == ["train", "1", "0", "1", "0", "1", "0", "0", "0", "0"]


@pytest.mark.parametrize("splits", [{}, {"train": []}])
def test_an_empty_corpus_has_a_card(tmp_path: Path, splits: dict[str, list[Document]]) -> None:
    front, text = written(untitled(tmp_path, **splits), tmp_path)
    assert front["configs"][0]["data_files"] == []
    assert table(text, "split")[1:] == [["train", *["0"] * 9]] * len(splits)


@pytest.mark.parametrize(
    ("license_name", "expected"),
    [
        ("cc-by-4.0", "cc-by-4.0"),
        (
            "other",
            "The texts belong to their publishers, under terms of their own: this copy is for your own use, not for "
            "publication.",
        ),
        ("unknown", "Not stated."),
    ],
)
def test_the_licence_says_what_may_be_done(
    tiny_corpus: CorpusConfig, tmp_path: Path, license_name: str, expected: str
) -> None:
    about(tiny_corpus, license=license_name)
    front, text = written(load(tiny_corpus), tmp_path)
    assert front["license"] == license_name
    assert section(text, "Licence") == expected


def test_of_a_corpus_without_a_card_nothing_is_claimed(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    front, text = written(load(tiny_corpus), tmp_path)
    assert front["license"] == "unknown"
    assert section(text, "Licence") == "Not stated."
    assert "\n\nConflict events in text: who attacked whom or what," in text


def test_the_licence_of_texts_of_several_owners_is_other(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    """An ``extra`` corpus brings its texts into the folder, under its own terms."""
    jsonl.write(tmp_path / "extra" / "train.jsonl", [plain("theirs")])
    extra = replace(tiny_corpus, path=str(tmp_path / "extra"))
    held = load(replace(tiny_corpus, extra={"more": extra}))
    about(tiny_corpus, license="cc-by-4.0")
    for theirs, expected in (("cc-by-4.0", "cc-by-4.0"), ("other", "other"), ("cc-by-nc-4.0", "other")):
        about(extra, license=theirs)
        write_dataset_card(held, tmp_path / "README.md")
        front, text = parts(tmp_path / "README.md")
        assert front["license"] == expected
        assert section(text, "Licence").startswith(expected if expected == "cc-by-4.0" else "The texts belong to")


def test_a_single_file_has_no_card(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    held = load(replace(tiny_corpus, path=str(Path(tiny_corpus.path) / "train.jsonl")))
    assert written(held, tmp_path)[0]["license"] == "unknown"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"licence": "cc-by-4.0"}', "unknown keys ['licence']. Known: license, description."),
        (b"{broken", "not JSON ("),
        (b'["cc-by-4.0"]', "the line is a JSON list, not an object"),
        (b'{"license": "caf\xe9"}', "not UTF-8 ("),
    ],
)
def test_a_card_that_is_no_card_is_refused_by_name(
    tiny_corpus: CorpusConfig, tmp_path: Path, content: bytes, message: str
) -> None:
    path = Path(tiny_corpus.path) / ABOUT
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        write_dataset(load(tiny_corpus), tmp_path / "dataset")
    assert str(caught.value).startswith(f"{path}: {message}")


def test_the_projects_corpora_say_what_may_be_done_with_them() -> None:
    """Where texts are fetched from their publishers the licence is ``other``."""
    for path in sorted((ROOT / "data").glob("*/card.json")):
        fetched = (path.parent / "sources.json").is_file()
        card = json.loads(path.read_text("utf-8"))
        assert card.keys() == {"license", "description"}, path
        assert card["license"] == ("other" if fetched else "cc-by-4.0"), path
    assert (ROOT / "data" / "own" / "card.json").is_file()


def test_the_agreement_of_two_annotators_is_told(tmp_path: Path) -> None:
    for side, body in {"first": "{Rebels|A1} {fled|E1:abduction}", "second": "{Reb|A1}els {fled|E1:bombing}"}.items():
        (tmp_path / "agreement" / side).mkdir(parents=True)
        (tmp_path / "agreement" / side / "a.txt").write_text(f"id: a\n---\n{body}.\n", "utf-8")
    _, text = written(untitled(tmp_path, train=[plain("a")]), tmp_path)
    assert " ".join(section(text, "Agreement of annotators").split()) == (
        "1 documents were annotated twice, independently; F1 of one annotation against the other, in percent: "
        "triggers 100.0, role spans 0.0 exact and 100.0 overlapping, event arguments 0.0; "
        "type of the shared triggers 0.0 % the same."
    )


def test_without_two_annotators_the_card_says_so(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    _, text = written(load(tiny_corpus), tmp_path)
    assert section(text, "Agreement of annotators") == "Not measured on this corpus."


def test_a_description_stands_below_the_name(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    about(tiny_corpus, description="Twelve made-up reports.")
    _, text = written(load(tiny_corpus), tmp_path)
    assert text.lstrip().startswith("# tiny\n\nTwelve made-up reports.\n\n| split |")


def test_a_hostile_description_stays_a_description(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    for description, name in (("Harmless.", "harmless.md"), (HOSTILE, "hostile.md")):
        about(tiny_corpus, description=description)
        write_dataset_card(load(tiny_corpus), tmp_path / name)
    front, text = parts(tmp_path / "hostile.md")
    assert front == parts(tmp_path / "harmless.md")[0]
    assert "<" not in text, "no element of HTML"
    assert html.unescape(text) == html.unescape(parts(tmp_path / "harmless.md")[1]).replace("Harmless.", HOSTILE)


def test_the_same_corpus_gives_the_same_folder(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_dataset(load(tiny_corpus), tmp_path / name)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


# The folder


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", "utf-8")
    (tmp_path / "file").write_text("mine", "utf-8")
    for taken in (tmp_path / "full", tmp_path / "file"):
        with pytest.raises(ConfigError) as caught:
            write_dataset(load(tiny_corpus), taken)
        assert str(caught.value) == f"dataset={taken} is there already. Name a new folder, or empty it."
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken_and_a_deep_one_made(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "deep"):
        write_dataset(load(tiny_corpus), folder)
        assert (folder / "README.md").is_file()


def test_the_folder_reads_as_the_corpus_it_was(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    before = load(tiny_corpus)
    write_dataset(before, tmp_path / "dataset")
    config = replace(tiny_corpus, format="dataset", path=str(tmp_path / "dataset"))
    assert load(config).splits == before.splits
    assert validate(config) == []


def test_every_template_is_packed_with_the_library() -> None:
    package = ROOT / "src" / "conflict_events"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["conflict_events"]
    templates = [path.relative_to(package).as_posix() for path in (package / "reports" / "templates").iterdir()]
    assert [name for name in templates if not any(fnmatch(name, pattern) for pattern in patterns)] == []


# The script


def prepare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/prepare_data.py", *arguments, f"hydra.run.dir={folder / 'hydra'}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def test_the_script_writes_dataset_and_report(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    folder, page = tmp_path / "made" / "dataset", tmp_path / "made" / "report.html"
    corpus = [f"corpus.path={tiny_corpus.path}", "corpus.name=tiny"]
    done = prepare(tmp_path, *corpus, f"dataset={folder}", f"report={page}", "check=true")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [f"{folder}: dataset and card", f"{page}: report", "tiny: 0 problems"]
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "train.parquet", "validation.parquet", "test.parquet",
    }  # fmt: skip
    assert parts(folder / "README.md")[0]["pretty_name"] == "tiny"
    assert "<h1>Corpus report: tiny</h1>" in page.read_text("utf-8")
    read = load(replace(tiny_corpus, format="dataset", path=str(folder)))
    assert read.splits == load(tiny_corpus).splits


def test_the_script_refuses_a_full_folder_in_one_line(tiny_corpus: CorpusConfig, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = prepare(tmp_path, f"corpus.path={tiny_corpus.path}", f"dataset={tiny_corpus.path}", f"report={page}")
    assert done.returncode == 1
    assert done.stderr == f"error: dataset={tiny_corpus.path} is there already. Name a new folder, or empty it.\n"
    assert not page.exists()
    assert [item.id for _, item in jsonl.read(Path(tiny_corpus.path) / "dev.jsonl", Log())] == [  # type: ignore[union-attr]
        "dev-0", "dev-1", "dev-2",
    ]  # fmt: skip
