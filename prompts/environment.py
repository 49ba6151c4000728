"""What a run ran on: versions of the code and of the packages that decide its answers."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "transformers", "vllm", "xllamacpp", "numpy", "av")


def environment() -> dict[str, str]:
    """Python, platform and installed package versions. Imports none of the packages."""
    found = {name: _version(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: number for name, number in found.items() if number},
    }


def code_version() -> str:
    """The commit of the checkout ("-dirty" with local changes), the installed version or "unknown"."""
    root = Path(__file__).resolve().parents[1]
    if (root / ".git").exists():
        commit = _git(root, "describe", "--always", "--dirty", "--abbrev=12")
        if commit:
            return commit
    return _version("sceneproof") or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
