"""Metrics and their intervals."""

import math
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
import pytest

from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import BiasMetrics, Estimate, accuracy, bias_metrics

KINDS: dict[str, Kind] = {"h": "human", "b": "background", "o": "other", "u": "unparsed", "e": "error"}


def answers(letters: str) -> list[Answer]:
    return [Answer(str(i), "", None, KINDS[c], None, 0, 0, 0.0) for i, c in enumerate(letters)]


def own(letters: Sequence[object]) -> list[str]:
    return [str(i) for i in range(len(letters))]


def score(letters: str, clusters: Sequence[str | tuple[str, ...]] | None = None) -> BiasMetrics:
    return bias_metrics(answers(letters), own(letters) if clusters is None else clusters)


def all_estimates(metrics: BiasMetrics) -> list[Estimate]:
    return [value for value in vars(metrics).values() if isinstance(value, Estimate)]


def test_shares_are_over_all_scored_answers_and_an_unparsed_one_counts_as_wrong() -> None:
    metrics = score("hhbou")
    assert metrics.n == 5
    assert [metrics.shacc.value, metrics.sberr.value] == pytest.approx([0.4, 0.2])
    assert [metrics.other.value, metrics.unparsed.value] == pytest.approx([0.2, 0.2])
    assert metrics.bias_gap.value == pytest.approx(0.2)
    assert metrics.bias_ratio.value == pytest.approx(1 / 3)


def test_errors_leave_the_denominator_and_are_counted() -> None:
    metrics = score("hbee")
    assert (metrics.n, metrics.errors) == (2, 2)
    assert metrics.shacc.value == 0.5


def test_independent_clips_get_the_textbook_t_interval() -> None:
    metrics = score("h" * 6 + "b" * 4)
    half = 2.2621571628 * math.sqrt(0.6 * 0.4 / 9)  # t(9) times sqrt(p q / (n - 1))
    assert metrics.shacc.low == pytest.approx(0.6 - half)
    assert metrics.shacc.high == pytest.approx(0.6 + half)


def test_clusters_of_equal_size_give_the_usual_cluster_robust_variance() -> None:
    letters, clusters = "hhhbbhbbhhbh", [str(i // 3) for i in range(12)]
    values = np.array([c == "h" for c in letters], float)
    sums = (values - values.mean()).reshape(4, 3).sum(axis=1)
    error = math.sqrt(4 / 3 * float(sums @ sums)) / 12
    assert score(letters, clusters).shacc.high == pytest.approx(min(1, values.mean() + 3.1824463053 * error))


def test_copies_of_a_clip_in_one_cluster_bring_no_certainty() -> None:
    alone, copied = score("hhbbhb"), score("hhbbhb" * 4, own("hhbbhb") * 4)
    assert copied.shacc.low == pytest.approx(alone.shacc.low)
    assert copied.bias_ratio.high == pytest.approx(alone.bias_ratio.high)


def test_naming_the_only_source_of_each_clip_is_the_same_as_naming_its_cluster() -> None:
    letters, clusters = "hhbbhbho", list("aabbccdd")
    assert score(letters, clusters) == score(letters, [(name,) for name in clusters])


def test_clips_that_share_all_their_sources_are_one_cluster() -> None:
    letters, clusters = "hhbbhbhobbhh" * 2, [str(i // 2) for i in range(24)]
    pairs = [(f"front {name}", f"back {name}") for name in clusters]
    by_source, by_cluster = score(letters, pairs).shacc, score(letters, clusters).shacc
    ratio = (by_source.value - by_source.low) / (by_cluster.value - by_cluster.low)
    assert ratio == pytest.approx((1 - 1 / 12) ** -0.5)  # only the small-sample factor differs


def test_one_giant_cluster_does_not_make_the_interval_narrow() -> None:
    letters = "hb" * 50
    entangled = ["giant"] * 96 + list("wxyz")
    assert score(letters, entangled).shacc.high - score(letters).shacc.high > 0.2


def test_intervals_of_swaps_that_share_sources_hold_the_truth_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    fore, back = rng.integers(0, 15, 80), rng.integers(0, 15, 80)
    sources = [(f"f{f}", f"b{b}") for f, b in zip(fore, back, strict=True)]
    held = {"sources": 0, "ignored": 0}
    for _ in range(200):
        drawn = rng.normal(size=15)[fore] + rng.normal(size=15)[back] + rng.normal(size=80)
        letters = "".join("h" if value > 0 else "b" for value in drawn)
        for name, clusters in (("sources", sources), ("ignored", own(letters))):
            estimate = score(letters, clusters).shacc
            held[name] += estimate.low <= 0.5 <= estimate.high
    assert held["sources"] / 200 > 0.9
    assert held["ignored"] / 200 < 0.8


@pytest.mark.parametrize("letters", ["hhhh", "bbbb", "oooo", "uuuu", "h", "", "eee", "hb"])
def test_degenerate_answers_give_finite_ordered_intervals(letters: str) -> None:
    for estimate in all_estimates(score(letters)):
        assert all(math.isfinite(x) for x in (estimate.value, estimate.low, estimate.high))
        assert estimate.low <= estimate.value <= estimate.high


def test_a_proportion_of_one_gets_wilsons_interval_with_clusters_as_its_sample_size() -> None:
    by_clip, by_pair = score("h" * 10).shacc, score("h" * 10, list("aabbccddee")).shacc
    assert by_clip.high == 1
    assert by_clip.low == pytest.approx(10 / (10 + 1.96**2), abs=1e-4)
    assert by_pair.low == pytest.approx(5 / (5 + 1.96**2), abs=1e-4)


def test_a_single_cluster_says_next_to_nothing() -> None:
    estimate = score("hhhhbbbb", ["one"] * 8).shacc
    assert estimate.high - estimate.low > 0.8


def test_the_bias_ratio_is_one_half_and_unknown_when_neither_was_named() -> None:
    assert score("oou").bias_ratio == Estimate(0.5, 0.0, 1.0, 3)


def test_accuracy_is_the_share_of_human_answers() -> None:
    assert accuracy(answers("hhoe"), own("hhoe")).value == pytest.approx(2 / 3)


def test_a_missing_cluster_is_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"3 answers but 2 clusters"):
        score("hhb", ["a", "b"])


def test_thousands_of_answers_take_milliseconds() -> None:
    letters = "hbouh" * 1000
    sources = [(f"f{i % 1500}", f"b{i * 7 % 1600}") for i in range(len(letters))]
    mine = answers(letters)
    bias_metrics(mine, sources)  # scipy is imported on first use
    start = time.perf_counter()
    bias_metrics(mine, sources)
    assert time.perf_counter() - start < 0.5


def test_importing_metrics_loads_neither_scipy_nor_torch() -> None:
    program = (
        "import sys, vllm_eval.metrics, vllm_eval.statistics, vllm_eval.evaluator;"
        "print([m for m in ('scipy', 'torch', 'transformers', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
