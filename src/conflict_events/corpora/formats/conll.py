"""CoNLL columns with IOB2 labels: a token a line, the token first and the label last, a blank line after a sentence.

Format: Tjong Kim Sang and De Meulder 2003 (https://aclanthology.org/W03-0419), with the comment ``# newdoc id = ...``
of CoNLL-U or a line ``-DOCSTART-`` before each document; in a file with neither, every block is a document. Columns
are apart by tabs or blanks. What columns cannot hold (the text with its white space, layers, meta, an id with line
breaks) is written into a comment ``# document = {JSON}``; in its absence, tokens are joined by blanks and sentences by
line breaks.

One label a token: spans that compete for a token, event types and the links from events to arguments are lost.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from conflict_events.corpora.reading import Log, Reading, carried, decoded
from conflict_events.errors import ConflictEventsError, DataError
from conflict_events.labels import LabelScheme
from conflict_events.schema import Document, Layer, Span, lone_surrogate
from conflict_events.text import sentences

SUFFIX = ".conll"  # that is written; others that are read: reading.split_paths
_WORD = re.compile(r"\w+|[^\w\s]")
_COMMENT = re.compile(r"# +(newdoc|newpar|[\w.]+(?: id)?(?=\s*=))\s*(?:=\s*(.*))?\Z", re.DOTALL)  # a token "#" has none
_LINE_END = re.compile(r"\r*\n|\r")
_BLANKS = re.compile(" +")
_NEW_DOCUMENT = ("newdoc", "newdoc id")
_OTHER_TEXT = "the text in the comment '# document' is another one: correct it or take it out"


def words(text: str, bounds: Collection[int] = ()) -> list[tuple[int, int]]:
    """Half-open character offsets of the words and signs of a text, cut at ``bounds``, too."""
    found: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        cuts = [match.start(), *sorted(b for b in bounds if match.start() < b < match.end()), match.end()]
        found += pairwise(cuts)
    return found


@dataclass
class _Block:
    """The lines of one document: ``(line number, token, label)`` by sentence, and its comments."""

    line: int
    id: str | None = None
    comment: dict[str, Any] = field(default_factory=dict)
    sentences: list[list[tuple[int, str, str]]] = field(default_factory=lambda: [[]])
    error: DataError | None = None


def read(path: Path, log: Log) -> Reading:
    """The documents of a file. A document with a faulty line is given up as a whole."""
    try:
        content = decoded(path)
    except DataError as error:
        yield str(path), error
        return
    for block in _blocks(path, content):
        if block.error or block.id is not None or any(block.sentences):
            where = f"{path}:{block.line}"
            try:
                yield where, _document(path, block, log)
            except ConflictEventsError as error:
                yield where, error if error.where else error.at(where)


def _blocks(path: Path, content: str) -> Iterator[_Block]:
    numbered = list(enumerate(_LINE_END.split(content), start=1))
    keys = {match[1] for _, line in numbered if (match := _COMMENT.match(line))}
    marked = bool(keys & set(_NEW_DOCUMENT)) or any(line.startswith("-DOCSTART-") for _, line in numbered)
    # What most lines have, so that one bad line does not put all others in the wrong.
    rows = (line for _, line in numbered if line.strip() and not line.startswith("-DOCSTART-"))
    counts = Counter(len(_cells(line)) for line in rows if not _COMMENT.match(line))
    columns = max((count for count in counts if count > 1), key=counts.__getitem__, default=2)
    block = _Block(1)
    for number, line in numbered:
        comment = _COMMENT.match(line)
        if line.startswith("-DOCSTART-") or (comment and comment[1] in _NEW_DOCUMENT):
            yield block
            block = _Block(number, id=(comment and comment[2]) or f"{path.name}:{number}")
        elif comment:
            if comment[1] == "document":
                try:
                    block.comment = dict(json.loads(comment[2]))
                except (ValueError, TypeError, RecursionError) as error:
                    block.error = DataError(f"the comment is no JSON object ({error})", where=f"{path}:{number}")
        elif not line.strip():
            if marked:
                block.sentences.append([])
            else:
                yield block
                block = _Block(number + 1)
        else:
            cells = _cells(line)
            if block.error is None and (len(cells) != columns or not cells[0]):
                wrong = f"the line has {len(cells)} columns, most lines have {columns}" if cells[0] else "no token"
                block.error = DataError(
                    wrong,
                    where=f"{path}:{number}",
                    remedy="write the token first and its label last, as many columns in every line",
                )
            block.sentences[-1].append((number, cells[0], cells[-1]))
    yield block


def _cells(line: str) -> list[str]:
    # Other white space may stand within a token: 10<no-break space>000.
    return line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))


def _document(path: Path, block: _Block, log: Log) -> Document:
    if block.error:
        raise block.error
    rows = [sentence for sentence in block.sentences if sentence]
    text = block.comment.get("text")
    joined = text if isinstance(text, str) else "\n".join(" ".join(token for _, token, _ in s) for s in rows)
    if (at := lone_surrogate(joined)) is not None:
        raise DataError(f"the text holds half a surrogate pair at character {at}", remedy="write the character whole")
    spans: list[Span] = []
    position = 0
    for sentence in rows:
        start = end = 0
        role: str | None = None
        before = "O"
        for number, token, label in [*sentence, (0, "", "O")]:
            prefix, _, name = label.partition("-")
            if label != "O" and (prefix not in ("B", "I") or not name):
                raise DataError(f"label {label!r} is not IOB2", where=f"{path}:{number}", remedy="use O, B-X and I-X")
            if prefix == "I" and before[2:] != name:
                raise DataError(
                    f"{label} follows {before}", where=f"{path}:{number}",
                    remedy=f"in IOB2 a span begins with B-{name}; convert IOB1 files first",
                )  # fmt: skip
            if prefix != "I" and role is not None:
                spans.append(Span.of(joined, role, start, end))
                role = None
            if token:
                at = joined.find(token, position)
                if at < 0 or joined[position:at].strip():
                    raise DataError(
                        f"token {token!r} does not come next in the text", where=f"{path}:{number}",
                        remedy=_OTHER_TEXT,
                    )  # fmt: skip
                position = end = at + len(token)
                if prefix == "B":
                    start, role = at, log.label(name)
            before = label
    if joined[position:].strip():
        raise DataError("the text in the comment '# document' goes on after the last token", remedy=_OTHER_TEXT)
    identifier = block.comment.get("id") or block.id or f"{path.name}:{block.line}"
    if not isinstance(identifier, str):
        raise DataError(f"the id {identifier!r} is no text")
    beside = carried(block.comment.get("layers"), block.comment.get("meta"))
    return Document(identifier, joined, role_spans=tuple(spans), **beside)


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write documents, tokens cut at the bounds of spans so that these stay exact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            # A document whose events are lost must not say that it has been searched for events and has none.
            layers = sorted(document.layers - {Layer.EVENTS} if document.events else document.layers)
            beside = {"text": document.text, "layers": layers, "meta": dict(document.meta)}
            header = " ".join(document.id.split())
            if header != document.id:  # a line cannot hold it
                beside["id"] = document.id
            # ensure_ascii: a reader that splits at Unicode's other line breaks sees one line
            file.write(f"# newdoc id = {header}\n# document = {json.dumps(beside)}\n")
            file.writelines(_rows(document))
            file.write("\n")


def _rows(document: Document) -> Iterator[str]:
    spans = document.spans
    pieces = words(document.text, {edge for span in spans for edge in (span.start, span.end)})
    scheme = LabelScheme(tuple(sorted({span.role for span in spans})) or ("trigger",))
    labels, _ = scheme.encode(np.array(pieces, dtype=np.int64).reshape(-1, 2), spans)
    starts = [start for start, _ in sentences(document.text)][1:]
    for (start, end), label in zip(pieces, labels, strict=True):
        name = scheme.labels[label]
        if starts and start >= starts[0] and not name.startswith("I-"):
            starts = [later for later in starts if later > start]
            yield "\n"
        yield f"{document.text[start:end]}\t{name}\n"
