"""The Pareto plot: SHAcc against SBErr of everything a run scored while searching, as far as it compares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prompts.library import name_of
from prompts.prompt import Prompt
from prompts.view import ScoredPrompt, comparable, complete, front


def plot(path: Path, scored: Sequence[ScoredPrompt], winner: Prompt, clips: str) -> None:
    """Write the picture. Only the names of hand-written prompts are drawn, no text of a model.

    ``scored`` with scores that rank fairly. What was asked about fewer clips than the rest is grey, where its
    score puts it, and on no front; what has no answers is left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    answered = [one for one in scored if one.metrics.n]
    whole = complete(answered)
    axes.step(*_points(front(answered)), where="post", color="0.7", linewidth=1, label="front", zorder=1)
    partly = [one for one in answered if one not in whole]
    if partly:
        axes.scatter(*_points(partly), color="0.8", s=18, label="asked about fewer clips", zorder=1)
    proposed = [one for one in whole if one.position >= 0]
    if proposed:
        colours = [one.position for one in proposed]
        dots = axes.scatter(*_points(proposed), c=colours, cmap="viridis", s=36, label="proposed", zorder=2)
        figure.colorbar(dots, ax=axes, label="order of proposal")
    baselines = [one for one in answered if one.position < 0]
    known = [one for one in baselines if one in whole]
    axes.scatter(*_points(known), marker="s", color="tab:red", s=40, label="hand-written", zorder=3)
    for rank, one in enumerate(baselines):
        (x,), (y,) = _points([one])
        left = x > 50  # the picture has no room for a name on the other side
        place = (-7 if left else 7, 11 * (rank % 4))  # hand-written prompts often score the same
        side: Literal["left", "right"] = "right" if left else "left"
        name = name_of(one.prompt.id) or "baseline"
        axes.annotate(name, (x, y), xytext=place, textcoords="offset points", fontsize=8, ha=side)
    chosen = [one for one in answered if one.prompt.id == winner.id]
    axes.scatter(
        *_points(chosen), marker="*", color="gold", edgecolor="black", s=220, label="chosen", zorder=4
    )
    axes.set(xlabel="SBErr in %, lower is better", ylabel="SHAcc in %, higher is better")
    axes.set_title(f"Scored prompts on {clips}", fontsize=10, parse_math=False)
    axes.legend(loc="best", fontsize=9)
    figure.savefig(path, dpi=120)


def _points(scored: Sequence[ScoredPrompt]) -> tuple[list[float], list[float]]:
    points = [comparable(one) for one in scored]
    return [-100 * lower for _, lower in points], [100 * higher for higher, _ in points]
