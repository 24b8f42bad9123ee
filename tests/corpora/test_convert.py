from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, violent_documents
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import CorpusConfig, PrepareConfig, TrainConfig, register, structured
from conflict_events.corpora import Splits, load
from conflict_events.corpora.convert import LEFT_OUT, convert, differences, divide
from conflict_events.corpora.formats import FORMATS, brat, jsonl
from conflict_events.corpora.prepare import prepare
from conflict_events.errors import ConfigError
from conflict_events.schema import Document, Event, EventType, Layer, Role, Span

EVERY_FORMAT = pytest.mark.parametrize("form", FORMATS)
GRAPHS = ("brat", "label_studio", "doccano", "prodigy")
TEXT = "Rebels shelled Arna, then raided it. 🔥"


def span(role: str, words: str) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, role, start, start + len(words))


SHELLING = Event(EventType.SHELLING, span("trigger", "shelled"), (span("attacker", "Rebels"), span("target", "Arna")))
RAID = Event(EventType.ARMED_ATTACK, span("trigger", "raided"), (span("attacker", "Rebels"), span("target", "it")))


def document(identifier: str = "d", text: str = TEXT, *events: Event, spans: tuple[Span, ...] = ()) -> Document:
    return Document(identifier, text, frozenset(Layer), spans, events, {"region": "north"})


CORPUS: Splits = {
    "train": [document("a", TEXT, SHELLING, RAID), document("b", "The market was open.")],
    "dev": [],
    "test": [document("c", TEXT, SHELLING)],
}
ROLE_SPANS = document("r:1", spans=(span("attacker", "Rebels"),))
# Two role spans that share a part only
CROSSING = document("x", spans=(span("attacker", "Rebels shelled"), span("target", "shelled Arna")))
# ... and two triggers that do
CROSSING_EVENTS = document(
    "y", TEXT,
    Event(EventType.SHELLING, span("trigger", "Rebels shelled")),
    Event(EventType.BOMBING, span("trigger", "shelled Arna")),
)  # fmt: skip


def quiet(line: str) -> None:
    pass


def corpus_at(path: Path, form: str) -> CorpusConfig:
    return CorpusConfig(name="mine", format=form, path=str(path))


# Every format


@EVERY_FORMAT
def test_a_split_becomes_a_file_or_a_folder(tmp_path: Path, form: str) -> None:
    told: list[str] = []
    convert(CORPUS, form, tmp_path / "new" / "out", told.append)
    out = tmp_path / "new" / "out"
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    expected = {
        "markup": ["test/c.txt", "train/a.txt", "train/b.txt"],
        "brat": [
            "dev/documents.jsonl", "test/c.ann", "test/c.txt", "test/documents.jsonl", "train/a.ann", "train/a.txt",
            "train/b.ann", "train/b.txt", "train/documents.jsonl",
        ],
    }  # fmt: skip
    suffix = {"conll": ".conll", "label_studio": ".json"}.get(form, ".jsonl")
    assert files == expected.get(form, [f"{split}{suffix}" for split in ("dev", "test", "train")])
    place = suffix if form not in expected else ""
    assert [line.partition(" documents")[0] for line in told] == [
        f"{out}/train{place}: 2", f"{out}/dev{place}: 0", f"{out}/test{place}: 1",
    ]  # fmt: skip


@EVERY_FORMAT
def test_what_is_written_is_read_again_as_the_same_corpus(tmp_path: Path, form: str) -> None:
    losses = convert(CORPUS, form, tmp_path / "out", quiet)
    read = load(corpus_at(tmp_path / "out", form))
    assert read.left_out == ()
    if form == "conll":
        assert {s: [(d.id, d.text, d.spans, d.meta) for d in ds] for s, ds in read.splits.items()} == {
            s: [(d.id, d.text, d.spans, d.meta) for d in ds] for s, ds in CORPUS.items()
        }
    else:
        assert losses == []
        assert read.splits == CORPUS


@EVERY_FORMAT
def test_an_undivided_corpus_stays_undivided(tmp_path: Path, form: str) -> None:
    documents = [document("a"), document("b", TEXT)]
    assert convert({"all": documents}, form, tmp_path / "out", quiet) == []
    assert load(corpus_at(tmp_path / "out", form)).splits == {"all": documents}


# Losses


def test_conll_loses_the_events_and_says_so_of_each_document(tmp_path: Path) -> None:
    told: list[str] = []
    assert convert(CORPUS, "conll", tmp_path / "out", told.append) == [
        "document 'a': 2 events (types and which spans belong together), layer events",
        "document 'c': 1 events (types and which spans belong together), layer events",
    ]
    assert [line.partition(": ")[2] for line in told] == [
        "2 documents, 1 with losses", "0 documents", "1 documents, 1 with losses",
    ]  # fmt: skip


