"""Where text goes on behind a video, in models whose positions have three axes.

Each modality is numbered from one behind the largest position of what precedes it (Qwen2-VL, arXiv
2409.12191, section 2.1). transformers 5.17 to 5.24 go on behind the longer side of one frame instead,
whatever the time (see also huggingface/transformers issue 45381, on 5.3): with more pairs of frames than a
side has tokens, sooner for Qwen2.5-VL with its steps of time, the question then stands among the frames. vLLM
numbers as published, so that without this the two say different things about long videos.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PLACING = "text-behind-video"  # part of fingerprints: it changes answers


def place_text_behind_video(model: Any) -> None:
    """Has the ``get_rope_index`` of ``model`` (a ``...Model`` with three axes) place text as published.

    Does nothing where transformers does so by itself.
    """
    own = model.get_rope_index

    def get_rope_index(
        input_ids: "torch.Tensor", mm_token_type_ids: "torch.Tensor", **others: Any
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        placed, deltas = own(input_ids, mm_token_type_ids=mm_token_type_ids, **others)
        mask = others.get("attention_mask")
        for row, kinds in enumerate(mm_token_type_ids):
            seen = slice(None) if mask is None else mask[row].bool()
            positions = behind(placed[:, row, seen], kinds[seen])
            placed[:, row, seen] = positions
            deltas[row] = positions.max() + 1 - positions.shape[1]
        return placed, deltas

    model.get_rope_index = get_rope_index


def behind(positions: "torch.Tensor", kinds: "torch.Tensor") -> "torch.Tensor":
    """``positions`` [3, L] with every text (kind 0 in ``kinds`` [L]) behind all that stands before it."""
    moved = positions.clone()
    text = (kinds == 0).tolist()
    for start in range(1, len(text)):
        if text[start] and not text[start - 1]:
            moved[:, start:] += moved[:, :start].max() + 1 - moved[0, start]
    return moved
