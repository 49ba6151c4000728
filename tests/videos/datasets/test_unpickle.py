"""Pickles from outside hold data or are refused."""

import os
import pickle
from pathlib import Path

import pytest

from assets.errors import UserError
from videos.datasets.unpickle import load_plain


class Harm:
    """Runs a command when a trusting reader loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_containers_come_back_from_every_protocol(tmp_path: Path, protocol: int) -> None:
    data = {"archery/a": ["bowling/b", 150, 31], "x": ("1", 2.5, None, True)}
    (tmp_path / "p.pickle").write_bytes(pickle.dumps(data, protocol))
    assert load_plain(tmp_path / "p.pickle") == data


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "trap"
    (tmp_path / "p.pickle").write_bytes(pickle.dumps({"a": [Harm(trap)]}, protocol))
    with pytest.raises(UserError, match=r"p\.pickle: .*system"):
        load_plain(tmp_path / "p.pickle")
    assert not trap.exists()


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps({"a": [1]})[:-4], b"\x80\x05\x95\xff"])
def test_a_damaged_pickle_is_named_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.pickle").write_bytes(data)
    with pytest.raises(UserError, match=r"p\.pickle: not a pickle of plain data") as caught:
        load_plain(tmp_path / "p.pickle")
    assert "\n" not in str(caught.value)


def test_an_absent_pickle_is_the_users_to_bring(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a pickle file"):
        load_plain(tmp_path / "none.pickle")


@pytest.mark.parametrize("mix", ["rand", "close", "far", "same"])
def test_hats_own_pickles_hold_5631_pairs_or_more(shared_data: Path, mix: str) -> None:
    data = load_plain(shared_data / "hat" / f"actionswap_{mix}_1.pickle")
    assert isinstance(data, dict)
    assert len(data) in (5631, 7860)
