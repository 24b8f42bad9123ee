"""Every YAML file composes into its schema, mistakes fail by name, and no setting is there for nobody."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROLES, ROOT
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from transformers import TrainingArguments

from conflict_events import config as schemas
from conflict_events.config import (
    Algorithm,
    BenchmarkConfig,
    CheckpointConfig,
    CorpusConfig,
    DecodingConfig,
    DistillationConfig,
    EngineKind,
    EvaluateConfig,
    ExportConfig,
    FirstConfig,
    LinkerConfig,
    ModelConfig,
    PredictConfig,
    PrepareConfig,
    PushConfig,
    Runner,
    RunnerConfig,
    TeacherConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
    register,
    structured,
)
from conflict_events.corpora import READERS
from conflict_events.errors import ConfigError

CONFIGS = ROOT / "configs"
SCHEMAS: dict[str, type] = {
    "train": TrainConfig, "evaluate": EvaluateConfig, "predict": PredictConfig, "prepare": PrepareConfig,
    "push": PushConfig, "export": ExportConfig, "benchmark": BenchmarkConfig,
}  # fmt: skip
GROUPS = (
    CorpusConfig,
    ModelConfig,
    LinkerConfig,
    WindowConfig,
    DecodingConfig,
    CheckpointConfig,
    DistillationConfig,
    RunnerConfig,
    FirstConfig,
    TeacherConfig,
)
"""Every schema that is part of another one, apart from that of transformers' training settings."""
GIVEN = {
    "train": ["output_dir=out"],
    "evaluate": ["output_dir=out", "model.path=somewhere"],
    "predict": ["input=in.txt", "output=out.jsonl", "model.path=somewhere"],
    "prepare": [],
    "push": ["path=somewhere", "repo_id=me/mine"],
    "export": ["path=somewhere"],
    "benchmark": ["output_dir=out", "model.path=somewhere"],
}


def composed(name: str, *overrides: str) -> Any:
    register()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(name, [*GIVEN[name], *overrides])


def config(name: str, *overrides: str) -> Any:
    """The dataclass that a script gets."""
    return structured(composed(name, *overrides), SCHEMAS[name])


def groups(name: str) -> list[str]:
    """The groups in the defaults of a script's config."""
    return re.findall(r"^  - (\w+):", (CONFIGS / f"{name}.yaml").read_text("utf-8"), re.MULTILINE)


def choices() -> list[tuple[str, str, str]]:
    """Every option of every group, for every script that has the group."""
    return [
        (name, group, path.stem)
        for name in SCHEMAS
        for group in groups(name)
        for path in sorted((CONFIGS / group).glob("*.yaml"))
    ]


def told(error: BaseException | None) -> str:
    """What an error and its causes say, as Hydra prints them."""
    return "" if error is None else f"{error}\n{told(error.__cause__)}"


# The files


