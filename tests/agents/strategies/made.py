"""Views, answers and language models made up for these tests."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.budget import OutOfBudget
from agents.llm.base import Conversation, Message, Reply, Schema, ToolCall, TooLong, ToolSpec
from prompts.history import score_rows
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.view import HistoryView, Refusal, ScoredPrompt, best_first
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow

ACTIONS = ("archery", "bowling", "golf driving", "hurdling")
KINDS: dict[str, Kind] = {"h": "human", "b": "background", "o": "other", "u": "unparsed", "e": "error"}


def rows_of(prompt: Prompt, kinds: str) -> list[AnswerRow]:
    """One answer a letter: h(uman), b(ackground), o(ther), u(nparsed), e(rror); clip i is always the same."""
    made = []
    for i, letter in enumerate(kinds):
        human, background = ACTIONS[i % 4], ACTIONS[(i + 1 + i // 4 % 3) % 4]
        labels = {"h": human, "b": background, "o": "juggling balls"}
        answer = Answer(f"{prompt.id}/{i}", "A", labels.get(letter), KINDS[letter], None, 0, 0, 0.0)
        made.append(AnswerRow(answer, prompt.id, f"c{i}", human, background, "tune", "run", (f"c{i}",)))
    return made


@dataclass
class Told:
    """A run as a strategy sees it: prompts with their answers."""

    answers: dict[str, list[AnswerRow]] = field(default_factory=dict)
    scored: list[ScoredPrompt] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    round: int = 1

    def add(self, prompt: Prompt | str, kinds: str, position: int | None = None) -> ScoredPrompt:
        prompt = Prompt(prompt, origin="test") if isinstance(prompt, str) else prompt
        place = len([one for one in self.scored if one.position >= 0]) if position is None else position
        self.answers[prompt.id] = rows_of(prompt, kinds)
        self.scored.append(score_rows(prompt, self.answers[prompt.id], place))
        return self.scored[-1]

    def view(self) -> HistoryView:
        return HistoryView(best_first(self.scored), tuple(self.refused), self.round, "tune")

    def rows(self, prompt_id: str) -> list[AnswerRow]:
        return self.answers.get(prompt_id, [])


def run_so_far() -> Told:
    told = Told()
    told.add(NEUTRAL.prompt, "hbbbhbbbhbbo", -1)
    told.add("Watch the limbs of the person.", "hhbbhhbbhbbo")
    told.add("Which action does the body show, whatever the place?", "hhhbhhhbbbou")
    return told


@dataclass
class Scripted:
    """Answers with the next entry of its script: a text, or tool calls; keeps what it was asked."""

    script: Sequence[str | list[tuple[str, dict[str, Any]]]] = ()
    follows_instructions: bool = True
    calls_tools: bool = False
    sees_images: bool = False
    name: str = "scripted"
    temperature: float = 1.0
    write: Callable[[int, str], str] | None = None
    cut: bool = False
    room: int = 10**6  # turns of a conversation, above which its context is exceeded
    budget: int = 10**6  # replies, after which a cap is reached
    asked: list[dict[str, Any]] = field(default_factory=list)

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
        self._allow()
        turns = conversation if not isinstance(conversation, str) else [Message("user", conversation)]
        self.asked.append(
            {
                "text": "\n".join(turn.content for turn in turns),
                "images": [image for turn in turns for image in turn.images],
                "seed": seed,
                "schema": json_schema,
                "begin": begin,
                "temperature": temperature,
            }
        )
        number = len(self.asked) - 1
        said = self.write(number, begin) if self.write else self.script[min(number, len(self.script) - 1)]
        assert isinstance(said, str)
        return Reply(said, 10, 5, 0.0, self.cut)

    def converse(
        self, turns: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, seed: int = 0
    ) -> Reply | None:
        self._allow()
        self.asked.append({"turns": list(turns), "tools": [tool.name for tool in tools], "seed": seed})
        if not self.calls_tools:
            return None
        if len(turns) > self.room:
            raise TooLong("the context is exceeded")
        said = self.script[min(len(self.asked), len(self.script)) - 1]
        if isinstance(said, str):
            return Reply(said, 10, 5, 0.0)
        calls = tuple(ToolCall(f"c{i}", name, json.dumps(given)) for i, (name, given) in enumerate(said))
        return Reply("", 10, 5, 0.0, calls=calls)

    def _allow(self) -> None:
        if len(self.asked) >= self.budget:
            raise OutOfBudget("a cap is reached")

    def close(self) -> None:
        pass
