"""CLIP and SigLIP as classifiers of clips, as in arXiv 2512.17953: one centre frame, class names as texts.

``python -m classifiers.evaluate clip:FOLDER``, where FOLDER holds a model as transformers keeps it, such as a
copy of openai/clip-vit-base-patch32 or google/siglip2-base-patch16-224. The texts are the bare class names,
unless a template such as "a photo of a person {}" is given. Nothing is downloaded.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from assets.errors import UserError
from classifiers.predict import Failed, Scores
from videos.clip import ClipSet
from videos.decode import FramePolicy
from videos.store import FrameStore
from vllm_eval.quiet import no_bars

if TYPE_CHECKING:
    import torch

PREFIX = "clip:"
_BATCH = 32
_SIGLIP_TOKENS = 64  # what SigLIP was trained with: always so many, padded
_CENTRE = FramePolicy(1, "paper")  # of the whole size: the model's own processor scales it


@dataclass(frozen=True)
class ClipLike:
    """A model of transformers with ``logits_per_image``; see ``classifiers.judging.Classifier``."""

    model: Any
    image_processor: Any
    tokenizer: Any
    root: str
    weights: str
    template: str = "{}"
    classes: tuple[str, ...] = ()  # those of whatever clips it is shown

    def scores(self, clips: ClipSet, views: int = 1) -> tuple[Scores, Failed]:
        """Softmax over the class names of the similarities, [clips, classes]. One view is all it has."""
        import torch

        if views != 1:
            raise UserError(f"{self.weights}: --views {views}, expected 1: it sees one frame of a clip")
        store, texts = FrameStore(), self._texts(clips.classes)
        failed = store.fill(clips.clips, _CENTRE)
        good = [number for number, clip in enumerate(clips.clips) if clip.id not in failed]
        if not good:
            raise UserError(f"{clips.name}: no clip can be read, for one {next(iter(failed.values()), '')}")
        scores = np.zeros((len(clips), len(clips.classes)))
        for start in range(0, len(good), _BATCH):
            some = good[start : start + _BATCH]
            pictures = [np.asarray(store.get(clips.clips[k], _CENTRE).pixels[0]) for k in some]
            with torch.inference_mode():
                logits = self.model(pixel_values=self._pixels(pictures), **texts).logits_per_image
            scores[some] = logits.double().softmax(1).cpu().numpy()
        return scores, failed

    def _pixels(self, pictures: list[Any]) -> "torch.Tensor":
        """float [B, 3, S, S], as the model's own processor makes them of uint8 [H, W, 3]."""
        made = self.image_processor(images=pictures, return_tensors="pt")["pixel_values"]
        return cast("torch.Tensor", made.to(next(self.model.parameters()).device))

    def _texts(self, names: tuple[str, ...]) -> dict[str, "torch.Tensor"]:
        siglip = self.model.config.model_type.startswith("siglip")
        longest = min(_SIGLIP_TOKENS, self.model.config.text_config.max_position_embeddings)
        found = self.tokenizer(
            [self.template.format(name) for name in names],
            padding="max_length" if siglip else True,
            truncation=True, max_length=longest if siglip else None, return_tensors="pt",
        )  # fmt: skip
        # SigLIP attends to its padding, as it did in training.
        wanted = ("input_ids",) if siglip else ("input_ids", "attention_mask")
        device = next(self.model.parameters()).device
        return {name: found[name].to(device) for name in wanted}


def open_clip_like(folder: str, root: str, device: str = "auto", template: str = "{}") -> ClipLike:
    """The model in a folder. Raises UserError where there is none, or one of another kind."""
    import transformers

    from classifiers.train.processes import device_of

    place = Path(folder).expanduser()
    if not (place / "config.json").is_file():
        raise UserError(f"{place}: no config.json in it; expected a folder with a CLIP or SigLIP model")
    kinds: list[Any] = [transformers.AutoModel, transformers.AutoImageProcessor, transformers.AutoTokenizer]
    load = {"local_files_only": True, "trust_remote_code": False}
    try:
        with no_bars():
            model, processor, tokenizer = (kind.from_pretrained(place, **load) for kind in kinds)
    except (OSError, ValueError, ImportError) as failure:
        raise UserError(f"{place}: {str(failure).splitlines()[0]}; expected a CLIP or SigLIP model") from None
    if not hasattr(model, "logit_scale"):
        raise UserError(f"{place}: a {model.config.model_type} model, expected CLIP or SigLIP")
    weights = f"{place.name} {_digest(place)}" + ("" if template == "{}" else f" {template!r}")
    return ClipLike(model.to(device_of(device)).eval(), processor, tokenizer, root, weights, template)


def _digest(folder: Path) -> str:
    """Of names and sizes of the files: another model in the same folder is another one."""
    files = sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
    return sha256(repr(files).encode()).hexdigest()[:8]
