"""The report as one HTML file: no script, nothing fetched; what prompts and models wrote is shown as text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prompts.display import shown
from prompts.footage import Footage
from prompts.library import LIBRARY, name_of
from prompts.lineage import forest
from prompts.prompt import Prompt
from prompts.report import charts, classes, texts
from prompts.report.facts import Facts, Line, Section
from prompts.report.gallery import Gallery, gallery
from prompts.view import ScoredPrompt

# No script, no font, no picture from elsewhere: even a hole in the escaping could fetch nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

MOST_PROMPTS = 400  # in the lineage
MOST_REFUSED = 200
CLIPS = 6


def render(facts: Facts, footage: Footage | None, clips: int = CLIPS) -> str:
    """The whole file. ``footage`` None leaves the pictures of clips out; ``clips`` of each kind are shown."""
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "plain": lambda value: shown(value).plain,
        "percent": texts.percent,
        "interval": texts.interval,
        "signed": texts.signed,
        "p": texts.p_value,
    }
    winner_id = facts.winner.id if facts.winner else None
    commands, configuration = texts.reproduce(facts)
    lines = _compared_lines(facts)
    main = facts.main
    return environment.get_template("report.html.j2").render(
        facts=facts,
        policy=POLICY,
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),  # ours, not a model's
        names=texts.MEASURES,
        question=texts.question(facts),
        verdict=texts.verdict(facts),
        limits=texts.limits(facts),
        library=[(entry.name, entry.prompt.text) for entry in LIBRARY.values()],
        pareto=Markup(charts.pareto(facts.tune, winner_id) if facts.tune else ""),
        bought=Markup(charts.bought(facts.tune, winner_id) if facts.tune else ""),
        tree=_tree(facts),
        most_prompts=MOST_PROMPTS,
        heat=classes.per_class(main, lines) if main else None,
        scenes=classes.per_scene(main, lines) if main and "gap" in main.measures else None,
        confusions=_confusions(main, lines) if main else [],
        gallery=_gallery(facts, footage, clips),
        refused=_refused(facts),
        most_refused=MOST_REFUSED,
        decisions=_decisions(facts),
        commands=commands,
        configuration=configuration,
        tint=_tint,
    )  # fmt: skip


def _compared_lines(facts: Facts) -> list[Line]:
    """Hand-written prompts and the winner, in that order, as the main section has them."""
    if facts.main is None:
        return []
    winner = facts.winner.id if facts.winner else None
    return [line for line in facts.main.lines if name_of(line.prompt.id) or line.prompt.id == winner]


def _confusions(section: Section, lines: Sequence[Line]) -> list[tuple[str, classes.Grid]]:
    """For the first prompt, neutral, and the last, the winner."""
    ends = list({line.prompt.id: line for line in (*lines[:1], *lines[-1:])}.values())
    return [(line.label, classes.confusion(section.answers[line.prompt.id])) for line in ends]


def _gallery(facts: Facts, footage: Footage | None, clips: int) -> Gallery | None:
    return gallery(facts.compared, footage, clips) if facts.compared else None


def _tree(facts: Facts) -> list[dict[str, Any]]:
    """The lineage as rows with their depth: a page needs no recursion to draw them."""
    scored: dict[str, ScoredPrompt] = {one.prompt.id: one for one in facts.tune.scored} if facts.tune else {}
    rows = [(depth, node) for tree in forest(facts.prompts) for depth, node in tree.walk()]
    return [
        {
            "depth": min(depth, 12),
            "id": node.prompt.id,
            "label": _name(node.prompt),
            "text": node.prompt.text,
            "hypothesis": node.prompt.hypothesis,
            "score": scored[node.prompt.id].score if node.prompt.id in scored else None,
            "others": [one[:8] for one in node.others],
            "winner": facts.winner is not None and node.prompt.id == facts.winner.id,
        }
        for depth, node in rows[:MOST_PROMPTS]
    ]


def _name(prompt: Prompt) -> str:
    return name_of(prompt.id) or prompt.origin


def _refused(facts: Facts) -> list[tuple[str, str]]:
    return [(one.prompt.text, one.reason) for one in facts.proposals if one.verdict == "refused"]


def _decisions(facts: Facts) -> list[tuple[str, str]]:
    """What the end of the run decided, in words."""
    told = []
    for one in facts.decisions:
        detail = one.detail
        scores = detail.get("scores")
        if isinstance(scores, dict):
            ranked = sorted(scores.items(), key=lambda item: -float(item[1] or 0))
            names = ", ".join(f"{_short(key)} {texts.percent(float(value or 0))}" for key, value in ranked)
            told.append((f"{one.kind} on {detail.get('clips', '')}", names))
        else:
            told.append((one.kind, _detail(one.kind, detail)))
    return told


def _detail(kind: str, detail: Mapping[str, Any]) -> str:
    prompt, loss = _short(detail.get("prompt", "")), detail.get("loss")
    if kind == "agreement" and isinstance(loss, float):
        verdict = "passed" if detail.get("passed") else "passed over"
        points = f"{100 * loss:.1f} points" + (
            " of probability" if detail.get("measure") == "probability" else ""
        )
        return f"{prompt} loses {points} against neutral on ordinary clips: {verdict}"
    if kind == "winner":
        return prompt
    if kind.startswith("race/") and isinstance(detail.get("difference"), (int, float)):
        other = f", alike {_short(detail['other'])}" if detail.get("other") else ""
        points = f"{100 * detail['difference']:+.1f} points against {_short(detail.get('against', ''))}"
        return f"{prompt} after {detail.get('clips')} clips: {points}{other}"
    return "; ".join(f"{key}: {_short(value)}" for key, value in detail.items())


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    name = name_of(text)
    return name or (text[:8] if len(text) == 16 and text.isalnum() else text)


def _tint(share: float | None) -> str:
    """The background of a heat map's cell: more colour for a larger share, legible in light and dark."""
    return "" if share is None else f"background:rgba(47,126,216,{0.08 + 0.62 * share:.2f})"
