"""Masks of the processor's own networks against the bundled benchmark's exact ones, and what a frame takes.

    python -m videos segment CONFIG        # dataset: hat:original, root: mini, clips: 3
    python -m benchmarks.masks OUT

Drawn people are not what these networks were trained on: it tells that the path holds, not how good they are.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from assets.fetch import fetch
from benchmarks.record import append
from videos.audit.report import summary
from videos.audit.run import audit
from videos.datasets import load
from videos.decode import VideoFile, resize
from videos.masks.detectors import load_detector
from videos.masks.followers import Start, load_follower
from videos.masks.kept import rows

_FRAMES = (40, 46, 52, 58)
_SIDE = 240


def measured(folder: Path) -> dict[str, Any]:
    """The audit of the clips in ``folder``, and processor seconds of each network."""
    known = rows(folder)
    clips = [clip for clip in load("hat:original", "mini").clips if clip.id in known]
    told = summary(audit(clips, str(folder)))
    return {
        "audit": {name: None if np.isnan(value) else round(value, 4) for name, value in told.items()},
        "frames": sum(row.frames for row in known.values()),
        "processor_seconds_a_frame": seconds(),
    }


def seconds() -> dict[str, float]:
    """On one thread, of frames of a real video: time the process has used, not time that passed."""
    frames = resize(VideoFile(fetch("footage-beam-3")).read(list(_FRAMES)), _SIDE)
    detector, follower = load_detector("yolox", {}), load_follower("onnx", {})
    found, *_ = detector.people(frames, 0.4)
    began = time.process_time()
    detector.people(frames, 0.4)
    detected = time.process_time()
    follower.watch(frames, detector).follow(Start(0, found[0].box))
    both = time.process_time() - detected
    alone = (detected - began) / len(frames)
    return {"yolox": round(alone, 3), "onnx": round(both / len(frames), 3)}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masks", description=__doc__)
    parser.add_argument("folder", metavar="OUT", help="what `videos segment` wrote")
    print(append("masks", measured(Path(parser.parse_args().folder))))


if __name__ == "__main__":
    _main()
