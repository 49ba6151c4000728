"""One validated configuration from flags, environment and file, and errors in one line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from agents.config import RunConfig, experiment
from agents.sources import Command, fields, load, parse
from assets.errors import UserError

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.yaml"))
EXAMPLES = [path for path in CONFIGS if "python -m agents.optimize" in path.read_text(encoding="utf-8")]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("SCENEPROOF_") and "__" in name]:
        monkeypatch.delenv(variable)


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def problem(*arguments: str) -> str:
    with pytest.raises(UserError) as raised:
        parse(arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def described(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field.description
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from described(field.annotation, f"{prefix}{name}.")


def test_every_field_is_described_and_explained_by_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse(["--help"])
    assert stopped.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    unbroken = "".join(shown.split())  # lines also break at hyphens
    for name, description in described(RunConfig):
        assert description, name
        assert "".join(description.split()) in unbroken, name
    for name in fields():
        assert f"--{name} " in shown, name


def test_flags_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "budget: {prompts: 5, refusals: 6}\nseed: 7\noptimizer: {per_round: 8}\n")
    monkeypatch.setenv("SCENEPROOF_BUDGET__PROMPTS", "15")
    monkeypatch.setenv("SCENEPROOF_SEED", "17")
    config = parse(["--config", path, "--budget.prompts", "25"]).config
    assert (config.budget.prompts, config.seed, config.budget.refusals) == (25, 17, 6)
    assert (config.optimizer.per_round, config.optimizer.finalists) == (8, RunConfig().optimizer.finalists)


def test_budget_and_history_have_short_flags() -> None:
    config = parse(["--budget", "3", "--history", "sqlite:///x.db"]).config
    assert (config.budget.prompts, config.history.url) == (3, "sqlite:///x.db")


def test_none_switches_off_on_every_way_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(["--data.mimetics", "none"]).config.data.mimetics is None
    for spelt in ("null", "none"):
        file = written(tmp_path, f"data: {{mimetics: {spelt}, test_clips: {spelt}}}")
        assert parse(["--config", file]).config.data.mimetics is None
        assert parse(["--config", file]).config.data.test_clips is None
    file = written(tmp_path, "optimizer: {race: none}\ntargets: [{model: a/b, revision: none}, {model: c/d}]")
    config = parse(["--config", file]).config
    assert (config.optimizer.race, config.targets[0].revision) == ("none", None)
    monkeypatch.setenv("SCENEPROOF_DATA__MIMETICS", "none")
    assert parse([]).config.data.mimetics is None


def test_engine_options_keep_their_types() -> None:
    given = [
        "--target.options",
        "dtype=float32",
        "--target.options",
        "batch=4",
        "--target.options",
        "reuse=false",
    ]
    assert parse(given).config.target.options == {"dtype": "float32", "batch": 4, "reuse": False}


def test_unset_frames_suit_the_model() -> None:
    def frames(*given: str) -> tuple[int, int | None]:
        config = parse(given).config.target.frames
        return config.count, config.size

    assert frames() == (6, 84)
    assert frames("--target.frames.count", "4") == (4, 84)
    assert frames("--target.frames.size", "none") == (6, None)
    assert frames("--target.model", "someone/large") == (8, None)
    assert (RunConfig().target.frames.count, RunConfig().target.frames.size) == (6, 84)


def test_what_is_printed_is_what_runs(tmp_path: Path) -> None:
    given = ["--budget", "9", "--data.mimetics", "none", "--target.options", "batch=4", "--print-config"]
    command = parse(given)
    assert command.print_config
    again = parse(["--config", written(tmp_path, command.config.yaml())]).config
    assert again == command.config


def test_resume_takes_a_run_or_none() -> None:
    assert [parse(given).resume for given in ([], ["--resume"], ["--resume", "2026"])] == [None, "", "2026"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--budget.prompt=3"], "unknown flag --budget.prompt; known: --budget.prompts"),
        (["--budgt", "3"], "unknown flag --budgt; known: --budget"),
        (["--budget.promts", "3"], "unknown flag --budget.promts; known: --budget.prompts"),
        (["--budget", "many"], "budget.prompts: 'many' is not possible"),
        (["--budget", "0"], "budget.prompts: '0' is not possible"),
        (["--target.question.format", "mcq6"], "known: mcq5, closed, open"),
        (["--optimizer.strategy", "magic"], "known: opro, "),
        (["--target.frames.sampling", "odd"], "'dense', 'paper' or 'paper_internvl3'"),
        (["--optimizer.strategy", "file"], "strategy file needs optimizer.file"),
        (["--data.fractions.tune", "0.5"], "data.fractions: tune, select and test sum to 1.35"),
        (["stray"], "unrecognized arguments: stray"),
    ],
)
def test_a_wrong_flag_is_explained_in_one_line(given: list[str], told: str) -> None:
    assert told in problem(*given)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budget: {promts: 3}", "unknown key budget.promts; known in budget: prompts, refusals"),
        ("bugdet: {}", "unknown key bugdet; known keys: data, target, targets, optimizer"),
        (
            "optimizer: {llm: {api_key: sk-1}}",
            "unknown key optimizer.llm.api_key; known in optimizer.llm: model",
        ),
        ("budget: 50", "budget: '50' is not possible"),
        ("- 1", "holds a list"),
        ("a: [", "is no YAML"),
        ("!!python/object/apply:os.getcwd []", "is no YAML"),
    ],
)
def test_a_wrong_file_is_explained_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in problem("--config", written(tmp_path, text))


def test_a_missing_file_is_named() -> None:
    assert "absent.yaml" in problem("--config", "absent.yaml")


def test_a_misspelt_variable_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_BUGDET__PROMPTS", "3")
    assert "SCENEPROOF_BUGDET__PROMPTS; known beginnings: SCENEPROOF_DATA__" in problem()
    monkeypatch.delenv("SCENEPROOF_BUGDET__PROMPTS")
    monkeypatch.setenv("SCENEPROOF_BUDGET__PROMTS", "3")
    assert "unknown key budget.promts" in problem()


def test_a_key_in_the_wrong_place_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problem("--optimizer.llm.api_key_env", "sk-very-secret-12345678")
    assert "must be the name of an environment variable" in told
    assert "very-secret" not in told
    printed = parse(["--history", "postgresql://me:hunter2@host/db"]).config.yaml()
    assert "hunter2" not in printed


def test_a_configuration_without_a_command_line_reads_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEPROOF_SEED", "4")
    config = load(written(tmp_path, "budget: {prompts: 5}"))
    assert (config.budget.prompts, config.seed) == (5, 4)


def test_caps_and_places_make_no_other_experiment() -> None:
    base = experiment(RunConfig().values())

    def changed(*arguments: str) -> bool:
        return experiment(parse(arguments).config.values()) != base

    assert not changed(
        "--budget.seconds", "9", "--output", "x", "--history", "sqlite:///y", "--budget.refusals", "3"
    )
    assert changed("--budget", "9")
    assert changed("--seed", "9")
    assert changed("--optimizer.llm.model", "x")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid_and_say_what_they_do(path: Path) -> None:
    command: Command = parse(["--config", str(path)])
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert given
    assert set(given) <= set(command.config.values())
    assert path.read_text(encoding="utf-8").startswith("#")


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"mini", "openai_optimizer", "real_hat"}


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--optimizer.race", "maybe", "'sequential' or 'none'"),
        ("--optimizer.racing.block", "0", "greater than or equal to 1"),
        ("--optimizer.racing.alpha", "1", "less than 1"),
        ("--optimizer.racing.worthwhile", "-0.1", "greater than or equal to 0"),
        ("--objective.rule", "pareto", "'score' or 'sberr'"),
        ("--objective.margin", "0", "greater than 0"),
        ("--budget.dollars", "0", "greater than 0"),
    ],
)
def test_numbers_of_race_objective_and_caps_are_checked(flag: str, value: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as said:
        parse([flag, value])
    assert "\n" not in str(said.value)


def test_a_rule_that_wants_proof_is_refused_without_clips_to_prove_on() -> None:
    told = problem("--objective.rule", "sberr", "--data.agreement", "none")
    assert "objective.rule sberr needs ordinary clips as proof, but data.agreement is none" in told
    assert "set it, e.g. to kinetics:train, or use objective.rule score" in told
    assert parse(["--objective.rule", "sberr"]).config.data.agreement
    assert parse(["--data.agreement", "none"]).config.objective.rule == "score"


def test_a_race_is_the_default_and_can_be_left_out() -> None:
    assert parse([]).config.optimizer.race == "sequential"
    assert parse(["--optimizer.race", "none"]).config.optimizer.race == "none"
    assert parse(["--optimizer.racing.futility_alpha", "0.3"]).config.optimizer.racing.futility_alpha == 0.3


def test_several_targets_come_from_a_file_and_the_first_stands_for_one(tmp_path: Path) -> None:
    text = "targets: [{model: a, view: black}, {model: mini, name: small, frames: {count: 4}}]"
    config = parse(["--config", written(tmp_path, text)]).config
    assert list(config.panel()) == ["a", "small"]
    assert (config.target.model, config.target.view) == ("a", "black")
    assert config.targets[1].frames.size == 84
    again = RunConfig.model_validate(yaml.safe_load(config.yaml()))
    assert again == config
    alone = parse([]).config
    assert "targets" not in alone.values()
    assert list(alone.panel()) == ["mini"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("targets: [{model: a}, {model: a}]", "two of targets are called 'a'; give each a name of its own"),
        (
            "{target: {model: c}, targets: [{model: a}, {model: b}]}",
            "give either target or targets, not both",
        ),
        (
            "targets: [{model: a}, {model: b, modle: c}]",
            "unknown key targets.1.modle; known in targets.1: engine",
        ),
        ("targets: [{model: a, name: b @ c}]", "names of targets must not contain"),
        ("targets: {model: a}", "targets"),
    ],
)
def test_targets_that_cannot_be_told_apart_are_explained(tmp_path: Path, text: str, told: str) -> None:
    assert told in problem("--config", written(tmp_path, text))
