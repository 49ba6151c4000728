"""Intervals for derived figures, against scipy and against each other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vllm_eval.bootstrap import bca, gradient, linearised, robust, source_sums
from vllm_eval.clustering import clustering

Floats = NDArray[np.float64]
SHARE = (0.0, 1.0)


def ratio(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])


def grouped(names: list[str | tuple[str, ...]]):  # type: ignore[no-untyped-def]
    return clustering(names, np.ones(len(names), np.bool_))


def columns(n: int, seed: int = 0) -> Floats:
    """Background named, either named."""
    kinds = np.random.default_rng(seed).choice(3, n, p=[0.4, 0.35, 0.25])
    return np.stack([kinds == 0, kinds < 2], axis=1).astype(float)


def test_the_gradient_of_a_ratio_is_the_textbook_one() -> None:
    assert gradient(ratio, np.array([30.0, 80.0])) == pytest.approx([1 / 80, -30 / 6400], rel=1e-6)


def test_for_independent_clips_bca_agrees_with_scipys() -> None:
    from scipy.stats import bootstrap

    data = columns(300)
    ours = bca(data, ratio, grouped([str(i) for i in range(300)]), SHARE, resamples=20000)
    theirs = bootstrap(
        (data[:, 0], data[:, 1]),
        lambda a, b, axis=-1: a.sum(axis) / b.sum(axis),
        paired=True,
        n_resamples=20000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.value == pytest.approx(ratio(data.sum(axis=0)))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_bca_and_the_delta_method_agree_where_much_is_known() -> None:
    data, names = columns(3000), [(f"f{i % 1900}", f"b{i * 7 % 1873}") for i in range(3000)]
    one, other = bca(data, ratio, grouped(names), SHARE), robust(data, ratio, grouped(names), SHARE)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.003)


def test_bca_is_skewed_where_the_figure_is() -> None:
    data = np.stack([np.ones(60), (np.arange(60) < 8).astype(float)], axis=1)
    found = bca(data, ratio, grouped([str(i) for i in range(60)]), (0.0, float("inf")))
    assert found.high - found.value > 1.5 * (found.value - found.low)


def test_copies_of_clips_in_one_cluster_bring_no_certainty() -> None:
    data, names = columns(80), [str(i) for i in range(80)]
    alone, copied = grouped(names), grouped(names * 3)
    assert linearised(np.tile(data, (3, 1)), ratio, copied)[1] == pytest.approx(
        linearised(data, ratio, alone)[1]
    )


def test_clips_of_two_sources_are_not_counted_twice() -> None:
    """Every clip has its own two videos: as certain as clips with one video each."""
    data = columns(400)
    lone = bca(data, ratio, grouped([str(i) for i in range(400)]), SHARE, resamples=4000)
    paired = bca(data, ratio, grouped([(f"f{i}", f"b{i}") for i in range(400)]), SHARE, resamples=4000)
    assert paired.high - paired.low == pytest.approx(lone.high - lone.low, rel=0.05)


def test_sums_of_a_source_hold_all_its_clips() -> None:
    data = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    sums = source_sums(data, grouped([("a", "b"), ("a", "c"), ("c", "d")]))
    assert sorted(map(tuple, sums.tolist())) == sorted([(4, 6), (1, 2), (8, 10), (5, 6)])


def test_the_same_seed_gives_the_same_interval_and_another_a_close_one() -> None:
    data, groups = columns(200), grouped([str(i // 2) for i in range(200)])
    first, again, other = (bca(data, ratio, groups, SHARE, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.01)


def test_without_spread_nothing_is_known() -> None:
    data = np.ones((5, 2))
    assert bca(data, ratio, grouped(list("abcde")), SHARE).low == 0
    assert robust(data, ratio, grouped(list("aaaaa")), SHARE).low == 0


def test_a_source_named_twice_counts_once() -> None:
    data = columns(60)
    names: list[str | tuple[str, ...]] = [(f"f{i // 2}", f"b{i % 7}") for i in range(60)]
    doubled: list[str | tuple[str, ...]] = [(a, a, b) for a, b in names]
    assert linearised(data, ratio, grouped(doubled)) == linearised(data, ratio, grouped(names))
    lone: list[str | tuple[str, ...]] = [(f"f{i // 2}", f"f{i // 2}") for i in range(60)]
    assert linearised(data, ratio, grouped(lone)) == linearised(data, ratio, grouped([a for a, _ in lone]))


def test_every_related_pair_of_clips_is_counted_once_as_brute_force_counts_it() -> None:
    rng = np.random.default_rng(7)
    names: list[str | tuple[str, ...]] = [
        tuple(f"v{v}" for v in rng.integers(0, 500, rng.integers(1, 4))) for _ in range(500)
    ]
    values = rng.normal(size=500) + np.array([float(name[0][1:]) / 400 for name in names])
    residuals = values - values.mean()
    brute = sum(
        residuals[i] * residuals[j] for i in range(500) for j in range(500) if set(names[i]) & set(names[j])
    )
    found = grouped(names).standard_error(residuals, np.ones(500))
    assert found == pytest.approx(np.sqrt(brute) / 500, rel=0.02)
