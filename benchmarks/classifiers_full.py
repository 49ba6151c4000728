"""The classifiers at full size: parameters and FLOPs beside published ones, a step on real frames.

    python -m benchmarks.classifiers_full --models slow_only dual_sum --device cpu

Parameters and multiply-adds are those of one view at 400 classes. The step: two clips of a video, forward,
backward and Adam, in bfloat16; seconds after one step that warms up. Clips a second in training and judging,
and what share of ``--peak`` (TFLOP/s) training is, where that is given. Without ``--video`` the first clip of
real footage is shown, which ``python -m videos footage`` makes.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F

from benchmarks.record import append
from classifiers.models import Size, build_model
from classifiers.models.stages import multiply_adds, parameters
from classifiers.train.batches import inputs
from videos.clip import FrameSource
from videos.datasets import MINI, load
from videos.decode import FramePolicy, decode
from videos.files import VideoFile

# Frames and pixels of a view; published millions of parameters and GFLOPs (multiply-adds).
MODELS: dict[str, tuple[int, int, float | None, float | None]] = {
    "slow_only": (8, 256, 32.45, 54.52),
    "segmented": (8, 256, None, None),
    "dual_sum": (8, 256, None, None),
    "dual_stack": (8, 256, None, None),
    "weighted_focus": (8, 256, None, None),
    "weighted_focus_safe": (8, 256, None, None),
    "slow_r101": (8, 256, None, None),
    "slowfast_r50": (32, 256, 34.57, 65.71),
    "x3d_m": (16, 224, 3.79, 4.73),
    "mvit_b": (16, 224, 36.61, 70.80),
    "videomae": (16, 224, 87.0, 180.0),
}


def measure(name: str, device: torch.device, batch: int, steps: int, source: FrameSource) -> dict[str, Any]:
    """Of one model."""
    frames, pixels, millions, giga = MODELS[name]
    model = build_model(name, Size(400, frames, pixels)).to(device)
    seen = decode(source, FramePolicy(frames, "uniform", pixels)).pixels
    left = (seen.shape[2] - pixels) // 2
    clip = torch.from_numpy(seen[:, :pixels, left : left + pixels].copy())
    mask = torch.zeros(batch, *clip.shape[:3], dtype=torch.uint8)
    mask[:, :, pixels // 4 :, pixels // 4 : -pixels // 4] = 255
    video, masks = inputs(clip.expand(batch, *clip.shape), mask, device)
    training, losses = _train(model, video, masks, steps)
    judging = _judge(model, video, masks, steps)
    found = {
        "parameters, M": round(parameters(model) / 1e6, 3), "published, M": millions,
        "GFLOPs": round(multiply_adds(model.to("meta"), frames, pixels) / 1e9, 2), "published GFLOPs": giga,
        "frames": frames, "pixels": pixels, "batch": batch,
        "clips/s training": round(batch / training, 3), "clips/s judging": round(batch / judging, 3),
        "losses": [round(one, 4) for one in losses],
    }  # fmt: skip
    return found


def _train(
    model: torch.nn.Module, video: torch.Tensor, masks: torch.Tensor, steps: int
) -> tuple[float, list[float]]:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    labels = torch.arange(len(video), device=video.device)
    losses = []
    for step in range(steps + 1):
        if step == 1:
            start = _now(video.device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(video.device.type, torch.bfloat16):
            logits = model(video, masks)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return (_now(video.device) - start) / steps, losses


@torch.inference_mode()
def _judge(model: torch.nn.Module, video: torch.Tensor, masks: torch.Tensor, steps: int) -> float:
    model.eval()
    with torch.autocast(video.device.type, torch.bfloat16):
        model(video, masks)
        start = _now(video.device)
        for _ in range(steps):
            model(video, masks)
    return (_now(video.device) - start) / steps


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def show(result: dict[str, dict[str, Any]]) -> None:
    """A table for people."""
    columns = [name for name in next(iter(result.values())) if name != "losses"]
    table = Table("model", *columns)
    for name, found in result.items():
        table.add_row(name, *("" if found[one] is None else str(found[one]) for one in columns))
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--video", type=Path, help="what is shown (default: real footage)")
    parser.add_argument("--peak", type=float, help="TFLOP/s of the device in bfloat16")
    options = parser.parse_args(arguments)
    source = VideoFile(options.video) if options.video else load("footage:original", MINI).clips[0].frames
    result: dict[str, dict[str, Any]] = {}
    for name in options.models:
        result[name] = found = measure(
            name, torch.device(options.device), options.batch, options.steps, source
        )
        if options.peak:  # a multiply-add is two operations, a step three passes
            speed = found["clips/s training"] * found["GFLOPs"] * 6 / 1e3
            found["share of peak"] = round(speed / options.peak, 3)
    show(result)
    print(append("classifiers_full", {"device": options.device, "models": result}))


if __name__ == "__main__":
    main()
