"""SBErr by which prompts can be ranked though a race asked them about unequally many clips."""

from collections.abc import Iterable

import numpy as np

from agents.pooling import Pooled
from agents.race_board import Board, Seen
from agents.race_compare import Comparison
from agents.race_order import unit_of
from agents.targets import Rule, target_of
from vllm_eval.evaluator import AnswerRow


def fair_sberr(pooled: Pooled, prompts: Iterable[str], rule: Rule = "worst") -> dict[str, float]:
    """By prompt id the SBErr on the clips of ``pooled``, as far as answers tell.

    As scores are made fair (``race_board.fair_scores``): whoever was asked about fewer clips than others has
    the SBErr of the best of these plus a paired, shrunk difference to it. Of several targets the worst
    counts, or by ``rule`` all answers together. 1 for a prompt without any answer.
    """
    numbers: dict[str, int] = {}
    units = [numbers.setdefault(unit_of(clip), len(numbers)) for clip in pooled.clips.clips]
    places = {clip.id: place for place, clip in enumerate(pooled.clips.clips)}
    board = Board(units)
    for prompt in prompts:
        rows = pooled.answers(prompt)
        board.add(prompt, [places[row.clip_id] for row in rows], _seen(rows))
    names = pooled.names if rule == "worst" else ()
    parts = tuple(
        [places[clip] for clip in sorted(clip for clip in places if target_of(clip) == name)]
        for name in names
    )
    return {name: 1 - score for name, score in Comparison(board, parts).fair({}).items()}


def _seen(rows: list[AnswerRow]) -> Seen:
    """Answers such that a board's score, (1 + gap) / 2, is the share that does not name the background."""
    gaps = [_GAPS.get(row.answer.kind, 1.0) for row in rows]
    unknown = np.full(len(rows), np.nan)
    return Seen(np.array(gaps, np.float64), unknown, tuple(row.answer.label or "" for row in rows))


_GAPS = {"background": -1.0, "error": float("nan")}
