"""The report's two pictures as inline SVG. Names of hand-written prompts are drawn, no text of a model."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prompts.library import name_of
from prompts.view import HistoryView, ScoredPrompt, complete, front

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#010203"  # drawn in this colour, shown in the page's own: light and dark
_FOUND, _HAND, _CHOSEN, _PARTLY = "#2f7ed8", "#d9534f", "#e0a100", "#999999"
_FEWER = "asked about fewer clips"  # drawn grey where it scored on these: no front and no best holds it


def pareto(view: HistoryView, winner_id: str | None) -> str:
    """SHAcc against SBErr of everything scored while searching, with the front of what was asked about all
    clips. "" where nothing was scored."""
    scored = [one for one in view.scored if one.metrics.n]
    return _drawn("pareto", lambda axes: _pareto(axes, scored, winner_id)) if scored else ""


def bought(view: HistoryView, winner_id: str | None) -> str:
    """Each proposal's score, and the best so far of those asked about all clips, against the answers used."""
    proposed = sorted((one for one in view.scored if one.position >= 0), key=lambda one: one.position)
    answered = any(one.metrics.n for one in proposed)
    return _drawn("bought", lambda axes: _bought(axes, view, proposed, winner_id)) if answered else ""


def _pareto(axes: "Axes", scored: Sequence[ScoredPrompt], winner_id: str | None) -> None:
    axes.step(*_points(front(scored)), where="post", color=_INK, alpha=0.4, linewidth=1, label="front")
    whole = complete(scored)
    partly = [one for one in scored if one not in whole]
    if partly:
        axes.scatter(*_points(partly), color=_PARTLY, s=14, alpha=0.5, label=_FEWER, zorder=1)
    found = [one for one in whole if one.position >= 0]
    axes.scatter(*_points(found), color=_FOUND, s=26, alpha=0.7, label="proposed", zorder=2)
    hand = [one for one in scored if one.position < 0]
    known = [one for one in hand if one in whole]
    axes.scatter(*_points(known), color=_HAND, s=34, marker="s", label="hand-written", zorder=3)
    for rank, one in enumerate(hand):
        (x,), (y,) = _points([one])
        left = x > 50  # the picture has no room for a name on the other side
        place = (-7 if left else 7, 11 * (rank % 3))
        name = name_of(one.prompt.id) or "hand-written"
        axes.annotate(
            name, (x, y), xytext=place, textcoords="offset points", fontsize=8, color=_INK,
            ha="right" if left else "left",
        )  # fmt: skip
    chosen = [one for one in scored if one.prompt.id == winner_id]
    axes.scatter(*_points(chosen), marker="*", color=_CHOSEN, edgecolor=_INK, s=190, label="chosen", zorder=4)
    axes.set(xlabel="SBErr in %, lower is better", ylabel="SHAcc in %, higher is better")


def _bought(axes: "Axes", view: HistoryView, proposed: Sequence[ScoredPrompt], winner_id: str | None) -> None:
    used = sum(one.metrics.n + one.metrics.errors for one in view.scored if one.position < 0)
    at: dict[str, tuple[int, float]] = {}
    for one in proposed:
        used += one.metrics.n + one.metrics.errors
        at[one.prompt.id] = used, 100 * one.score
    whole = complete(view.scored)
    partly = [one for one in proposed if one.metrics.n and one not in whole]
    if partly:
        axes.scatter(*_places(at, partly), color=_PARTLY, s=14, alpha=0.5, label=_FEWER, zorder=1)
    spent, scores = _places(at, [one for one in proposed if one in whole])
    best = [max(scores[: place + 1]) for place in range(len(scores))]
    axes.scatter(spent, scores, color=_FOUND, s=24, alpha=0.7, label="a proposal", zorder=2)
    axes.step(spent, best, where="post", color=_INK, linewidth=1.2, label="best so far", zorder=1)
    for one in view.scored:
        if one.position < 0 and name_of(one.prompt.id) in ("neutral", "human-focused"):
            height, colour = 100 * one.score, _HAND if one in whole else _PARTLY
            axes.axhline(height, color=colour, linewidth=1, linestyle="--", alpha=0.8)
            axes.annotate(
                str(name_of(one.prompt.id)), (at[proposed[0].prompt.id][0], height), xytext=(0, 3),
                textcoords="offset points", fontsize=8, color=_INK,
            )  # fmt: skip
    chosen = [one for one in proposed if one.prompt.id == winner_id]
    axes.scatter(
        *_places(at, chosen), marker="*", color=_CHOSEN, edgecolor=_INK, s=190, label="chosen", zorder=4
    )
    axes.set(xlabel="answers used while searching", ylabel="(1 + SHAcc - SBErr) / 2 in %")


def _drawn(name: str, draw: "Callable[[Axes], None]") -> str:
    """The SVG element, in the page's text colour, with ids of its own."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}
    colours = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    )
    with matplotlib.rc_context(settings | colours):
        figure = Figure(figsize=(6.6, 4.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        draw(axes)
        axes.grid(alpha=0.2, color=_INK)
        axes.legend(loc="best", fontsize=8, framealpha=0)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(file.getvalue(), name)


def _inlined(svg: str, name: str) -> str:
    """Without prolog, metadata and the style that would reach the whole page; ids marked with the name."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1, flags=re.S
    )
    return svg.replace(_INK, "currentColor")


def _places(
    at: Mapping[str, tuple[int, float]], some: Sequence[ScoredPrompt]
) -> tuple[list[int], list[float]]:
    places = [at[one.prompt.id] for one in some]
    return [x for x, _ in places], [y for _, y in places]


def _points(scored: Sequence[ScoredPrompt]) -> tuple[list[float], list[float]]:
    metrics = [one.metrics for one in scored]
    return [100 * one.sberr.value for one in metrics], [100 * one.shacc.value for one in metrics]
