from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import violent_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.checkpoint import (
    SETTINGS_FILE,
    Settings,
    label_scheme,
    read_json,
    require_fitting_tokenizer,
)
from conflict_events.confidence import Confidence, Kind
from conflict_events.config import Algorithm, DecodingConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.linking.rule import TypeModel
from conflict_events.metrics.calibration import Scaling

SOUND: dict[str, Any] = {
    "format": 1,
    "window": {"max_tokens": 128, "overlap": 20},
    "decoding": {"algorithm": "argmax", "whole_words": False, "min_score": 0.25},
    "language": "es",
    "event_types": None,
}
WINDOWS = st.integers(2, 8192).flatmap(
    lambda longest: st.builds(WindowConfig, st.just(longest), st.integers(0, longest // 2 - 1))
)


def put(folder: Path, name: str, content: Any) -> Path:
    """Write JSON into a checkpoint folder."""
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return folder


def test_settings_are_read_as_they_stand(tmp_path: Path) -> None:
    assert Settings.load(put(tmp_path, SETTINGS_FILE, SOUND)) == Settings(
        WindowConfig(128, 20), DecodingConfig(Algorithm.argmax, False, 0.25), "es", None
    )


@settings(max_examples=40, deadline=None)
@given(
    window=WINDOWS,
    decoding=st.builds(
        DecodingConfig, st.sampled_from(Algorithm), st.booleans(), st.none() | st.floats(0, 1), st.booleans()
    ),
    language=st.sampled_from(["en", "es", "ar"]),
)
def test_settings_come_back_as_they_were_saved(
    tmp_path_factory: pytest.TempPathFactory, window: WindowConfig, decoding: DecodingConfig, language: str
) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    saved = Settings(window, decoding, language)
    saved.save(folder)
    assert Settings.load(folder) == saved


def test_the_event_types_come_back_with_the_settings(tmp_path: Path) -> None:
    types = TypeModel.fit(violent_documents(6, "träin"))
    assert types is not None
    Settings(event_types=types.to_record()).save(tmp_path)
    assert TypeModel.from_record(Settings.load(tmp_path).event_types) == types


def test_the_confidence_comes_back_with_the_settings(tmp_path: Path) -> None:
    fitted = Confidence({Kind.SPAN: Scaling(0.8, -0.25)}, {Kind.TRIGGER: 0.35})
    Settings(confidence=fitted.to_record()).save(tmp_path)
    assert Confidence.from_record(Settings.load(tmp_path).confidence) == fitted


def test_settings_of_before_there_was_confidence_have_none(tmp_path: Path) -> None:
    assert Settings.load(put(tmp_path, SETTINGS_FILE, SOUND)).confidence is None


def test_a_checkpoint_as_training_writes_it_is_read(tiny_checkpoint: Path) -> None:
    loaded = Settings.load(tiny_checkpoint)
    assert loaded.window == WindowConfig(64, 16)
    assert loaded.event_types is not None
    scheme, columns = label_scheme(tiny_checkpoint)
    assert scheme.roles == ("attacker", "target", "location", "weapon", "trigger")
    assert columns == [(number,) for number in range(11)]


@pytest.mark.parametrize("config", [{}, {"max_position_embeddings": 512}, {"max_position_embeddings": None}])
def test_a_checkpoint_made_elsewhere_gets_the_defaults(tmp_path: Path, config: dict[str, Any]) -> None:
    assert Settings.load(put(tmp_path, "config.json", config)) == Settings()


@pytest.mark.parametrize(("longest", "overlap"), [(128, 25), (255, 51), (2, 0)])
def test_windows_of_a_checkpoint_made_elsewhere_fit_its_encoder(tmp_path: Path, longest: int, overlap: int) -> None:
    window = Settings.load(put(tmp_path, "config.json", {"max_position_embeddings": longest})).window
    assert window == WindowConfig(longest, overlap)


def test_a_folder_without_config_is_no_checkpoint(tmp_path: Path) -> None:
    for read in (Settings.load, label_scheme):
        with pytest.raises(CheckpointError, match=r"there is no config\.json") as error:
            read(tmp_path)
        assert error.value.where == str(tmp_path)


@pytest.mark.parametrize("version", [2, "1", None])
def test_settings_of_another_format_are_refused(tmp_path: Path, version: Any) -> None:
    with pytest.raises(CheckpointError, match=r"another version.*Update conflict-events") as error:
        Settings.load(put(tmp_path, SETTINGS_FILE, SOUND | {"format": version}))
    assert error.value.where == str(tmp_path / SETTINGS_FILE)


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"window": None},
        {"window": {"max_tokens": 128, "overlap": 64}},
        {"window": {"max_tokens": 128, "stride": 20}},
        {"window": {"max_tokens": "128", "overlap": 20}},
        {"window": {"max_tokens": 128.5, "overlap": 20}},
        {"decoding": []},
        {"decoding": {}},
        {"decoding": SOUND["decoding"] | {"algorithm": "beam"}},
        {"decoding": SOUND["decoding"] | {"min_score": 1.5}},
        {"decoding": SOUND["decoding"] | {"min_score": "0.5"}},
        {"decoding": SOUND["decoding"] | {"whole_words": "no"}},
        {"decoding": SOUND["decoding"] | {"beam": 4}},
        {"language": 5},
        {"event_types": ["shelling"]},
        {"confidence": [0.5]},
        {"confidence": 0.5},
        {"decoding": SOUND["decoding"] | {"min_score": -0.1}},
    ],
    ids=str,
)
def test_unknown_and_ill_typed_settings_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="malformed") as error:
        Settings.load(put(tmp_path, SETTINGS_FILE, SOUND | change))
    assert error.value.where == str(tmp_path / SETTINGS_FILE)


