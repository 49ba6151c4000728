"""Files of made-up predictions, and what plain counting finds in them."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from vllm_eval.score.command import main

CLASSES = [
    "archery",
    "bowling",
    "clean and jerk",
    "deadlifting",
    "punching person (boxing)",
    "smoking",
    "writing",
]
Rows = list[dict[str, str]]
Write = Callable[..., Path]


def pairs(n: int, seed: int = 0) -> Rows:
    """Rows as the published predictions have them, without the prediction."""
    rng = random.Random(seed)
    rows = []
    for index in range(n):
        human, background, *others = rng.sample(CLASSES, 5)
        choices = rng.sample([human, background, *others], 5)
        fore, back = rng.randrange(n), rng.randrange(n)
        videos = f"{video(fore)}_000003_000013_bg_{video(back)}_000000_000010"
        name = f"/n/{index}/sample_{index:06d}_{human}_to_{background}_{videos}"
        rows.append(
            {
                "action_swap_path": name,
                "label_A": human,
                "label_B": background,
                **{f"choice_{place}": choice for place, choice in enumerate(choices, 1)},
                "human_choice": str(choices.index(human) + 1),
                "background_choice": str(choices.index(background) + 1),
            }
        )
    return rows


def video(number: int) -> str:
    return f"a-_b{number:07d}"


def predicted(rows: Rows, column: str, seed: int = 0, form: str = "letter") -> Rows:
    """The rows with a random choice, written as a letter, a number from 1 or 0, or a label."""
    rng = random.Random(seed)
    done = []
    for row in rows:
        place = rng.randrange(5)
        said = {
            "letter": "ABCDE"[place],
            "one": str(place + 1),
            "zero": str(place),
            "float": f"{place + 1}.0",
            "label": row[f"choice_{place + 1}"],
            "underscores": row[f"choice_{place + 1}"].replace(" ", "_"),
            "reply": f"{'ABCDE'[place]}) {row[f'choice_{place + 1}']}",
        }[form]
        done.append({**row, column: said})
    return done


def counted(rows: Rows, seed: int = 0) -> dict[str, int]:
    """Human, background and other answers of ``predicted``, by brute force."""
    said = [row["x"] for row in predicted(rows, "x", seed, "label")]
    human = sum(a == row["label_A"] for a, row in zip(said, rows, strict=True))
    background = sum(a == row["label_B"] for a, row in zip(said, rows, strict=True))
    return {"SHAcc": human, "SBErr": background, "other": len(rows) - human - background}


def scored(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def counts(result: dict[str, object]) -> dict[str, int]:
    metrics = result["metrics"]
    assert isinstance(metrics, dict)
    return {name: metrics[name]["count"] for name in ("SHAcc", "SBErr", "other")}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err
