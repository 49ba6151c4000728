"""The tiny models of these tests, built once."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_models import write_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Family name -> folder of a tiny random checkpoint."""
    return cache(lambda family: write_tiny(tmp_path_factory.mktemp(family), family))
