"""Anchor clips: clips a prompt must not get wrong where the prompt it is measured against gets them right."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agents.config import GuardConfig
from agents.guard import Refused
from agents.targets import plain_id
from assets.errors import UserError
from videos.clip import ClipSet
from vllm_eval.evaluator import Scored


@dataclass(frozen=True)
class Anchors:
    """``clips``: their ids; at most ``allowed`` of them may be lost, by any of several target models."""

    clips: tuple[str, ...]
    allowed: int = 0

    @classmethod
    def of(cls, settings: GuardConfig) -> "Anchors":
        """The anchors that the run's configuration names."""
        return cls(settings.anchors, settings.anchors_lost)

    def check_known(self, clips: Iterable[str]) -> None:
        """Raises UserError for an anchor that is no clip of these."""
        known = {plain_id(clip) for clip in clips}
        unknown = [clip for clip in self.clips if clip not in known]
        if unknown:
            some = ", ".join(sorted(known)[:3]) or "none"
            raise UserError(
                f"anchor {unknown[0]!r} is no clip of the tune side, expected ids such as {some}; "
                "see optimizer.guard.anchors"
            )

    def among(self, clips: ClipSet) -> ClipSet:
        """The anchors as a part of these clips, once for each target model."""
        wanted = set(self.clips)
        return replace(clips, clips=tuple(clip for clip in clips.clips if plain_id(clip.id) in wanted))

    def lost(self, reference: Scored, scored: Scored) -> tuple[str, ...]:
        """Clips the reference gets right and these answers do not, in the order of the clips.

        An anchor that either was not asked about, or could not be answered for, counts for nothing.
        """
        before, after = _right(reference), _right(scored)
        wanted = set(self.clips)
        return tuple(
            clip
            for clip, right in after.items()
            if plain_id(clip) in wanted and before.get(clip) and not right
        )

    def check(self, reference: Scored, scored: Scored) -> Refused | None:
        """Why a scored prompt may not win, None when it may."""
        lost = self.lost(reference, scored)
        if len({plain_id(clip) for clip in lost}) <= self.allowed:
            return None
        some = ", ".join(lost[:3]) + (", ..." if len(lost) > 3 else "")
        count = len({plain_id(clip) for clip in lost})
        return Refused("anchor", f"{count} anchors lost, at most {self.allowed}: {some}")


def _right(scored: Scored) -> dict[str, bool]:
    asked = zip(scored.clips.clips, scored.answers, strict=True)
    return {clip.id: answer.kind == "human" for clip, answer in asked if answer.kind != "error"}
