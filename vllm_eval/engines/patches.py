"""Frames to the Qwen2-VL family's patches, without torchvision: resize to the grid, pair frames, cut patches.

The order of numbers inside and between patches is transformers' own (Qwen2VLVideoProcessor).
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.errors import UserError
from videos.clip import Pixels

_FILES = ("video_preprocessor_config.json", "preprocessor_config.json")
_MAX_RATIO = 200


@dataclass(frozen=True)
class PatchSettings:
    """What a checkpoint's processor files say. ``min_pixels`` and ``max_pixels`` bound one frame's area."""

    patch: int = 14
    pair: int = 2
    merge: int = 2
    min_pixels: int = 128 * 28 * 28
    max_pixels: int = 768 * 28 * 28
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)

    @property
    def key(self) -> str:
        """All that changes a patch, in one word."""
        return f"{self.min_pixels}-{self.max_pixels}px"


@dataclass(frozen=True)
class Patches:
    """One clip: uint8 [t * h * w, 3 * pair * patch * patch] of ``grid`` (t, h, w) patches; not normalised."""

    values: Pixels
    grid: tuple[int, int, int]
    seconds: float = field(default=1.0)  # time between two frame pairs

    def tokens(self, merge: int) -> int:
        """How many the language model sees."""
        return math.prod(self.grid) // merge**2


def read_settings(find: Callable[[str], Path | None]) -> PatchSettings:
    """Settings from the first processor file ``find`` (file name -> path) knows; defaults without one."""
    path = next((path for path in map(find, _FILES) if path), None)
    return settings_of(json.loads(path.read_text()) if path else {})


def settings_of(config: Mapping[str, Any]) -> PatchSettings:
    """Settings from a processor file's content."""
    size = config.get("size") or {}
    plain = PatchSettings()
    return PatchSettings(
        patch=config.get("patch_size", plain.patch),
        pair=config.get("temporal_patch_size", plain.pair),
        merge=config.get("merge_size", plain.merge),
        min_pixels=config.get("min_pixels") or size.get("shortest_edge", plain.min_pixels),
        max_pixels=config.get("max_pixels") or size.get("longest_edge", plain.max_pixels),
        mean=tuple(config.get("image_mean", plain.mean)),
        std=tuple(config.get("image_std", plain.std)),
    )


def grid_size(height: int, width: int, settings: PatchSettings) -> tuple[int, int]:
    """Height and width of a resized frame: multiples of a merged patch, area within bounds, aspect kept."""
    if max(height, width) > _MAX_RATIO * min(height, width):
        raise UserError(f"frames of {width}x{height} are too thin, expected sides within 1:{_MAX_RATIO}")
    unit = settings.patch * settings.merge
    high, wide = round(height / unit) * unit, round(width / unit) * unit
    if high * wide > settings.max_pixels:
        scale = math.sqrt(height * width / settings.max_pixels)
        return max(unit, _down(height / scale, unit)), max(unit, _down(width / scale, unit))
    if high * wide < settings.min_pixels:
        scale = math.sqrt(settings.min_pixels / (height * width))
        return math.ceil(height * scale / unit) * unit, math.ceil(width * scale / unit) * unit
    return high, wide


def cut(pixels: Pixels, settings: PatchSettings, seconds: float = 1.0) -> Patches:
    """Patches of uint8 frames [T, H, W, 3]. The last frame is repeated to fill the last pair."""
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3 or not pixels.size:
        raise UserError(
            f"frames of shape {pixels.shape} and type {pixels.dtype}, expected uint8 [T, H, W, 3]"
        )
    frames = _resized(pixels, *grid_size(pixels.shape[1], pixels.shape[2], settings))
    if missing := -len(frames) % settings.pair:
        frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    side, merge = settings.patch, settings.merge
    t, h, w = len(frames) // settings.pair, frames.shape[1] // side, frames.shape[2] // side
    blocks = frames.reshape(t, settings.pair, h // merge, merge, side, w // merge, merge, side, 3)
    ordered = blocks.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
    return Patches(ordered.reshape(t * h * w, -1), (t, h, w), seconds)


def normaliser(settings: PatchSettings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(mean, std) per number of a patch, in units of a uint8 pixel."""
    repeats = settings.pair * settings.patch**2
    mean, std = (
        np.repeat(np.array(values, np.float32) * 255, repeats) for values in (settings.mean, settings.std)
    )
    return mean.astype(np.float32), std.astype(np.float32)


def _down(length: float, unit: int) -> int:
    return math.floor(length / unit) * unit


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[1:3] == (height, width):
        return pixels
    size = (width, height)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in pixels]
    )
