"""Other systems in the same table: CLIP-like models, prompted VLLMs, whatever `vllm_eval.score` can read.

``NAME=FILE``: one prediction per clip, or what ``python -m prompts export --answers`` wrote, where every
prompt is a row. Only clips that the table's own rows were judged on count, so that all rows are about the
same clips; a file with none of them is refused.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, cast, get_args

from assets.errors import UserError
from classifiers.config import Config
from classifiers.judging import chosen, prediction_file
from classifiers.lines import Line, Sets, config_of
from classifiers.paper import BASELINE
from classifiers.protocols import CLOSED, FIVE
from classifiers.tables import COLUMNS, Hits, Summary, hits, paired, summary
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import accuracy, bias_metrics
from vllm_eval.questions.mcq5 import CHOICES
from vllm_eval.score.predictions import Options
from vllm_eval.score.reader import read_predictions
from vllm_eval.statistics import Difference

_EXPORTED = {"prompt", "format", "clip", "kind", "label", "text"}
_FIVE = "mcq5"  # how the key of a question of five choices begins


@dataclass(frozen=True)
class Other:
    """A system's figures by column, and its differences to the baseline row, paired by clip."""

    name: str
    figures: Mapping[str, Summary] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)


def others(
    texts: Sequence[str], base: Config, sets: Sets, lines: Sequence[Line], backgrounds: str
) -> list[Other]:
    """Every ``NAME=FILE``; files under one name are one row. Raises UserError."""
    baseline = next((line for line in lines if line.row.name == BASELINE), None)
    runs = [config_of(base, baseline.row, seed, backgrounds) for seed in baseline.seeds] if baseline else []
    rows: dict[str, Other] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not sign or not name:
            raise UserError(f"--beside {text!r}: expected NAME=predictions.csv")
        for told in _told(name, Path(path)):
            figures, differences = _measured(told, base, sets, runs)
            old = rows.get(told.name, Other(told.name))
            rows[told.name] = Other(told.name, {**old.figures, **figures}, {**old.differences, **differences})
    return list(rows.values())


def as_json(other: Other) -> dict[str, Any]:
    """Everything of a row."""
    return {
        "row": other.name,
        "figures": {name: asdict(one) for name, one in other.figures.items()},
        "minus baseline": {name: asdict(one) for name, one in other.differences.items()},
    }


@dataclass(frozen=True)
class _Told:
    """One system's answers under one protocol."""

    name: str
    protocol: str
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    chance: float


def _told(name: str, path: Path) -> list[_Told]:
    exported = _exported(name, path)
    if exported:
        return exported
    found = read_predictions(path, Options())
    protocol = FIVE if found.choices == CHOICES else CLOSED
    return [_Told(name, protocol, found.ids, found.answers, found.chance)]


def _exported(name: str, path: Path) -> list[_Told]:
    """Answers of a history, by prompt; nothing where the file is another table."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader) if set(reader.fieldnames or ()) >= _EXPORTED else []
    except (OSError, UnicodeDecodeError, csv.Error):
        return []  # whoever reads tables of any kind says what is wrong with it
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["prompt"], row["format"]), []).append(row)
    several = len({prompt for prompt, _ in groups}) > 1
    told = []
    for (prompt, form), some in groups.items():
        answers = tuple(_answer(row) for row in some)
        title, five = f"{name} {prompt[:8]}" if several else name, form.startswith(_FIVE)
        ids = tuple(row["clip"] for row in some)
        told.append(_Told(title, FIVE if five else CLOSED, ids, answers, 1 / CHOICES if five else 0.0))
    return told


def _answer(row: Mapping[str, str]) -> Answer:
    kind = row["kind"]
    if kind not in get_args(Kind):
        raise UserError(f"{row['clip']}: kind {kind!r}, expected one of {', '.join(get_args(Kind))}")
    return Answer(row["clip"], row["text"], row["label"] or None, cast(Kind, kind), None, 0, 0, 0.0)


def _measured(
    told: _Told, base: Config, sets: Sets, runs: Sequence[Config]
) -> tuple[dict[str, Summary], dict[str, Difference]]:
    name, sources = _set_of(told, base, sets)
    picked = [k for k, clip in enumerate(told.ids) if clip in sources]
    answers = [told.answers[k] for k in picked]
    ids = [told.ids[k] for k in picked]
    figures, differences = {}, {}
    for column, (_, asked, measure) in COLUMNS.items():
        if asked != told.protocol or sets.of(column) != name:
            continue
        clusters = [sources[clip] for clip in ids]
        figures[column] = summary([asdict(_estimate(answers, clusters, told.chance, measure))])
        files = [prediction_file(run.folder, name, told.protocol, most=sets.most) for run in runs]
        if files and all(file.exists() for file in files):
            theirs = _mean_hits([hits(file, measure) for file in files])
            differences[column] = paired([_hits(ids, answers, measure)], [theirs], sources)
    return figures, differences


def _estimate(
    answers: Sequence[Answer], clusters: Sequence[tuple[str, ...]], chance: float, measure: str
) -> Any:
    if measure == "accuracy":
        return accuracy(answers, clusters)
    return getattr(bias_metrics(answers, clusters, chance), measure)


def _set_of(told: _Told, base: Config, sets: Sets) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The set that most of the clips are of, and by clip its sources."""
    best: tuple[str, dict[str, tuple[str, ...]]] = ("", {})
    most = 0
    for name in sets.asked.sets:
        sources = {clip.id: clip.sources for clip in chosen(name, base.data.root, (), sets.most).clips}
        shared = len(sources.keys() & set(told.ids))
        if shared > most:
            best, most = (name, sources), shared
    if not most:
        known = ", ".join(sets.asked.sets)
        some = told.ids[0] if told.ids else "it names no clips"
        raise UserError(f"{told.name}: no clip of {known} in its file ({some}); give clip ids as there")
    return best


def _hits(ids: Sequence[str], answers: Sequence[Answer], measure: str) -> Hits:
    wanted = "background" if measure == "sberr" else "human"
    pairs = zip(ids, answers, strict=True)
    return {clip: float(answer.kind == wanted) for clip, answer in pairs if answer.kind != "error"}


def _mean_hits(runs: Sequence[Hits]) -> Hits:
    """Per clip the mean over seeds, where all have it."""
    shared = set(runs[0]).intersection(*runs)
    return {clip: mean(one[clip] for one in runs) for clip in runs[0] if clip in shared}
