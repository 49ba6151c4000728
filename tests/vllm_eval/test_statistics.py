"""Paired comparison of prompts."""

import numpy as np
import pytest

from vllm_eval.engine import Answer, Kind
from vllm_eval.statistics import (
    level_chain,
    minimum_detectable_effect,
    paired_difference,
    pairs_needed,
)

KINDS: dict[str, Kind] = {"h": "human", "b": "background", "o": "other", "u": "unparsed", "e": "error"}


def answers(letters: str) -> list[Answer]:
    return [Answer(str(i), "", None, KINDS[c], None, 0, 0, 0.0) for i, c in enumerate(letters)]


def own(letters: str) -> list[str]:
    return [str(i) for i in range(len(letters))]


def flipped(letters: str, n: int) -> str:
    """The first n background answers turned into human ones."""
    return letters.replace("b", "h", n)


def test_a_prompt_does_not_differ_from_itself() -> None:
    same = paired_difference(answers("hbho"), answers("hbho"), own("hbho"))
    assert (same.value, same.p, same.discordant) == (0, 1, 0)
    assert same.low < 0 < same.high


def test_the_difference_equals_the_paired_t_test_on_independent_clips() -> None:
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(1)
    a, b = ("".join(rng.choice(list("hhbo"), 80)) for _ in range(2))
    ours = paired_difference(answers(a), answers(b), own(a), "shacc")
    theirs = ttest_rel([float(c == "h") for c in a], [float(c == "h") for c in b])
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.low == pytest.approx(theirs.confidence_interval().low)


def test_the_gap_counts_a_flip_from_background_to_human_twice() -> None:
    a, b = flipped("b" * 20 + "h" * 20, 12), "b" * 20 + "h" * 20
    measures = ("shacc", "sberr", "gap")
    values = {m: paired_difference(answers(a), answers(b), own(a), m).value for m in measures}
    assert values == pytest.approx({"shacc": 0.3, "sberr": -0.3, "gap": 0.6})


def test_pairs_match_by_position_and_an_error_on_either_side_drops_the_pair() -> None:
    difference = paired_difference(answers("heoh"), answers("bhee"), own("heoh"), "shacc")
    assert (difference.n, difference.value) == (1, 1)


def test_pairing_finds_what_independent_intervals_hide() -> None:
    base = "h" * 100 + "b" * 100
    difference = paired_difference(answers(flipped(base, 14)), answers(base), own(base), "shacc")
    assert difference.significant
    assert difference.high - difference.low < 0.1  # two separate intervals of +-7 points would overlap


def test_disagreement_within_one_cluster_is_one_piece_of_evidence() -> None:
    base = "b" * 60
    better = flipped(base, 12)
    assert paired_difference(answers(better), answers(base), own(base)).significant
    clustered = paired_difference(answers(better), answers(base), [str(i // 12) for i in range(60)])
    assert not clustered.significant
    assert clustered.clusters == 5


def test_five_disagreements_in_one_direction_are_not_yet_a_win() -> None:
    base = "b" * 30
    difference = paired_difference(answers(flipped(base, 5)), answers(base), own(base), "shacc")
    assert difference.p == pytest.approx(0.0625)  # the exact sign test; t alone would say 0.02


def test_a_difference_on_every_clip_is_significant_although_it_has_no_spread() -> None:
    difference = paired_difference(answers("h" * 20), answers("b" * 20), own("h" * 20))
    assert (difference.value, difference.high) == (2, 2)
    assert difference.significant
    assert difference.low > 1


@pytest.mark.parametrize("letters", ["", "e", "h"])
def test_next_to_no_pairs_decide_nothing(letters: str) -> None:
    difference = paired_difference(answers(letters), answers("b" * len(letters)), own(letters), "shacc")
    assert difference.p == 1
    assert -1 <= difference.low <= difference.value <= difference.high <= 1


def test_unknown_measures_and_unequal_lengths_are_named() -> None:
    with pytest.raises(ValueError, match=r"'speed'; known: shacc, sberr, gap, accuracy"):
        paired_difference(answers("h"), answers("h"), ["a"], "speed")
    with pytest.raises(ValueError, match="2 and 1"):
        paired_difference(answers("hh"), answers("h"), ["a"])


@pytest.mark.parametrize(("effect", "pairs"), [(0.01, 9803), (0.02, 2444), (0.03, 1082), (0.05, 384)])
def test_clips_needed_agree_with_published_power_tables(effect: float, pairs: int) -> None:
    assert pairs_needed(effect) == pytest.approx(pairs, rel=0.01, abs=1)
    assert minimum_detectable_effect(pairs) == pytest.approx(effect, rel=0.01)


def test_without_clips_nothing_is_detectable() -> None:
    assert minimum_detectable_effect(0) == 1


def test_equal_prompts_form_one_level_and_better_ones_open_another() -> None:
    base = "b" * 100
    prompts = [answers(flipped(base, n)) for n in (61, 0, 1, 30, 60, 2)]
    assert level_chain(prompts, own(base)) == [1, 3, 4]
    assert level_chain(prompts[1:3], own(base)) == [0]
    assert level_chain([], own(base)) == []