def test_conll_loses_spans_that_compete_for_a_token(tmp_path: Path) -> None:
    assert convert({"all": [CROSSING]}, "conll", tmp_path / "out", quiet) == ["document 'x': 1 spans (target)"]


def test_markup_refuses_what_it_cannot_hold_and_writes_the_others(tmp_path: Path) -> None:
    documents = [ROLE_SPANS, document("a", TEXT, SHELLING), CROSSING_EVENTS]
    assert convert({"train": documents}, "markup", tmp_path / "out", quiet) == [
        "document 'r:1': markup has no role spans outside of events",
        "document 'y': spans (0, 14) and (7, 19) cross",
    ]
    assert [path.name for path in (tmp_path / "out" / "train").iterdir()] == ["a.txt"]


def test_markup_turns_meta_into_text(tmp_path: Path) -> None:
    numbered = Document("n", TEXT, frozenset(Layer), meta={"year": 2024, "place": "Arna"})
    assert convert({"all": [numbered]}, "markup", tmp_path / "out", quiet) == ["document 'n': meta year"]


@pytest.mark.parametrize("form", GRAPHS)
def test_spans_that_cross_cannot_be_read_back_from_a_graph(tmp_path: Path, form: str) -> None:
    lost = convert({"train": [CROSSING, document("a", TEXT, SHELLING)]}, form, tmp_path / "out", quiet)
    assert lost[0] == "document 'x': cannot be read back"
    assert len(lost) == 2
    assert str(tmp_path / "out" / "train") in lost[1]
    assert "'Rebels shelled' at 0 and target 'shelled Arna' at 7 overlap in part" in lost[1]


def test_the_own_format_holds_everything(tmp_path: Path) -> None:
    odd = Document("odd", TEXT, frozenset({Layer.ROLES}), CROSSING.role_spans, CROSSING_EVENTS.events, {"n": [1, None]})
    assert convert({"train": [odd, ROLE_SPANS]}, "jsonl", tmp_path / "out", quiet) == []


@pytest.mark.parametrize("form", ["jsonl", "conll", *GRAPHS])
def test_two_documents_with_the_same_id_are_no_loss(tmp_path: Path, form: str) -> None:
    documents = [document("1"), document("1", "The market was open.")]
    assert convert({"train": documents}, form, tmp_path / "out", quiet) == []


# What is refused


def test_an_unknown_format_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"convert='tei' is unknown\. Choose one of jsonl, markup, conll, brat, "):
        convert(CORPUS, "tei", tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match=r"output=.* is there already\. Name a new folder, or empty it"):
        convert(CORPUS, "jsonl", tmp_path, quiet)
    with pytest.raises(ConfigError, match=r"is there already"):
        convert(CORPUS, "jsonl", tmp_path / "train.jsonl", quiet)
    assert (tmp_path / "train.jsonl").read_text("utf-8") == "mine"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert convert(CORPUS, "jsonl", tmp_path, quiet) == []


# The differences between two documents

FULL = document("d", TEXT, SHELLING, RAID)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (FULL, []),
        (document("d", TEXT, RAID, SHELLING), []),
        (document("d", f"{TEXT} ", SHELLING, RAID), ["the text differs"]),
        (
            document("d", TEXT, SHELLING),
            ["2 spans (target, trigger)", "1 events (types and which spans belong together)"],
        ),
        (
            document("d", TEXT, spans=FULL.spans),
            ["2 events (types and which spans belong together)"],
        ),
        (
            document("d", TEXT, SHELLING, Event(RAID.type, RAID.trigger, SHELLING.arguments)),
            ["1 spans (target)", "arguments of 1 events"],
        ),
        (
            document("d", TEXT, Event(RAID.type, RAID.trigger, SHELLING.arguments), spans=FULL.spans),
            ["1 events (types and which spans belong together)", "arguments of 1 events"],
        ),
        (Document("d", TEXT, frozenset({Layer.ROLES}), (), FULL.events, FULL.meta), ["layer events"]),
        (Document("d", TEXT, frozenset(), (), FULL.events, FULL.meta), ["layer events, roles"]),
        (Document("d", TEXT, FULL.layers, (), FULL.events, {"region": "south"}), ["meta region"]),
        (Document("d", TEXT, FULL.layers, (), FULL.events), ["meta region"]),
        (Document("d", TEXT, FULL.layers, (), FULL.events, {"region": "north", "year": "2024"}), []),
        (document("d", TEXT, SHELLING, RAID, spans=(span("weapon", "🔥"),)), []),
    ],
)  # fmt: skip
def test_what_the_first_document_has_and_the_second_has_not_is_told(other: Document, told: list[str]) -> None:
    assert list(differences(FULL, other)) == told


