from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, SHARED_DATA, needs_shared_data

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Corpus, download, load
from conflict_events.corpora.download import SourceFile
from conflict_events.corpora.public import muc34
from conflict_events.corpora.public.texts import reserved_ids
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Document, EventType, Layer

ROLES = ["attacker", "target", "location", "weapon"]
SETS = {
    "dev": "DEV-MUC3-0001", "tst1": "TST1-MUC3-0001", "tst2": "TST2-MUC4-0001", "tst3": "TST3-MUC4-0001",
    "tst4": "TST4-MUC4-0001",
}  # fmt: skip
NAMES = {
    "dev": ("dev-muc3-0001-0100", "key-dev-0001.muc4"), "tst1": ("tst1-muc3", "key-tst1.v7"),
    "tst2": ("tst2-muc4", "key-tst2.v4"), "tst3": ("tst3-muc4", "key-tst3.v2"), "tst4": ("tst4-muc4", "key-tst4.v2"),
}  # fmt: skip
QUIET = "   DORNA, 4 MAY 90 (ARP) -- [TEXT] ALL WAS QUIET."
LABELS = {
    "template": "1.  MESSAGE: TEMPLATE", "date": "2.  INCIDENT: DATE", "location": "3.  INCIDENT: LOCATION",
    "type": "4.  INCIDENT: TYPE", "stage": "5.  INCIDENT: STAGE OF EXECUTION", "weapon": "6.  INCIDENT: INSTRUMENT ID",
    "weapon_type": "7.  INCIDENT: INSTRUMENT TYPE", "person": "9.  PERP: INDIVIDUAL ID",
    "organization": "10. PERP: ORGANIZATION ID", "confidence": "11. PERP: ORGANIZATION CONFIDENCE",
    "thing": "12. PHYS TGT: ID", "name": "18. HUM TGT: NAME", "description": "19. HUM TGT: DESCRIPTION",
    "effect": "23. HUM TGT: EFFECT OF INCIDENT",
}  # fmt: skip


def template(document: str = SETS["dev"], **fills: str) -> str:
    """A template; slots that are not given are empty. Fills of one slot are lines."""
    values = {"template": "1", "type": "ATTACK", "stage": "ACCOMPLISHED", "location": "ARLAND"} | fills
    lines = [f"{'0.  MESSAGE: ID':<36}{document} (XYZ)"]
    for slot, label in LABELS.items():
        first, *others = values.get(slot, "-").split("\n")
        lines += [f"{label:<36}{first}", *(f"{'':36}{other}" for other in others)]
    return "\n".join(lines) + "\n\n"


def irrelevant(document: str) -> str:
    return template(document, **dict.fromkeys(LABELS, "*"))


def files(text: str = QUIET, keys: str | None = None) -> dict[str, str]:
    """Path to content of a whole corpus, with one document in each set; ``text`` and ``keys`` are those of DEV."""
    content = {}
    for name, document in SETS.items():
        source = " (XYZ)" if name == "dev" else ""
        texts, key = NAMES[name]
        content[f"{name}/{texts}"] = f"{document}{source}\n\n{text if name == 'dev' else QUIET}\n\n\n"
        content[f"{name}/{key}"] = irrelevant(document)
    if keys is not None:
        content["dev/key-dev-0001.muc4"] = keys
    content["tst4/tst4-muc4.mixed-case"] = content["tst4/tst4-muc4"].replace("ALL WAS", "All was")
    content["README-CORPORA"] = "Nothing to read.\n"
    return content


def unpacked(tmp_path: Path, content: dict[str, str]) -> CorpusConfig:
    for name, text in content.items():
        path = tmp_path / "texts" / muc34.FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return CorpusConfig(
        name="muc34", format="muc34", path=str(tmp_path), source_dir=str(tmp_path / "texts"), roles=ROLES
    )


def tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def nested(content: dict[str, str]) -> bytes:
    """An archive with an archive for each set, as the readme in it tells."""
    members = {}
    for name in SETS:
        inner = {path: text.encode() for path, text in content.items() if path.startswith(f"{name}/")}
        members[f"TASK/CORPORA/{name}.tar"] = tar(inner)
    return tar({"TASK/README": b"Read me.", "TASK/CORPORA/._dev.tar": b"of a file system", **members}, "w:gz")


def packed(tmp_path: Path, archive: bytes, digest: str | None = None) -> CorpusConfig:
    path = tmp_path / "texts" / muc34.ARCHIVE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive)
    entry = {
        "path": muc34.ARCHIVE.as_posix(),
        "url": "http://home/x",
        "sha256": digest or hashlib.sha256(archive).hexdigest(),
    }
    (tmp_path / "sources.json").write_text(json.dumps([entry]), "utf-8")
    return CorpusConfig(
        name="muc34", format="muc34", path=str(tmp_path), source_dir=str(tmp_path / "texts"), roles=ROLES
    )


def corpus(tmp_path: Path, text: str, *keys: str) -> Corpus:
    return load(unpacked(tmp_path, files(text, "".join(keys))))


def found(document: Document) -> list[tuple[str, str]]:
    return [(span.role, span.text) for span in document.spans]


# Texts, documents and splits

ATTACK = (
    "   BELVAR, 3 MAY 90 (ARP) -- [REPORT] [ARMY OFFICE] [TEXT] TWO\n"
    "GUNMEN OF THE FREE FRONT [FF] SHOT MAYOR ANA RUIZ IN DORNA, 40 KM\n"
    "FROM BELVAR.  \n\n   THE RIFLES WERE FOUND."
)
ATTACK_KEY = template(
    date="- 03 MAY 90",
    location="ARLAND: DORNA (CITY)",
    weapon='"RIFLES"',
    weapon_type='RIFLE: "RIFLES"',
    person='"TWO GUNMEN" / "GUNMEN"',
    organization='"FREE FRONT" / "FF"',
    confidence='POSSIBLE: "FREE FRONT"',
    name='"ANA RUIZ"',
    description='"MAYOR": "ANA RUIZ"',
    effect='DEATH: "ANA RUIZ"',
)


def test_texts_and_templates_become_documents_with_role_spans(tmp_path: Path) -> None:
    splits = corpus(tmp_path, ATTACK, ATTACK_KEY).splits
    assert {name: [document.id for document in documents] for name, documents in splits.items()} == {
        "train": ["DEV-MUC3-0001"],
        "dev": ["TST1-MUC3-0001", "TST2-MUC4-0001"],
        "test": ["TST3-MUC4-0001", "TST4-MUC4-0001"],
    }
    document = splits["train"][0]
    assert document.text == ATTACK  # line breaks, dateline and all
    assert document.layers == {Layer.ROLES}
    assert document.events == ()
    assert found(document) == [
        ("attacker", "TWO\nGUNMEN"),
        ("attacker", "FREE FRONT"),
        ("attacker", "FF"),
        ("target", "MAYOR"),
        ("target", "ANA RUIZ"),
        ("location", "DORNA"),
        ("weapon", "RIFLES"),
    ]
    assert document.meta == {
        "source": "muc34",
        "templates": [
            {
                "type": "armed_attack",
                "incident_type": "ATTACK",
                "stage": "ACCOMPLISHED",
                "date": "- 03 MAY 90",
                "location": "ARLAND: DORNA (CITY)",
            }
        ],
    }


def test_only_the_capitals_of_tst4_are_read_and_outer_blank_lines_are_not(tmp_path: Path) -> None:
    splits = corpus(tmp_path, f" \n{ATTACK} \n \n", ATTACK_KEY).splits
    assert [document.text for document in splits["test"]] == [QUIET, QUIET]
    assert splits["train"][0].text == ATTACK


def test_a_document_without_incidents_has_neither_templates_nor_spans(tmp_path: Path) -> None:
    document = corpus(tmp_path, QUIET, irrelevant(SETS["dev"])).split("train")[0]
    assert document.spans == ()
    assert document.layers == {Layer.ROLES}
    assert document.meta == {"source": "muc34", "templates": []}


