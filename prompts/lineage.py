"""Who came from whom, as a forest: every prompt once, below its first parent that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompts.prompt import Prompt


@dataclass(frozen=True)
class Node:
    """A prompt, what was made of it, and its further parents, below which it does not stand again."""

    prompt: Prompt
    children: tuple["Node", ...]
    others: tuple[str, ...]

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Node"]]:
        """Itself and all below, with their depth, in the order of a printed tree."""
        waiting = [(depth, self)]
        while waiting:
            level, node = waiting.pop()
            yield level, node
            waiting.extend((level + 1, child) for child in reversed(node.children))


def forest(prompts: Sequence[Prompt]) -> list[Node]:
    """Trees in the order of the prompts. Prompts that name each other as parents are broken apart."""
    known = {prompt.id: prompt for prompt in prompts}
    above: dict[str, str] = {}
    for prompt in known.values():
        parent = next((one for one in prompt.parents if one in known and one != prompt.id), None)
        if parent is not None and not _leads_to(parent, prompt.id, above):
            above[prompt.id] = parent
    below: dict[str, list[str]] = {}
    for child, parent in above.items():
        below.setdefault(parent, []).append(child)
    return [_node(one, known, above, below) for one in known if one not in above]


def family(prompt_id: str, prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts among these that led to one, itself, and those that came from it, in the given order."""
    known = {prompt.id: prompt for prompt in prompts}
    children: dict[str, list[str]] = {}
    for prompt in prompts:
        for parent in prompt.parents:
            children.setdefault(parent, []).append(prompt.id)
    parents = {prompt.id: list(prompt.parents) for prompt in prompts}
    kept = {prompt_id} | _reached(prompt_id, parents) | _reached(prompt_id, children)
    return [known[one] for one in known if one in kept]


def _reached(start: str, edges: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for one in edges.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _leads_to(start: str, wanted: str, above: Mapping[str, str]) -> bool:
    """Whether walking up from start meets wanted; it ends, for ``above`` never holds a circle."""
    current: str | None = start
    while current is not None and current != wanted:
        current = above.get(current)
    return current == wanted


def _node(
    root: str, known: Mapping[str, Prompt], above: Mapping[str, str], below: Mapping[str, list[str]]
) -> Node:
    """Built from the leaves up, without recursion: lineages can be longer than Python's stack is deep."""
    order, waiting = [], [root]
    while waiting:
        current = waiting.pop()
        order.append(current)
        waiting.extend(below.get(current, ()))
    built: dict[str, Node] = {}
    for current in reversed(order):
        others = tuple(one for one in known[current].parents if one != above.get(current))
        children = tuple(built[child] for child in below.get(current, ()))
        built[current] = Node(known[current], children, others)
    return built[root]
