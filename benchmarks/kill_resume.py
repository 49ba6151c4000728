"""A run killed with SIGKILL at random moments and resumed, against an undisturbed one.

    python -m benchmarks.kill_resume --kills 5 --budget 50

Both start from an empty history. Compared are the answers in the history, the proposals, the winner, and the
questions asked of the engine: what a kill loses is the batch in flight.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.record import append


def command(folder: Path, budget: int, seed: int) -> list[str]:
    """The run that is killed: reports and history go to ``folder``."""
    program = [sys.executable, "-m", "agents.optimize", "--budget", str(budget), "--seed", str(seed)]
    return [*program, "--history", f"sqlite:///{folder}/history.db", "--output", str(folder), "--resume"]


def contents(folder: Path) -> dict[str, Any]:
    """What the history holds in the end."""
    engine = sa.create_engine(f"sqlite:///{folder}/history.db")
    with engine.connect() as connection:

        def rows(query: str) -> list[Any]:
            return [tuple(row) for row in connection.execute(sa.text(query))]

        return {
            "answers": rows("SELECT COUNT(*) FROM answers")[0][0],
            "questions": rows(
                "SELECT COUNT(*) FROM (SELECT DISTINCT prompt_id, clip_id, dataset FROM answers)"
            )[0][0],
            "keys": sorted(row[0] for row in rows("SELECT key FROM answers")),
            "proposals": rows(
                "SELECT round, position, text, verdict FROM proposals ORDER BY round, position"
            ),
            "runs": rows("SELECT status FROM runs"),
            "summary": rows("SELECT summary FROM runs")[0][0],
        }


def undisturbed(folder: Path, budget: int, seed: int) -> float:
    """Run to the end; seconds."""
    began = time.time()
    subprocess.run(command(folder, budget, seed), check=True, stdout=subprocess.DEVNULL)
    return time.time() - began


def killed(folder: Path, budget: int, seed: int, moments: list[float]) -> list[dict[str, Any]]:
    """Kill after each of these seconds, resume, and let the last one finish."""
    told = []
    for seconds in moments:
        process = subprocess.Popen(command(folder, budget, seed), stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        code = process.wait()
        held = contents(folder)["answers"] if (folder / "history.db").exists() else 0
        told.append({"after seconds": round(seconds, 1), "exit": code, "answers by then": held})
    undisturbed(folder, budget, seed)
    return told


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        seconds = undisturbed(Path(one), options.budget, options.seed)
        chance = random.Random(options.seed)
        moments = [chance.uniform(0.15, 1.4) * seconds / options.kills for _ in range(options.kills)]
        kills = killed(Path(two), options.budget, options.seed, moments)
        whole, resumed = contents(Path(one)), contents(Path(two))
    result = {
        "seconds undisturbed": round(seconds),
        "kills": kills,
        "answers": {"undisturbed": whole["answers"], "killed and resumed": resumed["answers"]},
        "same answers": whole["keys"] == resumed["keys"],
        "bought twice": resumed["answers"] - resumed["questions"],
        "same proposals": whole["proposals"] == resumed["proposals"],
        "runs in the history": [len(whole["runs"]), len(resumed["runs"])],
    }
    print(result)
    print(append("kill_resume", result))


if __name__ == "__main__":
    main()