def test_several_texts_and_templates_are_told_apart(tmp_path: Path) -> None:
    text = f"{ATTACK}\n\n\nDEV-MUC3-0002  (XYZ, ABC)\n\n   REBELS BURNED A BARN AND ROBBED A BANK.\nTHE REBELS FLED."
    keys = [
        ATTACK_KEY,
        template("DEV-MUC3-0002", type="ARSON", person='"REBELS"', thing='"BARN"'),
        template("DEV-MUC3-0002", type="ROBBERY", person='"REBELS"', thing='"BANK"', stage="ATTEMPTED / ACCOMPLISHED"),
    ]
    first, second = corpus(tmp_path, text, *keys).split("train")
    assert (first.id, first.text) == ("DEV-MUC3-0001", ATTACK)
    assert second.text == "   REBELS BURNED A BARN AND ROBBED A BANK.\nTHE REBELS FLED."
    assert found(second) == [("attacker", "REBELS"), ("target", "BARN"), ("target", "BANK")]
    assert [(incident["incident_type"], incident["stage"]) for incident in second.meta["templates"]] == [
        ("ARSON", "ACCOMPLISHED"),
        ("ROBBERY", "ATTEMPTED / ACCOMPLISHED"),
    ]


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        ("ATTACK", "armed_attack"),
        ("BOMBING", "bombing"),
        ("KIDNAPPING", "abduction"),
        ("FORCED WORK STOPPAGE", "other_violence"),
        ("BOMBING / ATTACK", "bombing"),
        ("ATTACK ", "armed_attack"),
        ("MUTINY", "other_violence"),
    ],
)
def test_incident_types_become_event_types(tmp_path: Path, kind: str, event_type: str) -> None:
    document = corpus(tmp_path, QUIET, template(type=kind)).split("train")[0]
    assert [incident["type"] for incident in document.meta["templates"]] == [event_type]
    assert event_type in set(EventType)


def test_a_slot_that_a_template_lacks_is_empty(tmp_path: Path) -> None:
    lines = [line for line in template(person='"ALL"').splitlines() if "DATE" not in line and "LOCATION" not in line]
    document = corpus(tmp_path, QUIET, "\n".join(lines)).split("train")[0]
    assert document.meta["templates"][0]["date"] == document.meta["templates"][0]["location"] == "-"
    assert found(document) == [("attacker", "ALL")]


# Fills and their places

TEXT = """   BELVAR, 3 MAY 90 (ARP) -- [TEXT] ARMED MEN OF THE "RED DAWN" COLUMN BLEW
UP THE CHAPEL OF THE CHURCH IN DORNA.  THE CHURCH WAS EMPTY. A GROUP OF
  ARMED MEN FLED.  THE PRIESTS SAW CHAPELRY AND FF/2 ROCKETS."""


