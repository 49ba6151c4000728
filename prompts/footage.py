"""The clips behind stored answers, found again by a run's configuration, with the labels they offered."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import UserError
from prompts.records import AT
from videos.clip import Clip, ClipSet, Frames
from vllm_eval.config import TargetConfig
from vllm_eval.evaluator import AnswerRow
from vllm_eval.target import policy_of, prefixed, question_of

if TYPE_CHECKING:
    from videos.store import FrameStore

SIDES = ("tune", "select", "test")

Load = Callable[[str, str], ClipSet]


@dataclass(frozen=True)
class Option:
    """One label that was offered, and how likely the model found it: log-probability, None if unknown."""

    label: str
    logprob: float | None


class Footage:
    """Clips and frames of one run. Data sets are read when first asked for, and only then.

    ``load`` reads a data set, by default ``videos.datasets.load``; ``store`` holds frames.
    """

    def __init__(
        self, config: Mapping[str, Any], load: Load | None = None, store: "FrameStore | None" = None
    ) -> None:
        data = config.get("data")
        self._root = str(data.get("root", "")) if isinstance(data, Mapping) else ""
        self._load, self._store = load, store
        self._sets: dict[str, tuple[ClipSet, dict[str, Clip]]] = {}
        self.target = _target(config.get("target"))
        several = config.get("targets")
        self._targets = {_called(one): _target(one) for one in several or () if isinstance(one, Mapping)}

    def clip(self, dataset: str, clip_id: str) -> Clip:
        """A clip of a data set as answers name it. Raises UserError where it cannot be had."""
        _, clips = self._set(dataset)
        if clip_id not in clips:
            raise UserError(f"clip {clip_id} is not in {dataset} below {self._root}; were files moved?")
        return clips[clip_id]

    def frames(self, clip: Clip, dataset: str) -> Frames:
        """What the data set's model saw of it. Raises UserError where the clip cannot be decoded."""
        if self._store is None:
            from videos.store import FrameStore

            self._store = FrameStore()
        return self._store.get(clip, policy_of(self._target_of(dataset)))

    def options(self, row: AnswerRow) -> list[Option]:
        """The labels offered with this answer, likeliest first; [] where they cannot be told for sure."""
        logprobs = row.answer.logprobs
        if logprobs is None:
            return []
        try:
            clips, known = self._set(row.dataset)
            question = self._format(row).ask("?", known[row.clip_id], clips.classes)
        except (UserError, KeyError):
            return []
        # Labels of another length belong to another question than the one that was asked.
        if len(question.labels) != len(logprobs):
            return []
        options = [Option(*one) for one in zip(question.labels, logprobs, strict=True)]
        return sorted(options, key=lambda one: -(one.logprob or 0.0))

    def _format(self, row: AnswerRow) -> Any:
        plain = question_of(self._target_of(row.dataset))
        other = prefixed(plain)
        return other if other is not None and row.format_key == other.key else plain

    def _target_of(self, dataset: str) -> TargetConfig:
        """The model that was asked: a run with several names it in the data set."""
        return self._targets.get(dataset.partition(AT)[2], self.target)

    def _set(self, dataset: str) -> tuple[ClipSet, dict[str, Clip]]:
        dataset = dataset.partition(AT)[0]
        base, _, side = dataset.rpartition("/")
        name = base if side in SIDES else dataset
        if name not in self._sets:
            load = self._load or _real_load()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # the run told what was left out
                clips = load(name, _place(self._root, name))
            self._sets[name] = clips, {clip.id: clip for clip in clips.clips}
        return self._sets[name]


def _real_load() -> Load:
    from videos.datasets import load

    return load


def _place(root: str, dataset: str) -> str:
    """Where a data set lies: in the root's folder of its name, else in the root itself."""
    if not root:
        raise UserError("the run does not say where its clips lie")
    folder = Path(root).expanduser() / dataset.partition(":")[0]
    return str(folder) if folder.is_dir() else root


def _called(target: Mapping[str, Any]) -> str:
    return str(target.get("name") or target.get("model"))


def _target(told: Mapping[str, Any] | None) -> TargetConfig:
    try:
        return TargetConfig.model_validate({k: v for k, v in (told or {}).items() if k != "name"})
    except ValueError:  # written by another version: the default policy still shows the clip
        return TargetConfig()