def test_every_file_is_a_script_config_or_an_option_of_one() -> None:
    reached = {f"{name}.yaml" for name in SCHEMAS} | {f"{group}/{option}.yaml" for _, group, option in choices()}
    assert reached == {path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml")}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_script_config_composes(name: str) -> None:
    assert type(config(name)) is SCHEMAS[name]


@pytest.mark.parametrize(("name", "group", "option"), choices())
def test_every_option_of_every_group_composes(name: str, group: str, option: str) -> None:
    whole = config(name, f"{group}={option}")
    assert isinstance(whole, SCHEMAS[name])
    if group == "corpus":
        assert whole.corpus.name == option
        assert whole.corpus.format in READERS


def test_experiments_of_one_corpus_and_seed_are_written_into_different_folders() -> None:
    folders = [
        yaml.safe_load(path.read_text("utf-8"))["hydra"]["run"]["dir"]
        for path in sorted((CONFIGS / "experiment").glob("*.yaml"))
    ]
    assert len(folders) > 4
    assert len(set(folders)) == len(folders)
    assert all(folder.endswith("-${training.seed}") for folder in folders)


def test_roles_are_mapped_on_the_command_line_as_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    corpus, model = "+corpus.label_map={Perpetrator: attacker, Date: null}", "+model.begin_as={perpetrator: attacker}"
    assert f"'{corpus}'" in readme and f"'{model}'" in readme
    train = config("train", corpus, model)
    assert train.corpus.label_map == {"Perpetrator": "attacker", "Date": None}
    assert train.model.begin_as == {"perpetrator": "attacker"}


def test_the_defaults_are_the_projects_own_corpus_and_encoder() -> None:
    train = config("train")
    assert train.corpus == CorpusConfig("own", "jsonl", "data/own", None, list(ROLES), "en")
    assert train.model == ModelConfig(attention_dropout=0.0, attention="eager")
    assert train.window == WindowConfig(256, 48)
    assert train.linker == LinkerConfig()
    assert train.decoding == DecodingConfig(Algorithm.viterbi, True, None, False)
    assert train.training == TrainingConfig()


@pytest.mark.parametrize(
    ("choice", "path", "value"),
    [
        ("corpus=muc4", "corpus.roles", ["perp_ind", "perp_org", "target", "victim", "weapon"]),
        ("corpus=conflict", "corpus.source_dir", "data/raw"),
        ("model=modernbert", "model.add_prefix_space", True),
        ("decoding=argmax", "decoding.algorithm", Algorithm.argmax),
        ("debug=quick", "training.max_steps", 4),
        ("debug=quick", "limit", 16),
        ("training.seed=0", "training.seed", 0),
        ("window.max_tokens=512", "window.max_tokens", 512),
        ("test_split=null", "test_split", None),
        ("linker.enabled=false", "linker.enabled", False),
        ("linker.reach=40", "linker.reach", 40),
        ("decoding.min_score=0.3", "decoding.min_score", 0.3),
    ],
)
def test_an_option_sets_what_it_is_there_for(choice: str, path: str, value: object) -> None:
    found: Any = config("train", choice)
    for key in path.split("."):
        found = getattr(found, key)
    assert found == value


@pytest.mark.parametrize("given", ["[a.jsonl,b.csv]", "'x/*.jsonl.gz'", "-"])
def test_the_input_is_a_path_a_pattern_or_a_list(given: str) -> None:
    found = config("predict", f"input={given}").input
    assert found == (["a.jsonl", "b.csv"] if given.startswith("[") else given.strip("'"))


@pytest.mark.parametrize(
    ("overrides", "runner"),
    [
        ([], RunnerConfig()),
        (["runner.workers=4", "runner.shard_size=50"], RunnerConfig(workers=4, shard_size=50)),
        (["runner=ray"], RunnerConfig(Runner.ray, workers=2)),
        (["runner=ray", "runner.address=head:6379"], RunnerConfig(Runner.ray, workers=2, address="head:6379")),
    ],
)
def test_the_runner_is_this_machine_or_a_cluster(overrides: list[str], runner: RunnerConfig) -> None:
    assert config("predict", *overrides).runner == runner


# Mistakes


@pytest.mark.parametrize(
    ("name", "override", "words"),
    [
        ("train", "window.overlpa=3", ["overlpa"]),
        ("train", "trainin.seed=3", ["trainin"]),
        ("train", "training.learning_rat=3", ["learning_rat"]),
        ("evaluate", "model.pth=x", ["pth"]),
        ("predict", "inptu=x", ["inptu"]),
        ("prepare", "chek=true", ["chek"]),
        ("export", "quantise=true", ["quantise"]),
        ("predict", "engine=tensorrt", ["tensorrt", "auto, torch, onnx"]),
        ("predict", "model.threads=0", ["threads=0"]),
        ("push", "pat=x", ["pat"]),
        ("push", "private=perhaps", ["private", "perhaps"]),
        ("push", "dataset=folder", ["dataset and a checkpoint"]),
        ("train", "decoding.algorithm=viterbee", ["decoding.algorithm", "viterbee", "viterbi, argmax"]),
        ("train", "training.learning_rate=fast", ["training.learning_rate", "fast"]),
        ("train", "window.max_tokens=2.5", ["window.max_tokens", "2.5"]),
        ("predict", "show=some", ["show", "some"]),
        ("predict", "input=5", ["input=5", "no path"]),
        ("predict", "input=[out.jsonl]", ["output=out.jsonl is the input"]),
        ("predict", "runner=spark", ["runner/spark", "local", "ray"]),
        ("predict", "runner.kind=spark", ["runner.kind", "spark"]),
        ("predict", "runner.format=xml", ["runner.format", "xml", "jsonl, csv, parquet"]),
        ("predict", "runner.workers=0", ["runner.workers=0", "at least 1"]),
        ("predict", "runner.shard_size=0", ["runner.shard_size=0", "at least 1"]),
        ("prepare", "check=perhaps", ["check", "perhaps"]),
        ("train", "corpus.name=null", ["corpus.name"]),
        ("train", "corpus.roles=attacker", ["corpus.roles"]),
        ("train", "corpus=nowhere", ["corpus/nowhere", "conflict", "muc4", "own"]),
        ("train", "window.overlap=200", ["window.overlap=200", "window.max_tokens=256", "overlap < max_tokens / 2"]),
        ("train", "window.max_tokens=64", ["window.overlap=48", "window.max_tokens=64"]),
        ("train", "window.overlap=-1", ["window.overlap=-1"]),
        ("train", "linker.raech=3", ["raech"]),
        ("train", "linker.width=96.5", ["linker.width", "96.5"]),
        ("train", "linker.width=250", ["linker.width=250", "linker.heads=4", "that the heads divide"]),
        ("train", "linker.reach=0", ["linker.reach=0"]),
        ("train", "decoding.min_score=1.5", ["decoding.min_score=1.5", "[0, 1]"]),
    ],
)
def test_a_mistake_fails_by_name(name: str, override: str, words: list[str]) -> None:
    with pytest.raises(Exception) as caught:
        config(name, override)
    for word in words:
        assert word in told(caught.value)


@pytest.mark.parametrize("missing", ["input", "output"])
def test_a_value_that_must_be_given_is_named_with_the_way_to_give_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GIVEN, "predict", [given for given in GIVEN["predict"] if not given.startswith(f"{missing}=")])
    with pytest.raises(ConfigError, match=rf"{re.escape(missing)} is missing.*{re.escape(missing)}=VALUE"):
        config("predict")


