"""What ``scripts/prepare_data.py`` does before it checks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from conflict_events.config import PrepareConfig
from conflict_events.corpora import Splits, download, load
from conflict_events.corpora.convert import convert, divide, list_left_out
from conflict_events.corpora.formats import jsonl, markup
from conflict_events.corpora.public import texts
from conflict_events.corpora.reading import SPLITS, Log
from conflict_events.errors import ConfigError, ConflictEventsError, DataError
from conflict_events.schema import Document

ARTICLES = "articles"


def prepare(config: PrepareConfig, progress: Callable[[str], None]) -> None:
    """Bring a corpus's files into place, and into another format if one is asked for.

    A corpus with public sources gets them downloaded, or copied from ``config.source_dir``, into
    ``config.corpus.source_dir``, checked either way. With ``config.compile``, marked-up articles become JSONL. With
    ``config.convert``, the corpus is written to ``config.output``; what is lost on the way is listed there in
    ``left_out.txt``.

    Raises:
        SourceError: if files cannot be had or have other bytes than they should.
        DataError: if an article or a record is not well-formed.
        ConfigError: if the corpus has nothing to compile, or settings do not fit together.
    """
    if config.convert is None and (config.output is not None or config.shares is not None):
        raise ConfigError("output and shares belong to convert", remedy="add convert=jsonl, or another format")
    if config.compile:
        _compile(Path(config.corpus.path), progress)
    if config.corpus.source_dir is not None:
        _bring_texts(config, progress)
    if config.convert is not None:
        _convert(config, config.convert, progress)


def _compile(folder: Path, progress: Callable[[str], None]) -> None:
    if not (folder / ARTICLES).is_dir():
        raise ConfigError(
            f"there is no {folder / ARTICLES} to compile", remedy="leave out compile=true: it is for marked-up corpora"
        )
    for split, documents in compiled(folder / ARTICLES).items():
        jsonl.write(folder / f"{split}.jsonl", documents)
        progress(f"{folder / split}.jsonl: {len(documents)} documents")


def compiled(articles: Path) -> Splits:
    """Marked-up articles by the split that their headers name, in the order of the file names.

    Raises:
        DataError: naming file and line: an article that is not UTF-8 or not well-formed, or names no split.
    """
    splits: dict[str, list[Document]] = {name: [] for name in SPLITS}
    for where, item in markup.read(articles, Log()):
        if isinstance(item, ConflictEventsError):
            raise item
        split = item.meta.get("split")
        if split not in splits:
            raise DataError(
                f"split is {split!r}", where=f"{where}:1", remedy=f"write 'split: ' and one of {', '.join(SPLITS)}"
            )
        splits[split].append(item)
    return splits


def _bring_texts(config: PrepareConfig, progress: Callable[[str], None]) -> None:
    files = download.source_files(Path(config.corpus.path))
    target = texts.texts_folder(config.corpus)
    if config.source_dir is None:
        download.fetch(files, target, progress)
        return
    given = Path(config.source_dir)
    download.require(files, given, config.corpus.name)
    if given.resolve() != target.resolve():
        for file in files:
            (target / file.path).parent.mkdir(parents=True, exist_ok=True)
            if file.unpacked and (given / file.unpacked).is_dir():
                shutil.copytree(given / file.unpacked, target / file.unpacked, dirs_exist_ok=True)
            else:
                shutil.copyfile(given / file.path, target / file.path)
            progress(f"{file.path}: copied")


def _convert(config: PrepareConfig, form: str, progress: Callable[[str], None]) -> None:
    if config.output is None:
        raise ConfigError("convert needs an output folder", remedy="add output=FOLDER")
    corpus = load(config.corpus)
    splits = corpus.splits if config.shares is None else divide(corpus.splits, config.shares)
    output = Path(config.output)
    left_out = [*corpus.left_out, *convert(splits, form, output, progress)]
    list_left_out(left_out, output, progress)
