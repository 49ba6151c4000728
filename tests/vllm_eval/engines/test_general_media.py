"""What the general path gives a model is what the model's own processor gives it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from assets.errors import UserError
from videos.clip import Frames, Pixels
from vllm_eval.engines.general_media import longest_edge, pair_times
from vllm_eval.engines.general_model import GeneralModel
from vllm_eval.engines.general_words import cardinal

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl", "llava_onevision", "smolvlm")
WAYS = {
    "qwen2_vl": ("Qwen2VLProcessor", "Qwen2VLVideoProcessor"),
    "qwen2_5_vl": ("Qwen2_5_VLProcessor", "Qwen2VLVideoProcessor"),
    "qwen3_vl": ("Qwen3VLProcessor", "Qwen3VLVideoProcessor"),
    "internvl": ("InternVLProcessor", "InternVLVideoProcessor"),
    "llava_onevision": ("LlavaOnevisionProcessor", "LlavaOnevisionVideoProcessor"),
    "smolvlm": ("SmolVLMProcessor", "SmolVLMVideoProcessor"),
}


def tiny_general() -> ModuleType:
    place = Path(__file__).parent / "tiny_general.py"
    spec = importlib.util.spec_from_file_location("tiny_general", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def smooth(count: int, height: int, width: int) -> Pixels:
    """Frames whose colours change slowly: kernels that round otherwise differ by a level."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / (9 + c) + y / 13 + t) for t in range(count) for c in range(3)]
    stacked = np.stack(waves).reshape(count, 3, height, width).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(stacked.astype(np.uint8))


def frames(count: int = 4, height: int = 96, width: int = 128) -> Frames:
    return Frames(smooth(count, height, width), tuple(range(1, 4 * count, 4)), 12.5, 80)


def model(folder: Path, **options: Any) -> GeneralModel:
    return GeneralModel(str(folder), "float32", "cpu", **options)


def has_processors() -> bool:
    """torchvision imports and fits torch: where it does not, importing it raises."""
    if importlib.util.find_spec("torchvision") is None:
        return False
    check = [sys.executable, "-c", "import torchvision, transformers.video_processing_utils"]
    return subprocess.run(check, capture_output=True, env=dict(os.environ)).returncode == 0


@pytest.fixture(scope="module")
def processors() -> None:
    if not has_processors():
        pytest.skip("transformers' video processors need torchvision, which is not installed")


@pytest.mark.usefixtures("processors")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("count", "height", "width"), [(4, 96, 128), (3, 120, 80), (2, 40, 300)])
def test_pixels_and_tokens_are_those_of_the_own_processor(
    tmp_path: Path, family: str, count: int, height: int, width: int
) -> None:
    one = model(tiny_general().write_general(tmp_path, family))
    shown = frames(count, height, width)
    media, theirs = one.see(shown), own(one, tmp_path, family, shown)
    text = one.template.before + media.text + one.template.after
    ids = one.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert theirs.pop("input_ids")[0].tolist() == ids
    for name, value in media.inputs.items():
        if not name.startswith("pixel"):
            assert torch.equal(value.float(), torch.as_tensor(theirs[name]).float()), name
            continue
        assert value.shape == theirs[name].shape
        apart = (value - theirs[name]).abs()
        assert apart.mean() < 0.01, name  # half a level of 255
        assert apart.max() < 0.2, name


