"""The mini VLLM is the base model, the trained parts and nothing else; its folder heals itself."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assets.errors import UserError
from vllm_eval.mini_vllm import assemble
from vllm_eval.mini_vllm.assemble import build_model, checkpoint
from vllm_eval.mini_vllm.base import base_parts
from vllm_eval.mini_vllm.config import SIDE, VISION_TOKENS
from vllm_eval.mini_vllm.sealed import MANIFEST, build_sealed, is_intact

WIDTH, LAYERS, HEADS, KV_HEADS, INNER = 128, 2, 2, 1, 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write_gguf(path: Path) -> Path:
    """A two-layer Llama in llama.cpp's layout and quantisation, with a byte-level tokenizer."""
    from gguf import GGMLQuantizationType, GGUFWriter, quantize
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*SPECIAL, *letters, "th", "the"]
    writer = GGUFWriter(path, "llama")
    writer.add_vocab_size(len(tokens))
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(100000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, shape in _shapes(len(tokens)).items():
        values = np.random.default_rng(len(name)).normal(0, 0.3, shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, values)
        else:
            kind = GGMLQuantizationType.Q4_1
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(vocab: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (vocab, WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        parts = {
            "attn_norm": (WIDTH,), "attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH),
            "attn_v": (WIDTH // 2, WIDTH), "attn_output": (WIDTH, WIDTH), "ffn_norm": (WIDTH,),
            "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER),
        }  # fmt: skip
        shapes |= {f"blk.{layer}.{part}.weight": shape for part, shape in parts.items()}
    return shapes


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("base") / "tiny.gguf")


@pytest.fixture(autouse=True)
def _tiny_base(gguf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assemble, "base_parts", lambda: base_parts(gguf))
    monkeypatch.setattr(assemble, "base_hash", lambda: "tiny")
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))


def trained(path: Path, change: dict[str, torch.Tensor] | None = None) -> Path:
    """A weights file with every kind of tensor."""
    from safetensors.torch import save_file

    visual = build_model(weights=None).model.model.visual.state_dict()
    generator = torch.Generator().manual_seed(1)
    tensors = {f"visual.{name}": torch.full_like(value, 0.01) for name, value in visual.items()}
    tensors["lora_a.layers.0.self_attn.q_proj"] = torch.randn(4, WIDTH, generator=generator)
    tensors["lora_b.layers.0.self_attn.q_proj"] = torch.randn(WIDTH, 4, generator=generator)
    tensors["embed.<|video_pad|>"] = torch.arange(WIDTH).float()
    save_file({**tensors, **(change or {})}, path, metadata={"lora_scale": "0.5"})
    return path


def test_the_text_model_gives_the_logits_of_a_plain_llama_from_the_same_file(gguf: Path) -> None:
    from transformers import AutoModelForCausalLM, GgufConfig

    plain = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    mini = build_model(weights=None)
    ids = mini.tokenizer("the 17 wolves", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        ours, theirs = mini.model(input_ids=ids).logits, plain(input_ids=ids).logits
    torch.testing.assert_close(ours[..., : theirs.shape[-1]], theirs, atol=1e-3, rtol=0)
    assert theirs.std() > 0.1


def test_the_real_base_model_completes_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real base, from the real cache
    mini = build_model(weights=None)
    ids = mini.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    made = mini.model.generate(input_ids=ids, max_new_tokens=2, do_sample=False)
    assert mini.tokenizer.decode(made[0]) == "The capital of France is Paris."


def test_the_tokenizer_merges_splits_digits_and_keeps_control_tokens_whole() -> None:
    tokenizer = build_model(weights=None).tokenizer
    assert tokenizer.convert_ids_to_tokens(tokenizer("the 17<|im_end|>")["input_ids"]) == [
        "the", "Ġ", "1", "7", "<|im_end|>",
    ]  # fmt: skip
    assert tokenizer.decode(tokenizer("naïve, the 17é")["input_ids"]) == "naïve, the 17é"


def test_vision_tokens_follow_the_base_vocabulary_with_mean_rows() -> None:
    mini = build_model(weights=None)
    base = len(mini.tokenizer) - len(VISION_TOKENS)
    assert mini.tokenizer.convert_tokens_to_ids(list(VISION_TOKENS)) == list(range(base, base + 4))
    assert mini.model.config.video_token_id == base + 2
    rows: Any = mini.model.get_input_embeddings().weight
    assert len(rows) % 64 == 0
    torch.testing.assert_close(rows[base:], rows[:base].mean(0, keepdim=True).expand(len(rows) - base, -1))
    assert mini.model.lm_head.weight is rows


def test_the_template_has_no_system_message_and_the_video_before_the_text() -> None:
    tokenizer = build_model(weights=None).tokenizer
    content: Any = [{"type": "text", "text": "What?"}, {"type": "video"}]
    said = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    assert said == (
        "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>What?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_weights_the_tower_is_random_but_always_the_same(caplog: pytest.LogCaptureFixture) -> None:
    before = torch.random.get_rng_state()
    with caplog.at_level(logging.WARNING):
        one, other = (build_model(weights=None).model.model.visual.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "no trained weights" in caplog.text
    assert torch.equal(before, torch.random.get_rng_state())


def test_trained_parts_take_their_places(tmp_path: Path) -> None:
    path = trained(tmp_path / "weights.safetensors")
    plain, mini = build_model(weights=None), build_model(weights=path)
    tower = mini.model.model.visual.state_dict()
    assert all(bool((value == 0.01).all()) for value in tower.values())
    rows: Any = mini.model.get_input_embeddings().weight
    row = rows[mini.model.config.video_token_id]
    torch.testing.assert_close(row, torch.arange(WIDTH).float())

    from safetensors.torch import load_file

    file = load_file(path)
    a, b = (file[f"lora_{side}.layers.0.self_attn.q_proj"] for side in "ab")
    old, new = (one.model.model.language_model.layers[0].self_attn.q_proj.weight for one in (plain, mini))
    torch.testing.assert_close(new - old, 0.5 * b @ a, atol=1e-4, rtol=0)
    untouched = "layers.1.mlp.up_proj.weight"
    texts = [one.model.model.language_model.state_dict()[untouched] for one in (plain, mini)]
    assert torch.equal(texts[0], texts[1])


def test_weights_are_rounded_once_and_rotary_frequencies_never(tmp_path: Path) -> None:
    path = trained(tmp_path / "weights.safetensors")
    exact, rounded = build_model(weights=path), build_model(torch.bfloat16, path)
    name = "model.language_model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(rounded.model.state_dict()[name], exact.model.state_dict()[name].bfloat16())
    assert rounded.model.model.language_model.rotary_emb.inv_freq.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extra.thing": torch.zeros(1)}, "unknown tensor 'extra.thing'"),
        ({"lora_a.layers.1.mlp.up_proj": torch.zeros(4, WIDTH)}, "name different modules"),
        ({"embed.<|audio|>": torch.zeros(WIDTH)}, "trained embedding of '<|audio|>'"),
        ({"visual.patch_embed.proj.weight": torch.zeros(1)}, "do not fit"),
        ({"lora_a.layers.0.self_attn.q_proj": torch.zeros(4, 7)}, "fits no weight"),
    ],
)
def test_a_weights_file_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, torch.Tensor], said: str
) -> None:
    with pytest.raises(UserError, match=said.replace("|", r"\|")):
        build_model(weights=trained(tmp_path / "weights.safetensors", change))


