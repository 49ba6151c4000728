"""What a foreign scene does to answers that were right: from the original clip to its swap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vllm_eval.clustering import Clustering, Clusters, clustering
from vllm_eval.engine import Answer
from vllm_eval.metrics import Estimate, proportion


@dataclass(frozen=True)
class Transitions:
    """Over swaps whose original was answered right, n of every estimate; the three shares sum to 1.

    ``kept``: the person's action is still named. ``to_background``: the scene's action is named instead.
    ``elsewhere``: a third action, nothing readable or a refusal. ``wrong`` counts swaps left out because
    the original was answered wrong, ``errors`` those with an error on either side. Chance levels of blind
    guessing on the swap: c, c and 1 - 2c for c = 1 / number of choices.
    """

    kept: Estimate
    to_background: Estimate
    elsewhere: Estimate
    wrong: int
    errors: int


def transitions(original: Sequence[Answer], swap: Sequence[Answer], clusters: Clusters) -> Transitions:
    """``original[i]`` answers the unswapped clip of the person in ``swap[i]``; repeat it for several swaps.

    ``clusters``: per swap its cluster or its sources. Raises ValueError for different lengths.
    """
    if len(original) != len(swap):
        raise ValueError(f"pairs need equal lengths, got {len(original)} and {len(swap)} answers")
    before = np.array([answer.kind for answer in original], "U10")
    after = np.array([answer.kind for answer in swap], "U10")
    scored = (before != "error") & (after != "error")
    kept = np.asarray(scored & (before == "human"))
    groups, then = clustering(clusters, kept), after[kept]
    return Transitions(
        kept=_share(then == "human", groups),
        to_background=_share(then == "background", groups),
        elsewhere=_share(np.isin(then, ("other", "unparsed", "refused")), groups),
        wrong=int((scored & ~kept).sum()),
        errors=int((~scored).sum()),
    )


def _share(chosen: NDArray[np.bool_], groups: Clustering) -> Estimate:
    return proportion(np.asarray(chosen, np.float64), groups)
