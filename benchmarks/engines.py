"""How many answers a second does each way of asking the same questions about the same clips give?

    python -m benchmarks.engines vllm-ours               # or several arms, or "all"
    python -m benchmarks.engines table                   # benchmarks/results/engines.json as a table

Needs vLLM (docs/vllm_engine.md). The bundled model answers 16 prompts about clips of the bundled benchmark:

    generate        a plain loop over model.generate() of transformers: one clip and one prompt at a time
    vllm-before     vLLM as its examples show it: question before the video, a call per batch, no uuids
    vllm-after      the same with the question after the video
    vllm-batched    the same as vllm-after, with all clips of a prompt in one call
    inspect         inspect-ai against `vllm serve`, frames as images (--harness-python: where it is)
    transformers-ours, vllm-ours, serve-ours             our three engines

An arm is a process of its own. "First prompt" meets clips never seen before, "later prompts" are all that
follow. Pixels are decoded before the clock starts. Arms that were measured before with the same settings are
not measured again without --again.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engines_arms import ARMS
from benchmarks.engines_world import FRAMES, measure, warmed, work
from benchmarks.record import RESULTS, append

NAME = "engines"
SETTINGS = ("clips", "prompts", "frames", "dtype", "batch")


def main() -> None:
    """Command line."""
    options = _options()
    if options.arms == ["table"]:
        print(table(read()))
        return
    arms = list(ARMS) if options.arms == ["all"] else options.arms
    unknown = [arm for arm in arms if arm not in ARMS]
    if unknown:
        sys.exit(f"error: unknown arm {unknown[0]!r}, expected one of: {', '.join(ARMS)}, all, table")
    if len(arms) == 1:
        _one(arms[0], options)
        return
    for arm in arms:
        subprocess.run([sys.executable, "-m", "benchmarks.engines", arm, *_passed_on(options)], check=True)


def _one(arm: str, options: argparse.Namespace) -> None:
    if not options.again and any(_same(run, arm, options) for run in read()):
        print(f"{arm}: measured before with these settings, --again measures it again")
        return
    asked, load = work(options.clips, options.prompts, options.frames), os.getloadavg()
    way = ARMS[arm](options)
    try:
        warmed(way, asked)
        found = measure(way, asked)
    finally:
        way.close()
    threads = {name: value for name, value in os.environ.items() if name.startswith(("OMP_", "VLLM_"))}
    settings = {name: getattr(options, name) for name in SETTINGS}
    path = append(NAME, {"arm": arm, **settings, "environment": threads, "load before": load, **found})
    print(f"{arm}: {found['answers_per_second']:.1f} answers a second; appended to {path.name}")


def read() -> list[dict[str, Any]]:
    """All runs so far."""
    path = RESULTS / f"{NAME}.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def table(runs: list[dict[str, Any]]) -> str:
    """Runs of at least 16 prompts as Markdown, by frames and threads: medians, and of how many runs."""
    columns = ["", "runs", "answers/s", "first prompt, s", "each later prompt, s", "marginal / text alone"]
    columns += ["tokens cached", "start-up, s", "peak memory, GiB", "letters as transformers-ours"]
    groups: dict[tuple[int, int, str], list[dict[str, Any]]] = {}
    for run in runs:
        if run["prompts"] >= 16:
            threads = run["environment"].get("OMP_NUM_THREADS", "all")
            groups.setdefault((run["frames"], run["clips"], threads), []).append(run)
    parts = []
    for (frames, clips, threads), some in sorted(groups.items()):
        reference = next((run["letters"] for run in some if run["arm"] == "transformers-ours"), None)
        rows = [_cells(arm, of, reference) for arm in ARMS if (of := [r for r in some if r["arm"] == arm])]
        lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
        head = f"{clips} clips of {frames} frames, OMP_NUM_THREADS {threads}:"
        parts.append(f"{head}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def _cells(arm: str, runs: list[dict[str, Any]], reference: str | None) -> list[str]:
    def middle(name: str, form: str) -> str:
        values = [run[name] for run in runs if run.get(name) is not None]
        return f"{median(values):{form}}" if values else ""

    letters = runs[-1]["letters"]
    same = reference and len(reference) == len(letters)
    share = sum(map(str.__eq__, letters, reference or "")) / len(letters) if same else None
    return [
        arm,
        str(len(runs)),
        middle("answers_per_second", ".1f"),
        middle("first_seconds", ".1f"),
        middle("later_seconds_per_prompt", ".2f"),
        middle("marginal_over_text", ".2f"),
        middle("cached_share", ".0%"),
        middle("start_seconds", ".0f"),
        middle("peak_gib", ".1f"),
        "" if share is None else f"{share:.1%}",
    ]


def _same(run: dict[str, Any], arm: str, options: argparse.Namespace) -> bool:
    wanted = {"arm": arm} | {name: getattr(options, name) for name in SETTINGS}
    return all(run[name] == value for name, value in wanted.items())


def _passed_on(options: argparse.Namespace) -> list[str]:
    named = [f"--{name}={getattr(options, name)}" for name in SETTINGS]
    harness = [f"--harness-python={options.harness_python}"] if options.harness_python else []
    return [*named, *harness, *(["--again"] if options.again else [])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("arms", nargs="+", metavar="ARM", help=f"{', '.join(ARMS)}, all, or table")
    add("--clips", type=int, default=24)
    add("--prompts", type=int, default=16)
    add("--frames", type=int, default=FRAMES, help="frames of a clip; a pair of them is 9 tokens")
    add("--dtype", default="bfloat16")
    add("--batch", type=int, default=8, help="clips a call of vllm-before and vllm-after")
    add("--again", action="store_true", help="measure what was measured before")
    add("--harness-python", type=Path, help="interpreter that has inspect-ai")
    return parser.parse_args()


if __name__ == "__main__":
    main()
