"""What ``input`` names -> sources -> records, in an order that does not change."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path

from conflict_events.articles import csv, jsonl, parquet, txt
from conflict_events.articles.files import BROKEN, STDIN, File
from conflict_events.articles.records import BadRecord, Columns, Record
from conflict_events.errors import InputError

READERS: dict[str, Callable[[File, Columns], Iterator[Record]]] = {
    ".csv": csv.read, ".jsonl": jsonl.read, ".parquet": parquet.read, ".txt": txt.read,
}  # fmt: skip
_COMPRESSIONS = (".gz", ".zst")


@dataclass(frozen=True)
class Source:
    """Files that are read as one: a file of records, or many text files.

    Attributes:
        paths: the files, or one folder, which stands for the ``.txt`` files below it; ``-`` is standard input.
        root: the folder that ids do not repeat.
        alone: whether it is all the input.
    """

    paths: tuple[str, ...]
    root: str
    alone: bool = True

    def files(self) -> Iterator[str]:
        """Paths of the files, in order. The folders are walked as they are asked for."""
        for path in self.paths:
            yield from _texts_below(path) if Path(path).is_dir() else (path,)

    def read(self, columns: Columns) -> Reading:
        """Begin to read."""
        return Reading(self, columns)


class Reading:
    """Iterates over the records of a source.

    What is wrong with a whole file is a bad record, too, and the next file follows.

    Raises:
        InputError: from the first record on, if the input is one file and cannot be read at all: it is empty, damaged
            from its beginning, or has no text column.
    """

    def __init__(self, source: Source, columns: Columns) -> None:
        self._source = source
        self._before = 0  # bytes of the files that are done
        self._file = File("", "")
        self._records = chain.from_iterable(self._of_file(path, columns) for path in source.files())

    @property
    def position(self) -> int:
        """Bytes of the source's files that have been read."""
        return self._before + self._file.position()

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def _of_file(self, path: str, columns: Columns) -> Iterator[Record]:
        self._before += self._file.position()
        file = self._file = File(path, _name(path, self._source.root))
        some = False
        try:
            for record in _reader(path)(file, columns):
                some = True
                yield record
        except (InputError, *BROKEN) as error:
            what = error.what if isinstance(error, InputError) else f"cannot be read to the end ({error})"
            if self._source.alone and not some:
                if isinstance(error, InputError):
                    raise
                raise InputError(what, where=path) from None
            yield BadRecord(path, what)


def find_sources(given: str | Sequence[str], without: Callable[[str], bool] | None = None) -> list[Source]:
    """The sources of an input.

    Args:
        given: a file (``.txt``, ``.jsonl``, ``.csv``, also ``.gz`` or ``.zst``; ``.parquet``), a folder of text files,
            a pattern with ``*``, ``?``, ``[...]`` or ``**``, a list of these, or ``-`` for JSONL on standard input.
            What a pattern matches comes in the order of the names, the rest in the order given.
        without: tells paths that no pattern is meant to match.

    Raises:
        InputError: if there is nothing, or a file of another kind.
    """
    if given == STDIN:
        return [Source((STDIN,), "")]
    paths = [path for name in ([given] if isinstance(given, str) else given) for path in _expanded(name, without)]
    if not paths:
        raise InputError("there is no input", remedy="check input=")
    for path in paths:
        if not Path(path).is_dir():
            _reader(path)
    if len(paths) == 1:
        path = paths[0]
        if not Path(path).is_dir():
            return [Source((path,), str(Path(path).parent))]
        if next(_texts_below(path), None) is None:
            raise InputError(
                "the folder has no .txt files", where=path, remedy=f"for other kinds write input='{path}/*.jsonl'"
            )
        return [Source((path,), path)]
    root = os.path.commonpath([Path(path).parent.absolute() for path in paths])
    # Text files that follow one another are one source, so that they are worked on together.
    groups = groupby(enumerate(paths), key=lambda item: -1 if _holds_texts(item[1]) else item[0])
    return [Source(tuple(path for _, path in group), root, alone=False) for _, group in groups]


def read_articles(given: str | Sequence[str], text_column: str = "text", id_column: str = "id") -> Iterator[Record]:
    """Read articles and bad records, in the order of the input.

    Args:
        given: see :func:`find_sources`.
        text_column: JSONL key or column of the text.
        id_column: JSONL key or column of the id. Where it is absent, the id is the file's name and the line; a table
            must have one that is not called ``id``.

    Returns:
        Articles and bad records. Further columns of tables, and JSONL's ``meta``, become meta.

    Raises:
        InputError: if there is no such input, it is of another kind, or it is one file that cannot be read at all.
    """
    columns = Columns(text_column, id_column)
    sources = find_sources(given)
    records = chain.from_iterable(source.read(columns) for source in sources)
    return records if sources[0].paths == (STDIN,) else chain(list(islice(records, 1)), records)


def _expanded(name: str, without: Callable[[str], bool] | None) -> list[str]:
    if not name:
        raise InputError(
            "the name of an input is empty", remedy="give a file, a folder or a pattern; . for this folder"
        )
    path = Path(name)
    if path.exists():
        return [str(path)]
    if glob.has_magic(name):
        matching = glob.glob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns
        found = sorted(path for path in matching if Path(path).is_file() and not (without and without(path)))
        if not found:
            raise InputError("no file has such a name", where=name, remedy="check input=")
        return found
    raise InputError("there is no such file or folder", where=name, remedy="check input=")


def _kind(path: str) -> str:
    """The suffix that decides the reader, in lower case."""
    plain = Path(path)
    if plain.suffix.lower() in _COMPRESSIONS and plain.with_suffix("").suffix.lower() != ".parquet":
        plain = plain.with_suffix("")
    return plain.suffix.lower()


def _reader(path: str) -> Callable[[File, Columns], Iterator[Record]]:
    if path == STDIN:
        return jsonl.read
    reader = READERS.get(_kind(path))
    if reader is None:
        raise InputError(
            f"files of kind {_kind(path) or '(none)'!r} are not read",
            where=path,
            remedy=f"give a folder of .txt files, or one of {', '.join(READERS)}; all but .parquet also as .gz or .zst",
        )
    return reader


def _holds_texts(path: str) -> bool:
    return Path(path).is_dir() or _kind(path) == ".txt"


def _texts_below(folder: str, within: tuple[str, ...] = ()) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise InputError(f"the folder cannot be read ({error.strerror})", where=folder, remedy="check it") from None
    place = os.path.realpath(folder)
    if place in within:
        raise InputError("the folder holds itself by a link", where=folder, remedy="remove the link")
    for name, is_folder in found:
        path = os.path.join(folder, name)  # noqa: PTH118 - a million Path objects take their time
        if is_folder:
            yield from _texts_below(path, (*within, place))
        elif _kind(name) == ".txt":
            yield path


def _name(path: str, root: str) -> str:
    """What ids begin with: the file's path below the common folder, for a text file without suffix."""
    if path == STDIN:
        return "stdin"
    name = Path(path).absolute().relative_to(Path(root).absolute())
    return name.as_posix() if _kind(path) != ".txt" else name.as_posix()[: name.as_posix().lower().rindex(".txt")]
