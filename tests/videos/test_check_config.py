"""The data sets a run's configuration names, as the run itself would read them."""

from pathlib import Path

import pytest

from agents.config import DataConfig
from assets.errors import UserError
from videos.check_config import DEFAULTS, Wanted, read_config
from videos.decode import FramePolicy

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def config(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def test_absent_fields_are_those_of_a_run() -> None:
    values = DataConfig().model_dump()
    assert {name: values[name] for name in DEFAULTS} == DEFAULTS
    named = {name for name, value in values.items() if isinstance(value, str)}
    assert named == set(DEFAULTS)


def test_the_configurations_to_copy_are_read() -> None:
    for path in CONFIGS.glob("*.yaml"):
        assert read_config(path).datasets == ("hat:rand_1", "mimetics", "kinetics:val", "kinetics:train")
    assert read_config(CONFIGS / "real_hat.yaml").root == "datasets"
    assert read_config(CONFIGS / "real_hat.yaml").policy == FramePolicy(8, "uniform", 224)


def test_sets_left_out_are_not_checked_and_none_is_checked_twice(tmp_path: Path) -> None:
    text = "data: {root: /x, swap: 'hat:far_2', mimetics: null, kinetics: 'kinetics:val', agreement: none}"
    assert read_config(config(tmp_path, text)) == Wanted("/x", ("hat:far_2", "kinetics:val"), FramePolicy())
    text = "data: {agreement: 'kinetics:val'}\ntarget: {frames: {count: 16, sampling: dense}}"
    wanted = read_config(config(tmp_path, text))
    assert wanted.datasets == ("hat:rand_1", "mimetics", "kinetics:val")
    assert wanted.policy == FramePolicy(16, "dense")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("data: [", "no YAML"),
        ("- 1", "it holds .*, expected fields"),
        ("data: hat", "data holds 'hat', expected fields"),
        ("data: {swap: 3}", "data holds 3, expected the name of a data set"),
        ("target: {frames: 8}", "target.frames holds 8"),
        ("target: {frames: {count: many}}", "count 'many'"),
        ("target: {frames: {sampling: some}}", "'some' is unknown"),
        ("target: {frames: {sampling: [1]}}", "is unknown"),
    ],
)
def test_a_configuration_that_is_none_is_refused_in_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        read_config(config(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_absent_configuration_points_to_examples(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.yaml: No such file or directory, .* see configs/"):
        read_config(tmp_path / "run.yaml")
