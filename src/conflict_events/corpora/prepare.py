"""What ``scripts/prepare_data.py`` does before it checks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from conflict_events.config import PrepareConfig
from conflict_events.corpora import download, jsonl, markup, standoff
from conflict_events.errors import ConfigError

ARTICLES = "articles"


def prepare(config: PrepareConfig, progress: Callable[[str], None]) -> None:
    """Bring a corpus's files into place.

    A corpus with public sources gets them downloaded, or copied from ``config.source_dir``, into
    ``config.corpus.source_dir``, checked either way. With ``config.compile``, marked-up articles become JSONL.

    Raises:
        SourceError: if files cannot be had or have other bytes than they should.
        DataError: if an article is not well-formed.
        ConfigError: if the corpus has nothing to compile.
    """
    folder = Path(config.corpus.path)
    if config.compile:
        articles = folder / ARTICLES
        if not articles.is_dir():
            raise ConfigError(
                f"there is no {articles} to compile", remedy="leave out compile=true: it is for marked-up corpora"
            )
        for split, documents in markup.read_folder(articles).items():
            jsonl.write(folder / f"{split}.jsonl", documents)
            progress(f"{folder / split}.jsonl: {len(documents)} documents")
    if config.corpus.source_dir is None:
        return
    files = download.source_files(folder)
    texts = standoff.texts_folder(config.corpus)
    if config.source_dir is None:
        download.fetch(files, texts, progress)
        return
    given = Path(config.source_dir)
    download.require(files, given, config.corpus.name)
    if given.resolve() != texts.resolve():
        for file in files:
            (texts / file.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(given / file.path, texts / file.path)
            progress(f"{file.path}: copied")
