"""A loaded Qwen2-VL or Qwen2.5-VL checkpoint: videos to embeddings and positions, hidden states to logits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assets.errors import UserError
from vllm_eval.engines.checkpoints import find_file, identity, revision_of
from vllm_eval.engines.patches import Patches, PatchSettings, normaliser, read_settings
from vllm_eval.engines.positions import place_text_behind_video
from vllm_eval.engines.rendering import Template, read_template
from vllm_eval.engines.text_stack import TextStack
from vllm_eval.quiet import no_bars

if TYPE_CHECKING:
    import torch

FAMILIES = {"qwen2_vl": "Qwen2VLForConditionalGeneration", "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration"}
DTYPES = ("auto", "bfloat16", "float16", "float32")

# Video tokens computed at once when clips are new. On a CPU more is slower: 16 ms a clip in the
# mini model's tower with 4 clips at a time, 40 ms with 32.
CPU_TOKENS, GPU_TOKENS = 320, 8192


@dataclass(frozen=True)
class Embedded:
    """Some clips' `system + video`, packed: embeddings [N, hidden], positions [3, N], and per clip the number
    of tokens and the position of what comes next."""

    hidden: "torch.Tensor"
    positions: "torch.Tensor"
    tokens: list[int]
    following: list[int]


class VideoModel:
    """Weights on one device, in evaluation mode."""

    def __init__(
        self,
        path: str,
        dtype: str,
        device: str,
        max_pixels: int | None = None,
        system: str | None = None,
        revision: str | None = None,
    ) -> None:
        import torch
        from transformers import AutoConfig, AutoTokenizer

        self.device = choose_device(device)
        self.dtype = choose_dtype(dtype, self.device)
        which = revision_of(path, revision)
        with plain_errors(path):
            config = AutoConfig.from_pretrained(path, **which)
            self.model = _load(path, config, self.dtype, self.device, which)
            tokenizer = AutoTokenizer.from_pretrained(path, **which)
        self.tokenizer: Any = tokenizer
        self.settings = _settings(path, config, max_pixels, revision)
        self.template: Template = read_template(tokenizer, config.video_token_id, system)
        place_text_behind_video(self.model.model)
        self.stack = TextStack(self.model.model.language_model)
        self.identity = identity(path, getattr(config, "_commit_hash", None) or revision)
        self.ends = end_tokens(self.model, tokenizer)
        self.token_limit = GPU_TOKENS if self.device.startswith("cuda") else CPU_TOKENS
        self._mean, self._std = (torch.from_numpy(one).to(self.device) for one in normaliser(self.settings))
        self._places: dict[tuple[Any, ...], tuple[torch.Tensor, int]] = {}

    def embed(self, clips: Sequence[Patches]) -> Embedded:
        """The clips' prefixes."""
        import torch

        tokens = [clip.tokens(self.settings.merge) for clip in clips]
        ids = [self.template.prefix(count) for count in tokens]
        flat = torch.tensor([one for row in ids for one in row], device=self.device)
        hidden = self.stack.embed(flat)
        seen = [self._see(clips[part]) for part in self.portions(clips)]
        hidden[flat == self.template.video] = torch.cat(seen).to(hidden.dtype)
        places = [self._place(clip, row) for clip, row in zip(clips, ids, strict=True)]
        positions = torch.cat([place for place, _ in places], dim=1)
        return Embedded(hidden, positions, [len(row) for row in ids], [following for _, following in places])

    def embed_text(self, ids: Sequence[Sequence[int]], starts: Sequence[int]) -> Embedded:
        """Packed text whose rows begin at positions ``starts``: a token's three coordinates are equal."""
        import torch

        lengths = [len(row) for row in ids]
        flat = torch.tensor([one for row in ids for one in row], device=self.device)
        line = [start + i for start, length in zip(starts, lengths, strict=True) for i in range(length)]
        positions = torch.tensor(line, device=self.device).expand(3, -1)
        following = [start + length for start, length in zip(starts, lengths, strict=True)]
        return Embedded(self.stack.embed(flat), positions, lengths, following)

    def portions(self, clips: Sequence[Patches]) -> Iterator[slice]:
        """Consecutive clips of at most ``token_limit`` video tokens together, at least one at a time."""
        start, held = 0, 0
        for number, clip in enumerate(clips):
            tokens = clip.tokens(self.settings.merge)
            if number > start and held + tokens > self.token_limit:
                yield slice(start, number)
                start, held = number, 0
            held += tokens
        if start < len(clips):
            yield slice(start, len(clips))

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """float32 [R, vocabulary] of last hidden states [R, hidden]."""
        return self.model.lm_head(hidden).float()  # type: ignore[no-any-return]

    def _see(self, clips: Sequence[Patches]) -> "torch.Tensor":
        import torch

        pixels = torch.cat([torch.from_numpy(clip.values).to(self.device) for clip in clips])
        values = (pixels.float() - self._mean) / self._std
        grid = torch.tensor([clip.grid for clip in clips], device=self.device)
        seen = self.model.model.visual(values.to(self.dtype), grid_thw=grid)
        return getattr(seen, "pooler_output", seen)  # type: ignore[no-any-return]

    def _place(self, clip: Patches, ids: Sequence[int]) -> "tuple[torch.Tensor, int]":
        """Positions [3, P] of a clip's prefix and the next position, as the model's own code has it."""
        key = (clip.grid, round(clip.seconds, 6))
        if key not in self._places:
            self._places[key] = self._rope_index(clip, ids)
        return self._places[key]

    def _rope_index(self, clip: Patches, ids: Sequence[int]) -> "tuple[torch.Tensor, int]":
        import torch

        row = torch.tensor([[*ids, self.template.tail[0]]])  # one token of text more tells where text goes on
        arguments: dict[str, Any] = {
            "mm_token_type_ids": (row == self.template.video).int() * 2,
            "video_grid_thw": torch.tensor([clip.grid]),
        }
        if self.model.config.model_type == "qwen2_5_vl":
            arguments["second_per_grid_ts"] = torch.tensor([clip.seconds])
        positions, _ = self.model.model.get_rope_index(row, **arguments)
        return positions[:, 0, :-1].to(self.device), int(positions[0, 0, -1])