def test_the_checkpoint_loads_unchanged_and_answers(tmp_path: Path) -> None:
    from transformers import Qwen2VLForConditionalGeneration

    from vllm_eval.engines.transformers import TransformersEngine

    weights = trained(tmp_path / "weights.safetensors")
    folder = checkpoint(weights)
    loaded: Any = Qwen2VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.bfloat16, output_loading_info=True
    )
    model, report = loaded
    assert not any(report.values())
    built = build_model(torch.bfloat16, weights).model.state_dict()
    assert all(torch.equal(value, built[name]) for name, value in model.state_dict().items())
    settings = TransformersEngine(str(folder), device="cpu")._loaded().settings
    assert (settings.min_pixels, settings.max_pixels) == (SIDE**2, SIDE**2)


def test_the_image_processor_finds_its_file_and_keeps_small_frames() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = Qwen2VLImageProcessorPil.from_pretrained(checkpoint(None))
    out = processor(np.zeros((SIDE, SIDE, 3), np.uint8), return_tensors="np")
    assert out["image_grid_thw"].tolist() == [[1, SIDE // 14, SIDE // 14]]


@pytest.mark.parametrize("harm", ["cut", "flip", "remove", "no manifest", "empty manifest"])
def test_a_damaged_folder_heals(tmp_path: Path, harm: str) -> None:
    folder = checkpoint(None)
    good = (folder / "model.safetensors").read_bytes()
    damage(folder, harm, good)
    assert not is_intact(folder)
    assert checkpoint(None) == folder
    assert (folder / "model.safetensors").read_bytes() == good


def damage(folder: Path, harm: str, good: bytes) -> None:
    weights, manifest = folder / "model.safetensors", folder / MANIFEST
    actions: dict[str, Callable[[], Any]] = {
        "cut": lambda: weights.write_bytes(good[: len(good) // 2]),
        "flip": lambda: weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1])),
        "remove": lambda: (folder / "tokenizer.json").unlink(),
        "no manifest": manifest.unlink,
        "empty manifest": lambda: manifest.write_text("{"),
    }
    actions[harm]()


def test_an_intact_folder_is_not_built_again_and_other_weights_get_another(tmp_path: Path) -> None:
    folder = checkpoint(None)
    stamp = (folder / MANIFEST).stat().st_mtime_ns
    assert checkpoint(None) == folder
    assert (folder / MANIFEST).stat().st_mtime_ns == stamp
    assert checkpoint(trained(tmp_path / "weights.safetensors")) != folder


def test_a_build_that_fails_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("disk full")

    def whole(folder: Path) -> None:
        (folder / "all").write_text("all")

    target = tmp_path / "sealed"
    with pytest.raises(OSError, match="disk full"):
        build_sealed(target, broken)
    assert not target.exists()
    assert [path.name for path in sorted(build_sealed(target, whole).iterdir())] == ["all", MANIFEST]
