"""CLIP and SigLIP as classifiers: tiny random models, judged as transformers itself would."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from classifier_world import CLASSES, clips_of_noise

from assets.errors import UserError
from classifiers import evaluate as command
from classifiers.clip_like import open_clip_like
from classifiers.judging import Asked, evaluate

_SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
_LETTERS = ["<pad>", "<unk>", "<bos>", "</s>", *"abcdefghijklmnopqrstuvwxyz ()"]
_LONGEST = 24


def write_tiny(folder: Path, family: str) -> Path:
    """A model whose tokens are letters, as large as a test needs."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = Tokenizer(models.WordLevel({one: k for k, one in enumerate(_LETTERS)}, unk_token="<unk>"))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    letters.post_processor = processors.TemplateProcessing(
        single="<bos> $A </s>", special_tokens=[("<bos>", 2), ("</s>", 3)]
    )
    make: Any = transformers.PreTrainedTokenizerFast
    make(
        tokenizer_object=letters, eos_token="</s>", bos_token="<bos>", pad_token="<pad>", unk_token="<unk>",
        model_max_length=_LONGEST,
    ).save_pretrained(folder)  # fmt: skip
    text = _SMALL | {"vocab_size": len(_LETTERS), "max_position_embeddings": _LONGEST}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    vision = _SMALL | {"image_size": 32, "patch_size": 8}
    torch.manual_seed(3)
    if family == "clip":
        found = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
        model: Any = transformers.CLIPModel(found)
        sizes: dict[str, Any] = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    else:
        model = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))
        sizes = {"size": {"height": 32, "width": 32}}
    for one in model.parameters():
        one.data.add_(torch.randn_like(one) * 0.2)  # or all names and pictures look alike
    model.save_pretrained(folder)
    name = {"clip": "CLIP", "siglip": "Siglip"}[family]
    about = {"image_processor_type": f"{name}ImageProcessor"} | sizes
    (folder / "preprocessor_config.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.judging.load", clips_of_noise)


@pytest.mark.usefixtures("noise")
@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_the_centre_frame_is_compared_with_the_bare_class_names(tmp_path: Path, family: str) -> None:
    import transformers

    folder = write_tiny(tmp_path / family, family)
    scores, failed = open_clip_like(str(folder), "mini", "cpu").scores(clips_of_noise("hat:x", None))
    assert not failed
    assert np.allclose(scores.sum(1), 1)
    assert len({int(one) for one in scores.argmax(1)}) > 1
    kinds: list[Any] = [transformers.AutoModel, transformers.AutoImageProcessor, transformers.AutoTokenizer]
    model, images, tokenizer = (kind.from_pretrained(folder) for kind in kinds)
    padding = "max_length" if family == "siglip" else True
    texts = tokenizer(list(CLASSES), padding=padding, truncation=True, return_tensors="pt")
    clip = clips_of_noise("hat:x", None).clips[5]
    # Of eight frames the fourth: floor(8 / 2) - 1.
    picture = images(images=[clip.frames.read([3])[0]], return_tensors="pt")["pixel_values"]
    masked = {} if family == "siglip" else {"attention_mask": texts["attention_mask"]}
    with torch.inference_mode():
        logits = model(pixel_values=picture, input_ids=texts["input_ids"], **masked).logits_per_image
    assert np.allclose(scores[5], logits[0].softmax(0).numpy(), atol=1e-5)


@pytest.mark.usefixtures("noise")
def test_it_is_judged_as_classifiers_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiny(tmp_path / "tiny", "clip")
    out = tmp_path / "out"
    assert command.main([f"clip:{folder}", "--data", "hat:rand_1", "--output", str(out)]) == 0
    assert "sberr" in capsys.readouterr().out
    figures = evaluate(open_clip_like(str(folder), "mini", "cpu"), Asked(("hat:rand_1",)), out)
    assert figures["hat:rand_1"]["five"]["n"] == 12
    assert (out / "predictions" / "hat_rand_1.five.csv").exists()


def test_another_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([f"clip:{tmp_path}", "--data", "hat:rand_1"]) == 2
    assert "no config.json in it; expected a folder with a CLIP or SigLIP model" in capsys.readouterr().err


def test_it_has_one_view(tmp_path: Path) -> None:
    model = open_clip_like(str(write_tiny(tmp_path, "clip")), "mini", "cpu")
    with pytest.raises(UserError, match="--views 30, expected 1"):
        model.scores(clips_of_noise("hat:x", None), 30)
