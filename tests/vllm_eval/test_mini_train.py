"""Training sees the same model that transformers runs, and asks only what it may ask."""

from pathlib import Path

import numpy as np
import pytest
import torch

from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from videos.mini.actions import ACTIONS
from vllm_eval.mini_vllm.train import clips, questions, text, tower, vision, wordings

MINI = Path(wordings.__file__).parents[1]
HEAD, PAD, END = (1, 2, 3, 4), 5, 6


@pytest.fixture(scope="module")
def tiny() -> "object":
    """Qwen2-VL with the bundled model's tower and a text model of two layers."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    torch.manual_seed(3)
    rope = {"rope_type": "default", "rope_theta": 100000.0, "mrope_section": [8, 12, 12]}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": 64, "hidden_size": 576, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 9, "num_key_value_heads": 3, "rope_parameters": rope, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 2, "embed_dim": 192, "num_heads": 3, "mlp_ratio": 4, "patch_size": 14,
            "hidden_size": 576,
        },
        video_token_id=PAD, vision_start_token_id=4, vision_end_token_id=END, image_token_id=7,
        tie_word_embeddings=True,
    )  # fmt: skip
    return Qwen2VLForConditionalGeneration(config).eval()


def _patches() -> torch.Tensor:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 6, 84, 84, 3), np.uint8)
    return vision.patches(pixels)


@torch.inference_mode()
def test_the_batched_tower_is_the_tower_of_transformers(tiny: "object") -> None:
    seen = tiny.model.visual  # type: ignore[attr-defined]
    cut = _patches()
    theirs = seen(cut.reshape(-1, cut.shape[-1]), grid_thw=torch.tensor([[3, 6, 6]]))
    ours = vision.blocks_out(seen, cut)
    assert torch.allclose(ours.reshape(-1, 192), theirs.last_hidden_state, atol=1e-4)


@torch.inference_mode()
def test_packed_questions_get_the_logits_they_get_alone(tiny: "object") -> None:
    model, cut = tiny, _patches()
    video = model.model.visual.merger(vision.blocks_out(model.model.visual, cut)).view(1, 27, 576)  # type: ignore[attr-defined]
    asked = [text.Asked((10, 11, 12), (20,)), text.Asked((13, 14, 15, 16), (21, 22))]
    packed = text.pack(HEAD, END, PAD, [asked], 0)
    ours = text.LowRankText(model.model.language_model, 2, 1.0, torch.float32)(packed, video)  # type: ignore[attr-defined]
    assert packed.targets.tolist() == [20, 21, 22]
    for row, tail in enumerate([(10, 11, 12), (13, 14, 15, 16), (13, 14, 15, 16, 21)]):
        ids = torch.tensor([[*HEAD, *[PAD] * 27, END, *tail]])
        kinds = (ids == PAD).long() * 2
        theirs = model(  # type: ignore[operator]
            input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds,
            pixel_values_videos=cut.reshape(-1, cut.shape[-1]), video_grid_thw=torch.tensor([[3, 6, 6]]),
        ).logits[0, -1]  # fmt: skip
        assert torch.allclose(ours[row], theirs, atol=1e-3)


def test_no_wording_is_one_the_model_is_judged_by() -> None:
    held = [line for name in ("heldout", "nonsense") for line in _lines(f"{name}_prompts.txt")]
    judged = {*held, NEUTRAL.prompt.text, HUMAN_FOCUSED.prompt.text, BACKGROUND_BIASED.prompt.text}
    rng = np.random.default_rng(1)
    assert judged.isdisjoint(wordings.draw(rng).text for _ in range(20_000))


def test_held_out_prompts_are_at_least_forty_and_differ() -> None:
    lines = _lines("heldout_prompts.txt")
    assert len(lines) == len(set(lines)) >= 40


def test_the_more_a_wording_asks_for_the_body_the_less_the_scene_agrees() -> None:
    weights = (0.0, 0.2, 0.5, 0.9)
    shares = [wordings.Wording("", weight).agreement("archery") for weight in weights]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.25


def test_no_wording_that_only_warns_of_the_place_asks_for_it() -> None:
    rng = np.random.default_rng(3)
    warnings = [form.format("the scene") for form in wordings.IGNORE]
    for _ in range(5000):
        wording = wordings.draw(rng)
        clauses = [part.strip() for part in wording.text.split(".")]
        if any(f"{part}." in warnings for part in clauses[:1]) and len(clauses) == 2:
            assert not wording.about_place or "place" in clauses[1] or "scen" in clauses[1], wording


def test_a_contrast_asks_for_the_side_it_names_first() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        text, weight, thing = wordings._contrast(rng)
        around = [name for one in wordings.AROUND for name in wordings.THINGS[one][1]]
        first = min((text.lower().find(name), name) for name in _named() if name in text.lower())[1]
        assert (weight < 0) == (first in around), text
        assert bool(thing) == (weight > 0)


def _named() -> list[str]:
    return [name for _, names in wordings.THINGS.values() for name in names]


def test_what_a_choice_is_known_by_follows_the_clip_and_the_wording() -> None:
    asker = questions.Asker(_Letters())
    known = questions.Known("archery", "bowling", for_place=1.0)
    asked = asker.mcq("where", ["archery", "bowling", "hurdling"], "bowling", known=known)
    assert asked.facts == [(1, 0, 1, 0), (0, 1, 1, 0), (0, 0, 1, 0)]


def test_a_question_about_the_place_is_answered_with_the_places_action() -> None:
    asker = questions.Asker(_Letters())
    rng = np.random.default_rng(0)
    place, person = wordings.Wording("where", -1.0), wordings.Wording("who", 0.5)
    lesson = questions.Lesson(hints=0.0, free=0.2, counts={2: 0.5, 5: 0.5})
    for _ in range(20):
        asked = asker.about(place, "archery", "bowling", rng, lesson)
        assert _Letters.right(asked) == "bowling"
        assert _Letters.right(asker.about(person, "archery", "bowling", rng, lesson)) == "archery"


def test_the_scene_agrees_in_about_eight_clips_of_ten_unless_told_otherwise() -> None:
    assert 0.75 < questions.expected_agreement(draws=1500) < 0.87


def test_clips_are_made_anew_from_their_seed_alone() -> None:
    one, two = (next(clips.batches(5, 2, 0.5, pairs=1)) for _ in range(2))
    assert all((a.pixels == b.pixels).all() and a.action == b.action for a, b in zip(one, two, strict=True))
    assert one[0].pixels.shape == (2, 84, 84, 3)


def test_joints_lie_in_patches_the_person_covers() -> None:
    _, want = tower.collate(next(clips.batches(7, 16, 0.5)))
    covered = want["coverage"].gather(1, want["joints"].clamp(min=0))[want["joints"] >= 0]
    assert float(covered.mean()) > 2 * float(want["coverage"].mean())


def test_every_action_has_its_place() -> None:
    assert clips.PLACES[: len(ACTIONS)] == ACTIONS


def _lines(name: str) -> list[str]:
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class _Letters:
    """A tokenizer of single characters, so that an answer can be read back."""

    def encode(self, said: str, add_special_tokens: bool) -> list[int]:
        return [ord(character) for character in said]

    @staticmethod
    def right(asked: text.Asked) -> str:
        question, answer = ("".join(map(chr, part)) for part in (asked.question, asked.answer))
        if answer.endswith("<|im_end|>"):
            return answer.removesuffix("<|im_end|>")
        line = next(line for line in question.split("\n") if line.startswith(f"{answer}. "))
        return line[3:].split("<|")[0].removeprefix("A video of a human ")
