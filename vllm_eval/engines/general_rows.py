"""Rows over kept prefixes: padded on the left to one length, asked with one suffix each, continued greedily.

Padding is masked and takes no position, so a row is computed as it would be alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vllm_eval.engines.general_model import GeneralModel, HeadedPrefix

if TYPE_CHECKING:
    import torch


class PrefixRows:
    """Row i starts from prefix i. Prefixes stay as they are; every ``ask`` begins from them anew."""

    def __init__(self, model: GeneralModel, prefixes: Sequence[HeadedPrefix]) -> None:
        import torch

        self.model = model
        self.starts = [prefix.position for prefix in prefixes]
        reach = max(prefix.tokens for prefix in prefixes)
        layers, two, heads, _, width = prefixes[0].states.shape
        shape = (layers, two, len(prefixes), heads, reach, width)
        first = prefixes[0].states
        self.states = torch.zeros(shape, dtype=first.dtype, device=first.device)
        self.mask = torch.zeros(len(prefixes), reach, dtype=torch.long, device=first.device)
        for row, prefix in enumerate(prefixes):
            self.states[:, :, row, :, reach - prefix.tokens :] = prefix.states
            self.mask[row, reach - prefix.tokens :] = 1

    def ask(self, suffixes: Sequence[Sequence[int]]) -> "Continuation":
        """One suffix each for the first rows, padded on the left so that all end in the last column."""
        import torch
        from transformers import DynamicCache

        rows, width = len(suffixes), max(map(len, suffixes))
        cache = DynamicCache()
        for number, (keys, values) in enumerate(self.states[:, :, :rows]):
            cache.update(keys, values, number)
        fill = self.model.template.suffix.tail[0]
        ids = torch.tensor([[fill] * (width - len(one)) + list(one) for one in suffixes])
        used = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in suffixes])
        places = (used.cumsum(1) - 1).clamp(min=0) + torch.tensor(self.starts[:rows])[:, None]
        device = self.states.device
        mask = torch.cat([self.mask[:rows], used.to(device)], dim=1)
        logits = self.model.step(ids.to(device), mask, places.to(device), cache)
        following = [start + len(one) for start, one in zip(self.starts, suffixes, strict=False)]
        return Continuation(self.model, logits, cache, mask, following)


class Continuation:
    """What has been asked and can be continued: ``logits`` [R, vocabulary] in float32."""

    def __init__(
        self,
        model: GeneralModel,
        logits: "torch.Tensor",
        cache: Any,
        mask: "torch.Tensor",
        following: Sequence[int],
    ) -> None:
        self.model = model
        self.logits = logits
        self._cache = cache
        self._mask = mask
        self._following = list(following)

    def greedy(self, most: int) -> list[list[int]]:
        """Likeliest continuation of each row, up to ``most`` tokens or an end token."""
        import torch

        replies: list[list[int]] = [[] for _ in self._following]
        open_rows = set(range(len(replies)))
        logits = self.logits
        for step in range(most):
            chosen = logits.argmax(dim=-1)
            ids = chosen.tolist()
            open_rows -= {row for row in open_rows if ids[row] in self.model.ends}
            for row in open_rows:
                replies[row].append(ids[row])
            if not open_rows or step == most - 1:
                break
            self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
            places = torch.tensor(self._following, device=chosen.device)[:, None]
            logits = self.model.step(chosen[:, None], self._mask, places, self._cache)
            self._following = [place + 1 for place in self._following]
        return replies


def alone(model: GeneralModel, media: Any, suffix: Sequence[int]) -> Continuation:
    """One whole prompt, nothing reused."""
    import torch

    logits, cache, following = model.whole(media, suffix)
    tokens = len(model.template.head(media.text)) + len(suffix)
    mask = torch.ones(1, tokens, dtype=torch.long, device=logits.device)
    return Continuation(model, logits, cache, mask, [following])