@pytest.mark.parametrize(
    ("fill", "spans"),
    [
        ('"ARMED MEN"', ["ARMED MEN"]),
        ('"GROUP OF ARMED MEN"', ["GROUP OF\n  ARMED MEN"]),  # across lines
        ('"ARMED MEN" / "GROUP OF ARMED MEN"', ["ARMED MEN", "GROUP OF\n  ARMED MEN"]),  # first places, both free
        ('"CHAPEL" / "CHURCH" / "CHAPEL OF THE CHURCH"', ["CHAPEL OF THE CHURCH"]),  # nested in the longest
        ('"CHAPEL OF THE CHURCH"\n"CHURCH"', ["CHAPEL OF THE CHURCH", "CHURCH"]),  # two fills may nest
        ('"CHURCH"  / "CHURCH" ', ["CHURCH"]),
        ('? "PRIESTS"', ["PRIESTS"]),
        ('?"PRIESTS" / "CHAPEL"', ["CHAPEL", "PRIESTS"]),
        ('? ("PRIESTS" / "CHAPEL"): "CHURCH"', ["CHAPEL", "PRIESTS"]),
        ('"PRIESTS" : "CHURCH" / "CHAPEL"', ["PRIESTS"]),  # what follows a colon refers to another slot
        ('"PRIESTS": "CHURCH"\n"CHAPEL": "CHURCH"', ["CHAPEL", "PRIESTS"]),
        ('-: "CHURCH"', []),
        ("-", []),
        ("*", []),
        ('"-"', []),
        ('"\\"RED DAWN\\" COLUMN" / "COLUMN"', ['"RED DAWN" COLUMN']),
        ('"FF/2 ROCKETS"', ["FF/2 ROCKETS"]),
        ("PRIESTS", ["PRIESTS"]),  # quotation marks forgotten
        ('PRIESTS"', ["PRIESTS"]),
        ('"BELVAR"', ["BELVAR"]),  # before the body, if not in it
    ],
)
@pytest.mark.parametrize(
    ("slot", "role"),
    [
        ("person", "attacker"),
        ("organization", "attacker"),
        ("thing", "target"),
        ("name", "target"),
        ("description", "target"),
        ("weapon", "weapon"),
    ],
)
def test_the_strings_of_a_fill_stand_where_they_first_do(
    tmp_path: Path, slot: str, role: str, fill: str, spans: list[str]
) -> None:
    read = corpus(tmp_path, TEXT, template(location="-", **{slot: fill}))
    document = read.split("train")[0]
    assert found(document) == [(role, text) for text in spans]
    assert read.left_out == ()
    for span in document.spans:
        assert document.text.find(span.text) == span.start


def test_the_body_comes_before_what_stands_above_it(tmp_path: Path) -> None:
    text = "   DORNA, 3 MAY 90 -- [REPORT] [FREE FRONT] [TEXT] IN DORNA THE FREE FRONT [TEXT] SPOKE."
    key = template(organization='"FREE FRONT"', location="DORNA (CITY)")
    document = corpus(tmp_path, text, key).split("train")[0]
    assert [(span.role, span.start) for span in document.spans] == [
        ("location", text.rindex("DORNA")),
        ("attacker", text.rindex("FREE FRONT")),
    ]


def test_a_dateline_without_a_mark_of_the_body_ends_at_its_dashes(tmp_path: Path) -> None:
    text = "   DORNA, 3 MAY 90 -- IN DORNA ALL WAS QUIET."
    (span,) = corpus(tmp_path, text, template(location="DORNA (CITY)")).split("train")[0].spans
    assert span.start == text.rindex("DORNA")


def test_strings_that_are_not_in_the_text_are_told_one_by_one(tmp_path: Path) -> None:
    key = template(person='"PRIEST" / "MONKS" / "PRIESTS"', thing='"chapel"', location="ARLAND: DORNA (CITY)")
    read = corpus(tmp_path, TEXT, key)
    assert found(read.split("train")[0]) == [("location", "DORNA"), ("attacker", "PRIESTS")]
    place = tmp_path / "texts" / muc34.FOLDER / "dev" / "key-dev-0001.muc4"
    lines = key.split("\n")

    def line(label: str) -> int:
        return next(number for number, line in enumerate(lines, start=1) if label in line)

    assert read.left_out == (
        f"{place}:{line('PERP: INDIVIDUAL ID')}: attacker 'PRIEST' does not stand in DEV-MUC3-0001",
        f"{place}:{line('PERP: INDIVIDUAL ID')}: attacker 'MONKS' does not stand in DEV-MUC3-0001",
        f"{place}:{line('PHYS TGT: ID')}: target 'chapel' does not stand in DEV-MUC3-0001",
        f"{place}:{line('INCIDENT: LOCATION')}: location 'ARLAND' does not stand in DEV-MUC3-0001",
    )


