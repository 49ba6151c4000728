"""What I3D says of real people before real photographs: its figures, and its first answer to every clip.

python -m videos footage && python -m classifiers.evaluate --model i3d --data footage
python -m benchmarks.footage runs/i3d
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from benchmarks.record import append
from videos.footage.make import footage_folder
from videos.masks.kept import rows

PARTS = ("original", "human_only", "background_only", "swap")
_KEPT = ("accuracy", "shacc", "sberr")


def measured(folder: Path) -> dict[str, Any]:
    """Figures by part and protocol, answers by clip, and what was cut out of each excerpt."""
    figures = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return {
        "excerpts": {
            row.clip: {"frames": row.frames, "covered": row.covered, "seconds": row.seconds}
            for row in rows(footage_folder()).values()
        },
        "figures": {part: _figures(figures[f"footage:{part}"]) for part in PARTS},
        "answers": {part: _answers(folder / "predictions" / f"footage_{part}.all.csv") for part in PARTS},
    }


def _figures(protocols: dict[str, Any]) -> dict[str, Any]:
    return {
        protocol: {name: _rounded(protocols[protocol][name]) for name in _KEPT if name in protocols[protocol]}
        for protocol in ("all", "five")
    }


def _rounded(one: dict[str, Any]) -> dict[str, Any]:
    return {name: round(one[name], 4) for name in ("value", "low", "high", "n")}


def _answers(path: Path) -> dict[str, str]:
    with open(path, newline="", encoding="utf-8") as file:
        return {row["clip"]: row["prediction"] for row in csv.DictReader(file)}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footage", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where classifiers.evaluate left its answers")
    print(append("footage", measured(Path(parser.parse_args().folder))))


if __name__ == "__main__":
    _main()
