"""Any supported video language model behind its own forward: prefixes, suffixes over them, whole prompts."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engines.checkpoints import find_file, identity, revision_of
from vllm_eval.engines.general_families import chat_template, family_of, processor_settings
from vllm_eval.engines.general_media import Media, Source, patch_settings
from vllm_eval.engines.general_template import cut_template
from vllm_eval.engines.positions import PLACING, place_text_behind_video
from vllm_eval.engines.prefix_cache import Prefix
from vllm_eval.engines.video_model import choose_device, choose_dtype, end_tokens, plain_errors
from vllm_eval.quiet import no_bars

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class HeadedPrefix(Prefix):
    """``states`` [layers, 2, kv heads, tokens, head width]; ``video``: how many tokens are the frames'."""

    video: int = field(default=0)

    @property
    def tokens(self) -> int:
        return int(self.states.shape[3])


class GeneralModel:
    """Weights on one device, in evaluation mode. Raises UserError for what cannot be loaded or run."""

    def __init__(
        self,
        path: str,
        dtype: str,
        device: str,
        max_pixels: int | None = None,
        system: str | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        from transformers import AutoConfig, AutoTokenizer

        self.device = choose_device(device)
        self.dtype = choose_dtype(dtype, self.device)
        which: dict[str, Any] = {**revision_of(path, revision), "trust_remote_code": trust_remote_code}
        with plain_errors(path):
            config: Any = AutoConfig.from_pretrained(path, **which)
            self.family = family_of(path, config.model_type)
            self.tokenizer: Any = AutoTokenizer.from_pretrained(path, **which)
            self.model = self._load(path, config, revision_of(path, revision))

        def find(name: str) -> Any:
            return find_file(path, name, revision)

        if max_pixels is not None and not self.family.area:
            raise UserError(
                f"max_pixels has no meaning for {config.model_type}: its frames have a fixed size"
            )
        word: Any = self.tokenizer.convert_ids_to_tokens
        self.source = Source(config, processor_settings(find), word, max_pixels)
        if self.family.area:
            self._check_patches(path)
        words = chat_template(find, config.model_type, self.tokenizer)
        self.template = cut_template(self.tokenizer, words, self.family.marks, system)
        self.identity = identity(path, getattr(config, "_commit_hash", None) or revision)
        self.ends = end_tokens(self.model, self.tokenizer)
        text = config.get_text_config()
        if set(getattr(text, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
            raise UserError(f"{path} has layers other than full attention: not supported")
        self.layers = int(text.num_hidden_layers)
        self.vocabulary = int(text.vocab_size)
        self.width = int(text.hidden_size)
        # Renamed between 5.17 and 5.24.
        named = inspect.signature(type(self.model).forward).parameters
        self._cache_name = "cache" if "cache" in named else "past_key_values"
        self._multiaxial = hasattr(self.model.model, "get_rope_index")
        if self._multiaxial:
            place_text_behind_video(self.model.model)

    @property
    def key(self) -> str:
        """All besides the weights that changes what the model sees of a frame, in one word."""
        content = json.dumps(dict(self.source.processor), sort_keys=True, default=repr)
        placing = f" {PLACING}" if self._multiaxial else ""
        return f"{sha256(content.encode()).hexdigest()[:12]}-{self.source.max_pixels or 'any'}px{placing}"

    def see(self, frames: Frames) -> Media:
        """A clip as the model takes it. Raises UserError, and what numpy and Pillow raise."""
        return self.family.prepare(frames, self.source)

    def prefix(self, media: Media) -> HeadedPrefix:
        """System message and video through the model's own forward, once."""
        import torch
        from transformers import DynamicCache

        head = self.template.head(media.text)
        positions, following = self._positions(head, media)
        cache: Any = DynamicCache()
        ids = torch.tensor([head], device=self.device)
        placed = {} if positions is None else {"position_ids": positions}
        self.model.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            use_cache=True,
            **{self._cache_name: cache},
            **placed,
            **self._inputs(ids, media),
        )
        states = torch.stack([torch.cat([layer.keys, layer.values]) for layer in cache.layers])
        return HeadedPrefix(states, following, media.video_tokens)

    def whole(self, media: Media, suffix: Sequence[int]) -> "tuple[torch.Tensor, Any, int]":
        """Without reuse: everything in one pass, positions left to the model. Logits [1, vocabulary], the
        cache, and the position of what comes next."""
        import torch
        from transformers import DynamicCache

        row = [*self.template.head(media.text), *suffix]
        ids = torch.tensor([row], device=self.device)
        cache = DynamicCache()
        out = self.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_name: cache},
            **self._inputs(ids, media),
        )
        return out.logits[:, -1].float(), cache, self._positions(row, media)[1]

    def step(
        self, ids: "torch.Tensor", mask: "torch.Tensor", positions: "torch.Tensor", cache: Any
    ) -> "torch.Tensor":
        """Text [R, S] at ``positions`` [R, S] behind a cache, ``mask`` [R, cached + S]: the last column's
        logits [R, vocabulary]."""
        placed = positions.expand(3, *positions.shape) if self._multiaxial else positions
        out = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=placed,
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_name: cache},
        )
        return out.logits[:, -1].float()  # type: ignore[no-any-return]

    def _positions(self, row: Sequence[int], media: Media) -> "tuple[torch.Tensor | None, int]":
        """Positions of a prompt where they have several axes, and the next one."""
        import torch

        if not self._multiaxial:
            return None, len(row)
        ids = torch.tensor([[*row, self.template.suffix.tail[0]]])  # one more tells where text goes on
        grid = {name: media.inputs[name] for name in _PLACED if name in media.inputs}
        positions, _ = self.model.model.get_rope_index(ids, mm_token_type_ids=self._kinds(ids), **grid)
        return positions[:, :, :-1].to(self.device), int(positions[0, 0, -1])

    def _inputs(self, ids: "torch.Tensor", media: Media) -> "dict[str, torch.Tensor]":
        inputs = {
            name: value.to(self.device, self.dtype if name.startswith("pixel") else None)
            for name, value in media.inputs.items()
        }
        return {**inputs, "mm_token_type_ids": self._kinds(ids)} if self._multiaxial else inputs

    def _kinds(self, ids: "torch.Tensor") -> "torch.Tensor":
        kinds: torch.Tensor = (ids == self.source.config.video_token_id).int() * 2
        return kinds

    def _load(self, path: str, config: Any, which: Mapping[str, str]) -> Any:
        import transformers

        kind = getattr(transformers, self.family.architecture)
        with no_bars():
            model = kind.from_pretrained(
                path, config=config, dtype=self.dtype, attn_implementation="sdpa", **which
            )
        return model.eval().requires_grad_(False).to(self.device)

    def _check_patches(self, path: str) -> None:
        settings, tower = patch_settings(self.source), self.source.config.vision_config
        if (settings.patch, settings.pair) != (tower.patch_size, tower.temporal_patch_size):
            raise UserError(
                f"{path}: processor and model disagree about patches, check its preprocessor_config.json"
            )


_PLACED = ("video_grid_thw", "second_per_grid_ts")
