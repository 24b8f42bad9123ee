"""CoNLL files by any of their suffixes, and CAMEO's actors as ConfliBERT publishes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from omegaconf import OmegaConf

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.formats import FORMATS, conll
from conflict_events.corpora.reading import UNDIVIDED, split_paths
from conflict_events.errors import DataError, SourceError

BLOCK = "Rebels B-attacker\nleft O\n. O\n\n"
TRAIN = """\
The B-S
harbour I-S
union I-S
wrote O
to O
the B-T
mayor I-T
of I-T
Maro I-T
. O

Delegates B-R
of I-R
both I-R
islands I-R
dined O
. O

"""
TEST = """\
Nobody O
spoke O
. O

Maro B-S
thanked O
Lunda B-T
, O
Orrin B-T
. O"""


def written(folder: Path, **files: str) -> Path:
    """A folder with these files; ``__`` in a name stands for the full stop."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, "utf-8")
    return folder


def named(folder: Path, suffix: str = conll.SUFFIX) -> dict[str, list[str]]:
    return {split: [file.name for file in files] for split, files in split_paths(folder, suffix).items()}


@pytest.mark.parametrize("suffix", [".conll", ".txt", ".iob2", ".bio"])
def test_splits_are_found_by_any_suffix_of_conll_files(tmp_path: Path, suffix: str) -> None:
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}{suffix}").write_text(BLOCK, "utf-8")
    corpus = load(CorpusConfig(name="x", format="conll", path=str(tmp_path)))
    assert list(corpus.splits) == ["train", "dev", "test"]
    assert all([d.text for d in documents] == ["Rebels left ."] for documents in corpus.splits.values())


def test_a_split_has_one_suffix_the_one_that_is_written_first(tmp_path: Path) -> None:
    folder = written(tmp_path, train__conll="", train__txt="", dev__bio="", valid__bio="", dev__iob2="", test__txt="")
    assert named(folder) == {"train": ["train.conll"], "dev": ["dev.iob2"], "test": ["test.txt"]}
    assert conll.SUFFIX == ".conll"


def test_all_names_of_dev_are_taken_together(tmp_path: Path) -> None:
    assert named(written(tmp_path, valid__txt="", dev__txt="")) == {"dev": ["dev.txt", "valid.txt"]}


def test_an_undivided_folder_has_one_suffix_too(tmp_path: Path) -> None:
    assert named(written(tmp_path, b__bio="", a__bio="")) == {UNDIVIDED: ["a.bio", "b.bio"]}
    assert named(written(tmp_path, left_out__txt="", c__conll="")) == {UNDIVIDED: ["c.conll"]}


def test_other_formats_have_one_suffix(tmp_path: Path) -> None:
    folder = written(tmp_path, train__txt="")
    for name, form in FORMATS.items():
        if form.SUFFIX and name != "conll":
            with pytest.raises(SourceError, match=rf"nor any other \{form.SUFFIX} file\. Check"):
                split_paths(folder, form.SUFFIX)


def test_a_folder_without_any_is_told_all_suffixes(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no train\.conll.*any other \.conll file \(nor \.txt, \.iob2, \.bio\)"):
        load(CorpusConfig(name="x", format="conll", path=str(tmp_path)))


# CAMEO


def cameo(folder: Path) -> CorpusConfig:
    """configs/corpus/cameo.yaml over another folder."""
    values = OmegaConf.to_container(OmegaConf.load(ROOT / "configs" / "corpus" / "cameo.yaml"))
    assert isinstance(values, dict)
    del values["defaults"]
    return CorpusConfig(**{str(key): value for key, value in values.items()} | {"path": str(folder)})


def test_cameo_is_read_a_sentence_a_document(tmp_path: Path) -> None:
    splits = load(cameo(written(tmp_path, train__txt=TRAIN, test__txt=TEST))).splits
    assert {
        split: [(d.text, [(span.role, span.text) for span in d.spans]) for d in documents]
        for split, documents in splits.items()
    } == {
        "train": [
            ("The harbour union wrote to the mayor of Maro .",
             [("source", "The harbour union"), ("target", "the mayor of Maro")]),
            ("Delegates of both islands dined .", [("reciprocal", "Delegates of both islands")]),
        ],
        "test": [
            ("Nobody spoke .", []),
            ("Maro thanked Lunda , Orrin .", [("source", "Maro"), ("target", "Lunda"), ("target", "Orrin")]),
        ],
    }  # fmt: skip


def test_cameo_has_no_other_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="role 'x', which corpus 'cameo' does not declare"):
        load(cameo(written(tmp_path, train__txt="Maro B-X\n")))
