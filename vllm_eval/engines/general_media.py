"""A clip's frames to what each model family takes: placeholder text and pixel tensors, without torchvision.

Sizes, kernels, means and the text around frames are those of the families' own transformers processors, read
from the checkpoint's processor files. Nothing samples frames: those given are all meant.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from assets.errors import UserError
from videos.clip import Frames, Pixels
from vllm_eval.engines.general_words import cardinal
from vllm_eval.engines.patches import PatchSettings, cut, normaliser, settings_of
from vllm_eval.engines.video_model import seconds_between_pairs

if TYPE_CHECKING:
    import torch

_IMAGENET = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True)
class Media:
    """``text`` stands where the chat template has the video; ``inputs`` are the model's arguments for it, on
    the CPU, pixels in float32. ``video_tokens``: how many tokens the frames themselves are."""

    text: str
    video_tokens: int
    inputs: "Mapping[str, torch.Tensor]"


@dataclass(frozen=True)
class Source:
    """What preparing depends on: the model's config, the processor files' content, the tokenizer's words."""

    config: Any
    processor: Mapping[str, Any]
    token: Callable[[int], str]
    max_pixels: int | None = field(default=None)  # of one frame


def checked(frames: Frames) -> Pixels:
    """uint8 [T, H, W, 3]. Raises UserError for anything else."""
    pixels = frames.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3 or not pixels.size:
        raise UserError(
            f"frames of shape {pixels.shape} and type {pixels.dtype}, expected uint8 [T, H, W, 3]"
        )
    return pixels


def qwen2(frames: Frames, source: Source) -> Media:
    """Qwen2-VL and Qwen2.5-VL: each frame's area within bounds, frames in pairs."""
    settings = patch_settings(source)
    patches = cut(checked(frames), settings)
    tokens = patches.tokens(settings.merge)
    inputs = _patch_inputs(patches.values, patches.grid, settings)
    if source.config.model_type == "qwen2_5_vl":
        inputs["second_per_grid_ts"] = _tensor(
            seconds_between_pairs(len(frames.indices), frames.total, frames.fps, settings.pair)
        )
    return Media(source.token(source.config.video_token_id) * tokens, tokens, inputs)


def qwen3(frames: Frames, source: Source) -> Media:
    """Qwen3-VL: the whole clip's area within bounds, the time written before every pair of frames."""
    pixels, settings = checked(frames), patch_settings(source)
    count, height, width, _ = pixels.shape
    high, wide = clip_size(count, height, width, settings, source)
    free = replace(settings, min_pixels=1, max_pixels=high * wide)
    patches = cut(resized(pixels, high, wide, Image.Resampling.BICUBIC), free)
    each = patches.grid[1] * patches.grid[2] // settings.merge**2
    word = source.token
    start, pad, end = (
        word(getattr(source.config, f"{name}_token_id")) for name in ("vision_start", "video", "vision_end")
    )
    moments = pair_times(frames, settings.pair)
    text = "".join(f"<{moment:.1f} seconds>{start}{pad * each}{end}" for moment in moments)
    return Media(text, each * len(moments), _patch_inputs(patches.values, patches.grid, settings))


def internvl(frames: Frames, source: Source) -> Media:
    """InternVL3 (hf): every frame one square image with its number before it."""
    pixels = checked(frames)
    each, pad = source.config.image_seq_length, source.token(source.config.image_token_id)
    lines = [f"Frame{number + 1}: <img>{pad * each}</img>" for number in range(len(pixels))]
    values = _normal(_fixed(pixels, source, Image.Resampling.BICUBIC), source, _CLIP)
    return Media("\n".join(lines), each * len(pixels), {"pixel_values": values})


