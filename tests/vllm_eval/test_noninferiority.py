"""Showing that nothing much was lost."""

import numpy as np
import pytest

from vllm_eval.engine import Answer, Kind
from vllm_eval.noninferiority import non_inferiority

KINDS: dict[str, Kind] = {"h": "human", "o": "other"}


def answers(letters: str) -> list[Answer]:
    return [Answer(str(i), "", None, KINDS[c], None, 0, 0, 0.0) for i, c in enumerate(letters)]


def own(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def test_it_is_the_one_sided_paired_t_test_against_the_margin() -> None:
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(2)
    a, b = ("".join(rng.choice(list("hhho"), 300)) for _ in range(2))
    found = non_inferiority(answers(a), answers(b), own(300), margin=0.05)
    deltas = [float(x == "h") - float(y == "h") for x, y in zip(a, b, strict=True)]
    theirs = ttest_1samp(deltas, -0.05, alternative="greater")
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.low == pytest.approx(ttest_1samp(deltas, 0, alternative="greater").confidence_interval().low)
    assert found.shown == (found.p < 0.05)


def test_few_clips_cannot_show_it_although_nothing_was_lost() -> None:
    assert not non_inferiority(answers("hhoo"), answers("hhoo"), own(4), margin=0.01).shown


def test_many_equal_answers_show_it() -> None:
    letters = "ho" * 400
    assert non_inferiority(answers(letters), answers(letters), own(800), margin=0.05).shown


def test_a_loss_beyond_the_margin_is_not_non_inferior() -> None:
    worse, better = "o" * 60 + "h" * 140, "h" * 200
    assert not non_inferiority(answers(worse), answers(better), own(200), margin=0.1).shown


@pytest.mark.parametrize(("margin", "measure"), [(0.0, "accuracy"), (-0.1, "accuracy"), (0.1, "sberr")])
def test_senseless_questions_are_refused(margin: float, measure: str) -> None:
    with pytest.raises(ValueError, match=r"non-inferiority|margin"):
        non_inferiority(answers("h"), answers("h"), own(1), margin, measure)