def test_meta_that_is_none_is_something(tmp_path: Path) -> None:
    one = Document("d", TEXT, meta={"source": None})
    assert list(differences(one, Document("d", TEXT))) == ["meta source"]
    assert list(differences(one, one)) == []


# Dividing

TEXTS = st.lists(st.text("ab \n", max_size=3), max_size=30)
SHARES = st.sampled_from(
    [(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.5, 0.5), (1.0, 0.0), (0.0, 0.0, 1.0), (0.34, 0.33, 0.33)]
)


def numbered(texts: list[str]) -> list[Document]:
    return [Document(str(number), text) for number, text in enumerate(texts)]


@settings(max_examples=80, deadline=None)
@given(TEXTS, SHARES)
def test_every_document_goes_to_one_split_in_its_order_and_no_text_to_two(
    texts: list[str], shares: tuple[float, ...]
) -> None:
    documents = numbered(texts)
    divided = divide({"all": documents}, shares)
    assert list(divided) == ["train", "dev", "test"][: len(shares)]
    assert sorted((d for split in divided.values() for d in split), key=lambda d: int(d.id)) == documents
    seen: set[str] = set()
    for split in divided.values():
        assert [int(d.id) for d in split] == sorted(int(d.id) for d in split)
        words = {" ".join(d.text.split()) for d in split}
        assert not words & seen
        seen |= words


@settings(max_examples=80, deadline=None)
@given(TEXTS, SHARES, st.randoms(use_true_random=False))
def test_where_a_text_goes_does_not_hang_on_ids_or_order(
    texts: list[str], shares: tuple[float, ...], chance: random.Random
) -> None:
    shuffled = texts.copy()
    chance.shuffle(shuffled)
    once, again = (divide({"all": numbered(some)}, shares) for some in (texts, shuffled))
    for split in once:
        assert sorted(d.text.split() for d in once[split]) == sorted(d.text.split() for d in again[split])


@pytest.mark.parametrize(
    ("count", "shares", "sizes"),
    [
        (100, [0.8, 0.1, 0.1], [80, 10, 10]),
        (10, [0.6, 0.2, 0.2], [6, 2, 2]),
        (7, [0.5, 0.25, 0.25], [4, 1, 2]),
        (10, [0.9, 0.1], [9, 1]),
        (3, [0, 0, 1], [0, 0, 3]),
        (0, [0.8, 0.1, 0.1], [0, 0, 0]),
        (30, [1 / 3, 1 / 3, 1 / 3], [10, 10, 10]),
    ],
)
def test_the_shares_are_kept(count: int, shares: list[float], sizes: list[int]) -> None:
    divided = divide({"all": numbered([f"Report {n}." for n in range(count)])}, shares)
    assert [len(split) for split in divided.values()] == sizes


def test_documents_are_dealt_by_chance() -> None:
    divided = divide({"all": numbered([f"Report {n}." for n in range(200)])}, [0.5, 0.5])
    halves = [sum(int(d.id) < 100 for d in split) for split in divided.values()]
    assert all(30 < half < 70 for half in halves), halves


def test_the_same_text_with_other_white_space_stays_in_its_split() -> None:
    divided = divide({"all": numbered(["Rebels  fled.", "Rebels\nfled. ", "Rebels fled."] * 4)}, [0.5, 0.5])
    assert sorted(map(len, divided.values())) == [0, 12]


def test_documents_with_the_same_id_are_divided_by_their_texts() -> None:
    documents = [Document("1", f"Report {n}.") for n in range(10)]
    divided = divide({"all": documents}, [0.6, 0.4])
    assert [len(split) for split in divided.values()] == [6, 4]


@pytest.mark.parametrize("splits", [{"train": []}, {"train": [], "dev": [], "test": []}, {}])
def test_a_corpus_with_splits_is_not_divided_again(splits: Splits) -> None:
    with pytest.raises(ConfigError, match=r"the corpus has splits already: .*Leave out shares"):
        divide(splits, [0.8, 0.2])


@pytest.mark.parametrize(
    "shares",
    [[], [1.0], [0.5, 0.4], [0.5, 0.6], [1.2, -0.2], [0.25] * 4, [80, 10, 10], [math.nan, 1.0], [math.inf, 0.0]],
)
def test_shares_that_do_not_add_up_are_refused(shares: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"shares=\[.*\] are not two or three numbers that add up to 1"):
        divide({"all": CORPUS["train"]}, shares)


