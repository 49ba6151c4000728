"""Fixtures shared by all tests: state goes to a temporary folder, real annotation files where they lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _isolated_state(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Histories go to a fresh folder. The cache is kept: it holds only files checked by hash."""
    monkeypatch.setenv(
        "SCENEPROOF_HISTORY__URL", f"sqlite:///{tmp_path_factory.mktemp('history')}/history.db"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real annotation files: $SCENEPROOF_SHARED/data, or shared/data beside the checkout."""
    chosen = os.environ.get("SCENEPROOF_SHARED")
    root = Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "shared"
    if not (root / "data").is_dir():
        pytest.skip(f"no real annotation files at {root / 'data'} (set SCENEPROOF_SHARED)")
    return root / "data"
