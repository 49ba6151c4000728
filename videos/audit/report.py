"""An audit as one HTML page and one table: means, by speed, size and pose too, and the worst clips."""

import base64
import csv
import html
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.audit.measures import Alone, Compared
from videos.audit.pose import POSES
from videos.audit.run import Audited, Bools, load
from videos.clip import Pixels

_WORST = 8
_NOBODY = 4  # clips shown in which nobody was found
_SHOWN = 6  # frames of each
_HIGH = 120  # pixels
_COUNTS = ("n", "missing", "failed", "with_truth")
_PERCENT = {*(field.name for field in fields(Compared)), "covered", "flicker", "empty"} - {"pieces_more"}
_MEASURES = (*(field.name for field in fields(Compared)), *(field.name for field in fields(Alone)))
_TRUTH = np.array((60, 255, 60), np.uint8)  # colour of the truth's outline
_STYLE = "body{font:15px sans-serif;max-width:80em;margin:2em auto}td,th{padding:.2em .6em;text-align:right}"

Told = dict[str, float]


def summary(found: Sequence[Audited]) -> Told:
    """Means over the clips that have a measure, and counts: ``n`` with masks, ``missing`` with nobody found,
    ``failed``, ``with_truth``. NaN where no clip has the measure."""
    told: Told = {
        "n": len([one for one in found if one.alone]),
        "missing": len([one for one in found if one.missing]),
        "failed": len([one for one in found if one.failure]),
        "with_truth": len([one for one in found if one.compared]),
    }
    for rows in ([one.compared for one in found], [one.alone for one in found]):
        kept = [asdict(row) for row in rows if row is not None]
        told.update({name: _mean([row[name] for row in kept]) for name in (kept[0] if kept else ())})
    people = [float(one.people) for one in found if one.people is not None]
    return told | ({"people": _mean(people)} if people else {})


def groups(found: Sequence[Audited], measure: str) -> list[tuple[str, Told]]:
    """The clips by ``pose``, or in thirds by ``speed`` or ``covered``, lowest first; the summary of each."""
    seen = [(one, one.person) for one in found if one.person]
    if measure == "pose":
        poses = {name: [one for one, person in seen if person.pose == name] for name in POSES}
        return [(f"{name}", summary(ones)) for name, ones in poses.items() if ones]
    seen.sort(key=lambda pair: float(getattr(pair[1], measure)))
    if len(seen) < 3:
        return []
    parts = np.array_split(np.arange(len(seen)), 3)
    names = ("lowest third", "middle third", "highest third")
    return [
        (f"{measure}, {name}", summary([seen[i][0] for i in part]))
        for name, part in zip(names, parts, strict=True)
    ]


def worst(found: Sequence[Audited]) -> list[Audited]:
    """The clips to look at: least IoU where there is a truth, most flicker elsewhere."""

    def badness(one: Audited) -> float:
        return -one.compared.iou if one.compared else one.alone.flicker if one.alone else 0.0

    return sorted((one for one in found if one.alone), key=badness, reverse=True)[:_WORST]


def write(found: Sequence[Audited], masks: str | None, title: str, path: Path, truth: bool = True) -> None:
    """The page, and a row for each clip beside it as csv. Raises UserError where they cannot be written."""
    nobody = [one for one in found if one.missing]
    parts = [f"<h1>{html.escape(title)}</h1>", _table([("all", summary(found))])]
    for measure, name in (("speed", "speed"), ("covered", "size"), ("pose", "pose")):
        parts.append(f"<h2>By {name}</h2>{_table(groups(found, measure))}")
    parts.append("<h2>Worst clips</h2><p>What is no person is darkened; green: the truth's outline.</p>")
    parts += [_picture(one, masks, truth) for one in worst(found)]
    parts.append(_list("Nobody found", [(one.clip.id, "") for one in nobody]))
    parts += [_picture(one, masks, truth) for one in nobody[:_NOBODY]]
    parts.append(_list("Failed", [(one.clip.id, one.failure) for one in found if one.failure]))
    page = f"<!doctype html><meta charset=utf-8><title>masks</title><style>{_STYLE}</style>{''.join(parts)}"
    try:
        path.write_text(page, encoding="utf-8")
        _write_rows(found, path.with_suffix(".csv"))
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}; name another file with --out") from failure


def figure(name: str, value: float) -> str:
    """A measure as it is shown: shares in percent, "-" for none."""
    if math.isnan(value):
        return "-"
    if name in _COUNTS:
        return f"{value:.0f}"
    return f"{100 * value:.1f} %" if name in _PERCENT else f"{value:.3f}"


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _write_rows(found: Sequence[Audited], path: Path) -> None:
    columns = ("clip", "people", "missing", "failure", "pose", *_MEASURES)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        for one in found:
            told = {"clip": one.clip.id, "missing": int(one.missing), "failure": one.failure}
            told |= {"people": "" if one.people is None else one.people}
            told |= {"pose": one.person.pose if one.person else ""}
            for measured in (one.compared, one.alone):
                told |= {} if measured is None else {k: f"{v:.5f}" for k, v in asdict(measured).items()}
            writer.writerow(told)


def _table(rows: Sequence[tuple[str, Told]]) -> str:
    if not rows:
        return "<p>Too few clips.</p>"
    names = list(dict.fromkeys(name for _, told in rows for name in told))
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in ("", *names))
    body = "".join(
        f"<tr><th>{html.escape(label)}</th>"
        + "".join(f"<td>{figure(name, told.get(name, math.nan))}</td>" for name in names)
        + "</tr>"
        for label, told in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(title: str, rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(f"<li>{html.escape(f'{name}: {why}'.removesuffix(': '))}</li>" for name, why in rows)
    return f"<h2>{title}: {len(rows)}</h2><ul>{lines}</ul>"


def _picture(one: Audited, masks: str | None, truth: bool) -> str:
    told = load(one.clip, masks, truth)
    measured = {} if one.compared is None else asdict(one.compared)
    measured |= {} if one.alone is None else asdict(one.alone)
    line = ", ".join(f"{name.replace('_', ' ')} {figure(name, value)}" for name, value in measured.items())
    image = base64.b64encode(_png(overlaid(told.frames, told.found, told.truth))).decode()
    caption = f"{html.escape(one.clip.id)}<br>{line}"
    return f'<figure><img src="data:image/png;base64,{image}"><figcaption>{caption}</figcaption></figure>'


def overlaid(frames: Pixels, found: Bools, truth: Bools | None) -> Image.Image:
    """Some frames in a row, everything outside the masks darkened, the truth's outline drawn."""
    picks = np.linspace(0, len(frames) - 1, min(_SHOWN, len(frames))).round().astype(int)
    shown = np.where(found[picks][..., None], frames[picks], frames[picks] // 4)
    if truth is not None:
        shown[_outline(truth[picks])] = _TRUTH
    row = Image.fromarray(np.concatenate(list(shown), axis=1))
    return row.resize((max(1, row.width * _HIGH // row.height), _HIGH))


def _outline(masks: Bools) -> Bools:
    """The pixels just outside of each mask."""
    from scipy.ndimage import binary_dilation

    return np.stack([binary_dilation(mask) & ~mask for mask in masks])


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()
