"""I3D: its weights are read without running anything, and see what is in a real video."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.catalogue import asset
from assets.errors import UserError
from assets.verify import assets_dir, holds
from classifiers.models.i3d import ASSET, I3D, load_weights, pool, read_weights, same


@pytest.fixture(scope="session")
def weights() -> Path:
    """The real file, where it has been fetched before: tests download nothing."""
    entry = asset(ASSET)
    path = assets_dir() / f"{entry.sha256[:12]}-{entry.file}"
    if not holds(path, entry):
        pytest.skip(f"no I3D weights at {path}")
    return path


def test_padding_is_tensorflows() -> None:
    # 224 at stride 2 and window 7 wants 5 more: 2 before and 3 behind.
    padded = same(torch.ones(1, 1, 4, 224, 224), (1, 7, 7), (1, 2, 2))
    assert padded.shape == (1, 1, 4, 229, 229)
    assert float(padded[0, 0, 0, 0:3, 100].sum()) == 1
    assert pool(torch.full((1, 1, 2, 8, 8), -1.0), (1, 3, 3), (1, 2, 2)).max() == -1


def test_the_network_has_the_published_size_and_shape() -> None:
    with torch.device("meta"):
        model = I3D()
    # 12.70 M: 12.29 M of the trunk without batch norm's scale, 0.41 M of the head.
    assert sum(one.numel() for one in model.parameters() if one.requires_grad) / 1e6 == pytest.approx(
        12.70, abs=0.02
    )
    assert I3D(6)(torch.randn(1, 3, 8, 64, 64)).shape == (1, 6)


class _Bad:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("run",))


@pytest.mark.parametrize("content", [_Bad(), [1, 2], {"params": {}}])
def test_other_pickles_are_refused_and_run_nothing(
    tmp_path: Path, content: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r"weights\.ckpt"):
        load_weights(I3D(), path)
    assert "run" not in capsys.readouterr().out


def test_every_value_of_the_real_file_is_used(weights: Path) -> None:
    model = I3D()
    load_weights(model, weights)
    stored = read_weights(weights)

    def count(part: object) -> int:
        return sum(map(count, part.values())) if isinstance(part, dict) else int(np.size(part))  # type: ignore[arg-type]

    taken = sum(
        one.numel()
        for name, one in model.state_dict().items()
        if not name.endswith(("norm.weight", "tracked"))
    )
    assert taken == count(stored)


def test_it_names_what_a_real_video_shows(weights: Path, shared_data: Path) -> None:
    from videos.datasets.kinetics400 import KINETICS_400
    from videos.decode import FramePolicy, decode
    from videos.files import VideoFile

    video = shared_data / "video" / "two_people_arm_wrestling.mp4"
    if not video.is_file():
        pytest.skip(f"no {video}")
    frames = decode(VideoFile(video), FramePolicy(16, "uniform", 224)).pixels
    left = (frames.shape[2] - 224) // 2
    cut = torch.from_numpy(np.ascontiguousarray(frames[:, :224, left : left + 224]))
    model = I3D().eval()
    load_weights(model, weights)
    with torch.inference_mode():
        logits = model((cut.permute(3, 0, 1, 2)[None].float() / 255 - 0.45) / 0.225)
    best = KINETICS_400.classes[int(logits.argmax())]
    # Whatever its name says: somebody stands beside a pool and moves a brush through it.
    assert best == "cleaning pool"
    assert float(logits.softmax(1).max()) > 0.9


def test_it_names_the_action_of_hats_own_frames(weights: Path, shared_data: Path) -> None:
    from videos.datasets.kinetics400 import KINETICS_400
    from videos.decode import FramePolicy, FramesFolder, decode

    (folder,) = (shared_data / "hat" / "kinetics400" / "ori" / "archery").iterdir()
    frames = decode(FramesFolder(folder), FramePolicy(32, "uniform", 224)).pixels
    left = (frames.shape[2] - 224) // 2
    cut = torch.from_numpy(np.ascontiguousarray(frames[:, :224, left : left + 224]))
    model = I3D().eval()
    load_weights(model, weights)
    with torch.inference_mode():
        logits = model((cut.permute(3, 0, 1, 2)[None].float() / 255 - 0.45) / 0.225)
    assert KINETICS_400.classes[int(logits.argmax())] == "archery"
