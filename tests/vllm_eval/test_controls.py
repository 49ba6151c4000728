"""Figures against a control, transitions and parts, against plain counting."""

import numpy as np
import pytest

from vllm_eval.breakdown import breakdown
from vllm_eval.controls import Answered, contrasted_accuracy, harmonic_mean, relative_shacc
from vllm_eval.engine import Answer, Kind
from vllm_eval.transitions import transitions

KINDS: dict[str, Kind] = {
    "h": "human",
    "b": "background",
    "o": "other",
    "u": "unparsed",
    "r": "refused",
    "e": "error",
}


def answers(letters: str, labels: str = "") -> list[Answer]:
    """Labels name what was said; without them the kind does."""
    said = labels or letters
    return [
        Answer(str(i), "", s, KINDS[c], None, 0, 0, 0.0)
        for i, (c, s) in enumerate(zip(letters, said, strict=True))
    ]


def answered(letters: str, prefix: str = "v") -> Answered:
    return Answered(answers(letters), [f"{prefix}{i}" for i in range(len(letters))])


def test_relative_shacc_is_the_quotient_of_both_shares_without_errors() -> None:
    found = relative_shacc(answered("hhbbbbbe"), answered("hhho", "s"))
    assert found.value == pytest.approx((2 / 7) / (3 / 4))
    assert found.n == 7
    assert found.low < found.value < found.high


def test_relative_shacc_knows_that_both_sets_show_the_same_videos() -> None:
    """What makes a person hard is divided out when both sets hold that person."""
    easy, nearly = "h" * 40 + "b" * 40, "b" * 3 + "h" * 40 + "b" * 37
    together = relative_shacc(answered(easy), answered(nearly))
    apart = relative_shacc(answered(easy), answered(nearly, "s"))
    assert together.high - together.low < 0.5 * (apart.high - apart.low)


def test_without_a_right_answer_on_same_swaps_the_quotient_is_unknown() -> None:
    found = relative_shacc(answered("hb"), answered("oo", "s"))
    assert (found.low, found.high) == (0, float("inf"))


def test_the_harmonic_mean_is_low_where_either_is() -> None:
    found = harmonic_mean(answered("hhhhhhhhoo", "k"), answered("hhbbbbbbbb"))
    assert found.value == pytest.approx(2 * 0.8 * 0.2 / (0.8 + 0.2))
    assert harmonic_mean(answered("oo", "k"), answered("hh")).value == 0
    assert harmonic_mean(answered("", "k"), answered("")).value == 0


def test_answers_and_clusters_must_go_together() -> None:
    with pytest.raises(ValueError, match="2 answers but 1 clusters"):
        Answered(answers("hb"), ["a"])


def test_contrasted_accuracy_counts_right_answers_that_the_still_counterpart_does_not_give() -> None:
    swap, still = answers("hhhbe", "aaabx"), answers("hoebh", "acxba")
    found = contrasted_accuracy(swap, still, list("vwxyz"))
    assert (found.value, found.n) == (pytest.approx(1 / 3), 3)


def test_transitions_are_over_swaps_whose_original_was_right() -> None:
    found = transitions(answers("hhhhobheh"), answers("hbouhhhhe"), [str(i) for i in range(9)])
    assert (found.kept.n, found.wrong, found.errors) == (5, 2, 2)
    shares = (found.kept.value, found.to_background.value, found.elsewhere.value)
    assert shares == pytest.approx((2 / 5, 1 / 5, 2 / 5))
    assert sum(shares) == pytest.approx(1)


def test_transitions_agree_with_counting_on_random_answers() -> None:
    rng = np.random.default_rng(6)
    for _ in range(30):
        n = int(rng.integers(1, 40))
        before, after = ("".join(rng.choice(list("hboure"), n)) for _ in range(2))
        found = transitions(answers(before), answers(after), [str(i // 2) for i in range(n)])
        right = [y for x, y in zip(before, after, strict=True) if x == "h" and y != "e"]
        for share, kinds in ((found.kept, "h"), (found.to_background, "b"), (found.elsewhere, "our")):
            assert share.n == len(right)
            assert round(share.value * share.n) == sum(kind in kinds for kind in right)


def test_an_answer_belongs_to_one_part_to_none_or_to_several() -> None:
    said, sources = answers("hob"), list("abc")
    by_class = breakdown(said, sources, [("archery",), ("archery",), ("bowling",)])
    assert {name: (m.n, m.shacc.value) for name, m in by_class.items()} == {
        "archery": (2, 0.5),
        "bowling": (1, 0.0),
    }
    assert list(breakdown(said, sources, [("bowling",), (), ("archery",)])) == ["archery", "bowling"]
    context = breakdown(said, sources, [("scene:no",), (), ("scene:no", "mime:yes", "mime:yes")])
    assert {name: metrics.n for name, metrics in context.items()} == {"mime:yes": 1, "scene:no": 2}


def test_parts_must_go_with_answers() -> None:
    with pytest.raises(ValueError, match="2 answers, 2 clusters and 1 parts"):
        breakdown(answers("hb"), ["a", "b"], [["x"]])