@pytest.mark.parametrize("key", ["window", "decoding"])
def test_missing_settings_are_refused(tmp_path: Path, key: str) -> None:
    record = {name: value for name, value in SOUND.items() if name != key}
    with pytest.raises(CheckpointError, match=f"malformed.*{key}"):
        Settings.load(put(tmp_path, SETTINGS_FILE, record))


@pytest.mark.parametrize("config", [{}, {"id2label": None}, {"id2label": {}}, {"id2label": ["O", "B-X", "I-X"]}])
def test_a_model_without_labels_is_no_token_classifier(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=r"no id2label.*Give a checkpoint of a token classifier") as error:
        label_scheme(put(tmp_path, "config.json", config))
    assert error.value.where == str(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        ["LABEL_0", "LABEL_1"],
        ["O"],
        ["B-TARGET", "I-TARGET"],
        ["O", "B-TARGET"],
        ["O", "I-TARGET"],
        ["O", "B-TARGET", "I-WEAPON"],
        ["O", "B-TARGET", "I-TARGET", "L-TARGET"],
    ],
    ids=str,
)
def test_labels_that_are_no_bio_scheme_are_refused_with_the_folder(tmp_path: Path, labels: list[str]) -> None:
    put(tmp_path, "config.json", {"id2label": {str(number): label for number, label in enumerate(labels)}})
    with pytest.raises(CheckpointError, match=r"not a BIO scheme.*O, B-ROLE and I-ROLE") as error:
        label_scheme(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: ")
    assert labels[0] in str(error.value)


def test_a_label_number_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        label_scheme(put(tmp_path, "config.json", {"id2label": {"zero": "O", "1": "B-TARGET", "2": "I-TARGET"}}))


def test_labels_in_another_order_get_the_columns_of_their_scores(tmp_path: Path) -> None:
    names = {"0": "I-WEAPON", "1": "B-TARGET", "2": "O", "3": "I-TARGET", "4": "B-WEAPON"}
    scheme, columns = label_scheme(put(tmp_path, "config.json", {"id2label": names}))
    assert scheme.labels == ["O", "B-TARGET", "I-TARGET", "B-WEAPON", "I-WEAPON"]
    assert columns == [(2,), (1,), (3,), (4,), (0,)]


def test_labels_of_others_are_mapped(tmp_path: Path) -> None:
    names = {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-MISC", "4": "I-MISC"}
    put(tmp_path, "config.json", {"id2label": names})
    scheme, columns = label_scheme(tmp_path, {"PER": "attacker", "MISC": None})
    assert scheme.labels == ["O", "B-ATTACKER", "I-ATTACKER"]
    assert columns == [(0, 3, 4), (1,), (2,)]
    with pytest.raises(ConfigError, match=f"^{tmp_path}: label_map names LOC"):
        label_scheme(tmp_path, {"LOC": "location"})


@pytest.mark.parametrize("config", [{"vocab_size": 100, "max_position_embeddings": 128}, {}, {"vocab_size": None}])
def test_a_tokenizer_within_the_encoders_embeddings_is_taken(tmp_path: Path, config: dict[str, Any]) -> None:
    require_fitting_tokenizer(put(tmp_path, "config.json", config), 99, WindowConfig(128, 16))


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "config.json", {"vocab_size": 100})
    with pytest.raises(CheckpointError, match=r"ids up to 100.*embedding of 100 tokens.*fetch or copy it again"):
        require_fitting_tokenizer(tmp_path, 100, WindowConfig())


def test_windows_longer_than_the_encoder_takes_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "config.json", {"vocab_size": 100, "max_position_embeddings": 128})
    with pytest.raises(CheckpointError, match=r"windows of 129 tokens.*128 positions"):
        require_fitting_tokenizer(tmp_path, 5, WindowConfig(129, 16))


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 5_000 + "}"], ids=lambda b: b[:6])
def test_json_that_would_exhaust_the_reader_is_refused(tmp_path: Path, bomb: str) -> None:
    with pytest.raises(CheckpointError, match=r"not JSON|nested too deep"):
        read_json(put(tmp_path, "config.json", bomb) / "config.json")


def test_a_config_of_the_size_of_a_library_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    with pytest.raises(CheckpointError, match="more than any config"):
        read_json(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("content", "message"), [("{", "not JSON"), ("[]", "not a JSON object"), ("\x00", "not JSON"), ("", "not JSON")]
)
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = put(tmp_path, "config.json", content) / "config.json"
    with pytest.raises(CheckpointError, match=message) as error:
        read_json(path)
    assert error.value.where == str(path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(CheckpointError, match="not JSON"):
        read_json(tmp_path / "config.json")
