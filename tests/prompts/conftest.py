"""Builders of answers, shared by the tests of the history."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