# Preparing


def annotated(folder: Path, count: int) -> CorpusConfig:
    """An undivided corpus as brat leaves it."""
    brat.write(folder, violent_documents(count, "doc"))
    return corpus_at(folder, "brat")


def test_a_corpus_is_converted_and_divided(tmp_path: Path) -> None:
    source, told = annotated(tmp_path / "brat", 10), []
    prepare(PrepareConfig(source, convert="jsonl", output=str(tmp_path / "out"), shares=[0.6, 0.2, 0.2]), told.append)
    divided = load(corpus_at(tmp_path / "out", "jsonl")).splits
    assert divided == divide(load(source).splits, [0.6, 0.2, 0.2])
    assert told == [f"{tmp_path}/out/{s}.jsonl: {n} documents" for s, n in (("train", 6), ("dev", 2), ("test", 2))]
    assert not (tmp_path / "out" / LEFT_OUT).exists()


def test_everything_that_is_left_out_is_listed_in_a_file(tmp_path: Path) -> None:
    source = annotated(tmp_path / "brat", 12)
    source.skip_bad = True
    (tmp_path / "brat" / "stray.txt").write_text("Nobody annotated this.", "utf-8")
    with (tmp_path / "brat" / "doc-3.ann").open("a", encoding="utf-8") as file:
        file.write("#1\tAnnotatorNotes T1\tsure?\n")
    told: list[str] = []
    prepare(PrepareConfig(source, convert="conll", output=str(tmp_path / "out")), told.append)
    lines = (tmp_path / "out" / LEFT_OUT).read_text("utf-8").splitlines()
    assert len(lines) == 14
    assert sorted(line.partition(": ")[0].removeprefix(f"{tmp_path}/brat/") for line in lines[:2]) == [
        "doc-3.ann:6", "stray.txt",
    ]  # fmt: skip
    assert {line.partition(":")[0] for line in lines[2:]} == {f"document 'doc-{n}'" for n in range(12)}
    assert all(line.endswith(": 1 events (types and which spans belong together), layer events") for line in lines[2:])
    assert told == [
        f"{tmp_path}/out/all.conll: 12 documents, 12 with losses",
        *(f"left out: {line}" for line in lines[:10]),
        f"{tmp_path}/out/{LEFT_OUT}: all 14 losses",
    ]


@EVERY_FORMAT
def test_the_list_of_losses_is_not_taken_for_annotation(tmp_path: Path, form: str) -> None:
    documents = [document("a")]
    jsonl.write(tmp_path / "mine.jsonl", documents)
    source = corpus_at(tmp_path / "mine.jsonl", "jsonl")
    prepare(PrepareConfig(source, convert=form, output=str(tmp_path / "out")), quiet)
    (tmp_path / "out" / LEFT_OUT).write_text("document 'a': something\n", "utf-8")
    assert load(corpus_at(tmp_path / "out", form)).splits == {"all": documents}


def test_converting_needs_a_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"convert needs an output folder\. Add output=FOLDER"):
        prepare(PrepareConfig(annotated(tmp_path / "brat", 1), convert="jsonl"), quiet)


def test_a_divided_corpus_is_not_divided_by_shares(tmp_path: Path, tiny_corpus: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"splits already: train, dev, test"):
        prepare(PrepareConfig(tiny_corpus, convert="brat", output=str(tmp_path / "out"), shares=[0.5, 0.5]), quiet)
    assert not (tmp_path / "out").exists()


def test_the_command_makes_a_corpus_that_training_takes_as_it_is(tmp_path: Path) -> None:
    annotated(tmp_path / "brat", 10)
    out = tmp_path / "my_corpus"
    done = subprocess.run(
        [sys.executable, "scripts/prepare_data.py", f"corpus.path={tmp_path / 'brat'}", "corpus.format=brat",
         "convert=jsonl", f"output={out}", "shares=[0.6,0.2,0.2]", f"hydra.run.dir={tmp_path / 'run'}"],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{out}/train.jsonl: 6 documents" in done.stdout
    register()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = structured(compose("train", [f"corpus.path={out}", "output_dir=out"]), TrainConfig)
    corpus = load(config.corpus)
    assert (config.corpus.name, config.corpus.format) == ("my_corpus", "jsonl")
    assert {split: len(documents) for split, documents in corpus.splits.items()} == {"train": 6, "dev": 2, "test": 2}
    assert all(
        {argument.role for argument in event.arguments} == {Role.ATTACKER, Role.TARGET, Role.LOCATION}
        for document in corpus.split("train")
        for event in document.events
    )
