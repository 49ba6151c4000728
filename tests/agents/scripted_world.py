"""A world without models: clips in memory, an engine and a language model that follow a script."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from agents.llm import LLM, Reply
from agents.loop import Parts
from agents.strategy import Proposal
from prompts.prompt import Prompt
from videos.clip import Clip, ClipSet, Frames, Pixels, SourceInfo
from vllm_eval.engine import Answer, Kind, Request

CLASSES = tuple(f"sport {letter}" for letter in "abcdefgh")
HELPFUL = ("body", "limbs", "posture", "motion")
SPARE = "What does the motion tell?"


@dataclass(frozen=True)
class Still:
    name: str

    def identity(self) -> str:
        return self.name

    def info(self) -> SourceInfo:
        return SourceInfo(8, 8.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 4, 4, 3), np.uint8)


def swapped(n: int = 120) -> ClipSet:
    clips = []
    for i in range(n):
        human, background = CLASSES[i % 8], CLASSES[(i + 1 + i // 8 % 7) % 8]
        clips.append(Clip(f"swap{i}", human, background, (f"h{i}", f"b{i}"), Still(f"swap{i}")))
    return ClipSet("scripted swaps", tuple(clips), CLASSES)


def ordinary(name: str, n: int = 24, first: int = 0) -> ClipSet:
    """Clips whose videos are called like the human sources of the swaps from ``first`` on."""
    clips = [
        Clip(f"{name}{i}", CLASSES[i % 8], None, (f"h{first + i}",), Still(f"{name}{i}")) for i in range(n)
    ]
    return ClipSet(name, tuple(clips), CLASSES)


def load(dataset: str, root: str) -> ClipSet:
    return {
        "hat:rand_1": swapped(),
        "mimetics": ordinary("mimetics", first=1000),
        "kinetics:val": ordinary("kinetics val", first=2000),
        "kinetics:train": ordinary("kinetics train", first=3000),
    }[dataset]


class NoFrames:
    def media_id(self, clip: Clip, policy: Any) -> str:
        return f"{clip.frames.identity()}-{policy.key}"

    def get(self, clip: Clip, policy: Any) -> Frames:
        return Frames(clip.frames.read(range(2)), (0, 1), 8.0, 8)

    def fill(self, clips: Sequence[Clip], policy: Any) -> dict[str, str]:
        return {}


def quality(prompt: str) -> float:
    """The share of clips a prompt makes the engine see the person on: two words help, more help more."""
    return 0.15 + 0.2 * sum(word in prompt.lower() for word in HELPFUL)


@dataclass
class ScriptedEngine:
    """Answers by the prompt's words and the clip alone. ``log``: a file for the key of each answer."""

    fingerprint: str = "scripted engine 1"
    log: Path | None = None
    seconds: float = 0.0
    fail_after: int | None = None
    failure: BaseException = field(default_factory=KeyboardInterrupt)
    ordinary_accuracy: Callable[[str], float] = lambda prompt: 0.9
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in requests:
            if self.fail_after is not None and len(self.asked) >= self.fail_after:
                raise self.failure
            time.sleep(self.seconds)
            prompt = request.question.text.split("\n")[0]
            self.asked.append((prompt, request.clip.id))
            if self.log:
                with self.log.open("a") as file:
                    file.write(request.key + "\n")
            yield self._reply(prompt, request)

    def close(self) -> None:
        self.closed = True

    def _reply(self, prompt: str, request: Request) -> Answer:
        clip, draw = request.clip, int(sha256(request.clip.id.encode()).hexdigest()[:8], 16) / 16**8
        share = quality(prompt) if clip.background else self.ordinary_accuracy(prompt)
        kind: Kind = "human" if draw < share else "background" if clip.background else "other"
        labels = {"human": clip.human, "background": clip.background}
        other = next(label for label in request.question.labels if label not in labels.values())
        label = labels.get(kind) or other
        return Answer(request.key, "A", label, kind, None, 40, 30, 0.01)


@dataclass
class ScriptedLLM:
    """Replies with the next line of its script, forever; counts 10 tokens a reply."""

    script: Sequence[str] = ("Look at the body.",)
    name: str = "scripted"
    temperature: float = 1.0
    follows_instructions: bool = True
    calls: int = 0
    closed: bool = False

    def complete(self, conversation: Any, *, max_tokens: int, seed: int = 0, **rest: Any) -> Reply:
        self.calls += 1
        return Reply(self.script[seed % len(self.script)], 7, 3, 0.0)

    def close(self) -> None:
        self.closed = True


@dataclass
class Inventive:
    """A strategy that depends on (seed, round) only. Every fifth proposal is one the guard refuses."""

    llm: LLM
    seed: int = 0
    name: str = "inventive"
    refusing: bool = True
    told: list[Prompt] = field(default_factory=list)

    def ask(self, view: Any, n: int) -> list[Proposal]:
        self.llm.complete("more", max_tokens=10, seed=view.round)
        return [self._proposal(view.round * 3 + i) for i in range(n)]

    def tell(self, results: Sequence[Any]) -> None:
        self.told.extend(scored.prompt for scored in results)

    def _proposal(self, number: int) -> Proposal:
        if self.refusing and number % 5 == 4:
            return Proposal("", raw="nothing came to mind")
        digits = int(sha256(f"{self.seed} {number}".encode()).hexdigest()[:8], 16)
        words = [word for place, word in enumerate(HELPFUL) if digits >> place & 1]
        return Proposal(f"Attempt {number}: watch the {' and the '.join(words or ['screen'])}, what is done?")


def inventive(config: Any, seed: int, llm: Callable[[], LLM]) -> Inventive:
    return Inventive(llm(), seed)


def parts(
    engine: ScriptedEngine | None = None, llm: ScriptedLLM | None = None, datasets: Any = load
) -> Parts:
    frames: Any = NoFrames
    return Parts(
        dataset=datasets,
        engine=lambda name, model, **options: engine or ScriptedEngine(),
        frames=frames,
        llm=lambda config: llm or ScriptedLLM(),
    )
