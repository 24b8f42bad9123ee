"""The MUC-3 and MUC-4 corpus as first released: texts and answer keys, read into attacker, target, location, weapon.

The format is that of the archive's own ``TASKDOC/templ-doc-basic`` (slots and fills) and ``text-headers-info``.

*Splits*: DEV is ``train``, TST1 and TST2 are ``dev``, TST3 and TST4 ``test``, as in the literature; of TST4 the texts
in capitals, which the others are in too.

*Texts*: what stands between a header line (``DEV-MUC3-0001 (NOSC)``) and the next, without blank lines around it;
line breaks stay. It begins with a dateline and perhaps bracketed background, which end at ``[TEXT]`` or the like, or
else at ``--``. They belong to the text, as in newspapers, but a string is looked for in the body first, and in them if
it is not there.

*Keys*: a template for each incident, a slot a line, a further fill of a slot on a line of its own. A fill is a string
in double quotes (``\\"`` within), or several with ``/`` between them, any of which is right; ``: "NAME"`` after
it refers to another slot and is not read. ``-`` is an empty slot, ``*`` one that does not apply; a document without
incidents has one template of ``*``. Lines that begin with ``;`` are comments. A few fills lack quotes and are read
without. ``?`` marks a fill, and ``(OPTIONAL)`` a template, that may be given or not: the doubt is whether the incident
is terrorism or recent enough to be recorded, not whether the text tells of it, so that both are taken.

*Spans*: keys hold strings, not places. Of each fill, every string becomes a span where it first stands in whole words,
whatever the white space; one that stands within the span of a longer string of its fill does not. Of a location, each
named place becomes a span where it stands nearest to the first other span of its template, never within a longer name
and within another span only if it stands nowhere else. Strings that are not in the text (plurals made singular, nouns
made of adjectives, quotation marks left out) go to the log. The spans are a sample of all mentions.
"""

from __future__ import annotations

import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.occurrences import occurrences
from conflict_events.corpora.public.texts import reserved_ids, texts_folder
from conflict_events.corpora.reading import Log, Reading
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Document, EventType, Layer, Role, Span

FOLDER = Path("muc4", "muc34", "TASK", "CORPORA")
ARCHIVE = Path("muc4", "muc34.tar.gz")

EVENT_TYPES = {
    "ATTACK": EventType.ARMED_ATTACK,  # murders and air raids too
    "BOMBING": EventType.BOMBING,
    "KIDNAPPING": EventType.ABDUCTION,
    "ARSON": EventType.OTHER_VIOLENCE,
    "ROBBERY": EventType.OTHER_VIOLENCE,
    "HIJACKING": EventType.OTHER_VIOLENCE,
    "FORCED WORK STOPPAGE": EventType.OTHER_VIOLENCE,
}
"""Incident types of the keys to event types. Of two types with ``/`` between them, the first counts."""

_SPLITS = {"train": ("dev",), "dev": ("tst1", "tst2"), "test": ("tst3", "tst4")}
_ROLES = {
    "PERP: INDIVIDUAL ID": Role.ATTACKER,
    "PERP: ORGANIZATION ID": Role.ATTACKER,
    "PHYS TGT: ID": Role.TARGET,
    "HUM TGT: NAME": Role.TARGET,
    "HUM TGT: DESCRIPTION": Role.TARGET,
    "INCIDENT: INSTRUMENT ID": Role.WEAPON,
}
_MESSAGE, _LOCATION = "MESSAGE: ID", "INCIDENT: LOCATION"
_META = {
    "incident_type": "INCIDENT: TYPE", "stage": "INCIDENT: STAGE OF EXECUTION", "date": "INCIDENT: DATE",
    "location": _LOCATION,
}  # fmt: skip

_FILES = {
    "texts": re.compile(r"(dev|tst[1-4])-muc[34](-\d{4}-\d{4})?"),
    "keys": re.compile(r"key-(dev|tst[1-4])[-.][\w.-]*"),
}
_TAR = re.compile(r"[^.].*\.(tar|tgz|tar\.\w+)")
_MOST_BYTES = 100_000_000  # of an archive's members; all of this corpus is a tenth
_DEEPEST = 3  # archives within archives

