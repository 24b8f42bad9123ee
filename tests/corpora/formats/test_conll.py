from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import IDS, METAS, ROLES, content, documents, places, unique

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.convert import convert
from conflict_events.corpora.formats import conll
from conflict_events.corpora.reading import Log
from conflict_events.errors import ConflictEventsError, DataError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Span

LETTERS = st.one_of(st.sampled_from("abß. \n\r\t\u00a0\u2028\x1c#-🙂e\u0301_"), st.characters(codec="utf-8"))


@st.composite
def flat_documents(draw: st.DrawFn) -> Document:
    """Documents that columns can hold: no events, no spans that compete, no white space at the edge of a span."""
    text = draw(st.text(LETTERS, max_size=40))
    spans: list[Span] = []
    for start, end in sorted(draw(places(text))):
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start < end and (not spans or spans[-1].end <= start):
            spans.append(Span.of(text, draw(ROLES), start, end))
    layers = draw(st.frozensets(st.sampled_from(Layer)))
    return Document(draw(IDS), text, layers, tuple(spans), meta=draw(METAS))


def read(path: Path, content: str | bytes, log: Log | None = None) -> list[Document | ConflictEventsError]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [item for _, item in conll.read(path, log or Log())]


def good(items: list[Document | ConflictEventsError]) -> list[Document]:
    for item in items:
        assert isinstance(item, Document), item
    return [item for item in items if isinstance(item, Document)]


def shown(document: Document) -> list[tuple[str, str]]:
    return [(span.role, span.text) for span in document.spans]


