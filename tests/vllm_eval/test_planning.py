"""What a number of clips can show."""

import numpy as np
import pytest

from vllm_eval.planning import design_effect, minimum_detectable_effect, pairs_needed


def test_clusters_of_equal_size_have_kishs_design_effect() -> None:
    clusters = [str(i // 5) for i in range(50)]
    assert design_effect(clusters, 0.3) == pytest.approx(1 + 4 * 0.3)


def test_independent_clips_have_none() -> None:
    assert design_effect([(f"f{i}", f"b{i}") for i in range(9)], 0.5) == 1
    assert design_effect([], 0.5) == 1


def test_pairs_that_share_a_source_are_counted_once_as_brute_force_counts_them() -> None:
    rng = np.random.default_rng(4)
    sources = [(f"f{rng.integers(9)}", f"b{rng.integers(9)}") for _ in range(40)]
    related = sum(
        bool(set(a) & set(b)) for i, a in enumerate(sources) for j, b in enumerate(sources) if i != j
    )
    assert design_effect(sources, 0.2) == pytest.approx(1 + 0.2 * related / 40)


def test_shared_sources_make_smaller_effects_invisible() -> None:
    assert minimum_detectable_effect(600, design_effect=2.0) == minimum_detectable_effect(300)
    assert pairs_needed(0.05, design_effect=2.0) == pytest.approx(2 * pairs_needed(0.05), abs=1)


def test_the_planned_number_of_pairs_finds_the_effect_as_often_as_planned() -> None:
    from scipy.stats import ttest_1samp

    effect, discordance = 0.06, 0.15
    n = pairs_needed(effect, discordance)
    rng = np.random.default_rng(1)
    shares = [(discordance - effect) / 2, 1 - discordance, (discordance + effect) / 2]
    drawn = rng.choice([-1.0, 0.0, 1.0], (2000, n), p=shares)
    assert np.mean(ttest_1samp(drawn, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.03)
