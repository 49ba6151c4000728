"""Key/value caches of `system + video`, one per clip, bounded by bytes, least recently used out first."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Prefix:
    """``states`` [layers, 2, tokens, kv width]: keys and values. ``position``: of what comes next."""

    states: "torch.Tensor"
    position: int

    @property
    def tokens(self) -> int:
        return int(self.states.shape[2])

    @property
    def nbytes(self) -> int:
        return int(self.states.nbytes)


class PrefixCache:
    """By media id. One larger than all of ``max_bytes`` is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._kept: OrderedDict[str, Prefix] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, media_id: str) -> Prefix | None:
        """The prefix, now the most recently used."""
        prefix = self._kept.get(media_id)
        if prefix is not None:
            self._kept.move_to_end(media_id)
        return prefix

    def put(self, media_id: str, prefix: Prefix) -> None:
        """Keep it, at the cost of those not used for longest."""
        self._drop(media_id)
        if prefix.nbytes > self.max_bytes:
            return
        while self._kept and self.nbytes + prefix.nbytes > self.max_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[media_id] = prefix
        self.nbytes += prefix.nbytes

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.nbytes = 0

    def _drop(self, media_id: str) -> None:
        old = self._kept.pop(media_id, None)
        self.nbytes -= old.nbytes if old else 0
