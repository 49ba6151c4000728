"""Requests to batches: some clips at a time, each round one question of every clip, of similar length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vllm_eval.engine import Request


@dataclass(frozen=True)
class Ask:
    """A request and the token ids that follow its video."""

    request: Request
    ids: list[int]


@dataclass(frozen=True)
class Round:
    """One batch: ``asks[i]`` belongs to clip i of its group."""

    asks: tuple[Ask, ...]


def by_clip(requests: Sequence[Request]) -> list[list[Request]]:
    """Requests of one media id together, in order of first appearance."""
    clips: dict[str, list[Request]] = {}
    for request in requests:
        clips.setdefault(request.media_id, []).append(request)
    return list(clips.values())


def groups(clips: Sequence[list[Request]], size: int) -> Iterator[list[list[Request]]]:
    """``size`` clips at a time, in order; inside a group those with most questions first, so that the clips
    still in play in a later round are always the first ones."""
    for start in range(0, len(clips), size):
        yield sorted(clips[start : start + size], key=len, reverse=True)


def rounds(group: Sequence[Sequence[Ask]]) -> Iterator[Round]:
    """The k-th longest question of every clip that has that many, for each k."""
    ordered = [sorted(asks, key=lambda ask: len(ask.ids), reverse=True) for asks in group]
    for k in range(max(map(len, ordered), default=0)):
        yield Round(tuple(asks[k] for asks in ordered if len(asks) > k))
