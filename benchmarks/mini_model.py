"""What the bundled model answers: neutral, human-focused, background-biased, nonsense and held-out prompts.

    python -m benchmarks.mini_model

Five lettered choices, chance 20 %. The four prompts of the paper and the nonsense are asked about the whole
HAT-mini test side, the held-out ones about ``--clips`` of it; ordinary accuracy is on Kinetics-50-mini val.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.config import RunConfig
from agents.splits import load_data
from benchmarks.record import append
from prompts.display import interval
from prompts.history import DEFAULT_URL, History
from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt
from videos.clip import ClipSet
from videos.decode import FramePolicy
from vllm_eval.engine import Answer
from vllm_eval.evaluator import Evaluator, Scored
from vllm_eval.statistics import level_chain, paired_difference

MINI = Path(__file__).resolve().parents[1] / "vllm_eval" / "mini_vllm"
NAMED = {
    "neutral": NEUTRAL.prompt,
    "human-focused": HUMAN_FOCUSED.prompt,
    "background": BACKGROUND_BIASED.prompt,
}


def texts(name: str) -> list[Prompt]:
    """The prompts of a file, one per line, comments left out."""
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [Prompt(line) for line in lines if line and not line.startswith("#")]


def letters(answers: Sequence[Answer]) -> dict[str, float]:
    """How often each letter was answered: a fifth each where the position of a choice does not matter."""
    counts = Counter(answer.text for answer in answers)
    return {letter: round(counts[letter] / len(answers), 4) for letter in "ABCDE"}


def row(prompt: Prompt, scored: Scored) -> dict[str, Any]:
    """A prompt's metrics as they are recorded."""
    metrics = scored.metrics()
    return {
        "prompt": prompt.text,
        "shacc": asdict(metrics.shacc),
        "sberr": asdict(metrics.sberr),
        "n": metrics.n,
    }


def difference(a: Scored, b: Scored, measure: str) -> dict[str, float]:
    """a - b, paired."""
    return asdict(paired_difference(a.answers, b.answers, a.clusters(), measure))


def measure(evaluator: Evaluator, test: ClipSet, part: ClipSet, kinetics: ClipSet) -> dict[str, Any]:
    """All figures."""
    nonsense, held = texts("nonsense_prompts.txt"), texts("heldout_prompts.txt")
    whole = evaluator.evaluate([*NAMED.values(), *nonsense], test)
    some = evaluator.evaluate(held, part)
    ordinary = evaluator.evaluate([NAMED["neutral"], NAMED["human-focused"]], kinetics)
    neutral, human = whole[NEUTRAL.prompt.id], whole[HUMAN_FOCUSED.prompt.id]
    background = whole[BACKGROUND_BIASED.prompt.id]
    best_nonsense = max(nonsense, key=lambda p: whole[p.id].metrics().shacc.value)
    ranked = [some[p.id] for p in held]
    shaccs = [scored.metrics().shacc.value for scored in ranked]
    chain = level_chain([scored.answers for scored in ranked], ranked[0].clusters(), "shacc")
    return {
        "test clips": len(test), "held-out clips": len(part), "chance": 0.2,
        "named": {name: row(p, whole[p.id]) for name, p in NAMED.items()},
        "nonsense": [row(p, whole[p.id]) for p in nonsense],
        "held-out": [row(p, some[p.id]) for p in held],
        "kinetics accuracy": {
            name: asdict(ordinary[NAMED[name].id].metrics().shacc) for name in ("neutral", "human-focused")
        },
        "human-focused minus neutral, SHAcc": difference(human, neutral, "shacc"),
        "background minus neutral, SBErr": difference(background, neutral, "sberr"),
        "best nonsense minus human-focused, SHAcc": difference(whole[best_nonsense.id], human, "shacc"),
        "held-out SHAcc spread": max(shaccs) - min(shaccs),
        "held-out levels of SHAcc": len(chain),
        "position of the best held-out prompt": shaccs.index(max(shaccs)),
        "letters, neutral": letters(neutral.answers), "letters, human-focused": letters(human.answers),
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Tables for people."""
    console = Console()
    table = Table("prompt", "SHAcc %", "SBErr %", "n")
    rows = [*result["named"].values(), *result["nonsense"]]
    for one in [*rows, *sorted(result["held-out"], key=lambda r: -r["shacc"]["value"])]:
        table.add_row(one["prompt"][:70], interval(one["shacc"]), interval(one["sberr"]), str(one["n"]))
    console.print(table)
    for name, value in result.items():
        if name not in ("named", "nonsense", "held-out"):
            console.print(f"{name}: {value}", markup=False)


def main() -> None:
    """Command line."""
    from videos.datasets import load
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine
    from vllm_eval.questions import load_format

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=200, help="clips for each held-out prompt")
    parser.add_argument("--history", default=DEFAULT_URL, help="where answers are kept")
    options = parser.parse_args()
    config = RunConfig()
    data = load_data(config.data.model_copy(update={"test_clips": None, "report_clips": None}), load)
    with History(options.history) as history:
        run_id = history.start_run({"benchmark": "mini_model"}, 0)
        engine = load_engine("transformers", "mini")
        frames = config.target.frames
        policy = FramePolicy(frames.count, frames.sampling, frames.size)
        evaluator = Evaluator(engine, FrameStore(), policy, load_format("mcq5"), history, run_id)
        for prompt in [*NAMED.values(), *texts("nonsense_prompts.txt"), *texts("heldout_prompts.txt")]:
            history.add_prompt(run_id, prompt)
        test = data.reports["test"]
        result = measure(evaluator, test, test.take(options.clips, 0), data.reports["kinetics"])
        history.finish_run(run_id, {})
    show(result)
    print(append("mini_model", result))


if __name__ == "__main__":
    main()
