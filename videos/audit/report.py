"""An audit as one HTML page: the means, by speed and size, and pictures of the worst clips."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.audit.measures import Alone, Compared
from videos.audit.run import Audited, load
from videos.clip import Pixels
from videos.compose import HARD

_WORST = 8
_SHOWN = 6  # frames of each
_HIGH = 120  # pixels
_PERCENT = {*(field.name for field in fields(Compared)), "covered", "flicker", "empty"}
_STYLE = "body{font:15px sans-serif;max-width:70em;margin:2em auto}td,th{padding:.2em .8em;text-align:right}"


def summary(found: Sequence[Audited]) -> dict[str, float]:
    """Means over the clips that have masks, by measure; ``n`` of them, ``failed`` others."""
    measured = [one for one in found if one.alone]
    told: dict[str, float] = {"n": len(measured), "failed": len(found) - len(measured)}
    for rows in ([one.alone for one in measured], [one.compared for one in measured]):
        kept = [asdict(row) for row in rows if row is not None]
        told.update({name: float(np.mean([row[name] for row in kept])) for name in (kept[0] if kept else ())})
    return told


def groups(found: Sequence[Audited], measure: str) -> list[tuple[str, dict[str, float]]]:
    """Thirds of the clips by ``speed`` or ``covered``, lowest first, with the summary of each."""
    measured = sorted((one for one in found if one.alone), key=lambda one: getattr(one.alone, measure))
    if len(measured) < 3:
        return []
    parts = [list(part) for part in np.array_split(np.arange(len(measured)), 3)]
    names = ("lowest third", "middle third", "highest third")
    return [
        (f"{measure}, {name}", summary([measured[i] for i in part]))
        for name, part in zip(names, parts, strict=True)
    ]


def worst(found: Sequence[Audited]) -> list[Audited]:
    """The clips to look at: least IoU where there is a truth, most flicker elsewhere."""

    def badness(one: Audited) -> float:
        return -one.compared.iou if one.compared else one.alone.flicker if one.alone else 0.0

    return sorted((one for one in found if one.alone), key=badness, reverse=True)[:_WORST]


def write(found: Sequence[Audited], masks: str | None, title: str, path: Path) -> None:
    """The page. Raises UserError where it cannot be written."""
    parts = [f"<h1>{html.escape(title)}</h1>", _table([("all", summary(found))])]
    for measure in ("speed", "covered"):
        parts.append(f"<h2>By {measure}</h2>{_table(groups(found, measure))}")
    parts.append("<h2>Worst clips</h2>")
    parts += [_picture(one, masks) for one in worst(found)]
    lost = [one for one in found if one.failure]
    if lost:
        lines = "".join(f"<li>{html.escape(one.clip.id)}: {html.escape(one.failure)}</li>" for one in lost)
        parts.append(f"<h2>Without masks: {len(lost)}</h2><ul>{lines}</ul>")
    page = f"<!doctype html><meta charset=utf-8><title>masks</title><style>{_STYLE}</style>{''.join(parts)}"
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}; name another file with --out") from failure


def figure(name: str, value: float) -> str:
    """A measure as it is shown: shares in percent."""
    if name in ("n", "failed"):
        return f"{value:.0f}"
    return f"{100 * value:.1f} %" if name in _PERCENT else f"{value:.3f}"


def _table(rows: Sequence[tuple[str, dict[str, float]]]) -> str:
    if not rows:
        return "<p>Too few clips.</p>"
    names = list(rows[0][1])
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in ("", *names))
    body = "".join(
        f"<tr><th>{html.escape(label)}</th>"
        + "".join(f"<td>{figure(name, told[name])}</td>" for name in names if name in told)
        + "</tr>"
        for label, told in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _picture(one: Audited, masks: str | None) -> str:
    frames, levels = load(one.clip, masks)
    told = one.compared or one.alone
    assert told is not None
    shown: Callable[[str, float], str] = figure
    line = ", ".join(f"{name.replace('_', ' ')} {shown(name, value)}" for name, value in asdict(told).items())
    image = base64.b64encode(_png(overlaid(frames, levels))).decode()
    caption = f"{html.escape(one.clip.id)}<br>{line}"
    return f'<figure><img src="data:image/png;base64,{image}"><figcaption>{caption}</figcaption></figure>'


def overlaid(frames: Pixels, levels: Pixels) -> Image.Image:
    """Some frames in a row, everything outside the masks darkened."""
    picks = np.linspace(0, len(frames) - 1, min(_SHOWN, len(frames))).round().astype(int)
    dark = np.where(levels[picks][..., None] > HARD, frames[picks], frames[picks] // 4)
    row = Image.fromarray(np.concatenate(list(dark), axis=1))
    return row.resize((max(1, row.width * _HIGH // row.height), _HIGH))


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


__all__ = ["Alone", "figure", "groups", "summary", "worst", "write"]
