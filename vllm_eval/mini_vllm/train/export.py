"""Last stage: the trained parts as the safetensors file the package ships.

python -m vllm_eval.mini_vllm.train.export --out runs/mini_train
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from vllm_eval.mini_vllm.weights import WEIGHTS

_PARENT = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn"}


def trained_parts(out: Path) -> dict[str, Tensor]:
    """Tensors of tower, merger and deltas, bfloat16, under the names ``weights.read_trained`` expects."""
    tower = torch.load(out / "tower.pt", weights_only=True)["tower"]
    language = torch.load(out / "language.pt", weights_only=True)
    tower |= {f"merger.{name}": value for name, value in language["merger"].items()}
    parts = {f"visual.{name}": value for name, value in tower.items()}
    for key, value in language["deltas"].items():
        side, _, rest = key.partition("_")
        parts[f"lora_{side[0]}.layers.{side[1:]}.{_PARENT.get(rest, 'mlp')}.{rest}"] = value
    return {name: value.detach().to(torch.bfloat16).contiguous() for name, value in parts.items()}


def main() -> None:
    """Command line."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/mini_train"), help="where the stages wrote")
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="the file to write")
    options = parser.parse_args()
    options.to.parent.mkdir(parents=True, exist_ok=True)
    save_file(trained_parts(options.out), options.to, {"lora_scale": "1.0", "format": "pt"})
    print(f"{options.to}: {options.to.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
