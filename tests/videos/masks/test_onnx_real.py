"""The real networks on a real video, where both were fetched before: nothing is downloaded here."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from assets.catalogue import asset
from assets.verify import assets_dir
from videos.decode import VideoFile, resize

NEEDED = ("sam2-tiny-encoder", "sam2-tiny-decoder", "yolox-tiny-people", "footage-beam-3")


def fetched(name: str) -> Path:
    entry = asset(name)
    return assets_dir() / f"{entry.sha256[:12]}-{entry.file}"


absent = [name for name in NEEDED if not fetched(name).exists()]
pytestmark = [
    pytest.mark.skipif(bool(absent), reason=f"not fetched: {', '.join(absent)} (`videos footage` does)"),
    pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed"),
]


def test_a_gymnast_is_found_and_cut_out_of_a_real_video() -> None:
    from videos.masks.cut import Search, cut_out
    from videos.masks.detectors import load_detector
    from videos.masks.followers import load_follower

    frames = resize(VideoFile(fetched("footage-beam-3")).read([40, 46]), 240)
    detector = load_detector("yolox", {})
    (person,), nobody = detector.people(np.stack([frames[0], np.full_like(frames[0], 90)]), 0.4)
    assert nobody == []
    left, top, right, bottom = person.box
    assert 30 < left < 90
    assert bottom - top > 120
    cut = cut_out(frames, detector, load_follower("onnx", {}), Search(frames=1))
    assert (cut.status, cut.people) == ("kept", 1)
    assert cut.masks is not None
    for mask in cut.masks:
        assert 0.03 < (mask > 0).mean() < 0.12
        inside = mask[int(top) - 15 : int(bottom) + 15, max(0, int(left) - 25) : int(right) + 25]
        assert (inside > 0).sum() > 0.95 * (mask > 0).sum()
    skin = frames[0][cut.masks[0] > 0].mean(axis=0)
    assert skin[0] > skin[2] + 20, "he is warm in colour, mats and walls are blue and grey"


def test_an_empty_picture_has_nobody_in_it() -> None:
    from videos.masks.detectors import load_detector

    assert load_detector("yolox", {}).people(np.full((2, 120, 160, 3), 90, np.uint8), 0.4) == [[], []]
