"""The data sets a run's configuration names, as the run itself would read them."""

from pathlib import Path

import pytest

from agents import sources
from agents.config import NamedTarget, RunConfig
from assets.errors import UserError
from videos import check_config
from videos.check_config import Wanted, read_config
from videos.decode import FramePolicy
from vllm_eval.target import policy_of

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
RUNS = [path for path in CONFIGS.glob("*.yaml") if "agents.optimize" in path.read_text(encoding="utf-8")]
BUNDLED = FramePolicy(6, size=84)


def config(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def test_its_fields_are_those_of_a_run() -> None:
    assert list(check_config._Run.model_fields) == list(RunConfig.model_fields)
    assert list(check_config._Target.model_fields) == list(NamedTarget.model_fields)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_configurations_to_copy_are_read_as_the_run_reads_them(path: Path) -> None:
    run = sources.load(path)
    policies = tuple(dict.fromkeys(policy_of(target) for target in run.panel().values()))
    assert read_config(path) == Wanted(
        run.data.root, ("hat:rand_1", "mimetics", "kinetics:val", "kinetics:train"), policies
    )


def test_sets_left_out_are_not_checked_and_none_is_checked_twice(tmp_path: Path) -> None:
    text = "data: {root: /x, swap: 'hat:far_2', mimetics: null, kinetics: 'kinetics:val', agreement: none}"
    assert read_config(config(tmp_path, text)) == Wanted("/x", ("hat:far_2", "kinetics:val"), (BUNDLED,))
    text = "data: {agreement: 'kinetics:val'}\ntarget: {frames: {count: 16, sampling: dense}}"
    wanted = read_config(config(tmp_path, text))
    assert wanted.datasets == ("hat:rand_1", "mimetics", "kinetics:val")
    assert wanted.policies == (FramePolicy(16, "dense", 84),)


def test_what_is_shown_is_what_the_targets_are_shown(tmp_path: Path) -> None:
    def policies(text: str) -> tuple[FramePolicy, ...]:
        return read_config(config(tmp_path, text)).policies

    assert policies("") == (BUNDLED,)
    assert policies("target: {frames: {size: none}}") == (FramePolicy(6),)
    assert policies("target: {model: other}") == (FramePolicy(8),)
    assert policies("target: {view: 'dim:0.3', masks: seen}") == (
        FramePolicy(6, "uniform", 84, "dim:0.3", "seen"),
    )
    several = "targets: [{model: a, frames: {count: 16}}, {model: b, name: b}, {model: c}]"
    assert policies(several) == (FramePolicy(16), FramePolicy(8))
    assert policies(f"target: {{model: a, frames: {{count: 16}}}}\n{several}") == policies(several)
    assert policies(f"target: {{}}\n{several}") == policies(several)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("data: [", "no YAML"),
        ("- 1", "it holds .*, expected fields"),
        ("data: hat", "data: 'hat' is not possible; input should be a valid dictionary"),
        ("data: {swap: 3}", "data.swap: '3' is not possible"),
        ("data: {swpa: 'hat:far_1'}", "unknown key data.swpa; known in data: root, swap, mimetics, "),
        ("dtaa: {}", "unknown key dtaa; known keys: data, target, "),
        ("data: {fractions: {tune: 0.5}}", "data.fractions: tune, select and test sum to 1.35"),
        ("target: {frames: 8}", "target.frames: '8' is not possible"),
        ("target: {frames: {cuont: 3}}", "unknown key target.frames.cuont; known in target.frames: count, "),
        ("target: {veiw: black}", "unknown key target.veiw; known in target: engine, model, "),
        ("target: {view: pink}", "target.view: 'pink' is not possible; view 'pink' is unknown"),
        ("target: {frames: {count: many}}", "target.frames.count: 'many' is not possible"),
        ("target: {frames: {sampling: some}}", "target.frames.sampling: 'some' is not possible"),
        ("target: {frames: {sampling: [1]}}", "target.frames.sampling: .* is not possible"),
        ("targets: [{model: a, frames: {cuont: 3}}]", "unknown key targets.0.frames.cuont"),
        ("target: {model: a}\ntargets: [{model: b}]", "give either target or targets, not both"),
    ],
)
def test_a_configuration_that_is_none_is_refused_in_one_line_as_by_the_run(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = config(tmp_path, text)
    with pytest.raises(UserError, match=complaint) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError):
        sources.load(path)


def test_an_absent_configuration_points_to_examples(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.yaml: No such file or directory, .* see configs/"):
        read_config(tmp_path / "run.yaml")
