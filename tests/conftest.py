"""A tiny world for tests: tokenizers of three families and a small encoder, built in memory; no network, no weights."""

from __future__ import annotations

import shutil
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from conflict_events.checkpoint import Settings
from conflict_events.config import CorpusConfig, LinkerConfig, WindowConfig
from conflict_events.labels import LabelScheme
from conflict_events.linking.network import Linker, save_linker
from conflict_events.linking.rule import TypeModel
from conflict_events.schema import Document, EventType, Layer, Role
from conflict_events.windows import TextTokenizer

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
ROLES = ("attacker", "target", "location", "weapon", "trigger")

needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"third-party texts are not at {SHARED_DATA.relative_to(ROOT.parent)}"
)

damaged_weights = pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"\xff" * 64 + raw[64:],
        lambda raw: b"not weights",
    ],
    ids=["half", "empty", "header overwritten", "text"],
)
"""What may have become of a file of weights."""


def wordpiece_tokenizer() -> Tokenizer:
    """BERT's kind: uncased, accents and control characters dropped, words in pieces of one letter."""
    pieces = [*string.ascii_lowercase, *string.digits]
    words = ["rebels", "troops", "attacked", "bombed", "shelled", "killed", "the", "village", "near", "with"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *(f"##{p}" for p in pieces), *words]
    vocabulary += [c for c in string.punctuation if c not in vocabulary]
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def bytelevel_tokenizer() -> Tokenizer:
    """RoBERTa's and ModernBERT's kind: bytes, with the space before a word inside the word's token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ids = {token: number for number, token in enumerate(["<s>", "</s>", "<pad>", "<unk>", *alphabet])}
    merges = []
    for word in ("Ġthe", "Ġrebels", "Ġvillage"):
        for cut in range(1, len(word)):
            if word[: cut + 1] not in ids:
                ids[word[: cut + 1]] = len(ids)
                merges.append((word[:cut], word[cut]))
    tokenizer = Tokenizer(models.BPE(ids, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<s> $A </s>", special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])]
            ),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram_tokenizer() -> Tokenizer:
    """XLM-R's and DeBERTa-v3's kind: sentencepiece, words begin with a mark that stands for the space."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *string.ascii_letters, *string.digits, *string.punctuation]
    pieces += ["▁the", "▁rebels", "▁village"]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(n)) for n, piece in enumerate(pieces)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {
    "wordpiece": wordpiece_tokenizer,
    "bytelevel": bytelevel_tokenizer,
    "unigram": unigram_tokenizer,
}


@pytest.fixture(params=TOKENIZERS)
def text_tokenizer(request: pytest.FixtureRequest) -> TextTokenizer:
    """One of each family of tokenizers."""
    return TextTokenizer(TOKENIZERS[request.param]())


@pytest.fixture(scope="session")
def scheme() -> LabelScheme:
    return LabelScheme(ROLES)