def test_optional_templates_are_taken_and_comments_are_not(tmp_path: Path) -> None:
    lines = template(template="1 (OPTIONAL)", person='"PRIESTS"').split("\n")
    lines[4:4] = [";;; xy changed this", ';9.  PERP: INDIVIDUAL ID   "CHURCH"']
    document = corpus(tmp_path, TEXT, "\n".join([";; a remark", *lines])).split("train")[0]
    assert found(document) == [("attacker", "PRIESTS")]
    assert len(document.meta["templates"]) == 1


# Locations

PLACES = (
    "DORNA AND DORNA CITY HAVE HEARD OF IT ON THE RADIO, AS HAVE ALL.  A BOMB WENT OFF IN WEST DORNA,\n"
    "IN DORNA, ARLAND. ARLAND IS NORTH OF UPPER-KUP."
)


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("ARLAND: DORNA (DEPARTMENT): DORNA (CITY): WEST DORNA (NEIGHBORHOOD)", ["WEST DORNA", "DORNA", "ARLAND"]),
        ("ARLAND: DORNA (CITY / DEPARTMENT)", ["DORNA", "ARLAND"]),
        ("(ARLAND: WEST DORNA (TOWN)) / (ARLAND) / (NORTH)", ["WEST DORNA", "ARLAND", "NORTH"]),
        (
            "ARLAND: (DORNA CITY (CITY) - NORTH (TOWN)) / (UPPER-KUP (TOWN))",
            ["DORNA CITY", "ARLAND", "NORTH", "UPPER-KUP"],
        ),
        ("? ARLAND / NORTH", ["ARLAND", "NORTH"]),
        ("-", []),
    ],
)
def test_every_named_place_of_a_location_is_a_span(tmp_path: Path, location: str, names: list[str]) -> None:
    document = corpus(tmp_path, PLACES, template(location=location, weapon='"BOMB"')).split("train")[0]
    assert [span.text for span in document.spans if span.role == "location"] == names


def test_a_place_is_taken_nearest_to_the_first_other_span_and_not_within_a_longer_name(tmp_path: Path) -> None:
    keys = [
        template(location="ARLAND: DORNA (CITY): WEST DORNA (NEIGHBORHOOD)", weapon='"BOMB"'),
        template(location="DORNA (CITY): DORNA CITY (CITY)"),
    ]
    document = corpus(tmp_path, PLACES, *keys).split("train")[0]
    assert [(span.text, span.start) for span in document.spans if span.role == "location"] == [
        ("DORNA", PLACES.index("DORNA")),  # no other span: the first
        ("DORNA CITY", PLACES.index("DORNA CITY")),
        ("WEST DORNA", PLACES.index("WEST DORNA")),
        ("DORNA", PLACES.index("DORNA, ARLAND")),
        ("ARLAND", PLACES.index("ARLAND")),
    ]


def test_a_place_within_another_span_is_taken_only_if_it_is_nowhere_else(tmp_path: Path) -> None:
    text = "THE MAYOR OF KUP AND THE MAYOR OF DORNA WERE SHOT IN DORNA."
    key = template(location="DORNA (CITY): KUP (TOWN)", description='"MAYOR OF KUP"\n"MAYOR OF DORNA"')
    document = corpus(tmp_path, text, key).split("train")[0]
    assert [(span.text, span.start) for span in document.spans if span.role == "location"] == [
        ("KUP", text.index("KUP")),
        ("DORNA", text.rindex("DORNA")),
    ]


# The archive


@pytest.mark.parametrize("form", ["nested", "flat"])
def test_the_archive_reads_as_the_folder_does_and_nothing_is_written(tmp_path: Path, form: str) -> None:
    content = files(ATTACK, ATTACK_KEY)
    expected = load(unpacked(tmp_path / "a", content)).splits
    archive = nested(content) if form == "nested" else tar({f"x/{n}": t.encode() for n, t in content.items()}, "w:bz2")
    config = packed(tmp_path / "b", archive)
    before = sorted(tmp_path.rglob("*"))
    assert load(config).splits == expected
    assert sorted(tmp_path.rglob("*")) == before