@settings(max_examples=200, deadline=None)
@given(unique(flat_documents()))
@example([Document("a\nb", "#\tx", role_spans=(Span(0, 1, "target", "#"),))])
@example([Document("\r\n ", ""), Document(" padded\t", "\ufeff-DOCSTART- \r\n# newdoc id = x")])
def test_documents_without_events_and_competing_spans_come_back(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "train.conll"
        conll.write(path, written)
        back = good([item for _, item in conll.read(path, Log())])
    assert [content(document) for document in back] == [content(document) for document in written]


@settings(max_examples=100, deadline=None)
@given(unique(documents()))
def test_no_document_breaks_the_file(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.conll"
        conll.write(path, written)
        back = good([item for _, item in conll.read(path, Log())])
    # what competes for tokens, or is white space, is lost; the rest is not
    for before, after in zip(written, back, strict=True):
        assert (after.id, after.text, after.meta) == (before.id, before.text, before.meta)
        assert len(after.spans) <= len(before.spans)


@settings(max_examples=100, deadline=None)
@given(st.text(LETTERS, max_size=30).flatmap(lambda text: st.tuples(st.just(text), places(text))))
def test_words_are_in_text_order_hold_all_but_white_space_and_end_at_every_bound(
    drawn: tuple[str, list[tuple[int, int]]],
) -> None:
    text, among = drawn
    bounds = {edge for place in among for edge in place}
    pieces = conll.words(text, bounds)
    covered = [at for start, end in pieces for at in range(start, end)]
    assert covered == [at for at, character in enumerate(text) if not character.isspace()]
    assert all(start < end for start, end in pieces)
    assert not any(start < bound < end for start, end in pieces for bound in bounds)


def test_a_file_is_as_others_expect_it(tmp_path: Path) -> None:
    text = "Anti-rebel units took Dorna.\n\nThey left."
    spans = (Span.of(text, "target", 5, 10), Span.of(text, "attacker", 11, 16), Span.of(text, "location", 22, 27))
    conll.write(tmp_path / "train.conll", [Document("n-1", text, frozenset(Layer), spans, meta={"source": "ü"})])
    assert (tmp_path / "train.conll").read_bytes().decode() == (
        "# newdoc id = n-1\n"
        '# document = {"text": "Anti-rebel units took Dorna.\\n\\nThey left.", "layers": ["events", "roles"], '
        '"meta": {"source": "\\u00fc"}}\n'
        "Anti\tO\n-\tO\nrebel\tB-TARGET\nunits\tB-ATTACKER\ntook\tO\nDorna\tB-LOCATION\n.\tO\n"
        "\n"
        "They\tO\nleft\tO\n.\tO\n"
        "\n"
    )


def test_spans_inside_words_stay_exact(tmp_path: Path) -> None:
    text = "UN-backed militiamen’s anti-tank-missile_launchers"
    spans = tuple(
        Span.of(text, role, text.index(part), text.index(part) + len(part))
        for role, part in [("attacker", "N"), ("target", "militia"), ("location", "men"), ("weapon", "missile_launch")]
    )
    conll.write(tmp_path / "a.conll", [Document("d", text, role_spans=spans)])
    assert good([item for _, item in conll.read(tmp_path / "a.conll", Log())])[0].role_spans == spans
    assert "militia\tB-TARGET\nmen\tB-LOCATION\n’\tO\n" in (tmp_path / "a.conll").read_text("utf-8")


def test_sentence_breaks_never_cut_a_span(tmp_path: Path) -> None:
    text = "They fled. Gen. Ato fell. Both sides. Then it rained. It stopped."
    span = Span.of(text, "target", text.index("fell"), text.index(" rained"))
    conll.write(tmp_path / "a.conll", [Document("d", text, role_spans=(span,))])
    assert good([item for _, item in conll.read(tmp_path / "a.conll", Log())])[0].role_spans == (span,)
    rows = (tmp_path / "a.conll").read_text("utf-8").split("\n", 2)[2]
    assert [block.split("\n")[0] for block in rows.strip().split("\n\n")] == ["They\tO", "Gen\tO", "rained\tO", "It\tO"]


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    text = "Rebels shelled a market in Tarin ."
    nested = (Span.of(text, "target", 15, 32), Span.of(text, "location", 27, 32))
    event = Event(EventType.SHELLING, Span.of(text, TRIGGER, 7, 14), (nested[0],))
    written = [
        Document("kept", text, frozenset({Layer.ROLES}), nested[:1], meta={"n": 1}),
        Document("nested", text, role_spans=nested),
        Document("event", text, events=(event,)),
        Document("blank", text, role_spans=(Span.of(text, "weapon", 6, 7),)),
        Document("padded", text, role_spans=(Span.of(text, "attacker", 0, 7),)),
    ]
    assert convert({"train": written}, "conll", tmp_path / "new", lambda _line: None) == [
        "document 'nested': 1 spans (location)",
        "document 'event': 1 events (types and which spans belong together)",
        "document 'blank': 1 spans (weapon)",
        "document 'padded': 1 spans (attacker)",
    ]


def test_without_comments_tokens_are_joined_by_blanks_and_every_block_is_a_document(tmp_path: Path) -> None:
    items = good(read(tmp_path / "a.conll", "The O\nrebels B-Attacker\nfled O\n\n\nTarin B-Loc\nRoad I-Loc\nburns O"))
    assert [(document.id, document.text) for document in items] == [
        ("a.conll:1", "The rebels fled"), ("a.conll:6", "Tarin Road burns"),
    ]  # fmt: skip
    assert [shown(document) for document in items] == [[("attacker", "rebels")], [("loc", "Tarin Road")]]
    assert all(document.layers == frozenset() and document.meta == {} for document in items)


def test_conll_2003_files_have_four_columns_and_docstart_lines(tmp_path: Path) -> None:
    source = (
        "-DOCSTART- -X- -X- O\n\nTroops NNS B-NP B-PER\nfled VBD B-VP O\n\nNight NN B-NP O\n\n"
        "-DOCSTART- -X- -X- O\n\nNew NNP B-NP B-LOC\nTarin NNP I-NP I-LOC\nKhet NNP B-NP B-LOC\n\n"
    )
    log = Log({"PER": "attacker", "LOC": "location"})
    first, second = good(read(tmp_path / "train.conll", source, log))
    assert (first.id, first.text, shown(first)) == ("train.conll:1", "Troops fled\nNight", [("attacker", "Troops")])
    assert (second.id, second.text) == ("train.conll:8", "New Tarin Khet")
    assert shown(second) == [("location", "New Tarin"), ("location", "Khet")]


def test_documents_may_be_marked_as_in_conll_u(tmp_path: Path) -> None:
    source = (
        "# newdoc id = wire 7/a\n# sent_id = 1\n# text = Troops fled\nTroops\tB-ATTACKER\nfled\tO\n\n"
        "# newpar id = p2\n# sent_id = 2\nNight\tO\n\n# newdoc\n# newpar\nDawn\tO\n\n"
    )
    first, second = good(read(tmp_path / "a.conll", source))
    assert (first.id, first.text, shown(first)) == ("wire 7/a", "Troops fled\nNight", [("attacker", "Troops")])
    assert (second.id, second.text) == ("a.conll:11", "Dawn")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("apart", ["\t", " ", "   "])
def test_line_ends_byte_order_marks_tabs_and_blanks_make_no_difference(
    tmp_path: Path, end: str, mark: str, apart: str
) -> None:
    lines = ["# newdoc id = d", f"Troops{apart}B-ATTACKER", f"of{apart}I-ATTACKER", f"X{apart}O", "", f"Y{apart}O", ""]
    (document,) = good(read(tmp_path / "a.conll", mark + end.join(lines)))
    assert (document.id, document.text, shown(document)) == ("d", "Troops of X\nY", [("attacker", "Troops of")])


def test_line_ends_may_be_mixed(tmp_path: Path) -> None:
    first, second = good(read(tmp_path / "a.conll", "a\tO\r\nb\tB-TARGET\n\r\nc\tB-TARGET\r\nd\tI-TARGET\n \t\r\n"))
    assert (first.text, second.text) == ("a b", "c d")
    assert shown(first) + shown(second) == [("target", "b"), ("target", "c d")]


def test_other_white_space_is_part_of_a_token(tmp_path: Path) -> None:
    (document,) = good(read(tmp_path / "a.conll", "10\u00a0000 B-TARGET\nmen\u2028x I-TARGET\n"))
    assert shown(document) == [("target", "10\u00a0000 men\u2028x")]


@pytest.mark.parametrize(
    ("row", "text"),
    [("#\tO", "# x"), ("# O", "# x"), ("#peace O", "#peace x"), ("#a=b\tO", "#a=b x"), ("#\tB-TARGET", "# x")],
)
@pytest.mark.parametrize("marker", ["", "# newdoc id = d\n"])
def test_a_token_that_begins_like_a_comment_is_a_token(tmp_path: Path, marker: str, row: str, text: str) -> None:
    (document,) = good(read(tmp_path / "a.conll", f"{marker}{row}\nx\tO\n"))
    assert document.text == text


def test_the_text_of_the_comment_counts(tmp_path: Path) -> None:
    source = (
        '# document = {"text": " \\"Go\\"  \\n (now)", "layers": ["roles"], "meta": {"n": [1]}}\n'
        '" O\nGo B-TARGET\n" I-TARGET\n(now) I-TARGET\n'
    )
    (document,) = good(read(tmp_path / "a.conll", source))
    assert (document.text, document.layers, document.meta) == (' "Go"  \n (now)', {Layer.ROLES}, {"n": [1]})
    assert document.role_spans == (Span(2, 14, "target", 'Go"  \n (now)'),)


def test_labels_are_mapped_and_dropped(tmp_path: Path) -> None:
    log = Log({"PER": "attacker", "MISC": None})
    source = "Ato B-PER\nKane I-PER\nMalian B-MISC\nArmy I-MISC\nTarin B-Gpe-Loc\n"
    (document,) = good(read(tmp_path / "a.conll", source, log))
    assert shown(document) == [("attacker", "Ato Kane"), ("gpe_loc", "Tarin")]
    assert log.left_out == []


BAD = [
    ("x I-TARGET\n", 0, "I-TARGET follows O.*begins with B-TARGET; convert IOB1"),
    ("x B-TARGET\ny I-WEAPON\n", 1, "I-WEAPON follows B-TARGET.*begins with B-WEAPON"),
    ("x B-TARGET\ny I-TARGET\nz O\nx I-TARGET\n", 3, "I-TARGET follows O"),
    ("x S-TARGET\n", 0, "label 'S-TARGET' is not IOB2.*Use O, B-X and I-X"),
    ("x B-TARGET\ny E-TARGET\n", 1, "label 'E-TARGET' is not IOB2"),
    ("x TARGET\n", 0, "label 'TARGET' is not IOB2"),
    ("x B-\n", 0, "label 'B-' is not IOB2"),
    ("x o\n", 0, "label 'o' is not IOB2"),
    ("x B\n", 0, "label 'B' is not IOB2"),
    ("x\n", 0, "the line has 1 columns, most lines have 2.*Write the token first and its label last"),
    ("x O\ny NN O\n", 1, "the line has 3 columns, most lines have 2"),
    ("x\tO\ny\tO\t\n", 1, "the line has 3 columns, most lines have 2"),
    ("\tB-TARGET\n", 0, "no token"),
    ("x B-1ST\n", None, "role '1st' is not a name"),
    ("x B-Цель\n", None, r"label 'Цель'.*corpus\.label_map"),
    ('# document = {"text": "x\n', 0, "the comment is no JSON object"),
    ("# document = yes\n", 0, "the comment is no JSON object"),
    ("# document = 5\n", 0, "the comment is no JSON object"),
    pytest.param(f"# document = {'[' * 100_000}\n", 0, "the comment is no JSON object", id="deep"),
    ('# document = {"text": "y x"}\nx O\n', 1, "token 'x' does not come next in the text.*another one: correct it"),
    ('# document = {"text": "y"}\nx O\n', 1, "token 'x' does not come next"),
    ('# document = {"text": "x y"}\nx O\n', None, "the text .* goes on after the last token"),
    ('# document = {"text": "x \\ud83d"}\nx O\n', None, "half a surrogate pair at character 2"),
    ('# document = {"text": "x", "layers": ["rolls"]}\nx O\n', None, "'rolls'.*(?i:layers are roles, events)"),
    ('# document = {"text": "x", "layers": 5}\nx O\n', None, "'layers' must be a list"),
    ('# document = {"text": "x", "meta": "wire"}\nx O\n', None, "'meta' must be an object"),
    ('# document = {"text": "x", "id": 5}\nx O\n', None, "id 5 is no text"),
]


@pytest.mark.parametrize(("lines", "at", "message"), BAD)
def test_a_bad_document_is_named_by_file_and_line_and_hides_no_other(
    tmp_path: Path, lines: str, at: int | None, message: str
) -> None:
    """``at``: which of the lines is named, or None for where the document begins."""
    document = "# newdoc id = {}\na O\nb B-TARGET\n\nc O\n\n"
    bad = f"# newdoc id = bad\n{lines}\n"
    line = 1 if at is None else 2 + at
    for before, after in [(0, 2), (1, 1), (2, 0)]:
        source = "".join(document.format(f"x{n}") for n in range(before)) + bad
        source += "".join(document.format(f"y{n}") for n in range(after))
        items = read(tmp_path / "train.conll", source)
        (error,) = [item for item in items if not isinstance(item, Document)]
        assert isinstance(error, DataError)
        assert error.where == f"{tmp_path}/train.conll:{line + before * 6}"
        assert re.search(message, str(error))
        others = [item.id for item in items if isinstance(item, Document)]
        assert others == [f"x{n}" for n in range(before)] + [f"y{n}" for n in range(after)]


@pytest.mark.parametrize(
    ("raw", "line", "message"),
    [
        ("a O\nb O\n".encode("utf-16"), 1, "not UTF-8.*Save the file as UTF-8"),
        ("a O\n\ncafé O\n".encode("latin-1"), 3, "not UTF-8.*Save the file as UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_the_line(
    tmp_path: Path, raw: bytes, line: int, message: str
) -> None:
    (error,) = read(tmp_path / "a.conll", raw)
    assert isinstance(error, DataError)
    assert error.where == f"{tmp_path}/a.conll:{line}"
    assert re.search(message, str(error))


def test_a_file_without_tokens_has_no_documents(tmp_path: Path) -> None:
    assert read(tmp_path / "a.conll", "") == []
    assert read(tmp_path / "a.conll", "\n\r\n  \n# a = b\n\n") == []


def corpus(folder: Path, skip_bad: bool) -> CorpusConfig:
    return CorpusConfig(
        name="mine", format="conll", path=str(folder), roles=["target", "trigger"], skip_bad=skip_bad,
        label_map={"Victim": "target"},
    )  # fmt: skip


SPLIT = (
    "# newdoc id = one\nx B-Victim\n\n"
    "# newdoc id = two\nx B-Victim\ny I-Weapon\n\n"
    "# newdoc id = three\nx O\n\n"
    "# newdoc id = four\nx B-Weapon\n\n"
)


def test_bad_documents_stop_the_loading_of_a_corpus_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(SPLIT, "utf-8")
    with pytest.raises(DataError, match="I-Weapon follows B-Victim") as error:
        load(corpus(tmp_path, skip_bad=False))
    assert str(error.value).startswith(f"{tmp_path}/train.conll:6: ")


def test_bad_documents_are_listed_if_they_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(SPLIT, "utf-8")
    (tmp_path / "test.conll").write_bytes(b"\xff\xfe")
    loaded = load(corpus(tmp_path, skip_bad=True))
    assert [document.id for document in loaded.split("train")] == ["one", "three"]
    assert loaded.split("test") == []
    assert [line.partition(": ")[0] for line in loaded.left_out] == [
        f"{tmp_path}/train.conll:6", f"{tmp_path}/train.conll:11", f"{tmp_path}/test.conll:1",
    ]  # fmt: skip
    assert "role 'weapon', which corpus 'mine' does not declare" in loaded.left_out[1]
