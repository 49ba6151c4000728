"""What bad masks cost classifiers: trained runs on the bundled swaps, whole, masked, with spoilt masks.

    python -m classifiers.train --model slow_only --config configs/classifiers_mini.yaml     # and segmented
    python -m benchmarks.classifier_views runs/classifiers/RUN ...

The clips are those that ``python -m benchmarks.views`` asks the bundled language model about.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.record import append
from classifiers.checkpoints import open_run
from classifiers.protocols import FIVE
from classifiers.views import DAMAGED, table
from videos.datasets import load
from vllm_eval.config import DataConfig


def measured(run: Path, most: int) -> dict[str, Any]:
    """SHAcc and SBErr of one run by view, and what each is minus the first view, paired by clip."""
    trained, usual = open_run(run), DataConfig()
    clips = load(usual.swap, trained.config.data.root).split(usual.fractions.model_dump(), usual.seed)["test"]
    clips = replace(clips.take(most, usual.seed), classes=trained.classes)
    rows = table(trained, clips, DAMAGED.split(","), FIVE)
    return {
        "configuration": trained.config.model_dump(mode="json", exclude={"output"}),
        "dataset": clips.name,
        "clips": len(clips),
        "sources": len({source for clip in clips.clips for source in clip.sources}),
        "views": [
            {
                "view": row.view,
                **{name: _rounded(row.figures[name]) for name in ("shacc", "sberr")},
                "minus_first": {name: _rounded(asdict(one)) for name, one in row.minus.items()},
            }
            for row in rows
        ],
    }


def _rounded(one: dict[str, Any]) -> dict[str, Any]:
    return {name: round(one[name], 4) for name in ("value", "low", "high", "p", "n") if name in one}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classifier_views", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--clips", type=int, default=160)
    given = parser.parse_args()
    print(append("classifier_views", {"runs": [measured(Path(run), given.clips) for run in given.runs]}))


if __name__ == "__main__":
    _main()
