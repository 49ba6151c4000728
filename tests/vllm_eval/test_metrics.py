"""Metrics and their intervals."""

import math
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
import pytest

from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import BiasMetrics, Estimate, accuracy, bias_metrics, wilson

KINDS: dict[str, Kind] = {
    "h": "human",
    "b": "background",
    "o": "other",
    "u": "unparsed",
    "r": "refused",
    "e": "error",
}


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


def test_a_refusal_is_wrong_stays_in_the_denominator_and_is_counted_on_its_own() -> None:
    metrics = score("hhbure")
    assert (metrics.n, metrics.errors) == (5, 1)
    assert [metrics.shacc.value, metrics.unparsed.value, metrics.refused.value] == pytest.approx(
        [0.4, 0.2, 0.2]
    )
    assert (metrics.refused.n, metrics.chances()["refused"]) == (5, None)


def test_errors_leave_the_denominator_and_are_counted() -> None:
    metrics = score("hbee")
    assert (metrics.n, metrics.errors) == (2, 2)
    assert metrics.shacc.value == 0.5
    assert (metrics.error.value, metrics.error.n) == (0.5, 4)


def test_every_metric_is_a_plain_count_over_n() -> None:
    rng = np.random.default_rng(8)
    for _ in range(50):
        letters = "".join(rng.choice(list("hboure"), rng.integers(1, 60)))
        metrics, n = score(letters), len(letters.replace("e", ""))
        counts = {kind: letters.count(kind) for kind in "hbour"}
        shares = [metrics.shacc, metrics.sberr, metrics.other, metrics.unparsed, metrics.refused]
        assert [one.value for one in shares] == pytest.approx([counts[k] / n if n else 0 for k in "hbour"])
        assert metrics.error.value == pytest.approx(letters.count("e") / len(letters))
        named = counts["h"] + counts["b"]
        assert metrics.bias_ratio.value == pytest.approx(counts["b"] / named if named else 0.5)
        for one in all_estimates(metrics):
            assert one.low <= one.value <= one.high


def test_a_chance_level_stands_beside_every_metric() -> None:
    metrics = bias_metrics(answers("hb"), own("hb"), chance=0.2)
    assert metrics.chances().keys() == metrics.estimates().keys()
    assert metrics.chances()["other"] == pytest.approx(0.6)
    assert (metrics.chances()["bias_ratio"], metrics.chances()["unparsed"]) == (0.5, None)
    assert bias_metrics(answers("hb"), own("hb"), chance=0.0).chances()["other"] is None


def test_independent_clips_get_wilsons_interval_as_statsmodels_computes_it() -> None:
    from statsmodels.stats.proportion import proportion_confint

    metrics = score("h" * 240 + "b" * 360)
    low, high = proportion_confint(240, 600, method="wilson")
    assert metrics.shacc.low == pytest.approx(low, abs=2e-4)  # a t quantile for 599 degrees of freedom
    assert metrics.shacc.high == pytest.approx(high, abs=2e-4)
    assert wilson(0.4, 600, 600).low == pytest.approx(low, abs=1e-12)


def test_clustered_clips_get_wilsons_interval_for_their_effective_number() -> None:
    letters, clusters = "hhhbbbhhhbbbhhhbbbhhbhbb", [str(i // 3) for i in range(24)]
    values = np.array([c == "h" for c in letters], float)
    sums = (values - values.mean()).reshape(8, 3).sum(axis=1)
    variance = 8 / 7 * float(sums @ sums) / 24**2
    effective = values.mean() * (1 - values.mean()) / variance
    assert effective < 24
    expected = wilson(float(values.mean()), effective * (1.959963985 / 2.364624252) ** 2, 24)
    assert score(letters, clusters).shacc.low == pytest.approx(expected.low)
    assert score(letters, clusters).shacc.high == pytest.approx(expected.high)


def test_the_gap_gets_the_usual_cluster_robust_t_interval() -> None:
    letters, clusters = "hhhbbhbbhhbhobhb", [str(i // 4) for i in range(16)]
    values = np.array([{"h": 1.0, "b": -1.0, "o": 0.0}[c] for c in letters])
    sums = (values - values.mean()).reshape(4, 4).sum(axis=1)
    error = math.sqrt(4 / 3 * float(sums @ sums)) / 16
    assert score(letters, clusters).bias_gap.high == pytest.approx(values.mean() + 3.1824463053 * error)


def test_clusters_agree_with_the_robust_variance_of_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    letters = "".join(rng.choice(list("hhbo"), 400))
    clusters = np.arange(400) // 4
    values = np.array([{"h": 1.0, "b": -1.0, "o": 0.0}[c] for c in letters])
    fit = sm.OLS(values, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    gap = score(letters, [str(c) for c in clusters]).bias_gap
    assert (gap.low, gap.high) == pytest.approx(tuple(fit.conf_int()[0]), rel=2e-3)


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
    by_source, by_cluster = score(letters, pairs).bias_gap, score(letters, clusters).bias_gap
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
    assert score("oou").bias_ratio == Estimate(0.5, 0.0, 1.0, 0)
    assert score("hbbou").bias_ratio.n == 3


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
    start = time.process_time()
    bias_metrics(mine, sources)
    assert time.process_time() - start < 0.5


def test_importing_metrics_loads_neither_scipy_nor_torch() -> None:
    program = (
        "import sys, vllm_eval.metrics, vllm_eval.statistics, vllm_eval.evaluator;"
        "print([m for m in ('scipy', 'torch', 'transformers', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
