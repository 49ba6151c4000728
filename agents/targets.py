"""Several target models as one: every clip stands once for each of them, and every model answers for itself.

A run with several targets widens its clip sets: clip "c7" becomes "c7 @ model-a" and "c7 @ model-b", which
share their sources. So a pair, a block, a cap or a bootstrap world takes both in, and nothing that compares
prompts has to know how many models there are. The panel asks each model about its own clips by their plain
names, and the history keeps the answers as those of the data set "NAME @ model-a": bought once for all runs,
those with this model alone included. With one target nothing is renamed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from agents.splits import Data
from prompts.prompt import Prompt
from prompts.records import AT
from prompts.view import score_of
from videos.clip import Clip, ClipSet, Frames
from vllm_eval.config import TargetConfig
from vllm_eval.engine import Engine
from vllm_eval.evaluator import AnswerStore, Evaluator, Formats, OnAnswer, Scored
from vllm_eval.question import QuestionFormat
from vllm_eval.target import open_engine, policy_of, question_of

if TYPE_CHECKING:
    from videos.store import FrameStore

Rule = Literal["worst", "mean"]
Load = Callable[..., Engine]


def plain_id(clip_id: str) -> str:
    """The clip's own id, without the target it stands for."""
    return clip_id.partition(AT)[0]


def target_of(clip_id: str) -> str:
    """The name of the target a clip stands for; "" where there is one target only."""
    return clip_id.partition(AT)[2]


def widened(data: Data, names: Sequence[str]) -> Data:
    """The data with every clip once for each of several targets; of one target as it is."""
    if len(names) < 2:
        return data
    agreement = None if data.agreement is None else _widen(data.agreement, names)
    reports = {name: _widen(clips, names) for name, clips in data.reports.items()}
    tune, select = _widen(data.tune, names), _widen(data.select, names)
    return replace(data, tune=tune, select=select, reports=reports, agreement=agreement)


def _widen(clips: ClipSet, names: Sequence[str]) -> ClipSet:
    wide = tuple(replace(clip, id=f"{clip.id}{AT}{name}") for clip in clips.clips for name in names)
    return replace(clips, clips=wide)


def by_target(scored: Scored) -> dict[str, Scored]:
    """Answers by the target that gave them, clips by their plain names; all under "" with one target."""
    names = list(dict.fromkeys(target_of(clip.id) for clip in scored.clips.clips))
    if names in ([], [""]):
        return {"": scored}
    return {name: _part(scored, name) for name in names}


def _part(scored: Scored, name: str) -> Scored:
    pairs = zip(scored.clips.clips, scored.answers, strict=True)
    kept = [(clip, answer) for clip, answer in pairs if target_of(clip.id) == name]
    clips = replace(scored.clips, clips=tuple(replace(clip, id=plain_id(clip.id)) for clip, _ in kept))
    return replace(scored, clips=clips, answers=tuple(answer for _, answer in kept))


def judged(scored: Scored, rule: Rule) -> dict[str, Scored]:
    """What is judged by itself: each target's answers where the worst counts, else all of them under ""."""
    return by_target(scored) if rule == "worst" else {"": scored}


def overall(scored: Scored, rule: Rule) -> float:
    """(1 + SHAcc - SBErr) / 2 of the worst target, or of all answers together.

    0 without any answer: what was never answered is not half good.
    """
    return min(map(_score, judged(scored, rule).values()))


def _score(scored: Scored) -> float:
    metrics = scored.metrics()
    return score_of(metrics) if metrics.n else 0.0


@dataclass(frozen=True)
class Target:
    """One model with its frames and question. ``formats``: the question of prompts that have their own."""

    name: str
    evaluator: Evaluator
    formats: Formats


