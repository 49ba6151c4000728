"""Tests for paired prompts, against brute force and scipy."""

from itertools import product

import numpy as np
import pytest

from vllm_eval.engine import Answer, Kind
from vllm_eval.paired_tests import flip_test, holm, mcnemar, permutation_test

KINDS: dict[str, Kind] = {"h": "human", "b": "background", "o": "other", "u": "unparsed", "e": "error"}


def answers(letters: str) -> list[Answer]:
    return [Answer(str(i), "", None, KINDS[c], None, 0, 0, 0.0) for i, c in enumerate(letters)]


def drawn(seed: int, n: int) -> tuple[str, str]:
    rng = np.random.default_rng(seed)
    return "".join(rng.choice(list("hhbou"), n)), "".join(rng.choice(list("hbbou"), n))


@pytest.mark.parametrize("seed", range(5))
def test_mcnemar_is_the_binomial_test_of_the_disagreements(seed: int) -> None:
    from scipy.stats import binomtest

    a, b = drawn(seed, 60)
    found = mcnemar(answers(a), answers(b))
    a_only = sum(x == "h" != y for x, y in zip(a, b, strict=True))
    b_only = sum(y == "h" != x for x, y in zip(a, b, strict=True))
    assert (found.a_only, found.b_only) == (a_only, b_only)
    assert found.p == pytest.approx(binomtest(a_only, a_only + b_only).pvalue)


def test_mcnemar_leaves_out_pairs_with_an_error_and_equal_prompts_do_not_differ() -> None:
    assert mcnemar(answers("hhe"), answers("ebb")).a_only == 1
    assert mcnemar(answers("hb"), answers("hb")).p == 1


def test_mcnemar_refuses_a_measure_of_three_values() -> None:
    with pytest.raises(ValueError, match="0 or 1 per clip"):
        mcnemar(answers("h"), answers("b"), "gap")


@pytest.mark.parametrize("seed", range(4))
def test_one_name_per_clip_gives_the_exact_randomisation_p(seed: int) -> None:
    """All 2 ** 8 ways to exchange whole clusters, counted."""
    rng = np.random.default_rng(seed)
    deltas, clusters = rng.choice([-2.0, -1.0, 0.0, 1.0, 1.0], 24), [str(i // 3) for i in range(24)]
    sums = deltas.reshape(8, 3).sum(axis=1)
    every = [abs(np.dot(signs, sums)) for signs in product((-1, 1), repeat=8)]
    exact = np.mean(np.array(every) >= abs(sums.sum()) - 1e-9)
    assert flip_test(deltas, clusters, flips=20000, seed=seed) == pytest.approx(exact, abs=0.015)


def test_clips_of_one_video_are_one_piece_of_evidence() -> None:
    deltas = np.ones(40)
    assert flip_test(deltas, [str(i) for i in range(40)]) < 0.001
    assert flip_test(deltas, [str(i // 10) for i in range(40)]) > 0.1


def test_a_shared_second_source_is_accounted_for() -> None:
    """All that speaks for a comes from two scenes, each under its own twenty persons."""
    deltas = np.concatenate([np.ones(40), np.tile([1.0, -1.0], 30)])
    alone = [(f"f{i}", f"b{i}") for i in range(100)]
    shared = [(f"f{i}", f"b{i // 20}" if i < 40 else f"b{i}") for i in range(100)]
    assert flip_test(deltas, alone) < 0.001
    assert flip_test(deltas, shared) > 0.05


def test_permutation_drops_errors_with_their_clusters_and_needs_a_difference() -> None:
    a, b = answers("hhhhhhe"), answers("bbbbbbh")
    assert permutation_test(a, b, list("abcdefg"), "shacc") == pytest.approx(2 / 64, abs=0.01)
    assert permutation_test(a, a, list("abcdefg")) == 1


def test_equal_prompts_on_shared_videos_are_told_apart_at_most_as_often_as_promised() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for index in range(200):
        fore, back = rng.integers(0, 60, 80), rng.integers(0, 60, 80)
        effect = rng.normal(size=60)[fore] + rng.normal(size=60)[back] + rng.normal(size=80)
        deltas = np.sign(np.where(np.abs(effect) > 1.2, effect, 0))
        sources = [(f"f{f}", f"b{b}") for f, b in zip(fore, back, strict=True)]
        rejected += flip_test(deltas, sources, flips=199, seed=index) <= 0.05
    assert rejected <= 200 * 0.05 + 3 * (200 * 0.05 * 0.95) ** 0.5


def test_holm_multiplies_the_smallest_p_by_the_number_of_tests() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({}) == {}