_HEADER = re.compile(r"^(?:DEV|TST\d)-MUC.*$", re.MULTILINE)
_ID = re.compile(r"((?:DEV|TST[1-4])-MUC[34]-\d{4})(?:\s*\(.*)?\s*")  # its source follows in brackets
_BEFORE_BODY = re.compile(r".*?--(?:.*?\[(?:TEXT|SUMMARY|EXCERPTS?)\])?", re.DOTALL)
_BLANK_AROUND = re.compile(r"\A\s*\n|\s+\Z")  # the first line stays indented
_SLOT = re.compile(r"\d+\.\s+([A-Z ]+: [A-Z ]+?)(?:\s\s+(.*?))?\s*")
_STRING = r'"((?:[^"\\]|\\.)*)"'
_BEFORE_REFERENCE = re.compile(rf'(?:{_STRING}|[^":])*')
_PLACE_TYPE = re.compile(r"(?<=\w) \([^():]*\)")
_BETWEEN_PLACES = re.compile(r"[:/()?]| - ")

Template = dict[str, list[tuple[str, str]]]
"""Slot to fills, each with its place."""
Files = dict[tuple[str, str], dict[str, str]]
"""``texts`` or ``keys`` and the name of a set, to the places of its files and what they hold."""


def read(config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """The three splits, from the unpacked folder ``muc4/muc34`` below ``config.source_dir`` or from its archive.

    Documents named in a ``reserved.txt`` in ``config.path`` are left out.

    Raises:
        SourceError: if neither is there, or the archive has other bytes or cannot be unpacked.
    """
    files = _files(config)
    reserved = reserved_ids(Path(config.path))
    return {split: _documents(files, sets, reserved, log) for split, sets in _SPLITS.items()}


def _files(config: CorpusConfig) -> Files:
    """Texts and keys of every set, by name."""
    again = f"fetch it again: python scripts/prepare_data.py corpus={config.name}"
    source = texts_folder(config) / FOLDER
    if source.is_dir():
        again = "unpack the archive again, or take this folder away and leave the archive as it is"
        packed = {str(path): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    else:
        download.require(download.source_files(Path(config.path)), texts_folder(config), config.name)
        source = texts_folder(config) / ARCHIVE
        packed = {str(source): source.read_bytes()}
    plain = dict(item for where, content in packed.items() for item in _unpacked(where, content, again))
    files: Files = {(kind, name): {} for kind in _FILES for sets in _SPLITS.values() for name in sets}
    for place in sorted(plain):
        for kind, pattern in _FILES.items():
            if match := pattern.fullmatch(PurePosixPath(place).name):
                files[kind, match[1]][place] = plain[place].decode("utf-8", errors="replace")
    if missing := [f"{kind} of {name}" for (kind, name), found in files.items() if not found]:
        raise SourceError(f"there are no {', '.join(missing)}", where=str(source), remedy=again)
    return files


def _unpacked(where: str, content: bytes, again: str, depth: int = _DEEPEST) -> Iterator[tuple[str, bytes]]:
    """A file, or what an archive holds, archives within it unpacked too; in memory, whatever the names say."""
    if not (depth and _TAR.fullmatch(PurePosixPath(where).name)):
        yield where, content
        return
    members = []
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise tarfile.TarError(f"member {member.name!r} leaves the archive")
                if (size := size + member.size) > _MOST_BYTES:
                    raise tarfile.TarError(f"more than {_MOST_BYTES:,} bytes")
                if member.isfile() and (file := archive.extractfile(member)):
                    members.append((f"{where}/{path}", file.read()))
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise SourceError(f"the archive cannot be unpacked ({error})", where=where, remedy=again) from None
    for place, raw in members:
        yield from _unpacked(place, raw, again, depth - 1)


def _documents(files: Files, sets: tuple[str, ...], reserved: Collection[str], log: Log) -> Reading:
    keys, texts = ({p: t for name in sets for p, t in files[kind, name].items()} for kind in ("keys", "texts"))
    templates: dict[str, list[Template]] = {}
    for where, item in (pair for place, content in keys.items() for pair in _templates(place, content)):
        if isinstance(item, DataError):
            yield where, item
        elif match := _ID.fullmatch(item[_MESSAGE][0][1]):
            templates.setdefault(match[1], []).append(item)
        else:
            yield where, DataError(f"{item[_MESSAGE][0][1]!r} is no id of a text", where=where)
    for where, head, text in (triple for place, content in texts.items() for triple in _texts(place, content)):
        match = _ID.fullmatch(head)
        found = templates.pop(match[1], None) if match else None
        if not match:
            remedy = "write an id, like DEV-MUC3-0001"
            yield where, DataError(f"{head[:40]!r} is no header line", where=where, remedy=remedy)
        elif match[1] in reserved:
            log.leave_out(where, f"document {match[1]!r} is reserved")
        elif found is None:
            yield where, DataError(f"text {match[1]!r} has no template in the keys", where=where)
        else:
            yield where, _document(match[1], text, found, log)
    for name, (first, *_) in templates.items():
        where = first[_MESSAGE][0][0]
        yield where, DataError(f"there is no text {name!r} for this template", where=where)


def _texts(place: str, content: str) -> Iterator[tuple[str, str, str]]:
    """Place, header line and text of each; what stands before the first header line is a text with its own as one."""
    heads = list(_HEADER.finditer(content))
    ends = [head.start() for head in heads] + [len(content)]
    if before := content[: ends[0]].strip():
        yield f"{place}:1", before.split("\n")[0], ""
    for head, end in zip(heads, ends[1:], strict=True):
        line = content.count("\n", 0, head.start()) + 1
        yield f"{place}:{line}", head[0], _BLANK_AROUND.sub("", content[head.end() : end])


def _templates(place: str, content: str) -> Iterator[tuple[str, Template | DataError]]:
    """Every template of a key file with its place, and every line that belongs to none."""
    template: Template | None = None
    slot = ""
    for number, line in enumerate(content.split("\n"), start=1):
        where = f"{place}:{number}"
        if not line.strip() or line.startswith(";"):
            continue
        if match := _SLOT.fullmatch(line):
            slot, fill = match[1], match[2] or "-"
            if slot == _MESSAGE:
                if template:
                    yield template[_MESSAGE][0][0], template
                template = {}
        else:
            fill = line.strip()
        if template is None or not (match or line.startswith(" ")):
            yield where, DataError(f"line {line.strip()[:40]!r} belongs to no template", where=where)
        else:
            template.setdefault(slot, []).append((where, fill))
    if template:
        yield template[_MESSAGE][0][0], template


def _document(name: str, text: str, templates: list[Template], log: Log) -> Document:
    before = _BEFORE_BODY.match(text)
    body = before.end() if before else 0
    spans: set[Span] = set()
    incidents: list[dict[str, str]] = []
    for template in templates:
        meta = {key: template[slot][0][1] if slot in template else "-" for key, slot in _META.items()}
        if meta["incident_type"] == "*":
            continue
        kind = EVENT_TYPES.get(meta["incident_type"].split("/")[0].strip(), EventType.OTHER_VIOLENCE)
        incidents.append({"type": kind.value} | meta)
        spans.update(_spans(name, text, body, template, log))
    layers = frozenset({Layer.ROLES})
    return Document(name, text, layers, tuple(sorted(spans)), meta={"source": "muc34", "templates": incidents})


def _spans(name: str, text: str, body: int, template: Template, log: Log) -> list[Span]:
    """The spans of a template. What does not stand in the text goes to the log."""
    spans: list[Span] = []

    def standing(where: str, role: Role, strings: list[str]) -> Iterator[list[tuple[int, int]]]:
        """Where each string stands, the longest first: in the body, or else in what comes before it."""
        for string in sorted(dict.fromkeys(strings), key=len, reverse=True):
            if everywhere := occurrences(text, string):
                yield [span for span in everywhere if span[0] >= body] or everywhere
            else:
                log.leave_out(where, f"{role} {string!r} does not stand in {name}")

    def within(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
        return any(start <= span[0] and span[1] <= end for start, end in others)

    for slot, role in _ROLES.items():
        for where, fill in template.get(slot, []):
            taken: list[tuple[int, int]] = []
            for first, *_ in standing(where, role, _strings(fill)):
                if not within(first, taken):
                    taken.append(first)
            spans += [Span.of(text, role, *span) for span in taken]
    others = [(span.start, span.end) for span in spans]
    anchor = min(others)[0] if others else body
    longer: list[tuple[int, int]] = []
    for where, fill in template.get(_LOCATION, []):
        for found in standing(where, Role.LOCATION, _places(fill)):
            own = [span for span in found if not within(span, longer)]
            longer += found
            if own := [span for span in own if not within(span, others)] or own:
                spans.append(Span.of(text, Role.LOCATION, *min(own, key=lambda span: abs(span[0] - anchor))))
    return spans


def _strings(fill: str) -> list[str]:
    """The strings of a fill, any of which is right, without those that it refers to."""
    match = _BEFORE_REFERENCE.match(fill.strip("? "))
    before = match[0] if match else ""
    quoted = [string.replace('\\"', '"') for string in re.findall(_STRING, before)]
    return [string for string in quoted or [before.strip()] if string.strip() not in ("", "-", "*")]


def _places(fill: str) -> list[str]:
    """The names in a location, without their kinds: ``PERU: LIMA (CITY): ATE (TOWN) - VITARTE (TOWN)`` has four."""
    names = (name.strip() for name in _BETWEEN_PLACES.split(_PLACE_TYPE.sub("", fill)))
    return [name for name in names if name not in ("", "-", "*")]