def choose_device(device: str) -> str:
    """ "auto" is the first GPU where there is one, else the CPU."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def choose_dtype(dtype: str, device: str) -> "torch.dtype":
    """ "auto" is bfloat16 where the hardware computes in it, else float32. Raises UserError if unknown."""
    import torch

    if dtype not in DTYPES:
        raise UserError(f"unknown dtype {dtype!r}, expected one of: {', '.join(DTYPES)}")
    if dtype == "auto":
        fast = torch.cuda.is_bf16_supported() if device.startswith("cuda") else _cpu_has_bfloat16()
        return torch.bfloat16 if fast else torch.float32
    return getattr(torch, dtype)  # type: ignore[no-any-return]


def seconds_between_pairs(frames: int, total: int, fps: float, pair: int) -> float:
    """Time between two frame pairs of ``frames`` frames spread over ``total`` source frames."""
    return pair * total / (frames * fps) if fps > 0 and total > 0 else 1.0


def _cpu_has_bfloat16() -> bool:
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _load(path: str, config: Any, dtype: "torch.dtype", device: str, which: dict[str, str]) -> Any:
    import transformers

    if config.model_type not in FAMILIES:
        raise UserError(f"{path} is of type {config.model_type}, expected one of: {', '.join(FAMILIES)}")
    with no_bars():
        family = getattr(transformers, FAMILIES[config.model_type])
        model = family.from_pretrained(path, config=config, dtype=dtype, attn_implementation="sdpa", **which)
    return model.eval().requires_grad_(False).to(device)


def _settings(path: str, config: Any, max_pixels: int | None, revision: str | None) -> PatchSettings:
    settings = read_settings(lambda name: find_file(path, name, revision))
    tower = config.vision_config
    if (settings.patch, settings.pair) != (tower.patch_size, tower.temporal_patch_size):
        raise UserError(
            f"{path}: processor and model disagree about patches, check its preprocessor_config.json"
        )
    if max_pixels is None:
        return settings
    unit = (settings.patch * settings.merge) ** 2
    if max_pixels < unit:
        raise UserError(f"max_pixels {max_pixels} is less than one token, expected at least {unit}")
    return replace(settings, max_pixels=max_pixels, min_pixels=min(settings.min_pixels, max_pixels))


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ids that end an answer."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)


@contextmanager
def plain_errors(path: str) -> Iterator[None]:
    """What the library says about a model that cannot be loaded, in one line."""
    try:
        yield
    except (OSError, ValueError) as failure:
        reason = str(failure).strip().split("\n")[0]
        raise UserError(
            f"cannot load model {path!r} ({reason}): expected a folder, a hub name or mini"
        ) from failure
