"""Rows of a key/value workspace: filled with prefixes, asked with suffixes, continued token by token."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vllm_eval.engines.prefix_cache import Prefix
from vllm_eval.engines.video_model import Embedded, VideoModel

if TYPE_CHECKING:
    import torch

Workspace = Callable[[int, int], "torch.Tensor"]


class Rows:
    """Row i holds ``before[i]`` tokens to start from; what is asked is written behind them, over and over."""

    def __init__(self, model: VideoModel, workspace: "torch.Tensor", before: Sequence[int]) -> None:
        self.model = model
        self.workspace = workspace
        self.before = list(before)
        self._held: list[int] = []
        self._following: list[int] = []

    def ask(self, asked: Embedded) -> "torch.Tensor":
        """Logits [R, vocabulary] after one suffix each for the first R rows."""
        count = len(asked.tokens)
        self._held = self.before[:count]
        return self._advance(asked)

    def greedy(self, logits: "torch.Tensor", most: int) -> list[list[int]]:
        """Likeliest continuation of each row asked last, up to ``most`` tokens or an end token."""
        replies: list[list[int]] = [[] for _ in self._held]
        open_rows = set(range(len(replies)))
        for step in range(most):
            chosen = logits.argmax(dim=-1).tolist()
            open_rows -= {row for row in open_rows if chosen[row] in self.model.ends}
            for row in open_rows:
                replies[row].append(chosen[row])
            if not open_rows or step == most - 1:
                break
            asked = self.model.embed_text([[token] for token in chosen], self._following)
            logits = self._advance(asked)
        return replies

    def _advance(self, asked: Embedded) -> "torch.Tensor":
        stack = self.model.stack
        layout = stack.layout(self._held, asked.tokens, self.workspace.shape[3])
        hidden = stack.last_hidden(asked.hidden, asked.positions, layout, self.workspace)
        self._held = [held + new for held, new in zip(self._held, asked.tokens, strict=True)]
        self._following = asked.following
        return self.model.logits(hidden)


def rows_of(model: VideoModel, prefixes: Sequence[Prefix], room: int, workspace: Workspace) -> Rows:
    """Rows starting from these prefixes, with room for as many tokens more."""
    reach = max(prefix.tokens for prefix in prefixes) + room
    states = workspace(len(prefixes), reach)
    for row, prefix in enumerate(prefixes):
        states[:, :, row, : prefix.tokens] = prefix.states
    return Rows(model, states, [prefix.tokens for prefix in prefixes])


def compute_prefixes(model: VideoModel, embedded: Embedded, workspace: Workspace) -> list[Prefix]:
    """The key/value cache of each packed clip."""
    stack = model.stack
    states = workspace(len(embedded.tokens), max(embedded.tokens))
    layout = stack.layout([0] * len(embedded.tokens), embedded.tokens, states.shape[3])
    stack.run(embedded.hidden, embedded.positions, layout, states)
    return [
        Prefix(states[:, :, row, :tokens].clone(), following)
        for row, (tokens, following) in enumerate(zip(embedded.tokens, embedded.following, strict=True))
    ]


def joined(model: VideoModel, prefixes: Embedded, ids: Sequence[Sequence[int]]) -> Embedded:
    """Prefix and suffix of each row as one packed sequence: what asking costs without reuse."""
    import torch

    suffixes = model.embed_text(ids, prefixes.following)
    order: list[int] = []
    at, behind = 0, len(prefixes.hidden)
    for first, second in zip(prefixes.tokens, suffixes.tokens, strict=True):
        order += [*range(at, at + first), *range(behind, behind + second)]
        at, behind = at + first, behind + second
    index = torch.tensor(order, device=prefixes.hidden.device)
    hidden = torch.cat([prefixes.hidden, suffixes.hidden])[index]
    positions = torch.cat([prefixes.positions, suffixes.positions], dim=1)[:, index]
    tokens = [first + second for first, second in zip(prefixes.tokens, suffixes.tokens, strict=True)]
    return Embedded(hidden, positions, tokens, suffixes.following)
