"""A run made up for rivals: a context over scripted answers, and the loop's part in it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agents.guard import Guard
from agents.llm.base import Conversation, Reply, Schema
from agents.strategy import Proposal, Strategy, close, connect
from prompts.history import score_rows
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, Refusal, best_first
from videos.clip import Clip, ClipSet
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow

ACTIONS = ("archery", "bowling", "golf driving", "hurdling")
LIMBS = (
    "arms",
    "legs",
    "hands",
    "feet",
    "knees",
    "hips",
    "shoulders",
    "neck",
    "head",
    "torso",
    "ankles",
    "wrists",
)


def draw(text: str) -> float:
    return int(sha256(text.encode()).hexdigest()[:8], 16) / 16**8


def clips(n: int) -> ClipSet:
    pixels: Any = None
    made = [Clip(f"c{i:02}", ACTIONS[i % 4], ACTIONS[(i + 1) % 4], (f"c{i:02}",), pixels) for i in range(n)]
    return ClipSet("tune", tuple(made), ACTIONS)


@dataclass
class Run:
    """What outlives a process: answers, refusals, events. ``bought`` counts answers asked of the engine."""

    n: int = 24
    prompts: int = 6
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    known: dict[str, Prompt] = field(default_factory=dict)
    answers_of: dict[str, dict[str, AnswerRow]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clips = clips(self.n)
        self.evaluate_all(NEUTRAL.prompt)

    @property
    def bought(self) -> int:
        return sum(self.calls)

    def answers(self, prompt_id: str) -> list[AnswerRow]:
        return [row for _, row in sorted(self.answers_of.get(prompt_id, {}).items())]

    def evaluate(self, jobs: Sequence[tuple[Prompt, Sequence[str]]]) -> Mapping[str, Sequence[AnswerRow]]:
        new = 0
        for prompt, wanted in jobs:
            mine = self.answers_of.setdefault(prompt.id, {})
            for clip in dict.fromkeys(wanted):
                if clip not in mine:
                    mine[clip] = self._answer(prompt, clip)
                    new += 1
        if new:
            self.calls.append(new)
        return {prompt.id: [self.answers_of[prompt.id][clip] for clip in wanted] for prompt, wanted in jobs}

    def evaluate_all(self, prompt: Prompt) -> None:
        self.known[prompt.id] = prompt
        self.evaluate([(prompt, [clip.id for clip in self.clips.clips])])

    def frames(self, clip_id: str) -> Any:
        raise AssertionError(f"no test of these looks at {clip_id}")

    def remember(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((kind, json.loads(json.dumps(detail))))

    def recalled(self, kind: str) -> list[Mapping[str, Any]]:
        return [detail for one, detail in self.events if one == kind]

    def view(self) -> HistoryView:
        scored = [
            score_rows(
                self.known[name], self.answers(name), self.order.index(name) if name in self.order else -1
            )
            for name in self.answers_of
        ]
        return HistoryView(best_first(scored), tuple(self.refused), len(self.order), "tune")

    def take(self, proposals: Sequence[Proposal]) -> None:
        """What the loop does with proposals: guard, then scoring on the clips they name, or on all."""
        guard = Guard(ACTIONS)
        for one in proposals:
            refused = guard.check(one.text, [prompt.text for prompt in self.known.values()])
            if refused:
                self.refused.append(Refusal(one.text, refused.reason))
                continue
            prompt = Prompt(one.text, one.parents, "rival", one.hypothesis)
            self.known[prompt.id] = prompt
            self.order.append(prompt.id)
            self.evaluate([(prompt, one.clips or [clip.id for clip in self.clips.clips])])

    def drive(self, strategy: Strategy, until: int | None = None, per_round: int = 4) -> list[str]:
        """Rounds until so many prompts (the budget) are scored or nothing is proposed; their texts."""
        context: Any = self
        connect(strategy, context)
        most = self.prompts if until is None else until
        try:
            while len(self.order) < most:
                proposals = strategy.ask(self.view(), min(per_round, most - len(self.order)))
                if not proposals:
                    break
                self.take(proposals)
        finally:
            close(strategy)
        return [self.known[name].text for name in self.order]

    def _answer(self, prompt: Prompt, clip: str) -> AnswerRow:
        item = next(one for one in self.clips.clips if one.id == clip)
        share = 0.2 + 0.5 * draw(prompt.text)
        kind: Kind = "human" if draw(f"{prompt.text}/{clip}") < share else "background"
        answer = Answer(
            f"{prompt.id}/{clip}",
            "A",
            item.human if kind == "human" else item.background,
            kind,
            None,
            0,
            0,
            0.0,
        )
        return AnswerRow(answer, prompt.id, clip, item.human, item.background, "tune", "run", (clip,))


@dataclass
class Writing:
    """An LLM that writes ``form`` with a prompt put in for {prompt}, another one for each seed."""

    form: str = "{prompt}"
    name: str = "writing"
    temperature: float = 1.0
    follows_instructions: bool = True
    seeds: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    fail: Exception | None = None
    json_form: str | None = None  # written in place of ``form`` when held to a schema
    schemas: list[Schema | None] = field(default_factory=list)

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int,
        temperature: float | None = None,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Schema | None = None,
        begin: str = "",
    ) -> Reply:
        if self.fail:
            raise self.fail
        self.seeds.append(seed)
        self.said.append(conversation if isinstance(conversation, str) else conversation[-1].content)
        one, other = LIMBS[seed % 12], LIMBS[seed // 12 % 12]
        text = f"Follow the {one} and the {other} of the person, take {seed % 97}: what action is it?"
        self.schemas.append(json_schema)
        form = self.json_form if json_schema and self.json_form else self.form
        return Reply(form.replace("{prompt}", text), 10, 5, 0.0)

    def close(self) -> None:
        pass
