"""From any corpus to any format, with an account of what the format could not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from conflict_events.corpora import Splits
from conflict_events.corpora.formats import FORMATS, Format
from conflict_events.corpora.reading import SPLITS, UNDIVIDED, Log, text_digest
from conflict_events.errors import ConfigError
from conflict_events.schema import Document

LEFT_OUT = "left_out.txt"
_SHOWN = 10


def list_left_out(left_out: Sequence[str], folder: Path, progress: Callable[[str], None]) -> None:
    """Tell the first losses, and list all in the folder's ``left_out.txt``; nothing if there are none."""
    if left_out:
        (folder / LEFT_OUT).write_text("".join(f"{line}\n" for line in left_out), "utf-8")
        for line in left_out[:_SHOWN]:
            progress(f"left out: {line}")
        progress(f"{folder / LEFT_OUT}: all {len(left_out)} losses")


def convert(splits: Splits, form: str, output: Path, progress: Callable[[str], None]) -> list[str]:
    """Write a corpus in a format, read it back, and tell the difference.

    Args:
        splits: the documents.
        form: one of ``FORMATS``.
        output: folder to make; each split becomes a file or a folder in it.
        progress: called with a line of text for each split.

    Returns:
        A line for every loss, each naming the document.

    Raises:
        ConfigError: if the format is unknown or the folder has something in it.
    """
    if form not in FORMATS:
        raise ConfigError(f"convert={form!r} is unknown", remedy=f"choose one of {', '.join(FORMATS)}")
    require_new("output", output)
    losses: list[str] = []
    for split, documents in splits.items():
        path = output / f"{split}{FORMATS[form].SUFFIX}"
        found = list(_write(FORMATS[form], path, documents))
        losses += found
        progress(f"{path}: {len(documents)} documents" + (f", {len(found)} with losses" if found else ""))
    return losses


def require_new(setting: str, folder: Path) -> None:
    """Check that nothing stands where a folder is to be written.

    Raises:
        ConfigError: naming the setting.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{setting}={folder} is there already", remedy="name a new folder, or empty it")


def _write(form: Format, path: Path, documents: Sequence[Document]) -> Iterator[str]:
    log = Log()
    form.write(path, documents, log)
    yield from log.left_out
    read = [item for _, item in form.read(path, Log())]
    back: dict[str, list[Document]] = defaultdict(list)  # ids should be unique, but need not be here
    for item in read:
        if isinstance(item, Document):
            back[item.id].append(item)
    errors = [str(item) for item in read if not isinstance(item, Document)]
    for document in documents:
        name = f"document {document.id!r}"
        if document.id in back:
            if lost := min((list(differences(document, other)) for other in back[document.id]), key=len):
                yield f"{name}: {', '.join(lost)}"
        elif not any(line.startswith(f"{name}: ") for line in log.left_out):
            yield f"{name}: cannot be read back"
    yield from errors


def differences(one: Document, other: Document) -> Iterator[str]:
    """What the first document has and the second has not, in words."""
    if one.text != other.text:
        yield "the text differs"
    if lost := set(one.spans) - set(other.spans):
        yield f"{len(lost)} spans ({', '.join(sorted({span.role for span in lost}))})"
    gone = set(one.events) - set(other.events)
    triggers = {event.trigger for event in other.events}
    if kinds := [event for event in gone if event.trigger not in triggers]:
        yield f"{len(kinds)} events (types and which spans belong together)"
    if changed := len(gone) - len(kinds):
        yield f"arguments of {changed} events"
    if one.layers - other.layers:
        yield f"layer {', '.join(sorted(one.layers - other.layers))}"
    if keys := sorted(k for k, value in one.meta.items() if k not in other.meta or other.meta[k] != value):
        yield f"meta {', '.join(keys)}"


def divide(splits: Splits, shares: Sequence[float]) -> Splits:
    """Cut an undivided corpus into train, dev and test.

    The documents are dealt by a hash of their text: by chance, but the same way each time, and no text stands in two
    splits.

    Args:
        splits: with the one split ``all``.
        shares: of train, dev and test (or of train and dev); they add up to 1.

    Raises:
        ConfigError: if the corpus has splits already, or the shares do not add up.
    """
    if list(splits) != [UNDIVIDED]:
        raise ConfigError(f"the corpus has splits already: {', '.join(splits)}", remedy="leave out shares")
    if not 2 <= len(shares) <= 3 or min(shares) < 0 or not abs(sum(shares) - 1) < 1e-6:
        raise ConfigError(f"shares={list(shares)} are not two or three numbers that add up to 1")
    documents = splits[UNDIVIDED]
    # By number: several files of an undivided corpus may count their ids from 1 each.
    digest = [text_digest(document.text) for document in documents]
    order = sorted(range(len(documents)), key=digest.__getitem__)
    divided: Splits = {}
    start = 0
    for split, limit in zip(SPLITS, accumulate(shares), strict=False):
        end = max(start, round(limit * len(order)))
        while 0 < end < len(order) and digest[order[end - 1]] == digest[order[end]]:
            end += 1  # the same text again
        divided[split] = [documents[number] for number in sorted(order[start:end])]
        start = end
    return divided
