"""The prompts of ``data/prompt_pool.txt``, each asked about every tune-side clip of the mini benchmark.

    python -m benchmarks.replay_pool --seconds 250     # again and again: it goes on where it stopped
    python -m benchmarks.replay_pool --export          # the compact table that `replay` reads

Answers go to a history like those of any run, so nothing is asked twice. Clips are asked in racing order, a
few at a time with all prompts, so that a run cut short still leaves whole clips.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.config import RunConfig
from agents.race_board import soft_gap
from agents.race_order import racing_order, unit_of
from agents.splits import load_data
from prompts.history import History
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from videos.clip import ClipSet
from vllm_eval.evaluator import Evaluator

POOL = Path(__file__).parent / "data" / "prompt_pool.txt"
TABLE = Path(__file__).parent / "results" / "replay_pool.npz"
URL = "sqlite:///runs/replay.db"
CLIPS_AT_ONCE = 16  # rows of a batch: more at once, more answers a second
KINDS = ("human", "background", "other", "unparsed", "refused", "error")


@dataclass(frozen=True)
class Pool:
    """All answers, clips in racing order: ``kinds`` [prompts, clips] index KINDS, ``answers`` the choices
    (-1: none of them); ``soft`` [prompts, clips] is p(human) - p(background) among the choices.

    ``units``: per clip its source unit; ``humans`` its human label.
    """

    texts: tuple[str, ...]
    clips: tuple[str, ...]
    units: tuple[str, ...]
    humans: tuple[str, ...]
    kinds: NDArray[np.int8]
    answers: NDArray[np.int8]
    soft: NDArray[np.float32]

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Per prompt and clip +1 where the human was answered, -1 where the background was, else 0."""
        return np.asarray((self.kinds == 0) * 1.0 - (self.kinds == 1), np.float64)


def resampled(pool: Pool, clips: int, rng: np.random.Generator) -> Pool:
    """A pool of so many clips drawn with replacement: what more clips of the same kind would be like."""
    drawn = rng.integers(0, len(pool.clips), clips)
    names, humans = tuple(f"{n}" for n in range(clips)), tuple(pool.humans[n] for n in drawn.tolist())
    kinds, answers, soft = pool.kinds[:, drawn], pool.answers[:, drawn], pool.soft[:, drawn]
    return Pool(pool.texts, names, names, humans, kinds, answers, soft)


def prompts() -> list[Prompt]:
    """The pool, and the two hand-written prompts a run begins with."""
    lines = POOL.read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line and not line.startswith("#")]
    return list(
        {
            prompt.id: prompt
            for prompt in (NEUTRAL.prompt, HUMAN_FOCUSED.prompt, *(Prompt(text) for text in texts))
        }.values()
    )


def clips_of(count: int) -> ClipSet:
    """The first ``count`` clips of the mini benchmark's tune side, in racing order."""
    from videos.datasets import load

    whole = RunConfig().data.model_copy(
        update={"tune_clips": 10**6, "mimetics": None, "kinetics": None, "agreement": None}
    )
    ordered = racing_order(load_data(whole, load).tune, seed=0)
    return replace(ordered, clips=ordered.clips[:count])


def score(history: History, clips: ClipSet, seconds: float) -> int:
    """Ask for at most so long; how many clips are complete. Known answers cost nothing."""
    from videos.decode import FramePolicy
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine
    from vllm_eval.questions import load_format

    until = time.monotonic() + seconds
    target = RunConfig().target
    run_id = history.resume_run() or history.start_run({"benchmark": "replay_pool"}, 0)
    pool = prompts()
    known = {prompt.id for prompt in history.prompts(run_id)}
    for prompt in pool:
        if prompt.id not in known:
            history.add_prompt(run_id, prompt)
    policy = FramePolicy(target.frames.count, target.frames.sampling, target.frames.size)
    engine = load_engine("transformers", "mini")
    evaluator = Evaluator(engine, FrameStore(), policy, load_format("mcq5"), history, run_id)
    done = _complete(history, run_id, clips, len(pool))
    while done < len(clips) and time.monotonic() < until:
        part = replace(clips, clips=clips.clips[done : done + CLIPS_AT_ONCE])
        evaluator.frame_store.fill(part.clips, policy)
        evaluator.evaluate(pool, part)
        done += len(part)
    return done