def test_archives_in_the_unpacked_folder_are_read_too(tmp_path: Path) -> None:
    content = files(ATTACK, ATTACK_KEY)
    expected = load(unpacked(tmp_path / "a", content)).splits
    inner = tar({name: text.encode() for name, text in content.items() if name.startswith("dev/")})
    config = unpacked(tmp_path / "b", {name: text for name, text in content.items() if not name.startswith("dev/")})
    (tmp_path / "b" / "texts" / muc34.FOLDER / "dev.tar").write_bytes(inner)
    assert load(config).splits == expected


def test_places_in_an_archive_are_told_with_the_archives_name(tmp_path: Path) -> None:
    read = load(packed(tmp_path, nested(files(ATTACK, ATTACK_KEY.replace("RIFLES", "GUNS")))))
    inside = tmp_path / "texts" / muc34.ARCHIVE / "TASK" / "CORPORA" / "dev.tar" / "dev" / "key-dev-0001.muc4"
    assert read.left_out[0].startswith(f"{inside}:7: weapon 'GUNS' does not stand")


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_archive_names_the_file_and_the_command(tmp_path: Path, part: float) -> None:
    whole = nested(files(ATTACK * 50, ATTACK_KEY))
    with pytest.raises(SourceError, match=r"muc34\.tar\.gz: the archive cannot be unpacked.*corpus=muc34"):
        load(packed(tmp_path, whole[: int(part * len(whole))]))


@pytest.mark.parametrize("change", [lambda raw: raw[:700], lambda raw: b"no archive at all"])
def test_a_broken_archive_within_the_archive_is_named(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    inner = tar({name: text.encode() for name, text in files().items() if name.startswith("dev/")})
    with pytest.raises(SourceError, match=r"muc34\.tar\.gz/CORPORA/dev\.tar: the archive cannot be unpacked"):
        load(packed(tmp_path, tar({"CORPORA/dev.tar": change(inner)}, "w:gz")))


def test_an_archive_with_corrupt_bytes_is_a_source_error(tmp_path: Path) -> None:
    whole = bytearray(nested(files(ATTACK, ATTACK_KEY)))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(SourceError, match=r"muc34\.tar\.gz"):
        load(packed(tmp_path, bytes(whole)))


def test_a_wrong_checksum_is_told_before_anything_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"corpus=muc34(.|\n)*sha256 is [0-9a-f]{64}, not 0{64}.*http://home/x"):
        load(packed(tmp_path, b"other bytes", digest="0" * 64))


@pytest.mark.parametrize("name", ["/tmp/dev-muc3-0001-0100", "../dev-muc3-0001-0100", "a/../../key-dev-0001.muc4"])
def test_a_member_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=f"member '{re.escape(name)}' leaves the archive"):
        load(packed(tmp_path, tar({name: b"x"}, "w:gz")))


def test_links_and_folders_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as out:
        for name, kind in {"link/dev-muc3-0001-0100": tarfile.SYMTYPE, "dev": tarfile.DIRTYPE}.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            out.addfile(member)
    with pytest.raises(SourceError, match="there are no texts of dev, "):
        load(packed(tmp_path, archive.getvalue()))


def test_an_archive_that_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = packed(tmp_path, nested(files()))
    monkeypatch.setattr(muc34, "_MOST_BYTES", 4000)
    with pytest.raises(SourceError, match=r"cannot be unpacked \(more than 4,000 bytes\)"):
        load(config)


def test_archives_are_not_unpacked_without_end(tmp_path: Path) -> None:
    deep = tar({name: text.encode() for name, text in files().items()})
    for _ in range(3):
        deep = tar({"x.tar": deep})
    with pytest.raises(SourceError, match="there are no texts of dev, "):
        load(packed(tmp_path, deep))


def test_with_neither_folder_nor_archive_the_home_and_the_ways_to_get_it_are_told(tmp_path: Path) -> None:
    config = packed(tmp_path, b"")
    (tmp_path / "texts" / muc34.ARCHIVE).unlink()
    with pytest.raises(SourceError) as error:
        load(config)
    message = str(error.value)
    assert "scripts/prepare_data.py corpus=muc34" in message
    assert "source_dir=FOLDER" in message
    assert "muc34.tar.gz: missing (its home is http://home/x)" in message