def test_a_config_without_its_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no TrainConfig.*first in 'defaults'"):
        structured(OmegaConf.create({"corpus": {"name": "x"}}), TrainConfig)
    with pytest.raises(ConfigError, match="no PrepareConfig"):
        structured(composed("train"), PrepareConfig)


@pytest.mark.parametrize(("tokens", "overlap"), [(100, 50), (100, 51), (10, -1), (1, 0), (0, 0)])
def test_a_window_that_would_not_move_on_is_refused(tokens: int, overlap: int) -> None:
    with pytest.raises(ConfigError, match=f"window.overlap={overlap} does not fit window.max_tokens={tokens}"):
        WindowConfig(tokens, overlap)


def test_the_widest_overlap_that_fits_is_taken() -> None:
    assert WindowConfig(100, 49).overlap == 49


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_min_score_outside_zero_to_one_is_refused(score: float) -> None:
    with pytest.raises(ConfigError, match=r"decoding\.min_score"):
        DecodingConfig(min_score=score)


@pytest.mark.parametrize("score", [None, 0.0, 1.0])
def test_a_min_score_of_zero_or_one_is_taken_and_so_is_none(score: float | None) -> None:
    assert DecodingConfig(min_score=score).min_score == score


@pytest.mark.parametrize(("width", "heads"), [(0, 1), (-8, 2), (8, 0), (8, -2), (9, 2), (4, 8)])
def test_a_linker_whose_heads_do_not_divide_its_width_is_refused(width: int, heads: int) -> None:
    with pytest.raises(ConfigError, match=rf"linker\.width={width} is not a multiple of linker\.heads={heads}"):
        LinkerConfig(width=width, heads=heads)


@pytest.mark.parametrize(("reach", "layers"), [(0, 1), (-1, 1), (8, -1)])
def test_a_linker_that_sees_nothing_is_refused(reach: int, layers: int) -> None:
    with pytest.raises(ConfigError, match=rf"linker\.reach={reach} or linker\.layers={layers} is too small"):
        LinkerConfig(reach=reach, layers=layers)


@pytest.mark.parametrize(("dropout", "weight"), [(-0.1, 0.3), (1.0, 0.3), (0.1, 0.0), (0.1, -1.0), (0.1, float("nan"))])
def test_a_linker_that_cannot_learn_is_refused(dropout: float, weight: float) -> None:
    with pytest.raises(
        ConfigError, match=rf"linker\.dropout={dropout} or linker\.loss_weight={weight} is out of range"
    ):
        LinkerConfig(dropout=dropout, loss_weight=weight)


@pytest.mark.parametrize("rate", [0.0, -5e-4, float("nan")])
def test_a_rate_at_which_no_head_learns_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match=r"training\.head_learning_rate=.* is not positive"):
        TrainingConfig(head_learning_rate=rate)


# No setting without a reader


def read_names() -> set[str]:
    """Every attribute that the package (apart from the schemas) or a script reads."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
    return {
        node.attr
        for path in files
        if path != Path(schemas.__file__)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize(
    "schema",
    [*GROUPS, *SCHEMAS.values()],
    ids=lambda schema: schema.__name__,
)
def test_every_setting_is_read_by_some_code(schema: type) -> None:
    assert {field.name for field in dataclasses.fields(schema)} - read_names() == set()


def test_every_training_setting_is_one_of_transformers_or_read_here() -> None:
    known = {field.name for field in dataclasses.fields(TrainingArguments)} | read_names()
    assert {field.name for field in dataclasses.fields(TrainingConfig)} - known == set()


def test_every_schema_is_checked_here() -> None:
    checked = {*GROUPS, TrainingConfig}
    declared = {
        value for value in vars(schemas).values() if isinstance(value, type) and dataclasses.is_dataclass(value)
    }
    assert declared == checked | set(SCHEMAS.values())


@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_the_engine_is_the_models(name: str) -> None:
    taken = config(name, "engine=onnx")
    assert taken.model.engine is taken.engine is EngineKind.onnx
