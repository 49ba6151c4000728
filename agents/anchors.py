"""Anchor clips: clips a prompt must not get wrong where the prompt it is measured against gets them right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.guard import Refused
from assets.errors import UserError
from vllm_eval.evaluator import AnswerRow


@dataclass(frozen=True)
class Anchors:
    """``clips``: their ids; at most ``allowed`` of them may be lost."""

    clips: tuple[str, ...]
    allowed: int = 0

    def check_known(self, clips: Iterable[str]) -> None:
        """Raises UserError for an anchor that is no clip of these."""
        known = set(clips)
        unknown = [clip for clip in self.clips if clip not in known]
        if unknown:
            some = ", ".join(sorted(known)[:3]) or "none"
            raise UserError(
                f"anchor {unknown[0]!r} is no clip of the tune side, expected ids such as {some}; "
                "see optimizer.guard.anchors"
            )

    def lost(self, reference: Sequence[AnswerRow], rows: Sequence[AnswerRow]) -> tuple[str, ...]:
        """Anchors the reference gets right and these answers do not, in the order of the anchors.

        An anchor that either was not asked about, or could not be answered for, counts for nothing.
        """
        before, after = _right(reference), _right(rows)
        return tuple(clip for clip in self.clips if before.get(clip) and after.get(clip) is False)

    def check(self, reference: Sequence[AnswerRow], rows: Sequence[AnswerRow]) -> Refused | None:
        """Why a scored prompt may not win, None when it may."""
        lost = self.lost(reference, rows)
        if len(lost) <= self.allowed:
            return None
        some = ", ".join(lost[:3]) + (", ..." if len(lost) > 3 else "")
        return Refused("anchor", f"{len(lost)} anchors lost, at most {self.allowed}: {some}")


def _right(rows: Sequence[AnswerRow]) -> dict[str, bool]:
    return {row.clip_id: row.answer.kind == "human" for row in rows if row.answer.kind != "error"}
