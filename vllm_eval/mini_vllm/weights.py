"""The parts of the mini VLLM this project trained: vision tower, merger, low-rank deltas and token rows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import UserError

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights" / "mini_vllm.safetensors"


@dataclass(frozen=True)
class Trained:
    """``visual``: tensors by their names in the vision tower. ``low_rank``: module path in the text model ->
    (A [r, in], B [out, r]), to be added as ``scale * B @ A``. ``rows``: token -> embedding [hidden]."""

    visual: "dict[str, torch.Tensor]" = field(default_factory=dict)
    low_rank: "dict[str, tuple[torch.Tensor, torch.Tensor]]" = field(default_factory=dict)
    rows: "dict[str, torch.Tensor]" = field(default_factory=dict)
    scale: float = 1.0


def read_trained(path: Path) -> Trained:
    """Trained parts from a safetensors file. Raises UserError for keys it does not know or cannot pair."""
    from safetensors import safe_open

    trained = Trained()
    a: dict[str, torch.Tensor] = {}
    b: dict[str, torch.Tensor] = {}
    targets = {"visual": trained.visual, "embed": trained.rows, "lora_a": a, "lora_b": b}
    with safe_open(path, framework="pt") as file:
        scale = float((file.metadata() or {}).get("lora_scale", "1"))
        for key in file.keys():  # noqa: SIM118 (a handle, not a dict)
            kind, _, name = key.partition(".")
            if kind not in targets:
                known = ", ".join(targets)
                raise UserError(f"{path}: unknown tensor {key!r}, expected one of {known} before the dot")
            targets[kind][name] = file.get_tensor(key).float()
    if a.keys() != b.keys():
        raise UserError(f"{path}: lora_a and lora_b name different modules: {sorted(a.keys() ^ b.keys())}")
    return Trained(trained.visual, {name: (a[name], b[name]) for name in a}, trained.rows, scale)


def merge_low_rank(state: "dict[str, torch.Tensor]", trained: Trained) -> None:
    """Add every delta to its weight in ``state``, in float32. Raises UserError for an unknown module."""
    for module, (a, b) in trained.low_rank.items():
        key = f"{module}.weight"
        if key not in state or state[key].shape != (b.shape[0], a.shape[1]):
            raise UserError(f"trained delta for {module!r} fits no weight of the language model")
        state[key] = state[key] + trained.scale * (b @ a)
