"""The same metrics per part of a clip set: per class, per scene, per annotation of context."""

from collections.abc import Iterable, Sequence

from vllm_eval.clustering import Clusters
from vllm_eval.engine import Answer
from vllm_eval.metrics import BiasMetrics, bias_metrics


def breakdown(
    answers: Sequence[Answer], clusters: Clusters, parts: Sequence[Iterable[str]], chance: float = 0.2
) -> dict[str, BiasMetrics]:
    """Metrics per part, parts in alphabetical order.

    ``parts[i]`` names the parts that answer i belongs to: none (a scene where no other conflicts), one (a
    class) or several (annotations of context, a clip's tags).
    Intervals are as wide as the part is small; with 50 of them, one or two miss their truth by chance.
    Raises ValueError when the lengths differ.
    """
    if not len(answers) == len(clusters) == len(parts):
        raise ValueError(f"{len(answers)} answers, {len(clusters)} clusters and {len(parts)} parts differ")
    members: dict[str, list[int]] = {}
    for index, names in enumerate(parts):
        for name in dict.fromkeys(names):
            members.setdefault(name, []).append(index)
    return {
        name: bias_metrics([answers[i] for i in indices], [clusters[i] for i in indices], chance)
        for name, indices in sorted(members.items())
    }
