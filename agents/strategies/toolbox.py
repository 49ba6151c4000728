"""The tools of the `agent` strategy: what a model may call, and what it reads in return.

Nothing a model passes makes a tool fail: what it got wrong is said to it in one line.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from agents.guard import Guard, normalised
from agents.llm.base import ToolCall, ToolSpec
from agents.strategies import telling
from agents.strategies.picking import known
from agents.strategy import Proposal
from agents.tools import Expected, Rows, called, diff, named, pareto_front, texts, with_expectation
from prompts.view import HistoryView, ScoredPrompt

Arguments = Mapping[str, Any]

_NAME = {"type": "string", "description": "a prompt's name, such as P3 or neutral"}
_TOP = {"type": "integer", "minimum": 1, "maximum": 20}
_PAIR = {
    "type": "object",
    "properties": {"action": {"type": "string"}, "taken_for": {"type": "string"}},
    "required": ["action", "taken_for"],
}
_MOST_EXPECTED = 4


class _Wrong(Exception):
    """What is wrong with a call, for the model to read."""


def _spec(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> ToolSpec:
    return ToolSpec(
        name, description, {"type": "object", "properties": properties, "required": list(required)}
    )


SPECS: tuple[ToolSpec, ...] = (
    _spec("history_top", "The best prompts so far with their numbers.", k=_TOP),
    _spec("pareto", "Prompts no other beats in SHAcc, SBErr and number of words at once."),
    _spec(
        "diff",
        "Which clips `after` fixed and broke against `before`.",
        ("before", "after"),
        before=_NAME,
        after=_NAME,
    ),
    _spec(
        "clusters",
        "Scenes and actions in which a prompt fails most, counted over all clips.",
        ("prompt",),
        prompt=_NAME,
    ),
    _spec(
        "failures",
        "At most ten failing clips of a prompt that stand for all its failures.",
        ("prompt",),
        prompt=_NAME,
    ),
    _spec(
        "confusions",
        "How often a prompt makes the model name the scene's action for the person's.",
        ("prompt",),
        prompt=_NAME,
    ),
    _spec("hardness", "How many clips no prompt gets right, every one does, or only some do."),
    _spec("outcomes", "What earlier proposals expected, and what came of it."),
    _spec(
        "propose",
        "Put a new prompt forward. It is checked at once; what is wrong with it is told.",
        ("prompt", "hypothesis", "parent"),
        prompt={"type": "string", "description": "the whole text of the new prompt"},
        hypothesis={"type": "string", "description": "why it should do better, in a few words"},
        parent={"type": "string", "description": "the prompt it improves on, such as P3 or neutral"},
        fewer={"type": "array", "items": _PAIR, "description": "confusions that should grow fewer"},
        clips={"type": "array", "items": {"type": "string"}, "description": "clips it should turn right"},
    ),
    _spec(
        "stop",
        "End the round, when no more prompts are worth trying in it.",
        ("reason",),
        reason={"type": "string"},
    ),
)


@dataclass
class Toolbox:
    """The tools over one view. ``rows`` gives a prompt's answers by its id. Holds what was proposed.

    ``refused``: what the guard would not have. ``stopped``: the reason the model gave for stopping, None
    while it has not.
    """

    view: HistoryView
    rows: Callable[[str], Rows]
    guard: Guard
    wanted: int
    proposals: list[Proposal] = field(default_factory=list)
    refused: list[Proposal] = field(default_factory=list)
    stopped: str | None = None

    @property
    def done(self) -> bool:
        """Enough was proposed, or the model stopped."""
        return len(self.proposals) >= self.wanted or self.stopped is not None

    def call(self, call: ToolCall) -> str:
        """The answer to a call."""
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            return f"error: the arguments of {call.name} are no JSON: {call.arguments[:80]}"
        tool = self._tools.get(call.name)
        if tool is None:
            return f"error: unknown tool {call.name!r}, expected one of: {', '.join(self._tools)}"
        if not isinstance(arguments, dict):
            return f"error: the arguments of {call.name} are no object"
        try:
            return tool(arguments)
        except _Wrong as wrong:
            return f"error: {wrong}"

    @cached_property
    def _tools(self) -> dict[str, Callable[[Arguments], str]]:
        return {
            "history_top": lambda given: telling.prompts(texts(self.view)[: _number(given.get("k"), 5)]),
            "pareto": lambda given: telling.prompts(pareto_front(self.view)),
            "diff": self._diff,
            "clusters": lambda given: telling.clusters(self._answers(given), 12),
            "failures": lambda given: telling.failures(self._answers(given)),
            "confusions": lambda given: telling.confusions(self._named(given, "prompt"), 12),
            "hardness": lambda given: telling.stubbornness(self._all_rows()),
            "outcomes": lambda given: telling.predictions(self.view, self.rows),
            "propose": self._propose,
            "stop": self._stop,
        }

    def _named(self, given: Arguments, key: str) -> ScoredPrompt:
        found = named(self.view, str(given.get(key, "")))
        if found is None:
            some = ", ".join(called(one) for one in texts(self.view)[:8])
            raise _Wrong(f"{key} {given.get(key)!r} is no prompt of this run, expected e.g. {some}")
        return found

    def _answers(self, given: Arguments) -> Rows:
        return self.rows(self._named(given, "prompt").prompt.id)

    def _all_rows(self) -> dict[str, Rows]:
        return {one.prompt.id: self.rows(one.prompt.id) for one in texts(self.view)}

    def _diff(self, given: Arguments) -> str:
        before, after = self._named(given, "before"), self._named(given, "after")
        found = diff(self.rows(before.prompt.id), self.rows(after.prompt.id))
        return telling.difference(before, after, found)

    def _propose(self, given: Arguments) -> str:
        text, parent = str(given.get("prompt", "")).strip(), self._named(given, "parent")
        if normalised(text) in known(self.view) | {normalised(one.text) for one in self.proposals}:
            raise _Wrong("the same words were proposed before; change the idea, not the punctuation")
        made = proposal(text, str(given.get("hypothesis", "")), parent, given, json.dumps(dict(given)))
        refused = self.guard.check(text)
        if refused:
            self.refused.append(replace(made, spare=True))
            raise _Wrong(f"refused ({refused.reason})")
        self.proposals.append(made)
        return f"taken; {max(0, self.wanted - len(self.proposals))} more are wanted"

    def _stop(self, given: Arguments) -> str:
        self.stopped = str(given.get("reason", "")) or "no reason given"
        return "stopped"


def proposal(text: str, hypothesis: str, parent: ScoredPrompt | None, given: Arguments, raw: str) -> Proposal:
    """A structured proposal: what it expects is kept with its hypothesis."""
    parents = (parent.prompt.id,) if parent else ()
    return Proposal(text, parents, with_expectation(telling.line(hypothesis), expected(given)), raw)


def expected(given: Arguments) -> Expected:
    """The expectation among a proposal's fields, whatever else a model put there."""
    fewer, clips = given.get("fewer"), given.get("clips")
    pairs = [one for one in fewer if isinstance(one, dict)] if isinstance(fewer, list) else []
    said = [(_label(pair.get("action")), _label(pair.get("taken_for"))) for pair in pairs]
    names = [_label(clip) for clip in clips] if isinstance(clips, list) else []
    return Expected(
        tuple(pair for pair in said if all(pair))[:_MOST_EXPECTED],
        tuple(clip for clip in names if clip)[:_MOST_EXPECTED],
    )


def _label(value: object) -> str:
    """A label or clip id as it can be stored in a hypothesis."""
    return telling.line(value).replace(";", ",").strip("'\"") if isinstance(value, str) else ""


def _number(value: object, default: int) -> int:
    return max(1, min(20, value)) if isinstance(value, int) and not isinstance(value, bool) else default
