"""Which optimizer finds the best prompt for the fewest answers? All on the bundled benchmark and model.

    python -m benchmarks.optimizers                        # all arms, seeds 0..4, budgets 500, 2000, 8000
    python -m benchmarks.optimizers --arms agent gepa --seeds 0 1 --budgets 500 2000 --seconds 3000
    python -m benchmarks.optimizers --show                 # tables of what is finished, nothing is asked
    python -m benchmarks.optimizers --record               # the same, appended to results/optimizers.json

An arm is a strategy with or without racing, another library's optimizer, or a control (`--list`). Every
arm gets the same language model to propose with, the same clips, the same hand-written prompts to begin
with, and the same number of answers of the target model; answers to the hand-written prompts count. What a
run would have chosen after N answers is what the highest fair score among its first N answers says, so that a
run to the largest budget serves the smaller ones; arms that plan by the budget run once for each. The chosen
prompts are then asked about test clips, the same for all.

Every finished run is a file below --folder; a command that was killed goes on with the runs that lack.
Answers and replies are kept there, too: what one run asked costs the next one nothing, though it counts. So
"seconds" are those that answers and replies took when they were first asked: processor seconds of a model
that runs here, seconds of waiting for one at --llm-url, whose sampling may depend on what else it serves.
"""

import argparse
import json
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

from benchmarks.optimizers_arms import ARMS, Arm
from benchmarks.optimizers_choice import choice_at

BUDGETS = (500, 2000, 8000)
CURVE = (
    100,
    150,
    200,
    250,
    300,
    360,
    400,
    450,
    500,
    600,
    700,
    850,
    1000,
    1200,
    1500,
    2000,
    2500,
    3000,
    4000,
    5000,
    6500,
    8000,
)


def tasks(arms: Sequence[str], seeds: Sequence[int], budgets: Sequence[int]) -> list[tuple[Arm, int, int]]:
    """(arm, seed, answers) in the order of work: breadth first, all arms of a seed before the next seed."""
    return [
        (ARMS[name], seed, budget)
        for seed in seeds
        for name in arms
        for budget in (budgets if ARMS[name].sized else [max(budgets)])
    ]


def place(folder: Path, llm: str, arm: Arm, seed: int, budget: int) -> Path:
    """The file of a run."""
    name = "".join(letter if letter.isalnum() else "-" for letter in arm.name.replace("'", ""))
    return (
        folder / "".join(x if x.isalnum() or x in ".-" else "_" for x in llm) / f"{name}.{seed}.{budget}.json"
    )


def work(options: argparse.Namespace) -> None:
    """Carry out the runs that lack, as long as there is time."""
    from benchmarks.optimizers_run import search

    until, world = time.monotonic() + options.seconds, None
    for arm, seed, budget in tasks(options.arms, options.seeds, options.budgets):
        path = place(options.folder, options.llm, arm, seed, budget)
        if path.exists():
            continue
        if time.monotonic() >= until:
            return
        world = world or _world(options)
        run = search(arm, seed, budget, world)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps(run), encoding="utf-8")
        half.replace(path)  # whole or not there at all
        told = f"{len(run['bought'])} answers, {len(run['prompts'])} prompts, {run['refused']} refused"
        print(f"{arm.name}, seed {seed}, {budget}: {told}, {run['seconds']} s; {run['stopped']}", flush=True)


def _world(options: argparse.Namespace) -> Any:
    from benchmarks.optimizers_run import open_world

    return open_world(options.llm, options.folder, options.tune_clips, options.test_clips, options.llm_url)


def finished(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All runs there are, in the order of the arms; of an arm that serves smaller budgets the largest run."""
    kept: dict[tuple[str, int, int], Path] = {}
    for budget in sorted(options.budgets):
        for arm, seed, size in tasks(options.arms, options.seeds, [budget]):
            path = place(options.folder, options.llm, arm, seed, size)
            if path.exists():
                kept[arm.name, seed, size if arm.sized else 0] = path
    order = {name: number for number, name in enumerate(options.arms)}
    paths = [kept[key] for key in sorted(kept, key=lambda key: (order[key[0]], key[1:]))]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def ask_tests(runs: Sequence[dict[str, Any]], budgets: Sequence[int], options: argparse.Namespace) -> Path:
    """Ask all prompts ever chosen about the test clips, and keep what is answered; where it is kept."""
    from agents.race_order import unit_of
    from benchmarks.optimizers_run import tested
    from prompts.library import HUMAN_FOCUSED, NEUTRAL

    path: Path = options.folder / f"test_{options.test_clips}.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"answers": {}}
    points = sorted({*budgets, *options.curve})
    texts = {NEUTRAL.prompt.text, HUMAN_FOCUSED.prompt.text}
    for run in runs:
        texts |= {choice_at(run, n).text for n in points if n <= max(budgets)}
    lacking = sorted(texts - held["answers"].keys())
    if lacking:
        world = _world(options)
        held["clips"] = [clip.id for clip in world.test.clips]
        held["sources"] = [list(clip.sources) or [unit_of(clip)] for clip in world.test.clips]
        held["answers"] |= tested(lacking, world)
        path.write_text(json.dumps(held), encoding="utf-8")
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS), metavar="ARM")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--budgets", nargs="+", type=int, default=list(BUDGETS), help="answers")
    parser.add_argument("--llm", default="qwen2.5-coder-1.5b-instruct", help="who proposes, for all arms")
    parser.add_argument("--llm-url", help="endpoint (OpenAI-compatible) of --llm; none: run it here")
    parser.add_argument("--tune-clips", type=int, default=None, help="of the tune side; none: all")
    parser.add_argument("--curve", nargs="+", type=int, default=list(CURVE), help="answers; each costs tests")
    parser.add_argument("--test-clips", type=int, default=160, help="for measuring, the same for all arms")
    parser.add_argument("--seconds", type=float, default=inf, help="start no further run after so long")
    parser.add_argument("--folder", type=Path, default=Path("runs/optimizers"), help="runs, answers, replies")
    parser.add_argument("--list", action="store_true", help="name the arms")
    parser.add_argument("--show", action="store_true", help="start no run, show what is finished")
    parser.add_argument("--record", action="store_true", help="as --show, and keep tables and figure")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{arm.name}: {arm}" for arm in ARMS.values()))
        return
    if not (options.show or options.record):
        work(options)
    from benchmarks.optimizers_report import report

    runs = finished(options)
    report(runs, ask_tests(runs, options.budgets, options), options.budgets, options.curve, options.record)


if __name__ == "__main__":
    main()