def _complete(history: History, run_id: str, clips: ClipSet, count: int) -> int:
    """How many clips from the first on have an answer to every prompt."""
    held: dict[str, set[str]] = {}
    for row in history.answers_for(run_id, dataset=clips.name):
        held.setdefault(row.clip_id, set()).add(row.prompt_id)
    flags = [len(held.get(clip.id, ())) >= count for clip in clips.clips]
    return flags.index(False) if False in flags else len(flags)


def export(history: History, clips: ClipSet) -> Pool:
    """What is stored about these clips; those without an answer to every prompt are left out."""
    from vllm_eval.questions import load_format

    run_id, pool, ask = history.resume_run() or "", prompts(), load_format("mcq5")
    count = _complete(history, run_id, clips, len(pool))
    kept = clips.clips[:count]
    place = {clip.id: index for index, clip in enumerate(kept)}
    row_of = {prompt.id: index for index, prompt in enumerate(pool)}
    choices = [ask.ask("", clip, clips.classes).labels for clip in kept]
    shape = len(pool), count
    kinds = np.full(shape, KINDS.index("error"), np.int8)
    answers, soft = np.full(shape, -1, np.int8), np.zeros(shape, np.float32)
    for row in history.answers_for(run_id, dataset=clips.name):
        if row.clip_id in place and row.prompt_id in row_of:
            at = row_of[row.prompt_id], place[row.clip_id]
            labels = choices[at[1]]
            kinds[at] = KINDS.index(row.answer.kind)
            answers[at] = labels.index(row.answer.label) if row.answer.label in labels else -1
            soft[at] = soft_gap(row.answer, row.human, row.background, labels)
    units, humans = tuple(unit_of(clip) for clip in kept), tuple(clip.human for clip in kept)
    texts = tuple(prompt.text for prompt in pool)
    return Pool(texts, tuple(place), units, humans, kinds, answers, soft)


def save(pool: Pool, path: Path = TABLE) -> None:
    """Write the table, soft gaps to three digits."""
    np.savez_compressed(
        path,
        texts=np.array(pool.texts),
        clips=np.array(pool.clips),
        units=np.array(pool.units),
        humans=np.array(pool.humans),
        kinds=pool.kinds,
        answers=pool.answers,
        soft=np.round(pool.soft.astype(np.float64), 3).astype(np.float16),
    )


def load(path: Path = TABLE) -> Pool:
    """Read the table. Raises FileNotFoundError where it was never exported."""
    with np.load(path, allow_pickle=False) as held:
        texts, clips, units, humans = (
            tuple(held[name].tolist()) for name in ("texts", "clips", "units", "humans")
        )
        soft = held["soft"].astype(np.float32)
        return Pool(texts, clips, units, humans, held["kinds"], held["answers"], soft)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=160, help="so many clips, the first in racing order")
    parser.add_argument("--seconds", type=float, default=250, help="stop asking after so long")
    parser.add_argument("--history", default=URL, help="where answers are kept")
    parser.add_argument("--export", action="store_true", help="ask nothing, write the table")
    options = parser.parse_args()
    clips = clips_of(options.clips)
    with History(options.history) as history:
        if options.export:
            pool = export(history, clips)
            save(pool)
            print(f"{len(pool.texts)} prompts, {len(pool.clips)} clips, {TABLE.stat().st_size / 1e6:.2f} MB")
            return
        began = time.monotonic()
        done = score(history, clips, options.seconds)
        print(f"{done} of {len(clips)} clips are complete, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