def test_a_folder_that_lacks_files_is_told(tmp_path: Path) -> None:
    content = files()
    del content["dev/dev-muc3-0001-0100"], content["tst3/key-tst3.v2"]
    config = unpacked(tmp_path, content)
    with pytest.raises(
        SourceError, match=r"CORPORA: there are no texts of dev, keys of tst3\. Unpack the archive again"
    ):
        load(config)


# What is wrong in the files


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (
            f"{QUIET}\n\nDEV-MUC3-02 (XYZ)\n\n{QUIET}",
            irrelevant(SETS["dev"]),
            r"dev-muc3-0001-0100:5: 'DEV-MUC3-02 \(XYZ\)' is no header line",
        ),
        (
            f"{QUIET}\n\nDEV-MUC3-0002 (XYZ)\n\n{QUIET}",
            irrelevant(SETS["dev"]),
            r"dev-muc3-0001-0100:5: text 'DEV-MUC3-0002' has no template",
        ),
        (
            QUIET,
            irrelevant(SETS["dev"]) + irrelevant("DEV-MUC3-0009"),
            r"key-dev-0001\.muc4:17: there is no text 'DEV-MUC3-0009'",
        ),
        (QUIET, template("DEV-MUC3-1"), r"key-dev-0001\.muc4:1: 'DEV-MUC3-1 \(XYZ\)' is no id"),
        (QUIET, '    "MEN"\n' + irrelevant(SETS["dev"]), r"muc4:1: line '\"MEN\"' belongs to no template"),
        (QUIET, "1.  MESSAGE: TEMPLATE  1\n", r"muc4:1: line '1\.  MESSAGE: TEMPLATE  1' belongs to no template"),
        (QUIET, irrelevant(SETS["dev"]) + "WHAT IS THIS?\n", r"muc4:17: line 'WHAT IS THIS\?' belongs to no template"),
    ],
)
def test_what_does_not_fit_is_named_by_file_and_line(tmp_path: Path, text: str, keys: str, message: str) -> None:
    config = unpacked(tmp_path, files(text, keys))
    with pytest.raises(DataError, match=message):
        load(config)
    config.skip_bad = True
    assert any(re.search(message, line) for line in load(config).left_out)


def test_a_text_before_the_first_header_line_is_told(tmp_path: Path) -> None:
    content = files()
    content["dev/dev-muc3-0001-0100"] = "A LINE TOO MUCH\n" + content["dev/dev-muc3-0001-0100"]
    config = unpacked(tmp_path, content)
    with pytest.raises(DataError, match=r"dev-muc3-0001-0100:1: 'A LINE TOO MUCH' is no header line"):
        load(config)


def test_reserved_documents_are_left_out(tmp_path: Path) -> None:
    config = unpacked(tmp_path, files())
    (tmp_path / "reserved.txt").write_text("DEV-MUC3-0001\nTST2-MUC4-0001\n", "utf-8")
    read = load(config)
    assert [document.id for documents in read.splits.values() for document in documents] == [
        "TST1-MUC3-0001",
        "TST3-MUC4-0001",
        "TST4-MUC4-0001",
    ]
    assert [line.split(": ")[1] for line in read.left_out] == [
        "document 'DEV-MUC3-0001' is reserved",
        "document 'TST2-MUC4-0001' is reserved",
    ]


# A source of unknown size


def test_a_file_of_unknown_size_is_fetched_whole_whatever_was_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_bytes(b"0123456789")
    source = SourceFile("a/b", home.as_uri(), hashlib.sha256(b"0123456789").hexdigest())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.part").write_bytes(b"012")
    told: list[str] = []
    download.fetch([source], tmp_path, told.append)
    assert (tmp_path / "a" / "b").read_bytes() == b"0123456789"
    assert told == [f"a/b: downloading from {home.as_uri()}"]
    home.write_bytes(b"01234")
    (tmp_path / "a" / "b").unlink()
    with pytest.raises(SourceError, match="have sha256"):
        download.fetch([source], tmp_path, told.append)