def llava_onevision(frames: Frames, source: Source) -> Media:
    """LLaVA-OneVision: every frame pooled to a quarter of its patches, one more token ends the clip."""
    pixels, tower = checked(frames), source.config.vision_config
    tokens = len(pixels) * math.ceil(tower.image_size // tower.patch_size / 2) ** 2 + 1
    values = _normal(_fixed(pixels, source, Image.Resampling.BICUBIC), source, _CLIP)
    pad = source.token(source.config.video_token_id)
    return Media(pad * tokens, tokens, {"pixel_values_videos": values[None]})


def smolvlm(frames: Frames, source: Source) -> Media:
    """SmolVLM2: an introduction, then every frame as one square image with its time before it."""
    pixels, config = checked(frames), source.config
    tower = config.vision_config
    each = (tower.image_size // tower.patch_size) ** 2 // config.scale_factor**2
    pad = source.token(config.image_token_id)
    fake, whole = "<fake_token_around_image>", "<global-img>"
    image = f"{fake}{whole}{pad * each}{fake}"
    fps = frames.fps if frames.fps > 0 else 1.0
    spans = [int(index / fps) for index in frames.indices]
    shown = "".join(f"\nFrame from {at // 60:02d}:{at % 60:02d}:{image}" for at in spans)
    length = int(frames.total / fps)
    clock = f"{length // 3600}:{length // 60 % 60:02d}:{length % 60:02d}"
    intro = f"You are provided the following series of {cardinal(len(pixels))} frames"
    text = f"{intro} from a {clock} [H:MM:SS] video.\n{shown}\n\n"
    values = _normal(_twice(pixels, source), source, _IMAGENET)
    return Media(text, each * len(pixels), {"pixel_values": values[None]})


def patch_settings(source: Source) -> PatchSettings:
    """Patches as the processor files have them, ``max_pixels`` for a frame applied. Raises UserError."""
    third = source.config.model_type.startswith("qwen3")
    plain = {"patch_size": 16, "image_mean": _IMAGENET[0], "image_std": _IMAGENET[1]} if third else {}
    bounds = {"size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 768 * 32 * 32}} if third else {}
    settings = settings_of({**plain, **bounds, **source.processor})
    most, unit = source.max_pixels, (settings.patch * settings.merge) ** 2
    if most is None:
        return settings
    if most < unit:
        raise UserError(f"max_pixels {most} is less than one token, expected at least {unit}")
    if third:
        return settings  # bounds are the clip's: see clip_size
    return replace(settings, max_pixels=most, min_pixels=min(settings.min_pixels, most))


def clip_size(
    frames: int, height: int, width: int, settings: PatchSettings, source: Source
) -> tuple[int, int]:
    """Height and width of Qwen3-VL's frames, as its ``smart_resize``: all frames together within bounds."""
    unit = settings.patch * settings.merge
    frames = max(frames, settings.pair)
    low, most = settings.min_pixels, settings.max_pixels
    if source.processor.get("cap_pixels_per_frame"):
        share = min(source.processor.get("max_video_tokens", 768) * unit**2, most // frames)
        most = max(share, int(low * 1.05)) * frames
    if source.max_pixels is not None:
        most = min(most, source.max_pixels * frames)
        low = min(low, most)
    if min(height, width) < unit:
        scale = unit / min(height, width)
        height, width = int(height * scale), int(width * scale)
    if max(height, width) > 200 * min(height, width):
        raise UserError(f"frames of {width}x{height} are too thin, expected sides within 1:200")
    high, wide = round(height / unit) * unit, round(width / unit) * unit
    volume = round(frames / settings.pair) * settings.pair * high * wide
    if volume > most:
        scale = math.sqrt(frames * height * width / most)
        high, wide = (max(unit, math.floor(side / scale / unit) * unit) for side in (height, width))
    elif volume < low:
        scale = math.sqrt(low / (frames * height * width))
        high, wide = (math.ceil(side * scale / unit) * unit for side in (height, width))
    return high, wide


def pair_times(frames: Frames, pair: int) -> list[float]:
    """Seconds of each pair's middle; the last frame is repeated to fill the last pair."""
    fps = frames.fps if frames.fps > 0 else 24.0
    indices = list(frames.indices)
    indices += [indices[-1]] * (-len(indices) % pair)
    times = [index / fps for index in indices]
    return [(times[at] + times[at + pair - 1]) / 2 for at in range(0, len(times), pair)]


def resized(pixels: Pixels, height: int, width: int, kernel: Image.Resampling) -> Pixels:
    """Frames of that size."""
    if pixels.shape[1:3] == (height, width):
        return pixels
    return np.stack([np.asarray(Image.fromarray(one).resize((width, height), kernel)) for one in pixels])


def longest_edge(height: int, width: int, longest: int) -> tuple[int, int]:
    """SmolVLM's first size: the longer side given, the other even (its ``get_resize_output_image_size``)."""
    longest = min(longest, 4096)
    if width >= height:
        other = int(longest / (width / height))
        return max(other + other % 2, 1), longest
    other = int(longest * (width / height))
    return longest, max(other + other % 2, 1)


def _fixed(pixels: Pixels, source: Source, kernel: Image.Resampling) -> Pixels:
    side = source.config.vision_config.image_size
    high, wide = side if isinstance(side, Sequence) else (side, side)
    size: Mapping[str, int] = source.processor.get("size") or {}
    kernel = Image.Resampling(source.processor.get("resample") or kernel)
    return resized(pixels, size.get("height", high), size.get("width", wide), kernel)


def _twice(pixels: Pixels, source: Source) -> Pixels:
    """First to the processor's size with the aspect kept, then to the tower's square, as its authors do."""
    kernel = Image.Resampling(source.processor.get("resample") or Image.Resampling.LANCZOS)
    sampling = source.processor.get("video_sampling") or {}
    size = sampling.get("video_size") or source.processor.get("size") or {}
    side = source.config.vision_config.image_size
    if longest := size.get("longest_edge"):
        _, height, width, _ = pixels.shape
        pixels = resized(pixels, *longest_edge(height, width, longest), kernel)
    return resized(pixels, side, side, kernel)


def _normal(
    pixels: Pixels, source: Source, plain: tuple[tuple[float, ...], tuple[float, ...]]
) -> "torch.Tensor":
    """float32 [T, 3, H, W]."""
    import torch

    values = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float()
    mean = torch.tensor(source.processor.get("image_mean") or plain[0]).view(1, 3, 1, 1)
    std = torch.tensor(source.processor.get("image_std") or plain[1]).view(1, 3, 1, 1)
    return (values / 255 - mean) / std


def _patch_inputs(
    values: Pixels, grid: tuple[int, int, int], settings: PatchSettings
) -> "dict[str, torch.Tensor]":
    import torch

    mean, std = normaliser(settings)
    normal = (values.astype(np.float32) - mean) / std
    return {"pixel_values_videos": torch.from_numpy(normal), "video_grid_thw": torch.tensor([list(grid)])}


def _tensor(value: float) -> "torch.Tensor":
    import torch

    return torch.tensor([value])
