"""What is stored in few bytes comes back as it was."""

from math import inf, nan
from struct import pack as packed
from struct import unpack as unpacked

import pytest

from prompts.encoding import digest, key_bytes, key_text, microseconds, pack, unpack


@pytest.mark.parametrize("key", ["ab" * 32, "AB" * 32, "short", "x" * 31, "x" * 32, "x" * 64, "", "动作 🏃"])
def test_keys_come_back_and_hashes_take_32_bytes(key: str) -> None:
    assert key_text(key_bytes(key)) == key
    assert (len(key_bytes(key)) == 32) == (key == "ab" * 32)


def test_float32_values_take_four_bytes_and_lose_nothing() -> None:
    short = unpacked("<3f", packed("<3f", -0.1, -2.0, -17.25))
    assert unpack(pack(short)) == short
    assert len(pack(short) or b"") == 13


@pytest.mark.parametrize("values", [(-0.1, -2.0), (-1e300, -0.5), (), (-0.1234567890123456,)])
def test_any_values_come_back(values: tuple[float, ...]) -> None:
    assert unpack(pack(values)) == tuple(max(value, -1e30) for value in values)


def test_ruled_out_labels_are_very_unlikely_and_unknown_ones_make_all_unknown() -> None:
    assert unpack(pack((-inf, -0.5))) == (-1e30, -0.5)
    assert pack((nan, -0.5)) is None
    assert pack(None) is unpack(None) is None


def test_digests_tell_values_apart() -> None:
    assert digest("a", None, ["b"]) == digest("a", None, ["b"])
    assert len({digest("ab"), digest("a", "b"), digest(["a", "b"]), digest({"a": "b"})}) == 4


def test_times_keep_their_microseconds() -> None:
    assert microseconds("1970-01-02T00:00:01.000002Z") == 86_401_000_002