def test_the_archive_is_pinned() -> None:
    (source,) = download.source_files(ROOT / "data" / "muc34")
    assert source.path == muc34.ARCHIVE.as_posix()
    assert re.search(r"/[0-9a-f]{40}/", source.url)


# The real corpus


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """All of it: where no list stands, nothing is reserved."""
    path = str(tmp_path_factory.mktemp("muc34"))
    return load(CorpusConfig(name="muc34", format="muc34", path=path, source_dir=str(SHARED_DATA), roles=ROLES))


needs_muc34 = pytest.mark.skipif(not (SHARED_DATA / muc34.FOLDER).is_dir(), reason="MUC-3/4 is not unpacked there")


@needs_shared_data
@needs_muc34
def test_the_published_corpus_is_whole(real: Corpus) -> None:
    counts = {}
    for split, documents in real.splits.items():
        spans = Counter(span.role for document in documents for span in document.spans)
        templates = [len(document.meta["templates"]) for document in documents]
        counts[split] = (len(documents), sum(map(bool, templates)), sum(templates), *(spans[role] for role in ROLES))
    assert counts == {
        "train": (1300, 700, 1114, 1288, 2542, 1156, 330),
        "dev": (200, 116, 191, 304, 463, 196, 58),
        "test": (200, 126, 209, 306, 509, 241, 68),
    }
    assert Counter(line.split(": ")[1].split(" ")[0] for line in real.left_out) == {
        "location": 776,
        "target": 121,
        "attacker": 46,
        "weapon": 8,
    }


@needs_shared_data
@needs_muc34
def test_the_projects_reserved_documents_are_left_out(real: Corpus) -> None:
    path = ROOT / "data" / "muc34"
    reserved = reserved_ids(path)
    config = CorpusConfig(name="muc34", format="muc34", path=str(path), source_dir=str(SHARED_DATA), roles=ROLES)
    kept = load(config).splits
    assert len(reserved) == 37
    for split, documents in real.splits.items():
        assert [d.id for d in kept[split]] == [d.id for d in documents if d.id not in reserved]


@needs_shared_data
@needs_muc34
def test_spans_hold_the_fillers_that_the_grit_split_has(real: Corpus) -> None:
    """GRIT's first mentions as strings: of these, entities with a mention that is a span, and that are within one."""
    roles = {"PerpInd": "attacker", "PerpOrg": "attacker", "Target": "target", "Victim": "target", "Weapon": "weapon"}

    def plain(text: str) -> str:
        return " ".join(text.lower().replace("[", "(").replace("]", ")").split())

    counts: dict[str, list[int]] = {role: [0, 0, 0] for role in roles}
    for split, documents in real.splits.items():
        theirs = {}
        for line in (SHARED_DATA / "muc4" / "splits" / f"{split}.json").read_text("utf-8").splitlines():
            record = json.loads(line)
            theirs[record["docid"]] = record
        assert theirs.keys() == {document.id for document in documents}
        for document in documents:
            record = theirs[document.id]
            assert plain(document.text).endswith(plain(record["doctext"]))
            for role, entities in record["extracts"].items():
                ours = [plain(span.text) for span in document.spans if span.role == roles[role]]
                for entity in entities:
                    counts[role][0] += 1
                    counts[role][1] += any(plain(mention) in ours for mention, _ in entity)
                    counts[role][2] += any(plain(entity[0][0]) in text for text in ours)
    assert counts == {
        "PerpInd": [835, 831, 835],
        "PerpOrg": [569, 566, 569],
        "Target": [864, 852, 862],
        "Victim": [794, 793, 794],
        "Weapon": [409, 406, 408],
    }  # the rest: within a longer alternative, or a singular that the text has as a plural
