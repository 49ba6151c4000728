"""Where fetched and derived files are kept between runs."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """``$SCENEPROOF_CACHE``, else ``$XDG_CACHE_HOME/sceneproof``, else ``~/.cache/sceneproof``."""
    chosen = os.environ.get("SCENEPROOF_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sceneproof"
