"""How quick and how large a history of millions of answers is, on SQLite and on PostgreSQL.

    python -m benchmarks.history_scale load --answers 1000000   # goes on where it was stopped
    python -m benchmarks.history_scale warm       # figures of every run, as live runs leave them
    python -m benchmarks.history_scale measure
    python -m benchmarks.history_scale measure --history postgresql://postgres@127.0.0.1:5432/scale

Generated: runs of 500 proposed prompts and the four hand-written ones, each scored on the same 1,000 clips;
every run after the first reuses the answers of the hand-written prompts. Prompts differ in how often they
follow the person, clips in how hard they are. Seeded: the same arguments make the same answers.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import history_scale_rows as generated
from benchmarks.record import append
from prompts import inspection
from prompts.database import Database
from prompts.history import History
from prompts.prompt import Prompt
from vllm_eval.engine import Answer
from vllm_eval.evaluator import AnswerRow

URL = "sqlite:///runs/history_scale.db"
_REPEATS = 5


def load(url: str, answers: int, seconds: float) -> None:
    """Whole runs until there are so many answers, or the time is over: call it again then."""
    began = time.monotonic()
    with History(url) as history:
        done = len(history.runs())
    for number in range(done, -(-answers // generated.ANSWERS_PER_RUN)):
        if time.monotonic() - began > seconds:
            print(f"{number} runs so far, time is over: call it again")
            return
        started = time.monotonic()
        generated.store_run(url, number)
        print(f"run {number}: {time.monotonic() - started:.1f} s", flush=True)
    database = Database(url)
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.close()


def warm(url: str, seconds: float) -> None:
    """Compute the figures of runs that have none, as each run does for itself while it is going."""
    began, first = time.monotonic(), []
    with History(url, create=False) as history:
        for run in history.runs():
            if time.monotonic() - began > seconds:
                print("time is over: call it again")
                break
            started = time.monotonic()
            history.scored(run.id)
            first.append(time.monotonic() - started)
            print(f"run {run.id}: {first[-1]:.2f} s", flush=True)


def measure(url: str) -> dict[str, Any]:
    """Seconds of what people and strategies wait for, each with a freshly opened history."""
    with History(url, create=False) as history:
        runs = history.runs()
        middle = runs[len(runs) // 2].id
        prompt = history.proposals(middle)[7].prompt
        keys = [row.answer.key for row in history.answers_for(middle, prompt.id)]
    tasks: dict[str, Callable[[History], Any]] = {
        "list": inspection.run_rows,
        "list RUN": lambda history: inspection.prompt_rows(history, middle),
        "show PROMPT": lambda history: inspection.prompt_detail(history, prompt.id),
        "show neutral": lambda history: inspection.prompt_detail(history, "neutral"),
        "Pareto front": lambda history: _front(history, middle),
        "next ask (HistoryView)": lambda history: history.view(middle, generated.DATASET),
        "1000 answers looked up": lambda history: history.known(keys),
    }
    found = {name: _median(url, task) for name, task in tasks.items()}
    return found | _live(url, runs[-1].id) | _commands(url, middle, prompt)


def _live(url: str, run_id: str) -> dict[str, float]:
    """A run that goes on: storing a batch of 64 answers, and the view after eight more prompts."""
    with History(url) as history:
        history.view(run_id, generated.DATASET)
        prompts = [Prompt(f"another {time.time_ns()} {number}") for number in range(8)]
        for number, prompt in enumerate(prompts):
            history.add_proposal(run_id, 10_000 + time.time_ns() % 10**9, prompt, "accepted", position=number)
        rows = _rows(run_id, prompts)
        stored = []
        for start in range(0, len(rows), 64):
            stored.append(_seconds(lambda start=start: history.add(rows[start : start + 64])))  # type: ignore[misc]
        after = _seconds(lambda: history.view(run_id, generated.DATASET))
    return {"64 answers stored": statistics.median(stored), "next ask after 8 new prompts": after}


def _commands(url: str, run_id: str, prompt: Prompt) -> dict[str, float]:
    """Whole processes, start of Python and all."""
    asked = {"list": ["list"], "list RUN": ["list", run_id], "show PROMPT": ["show", prompt.id]}
    program = [sys.executable, "-m", "prompts"]
    return {
        f"python -m prompts {name}": _seconds(
            lambda words=words: subprocess.run(  # type: ignore[misc]
                [*program, *words, "--history", url], check=True, stdout=subprocess.DEVNULL
            )
        )
        for name, words in asked.items()
    }


def _rows(run_id: str, prompts: Sequence[Prompt]) -> list[AnswerRow]:
    """Answers of new prompts on the clips of the run, clip by clip."""
    rows: list[AnswerRow] = []
    for clip, (clip_id, human, background, sources) in enumerate(generated.clips()):
        for prompt in prompts:
            kind = "human" if (clip + len(rows)) % 3 else "background"
            label = human if kind == "human" else background
            key = generated.key(prompt.id, clip).hex()
            answer = Answer(key, "B", label, kind, (-0.5, -1.5, -3.0, -4.0, -6.0), 812, 640, 0.02)  # type: ignore[arg-type]
            row = AnswerRow(answer, prompt.id, clip_id, human, background, generated.DATASET, run_id)
            rows.append(row.__class__(**{**vars(row), "sources": sources, "format_key": generated.FORMAT}))
    return rows


def _front(history: History, run_id: str) -> Any:
    from prompts.view import front

    return front(history.view(run_id, generated.DATASET).scored)


def _median(url: str, task: Callable[[History], Any]) -> float:
    times = []
    for _ in range(_REPEATS):
        with History(url, create=False) as history:
            times.append(_seconds(lambda: task(history)))
    return statistics.median(times)


def _seconds(task: Callable[[], Any]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def size(url: str) -> dict[str, float]:
    """Answers, bytes, and megabytes per million answers."""
    database = Database(url, create=False)
    with database.read() as connection:
        answers = connection.exec_driver_sql("SELECT COUNT(*) FROM bought").scalar_one()
        uses = connection.exec_driver_sql("SELECT COUNT(*) FROM uses").scalar_one()
        if database.dialect == "sqlite":
            path = Path(str(sa.engine.make_url(url).database))
            held = sum(os.path.getsize(one) for one in path.parent.glob(f"{path.name}*"))
        else:
            held = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    database.close()
    return {
        "answers": answers,
        "uses": uses,
        "bytes": held,
        "MB per million answers": round(held / answers, 1),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["load", "warm", "measure"])
    parser.add_argument("--history", metavar="URL", default=URL)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=240, help="stop after so long, between two runs")
    options = parser.parse_args()
    if options.step == "load":
        load(options.history, options.answers, options.seconds)
    elif options.step == "warm":
        warm(options.history, options.seconds)
    else:
        seconds = {name: round(value, 4) for name, value in measure(options.history).items()}
        result = {"database": _version(options.history), **size(options.history), "seconds": seconds}
        for name, value in {**result, **seconds}.items():
            print(f"{name:40} {value}")
        print(append("history_scale", result))


def _version(url: str) -> str:
    database = Database(url, create=False)
    with database.read() as connection:
        query = "SELECT sqlite_version()" if database.dialect == "sqlite" else "SHOW server_version"
        version = connection.exec_driver_sql(query).scalar_one()
    database.close()
    return f"{database.dialect} {version}"


if __name__ == "__main__":
    main()