def tiny_bert(labels: LabelScheme, vocabulary: int) -> BertForTokenClassification:
    """A BERT of a few thousand random weights, always the same ones."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=128, id2label=labels.id2label, label2id=labels.label2id, pad_token_id=0,
    )  # fmt: skip
    return BertForTokenClassification(config)


def fast_tokenizer(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The transformers wrapper of :func:`wordpiece_tokenizer`."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=64,
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, scheme: LabelScheme) -> Path:
    """A folder with a tiny encoder and its tokenizer, to fine-tune."""
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = fast_tokenizer(wordpiece_tokenizer())
    tiny_bert(scheme, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def violent_documents(count: int, prefix: str) -> list[Document]:
    """Short documents that a tiny model can learn: the words of each role are always the same."""
    documents = []
    for number in range(count):
        attacker = ("rebels", "troops")[number % 2]
        trigger = ("attacked", "bombed", "shelled")[number % 3]
        text = f"{attacker} {trigger} the village near hill {number} . the {prefix} market was open ."
        at = len(attacker) + 1
        place = text.index("hill")
        record = {
            "id": f"{prefix}-{number}", "text": text, "layers": [layer.value for layer in Layer],
            "events": [{
                "type": "armed_attack", "trigger": [at, at + len(trigger)], "attacker": [[0, len(attacker)]],
                "target": [[text.index("village"), text.index("village") + 7]], "weapon": [],
                "location": [[place, place + len(f"hill {number}")]],
            }],
            "meta": {"source": "tiny", "region": ("north", "south")[number % 2]},
        }  # fmt: skip
        documents.append(Document.from_record(record))
    return documents


def roles_only(document: Document) -> Document:
    """The same document as one in which nobody looked for events."""
    spans = tuple(span for span in document.spans if span.role in set(Role))
    return replace(document, layers=frozenset({Layer.ROLES}), role_spans=spans, events=())


@pytest.fixture
def tiny_corpus(tmp_path: Path) -> CorpusConfig:
    """A corpus of twelve documents in the project's own JSONL."""
    from conflict_events.corpora.formats import jsonl

    folder = tmp_path / "corpus"
    for split, count in {"train": 6, "dev": 3, "test": 3}.items():
        jsonl.write(folder / f"{split}.jsonl", violent_documents(count, split))
    return CorpusConfig(name="tiny", format="jsonl", path=str(folder), roles=list(ROLES))


@pytest.fixture
def tiny_checkpoint(tmp_path: Path, scheme: LabelScheme) -> Path:
    """A checkpoint as training writes it, untrained."""
    return write_checkpoint(tmp_path / "checkpoint", scheme)


def write_checkpoint(folder: Path, scheme: LabelScheme) -> Path:
    """Make the folder of an untrained checkpoint."""
    tokenizer = fast_tokenizer(wordpiece_tokenizer())
    tiny_bert(scheme, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    types = TypeModel.fit(violent_documents(6, "train"))
    assert types is not None
    Settings(window=WindowConfig(64, 16), event_types=types.to_record()).save(folder)
    return folder


SMALL_LINKER = LinkerConfig(reach=12, width=16, layers=1, heads=2, dropout=0.0)


def tiny_linker(hidden_size: int = 32, config: LinkerConfig = SMALL_LINKER) -> Linker:
    """A linker of a few thousand random weights, always the same ones, for the states of :func:`tiny_bert`."""
    torch.manual_seed(1)
    return Linker(hidden_size, len(Role), len(EventType), config)


@pytest.fixture
def tiny_linked_checkpoint(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """The same as ``tiny_checkpoint`` in a folder of its own, with a linker."""
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "linked"))
    save_linker(tiny_linker(), folder, SMALL_LINKER)
    return folder


def export_tiny(folder: Path) -> Path:
    """Give a tiny checkpoint its ``onnx/``, compared with torch on two documents."""
    from conflict_events.config import ExportConfig
    from conflict_events.corpora.formats import jsonl
    from conflict_events.exporting import export

    corpus = folder.with_name(f"{folder.name}-corpus")
    jsonl.write(corpus / "dev.jsonl", violent_documents(2, "dev"))
    export(ExportConfig(str(folder), CorpusConfig("tiny", "jsonl", str(corpus), roles=list(ROLES)), most_loss=1.0))
    return folder


@pytest.fixture(scope="session")
def exported_checkpoint(tmp_path_factory: pytest.TempPathFactory, scheme: LabelScheme) -> Path:
    """A tiny checkpoint with a linker and ``onnx/``: copy it to change it."""
    folder = write_checkpoint(tmp_path_factory.mktemp("exported") / "checkpoint", scheme)
    save_linker(tiny_linker(), folder, SMALL_LINKER)
    return export_tiny(folder)


@pytest.fixture(scope="session")
def exported_without_linker(tmp_path_factory: pytest.TempPathFactory, scheme: LabelScheme) -> Path:
    """The same without a linker."""
    return export_tiny(write_checkpoint(tmp_path_factory.mktemp("exported") / "plain", scheme))
