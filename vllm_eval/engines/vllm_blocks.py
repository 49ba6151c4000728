"""Which clips come first, so that questions meet a clip while the KV cache still holds it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from vllm_eval.engine import Request

Clips = Sequence[list[Request]]  # per clip its requests


class Resident:
    """What a least-recently-used cache of ``capacity`` tokens holds of the clips asked about, by media id.

    ``capacity`` None: unknown, taken for endless. A model of vLLM's cache, not its state.
    """

    def __init__(self, capacity: int | None) -> None:
        self.capacity = capacity
        self._tokens: OrderedDict[str, int] = OrderedDict()
        self._held = 0

    def touch(self, media_id: str, prefix: int, suffix: int) -> None:
        """A question of ``suffix`` tokens was just asked about this clip of ``prefix`` tokens. Questions stay
        in the cache as well, until newer ones evict them."""
        before = self._tokens.pop(media_id, 0)
        self._tokens[media_id] = max(before, prefix) + suffix
        self._held += self._tokens[media_id] - before
        while self.capacity is not None and self._held > self.capacity and len(self._tokens) > 1:
            self._held -= self._tokens.popitem(last=False)[1]

    def newest_first(self) -> list[str]:
        """Media ids, the last to be evicted first."""
        return list(reversed(self._tokens))


def blocks(clips: Clips, resident: Resident, costs: Mapping[str, int]) -> list[list[list[Request]]]:
    """Clips in blocks that fit the cache together, all requests of a clip in one block, each clip once.

    Clips that are resident come first, before newer ones evict them: a set that outgrows the cache, asked
    about round after round in one order, would otherwise find none of its clips again. ``costs``: tokens by
    media id; a clip that has none costs as much as the largest known.
    """
    place = {media_id: number for number, media_id in enumerate(resident.newest_first())}
    ordered = sorted(clips, key=lambda clip: place.get(clip[0].media_id, len(place)))  # stable
    usual = max(costs.values(), default=0)
    found: list[list[list[Request]]] = []
    held = 0
    for clip in ordered:
        cost = costs.get(clip[0].media_id, usual)
        if not found or (resident.capacity is not None and held + cost > resident.capacity):
            found.append([])
            held = 0
        found[-1].append(clip)
        held += cost
    return found