class Panel:
    """The targets of a run. Of several, each answers for the clips that end in its name."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = tuple(targets)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of several targets; none with one."""
        return tuple(one.name for one in self.targets) if len(self.targets) > 1 else ()

    def missing(self, prompts: Sequence[Prompt], clips: ClipSet) -> int:
        """How many answers ``evaluate`` would buy."""
        return sum(
            target.evaluator.missing(prompts, share, target.formats) for target, share in self._shares(clips)
        )

    def evaluate(
        self, prompts: Sequence[Prompt], clips: ClipSet, on_answer: OnAnswer | None = None
    ) -> dict[str, Scored]:
        """Answers of all prompts on all clips, by prompt id, in one call of each target's engine."""
        parts = [
            target.evaluator.evaluate(prompts, share, on_answer, target.formats)
            for target, share in self._shares(clips)
        ]
        if len(self.targets) == 1:
            return parts[0]
        names = [target.name for target, _ in self._shares(clips)]
        return {
            prompt.id: _joined(clips, dict(zip(names, (part[prompt.id] for part in parts), strict=True)))
            for prompt in prompts
        }

    def choices(self, prompt: Prompt, clips: ClipSet) -> list[Sequence[str]]:
        """Per clip the labels that log-probabilities of an answer to this prompt follow."""
        formats = {
            one.name: one.formats.get(prompt.id, one.evaluator.question_format) for one in self.targets
        }
        asks = [formats[self._target(clip).name] for clip in clips.clips]
        return [
            ask.ask(prompt.text, _plain(clip), clips.classes).labels
            for ask, clip in zip(asks, clips.clips, strict=True)
        ]

    def fill(self, clips: ClipSet) -> dict[str, str]:
        """Decode what is missing; why that failed, by clip id."""
        failed: dict[str, str] = {}
        for target, share in self._shares(clips):
            failed |= target.evaluator.frame_store.fill(share.clips, target.evaluator.policy)
        return failed

    def frames(self, clip: Clip) -> Frames:
        """A clip as its target sees it. Raises UserError for one that can't be read."""
        evaluator = self._target(clip).evaluator
        return evaluator.frame_store.get(_plain(clip), evaluator.policy)

    def close(self) -> None:
        """Give back what the engines hold; targets may share one."""
        for engine in {id(one.evaluator.engine): one.evaluator.engine for one in self.targets}.values():
            engine.close()

    def _target(self, clip: Clip) -> Target:
        if len(self.targets) == 1:
            return self.targets[0]
        name = target_of(clip.id)
        return next(one for one in self.targets if one.name == name)

    def _shares(self, clips: ClipSet) -> list[tuple[Target, ClipSet]]:
        """Every target with its clips under their own names; of several targets those that have any."""
        if len(self.targets) == 1:
            return [(self.targets[0], clips)]
        shares = []
        for target in self.targets:
            mine = tuple(_plain(clip) for clip in clips.clips if target_of(clip.id) == target.name)
            if mine:
                shares.append((target, replace(clips, name=f"{clips.name}{AT}{target.name}", clips=mine)))
        return shares


def _plain(clip: Clip) -> Clip:
    return replace(clip, id=plain_id(clip.id)) if AT in clip.id else clip


def _joined(clips: ClipSet, parts: Mapping[str, Scored]) -> Scored:
    """The targets' answers in the order of the clips; chance is that of the average question."""
    answers = {
        f"{clip.id}{AT}{name}": answer
        for name, part in parts.items()
        for clip, answer in zip(part.clips.clips, part.answers, strict=True)
    }
    first = next(iter(parts.values()))
    chance = sum(part.chance * len(part.clips) for part in parts.values()) / len(clips)
    return replace(first, clips=clips, answers=tuple(answers[clip.id] for clip in clips.clips), chance=chance)


Styled = Callable[[QuestionFormat], Formats]


def open_panel(
    targets: Mapping[str, TargetConfig],
    load: Load,
    frames: "FrameStore",
    store: AnswerStore,
    run_id: str,
    styled: Styled = lambda question: {},
) -> Panel:
    """The targets by name with their models loaded; those of the same model and options share an engine.

    ``styled``: per question the formats of single prompts. Raises what an engine raises; those that were
    loaded before are closed then.
    """
    opened: list[tuple[TargetConfig, Engine]] = []
    made = []
    try:
        for name, config in targets.items():
            engine = next((one for other, one in opened if _same_model(config, other)), None)
            if engine is None:
                engine = open_engine(config, load)
                opened.append((config, engine))
            question = question_of(config)
            evaluator = Evaluator(engine, frames, policy_of(config), question, store, run_id)
            made.append(Target(name, evaluator, styled(question)))
    except BaseException:
        for _, engine in opened:
            engine.close()
        raise
    return Panel(made)


def _same_model(a: TargetConfig, b: TargetConfig) -> bool:
    return (a.engine, a.model, a.revision, a.options) == (b.engine, b.model, b.revision, b.options)
