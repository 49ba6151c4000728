"""Makes this folder's helpers importable, and writes rows to files."""

import csv
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from prediction_files import Rows, Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as a csv and says where."""

    def to_file(rows: Rows, name: str = "predictions.csv", encoding: str = "utf-8", **options: str) -> Path:
        path = tmp_path / name
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), **options)  # type: ignore[arg-type]
            writer.writeheader()
            writer.writerows(rows)
        return path

    return to_file