def own(one: GeneralModel, folder: Path, family: str, shown: Frames) -> dict[str, Any]:
    """What the family's own processor makes of these frames, apart from the engine."""
    import transformers

    get: Any = transformers
    whole, video = WAYS[family]
    settings = json.loads((folder / "video_preprocessor_config.json").read_text())
    settings.pop("video_processor_type")
    reader = getattr(get, video)(**settings)
    images = {"llava_onevision": "LlavaOnevisionImageProcessor", "smolvlm": "SmolVLMImageProcessor"}
    own_words: dict[str, dict[str, Any]] = {
        "internvl": {"image_seq_length": 4},
        "smolvlm": {"image_seq_len": 4},
        "llava_onevision": {"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    }
    extra = own_words.get(family, {})
    if family == "internvl":
        picture = get.GotOcr2ImageProcessor()
    else:
        picture = getattr(get, images.get(family, "Qwen2VLImageProcessor"))()
    processor = getattr(get, whole)(picture, one.tokenizer, reader, **extra)
    facts = {
        "fps": shown.fps,
        "total_num_frames": shown.total,
        "duration": shown.total / shown.fps,
        "frames_indices": list(shown.indices),
    }
    mark = one.family.marks[0] if family != "qwen3_vl" else "<|video_pad|>"
    made = processor(
        text=[one.template.before + mark + one.template.after],
        videos=[[shown.pixels]] if family == "smolvlm" else [shown.pixels],
        video_metadata=[facts],
        do_sample_frames=False,
        return_tensors="pt",
        add_special_tokens=False,
    )
    return dict(made)


def test_times_stand_in_the_middle_of_each_pair() -> None:
    shown = Frames(smooth(3, 32, 32), (0, 10, 30), 10.0, 40)
    assert pair_times(shown, 2) == [0.5, 3.0]


@pytest.mark.parametrize(
    ("height", "width", "longest", "size"),
    [(96, 128, 512, (384, 512)), (200, 100, 51, (51, 26)), (100, 300, 50, (16, 50))],
)
def test_the_longer_side_is_given_and_the_other_even(
    height: int, width: int, longest: int, size: tuple[int, int]
) -> None:
    assert longest_edge(height, width, longest) == size


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (8, "eight"),
        (16, "sixteen"),
        (40, "forty"),
        (64, "sixty-four"),
        (100, "one hundred"),
        (128, "one hundred and twenty-eight"),
        (1005, "one thousand and five"),
        (1200, "one thousand, two hundred"),
    ],
)
def test_numbers_are_spelled(number: int, words: str) -> None:
    assert cardinal(number) == words


def test_qwen3_writes_the_time_of_every_pair(tmp_path: Path) -> None:
    media = model(tiny_general().write_general(tmp_path, "qwen3_vl")).see(frames(4))
    assert media.text.startswith("<0.2 seconds><|vision_start|><|video_pad|>")
    assert media.text.count(" seconds>") == 2
    assert media.text.count("<|video_pad|>") == media.video_tokens


def test_qwen3s_bounds_are_the_whole_clips(tmp_path: Path) -> None:
    one = model(tiny_general().write_general(tmp_path, "qwen3_vl"))
    few, many = (one.see(frames(count, 300, 300)) for count in (2, 16))
    areas = [int(media.inputs["video_grid_thw"][0].prod()) for media in (few, many)]
    assert areas[1] <= 96 * 96 * 4 // 16 // 16 // 2
    assert few.video_tokens / 1 > many.video_tokens / 8


def test_max_pixels_bounds_a_frame(tmp_path: Path) -> None:
    folder = tiny_general().write_general(tmp_path, "qwen3_vl")
    for most in (32 * 32, 64 * 64):
        media = model(folder, max_pixels=most).see(frames(4, 300, 300))
        _, high, wide = media.inputs["video_grid_thw"][0].tolist()
        assert high * wide * 16 * 16 <= most


@pytest.mark.parametrize("family", FAMILIES)
def test_frames_of_a_wrong_kind_are_refused(tmp_path: Path, family: str) -> None:
    one = model(tiny_general().write_general(tmp_path, family))
    with pytest.raises(UserError, match=r"expected uint8 \[T, H, W, 3\]"):
        one.see(Frames(np.zeros((2, 30, 30, 4), np.uint8), (0, 1), 1.0, 2))


def test_the_processors_chat_template_is_preferred(tmp_path: Path) -> None:
    folder = tiny_general().write_general(tmp_path, "internvl")
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    part = "{{ '<video>' if p['type'] == 'video' else p['text'] }}"
    loops = "{% for m in messages %}{% for p in m['content'] %}" + part + "{% endfor %}{% endfor %}"
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": f"Look: {loops} Say:"}))
    one = model(folder)
    assert (one.template.before, one.template.after) == ("Look: ", "")
    assert one.tokenizer.decode(list(one.template.suffix.tail)) == " Say:"


def test_a_template_without_a_video_is_refused(tmp_path: Path) -> None:
    folder = tiny_general().write_general(tmp_path, "internvl")
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'][1]['text'] }} Say:")
    with pytest.raises(UserError, match="does not place one video before the question"):
        model(folder)
