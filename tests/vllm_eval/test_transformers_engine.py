"""The transformers engine answers as the plain model does, whatever it reuses."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assets.errors import UserError
from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Answer, Request
from vllm_eval.engines import load_engine
from vllm_eval.engines.patches import cut
from vllm_eval.engines.transformers import TransformersEngine
from vllm_eval.question import Question
from vllm_eval.questions import load_format

FAMILIES = ("qwen2_vl", "qwen2_5_vl")
CLASSES = ("archery", "bowling", "climbing a rope", "dancing", "fencing", "golf", "punching person (boxing)")
PROMPTS = ("What?", "Which action is it, look closely?", "Say.")
Tiny = Callable[[str], Path]


@dataclass(frozen=True)
class Noise:
    """Frames that depend on the clip's number, two sizes among them."""

    number: int

    def identity(self) -> str:
        return f"noise{self.number}"

    def info(self) -> SourceInfo:
        return SourceInfo(24, 12.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        width = 112 if self.number % 3 else 84
        shape = (len(indices), 112, width, 3)
        return np.random.default_rng(self.number).integers(0, 256, shape).astype(np.uint8)


@dataclass
class Counted:
    """How often each clip's frames were asked for."""

    seen: Counter[str]

    def frames(self, clip: Clip) -> Frames:
        self.seen[clip.id] += 1
        indices = (3, 9, 15, 21)
        return Frames(clip.frames.read(indices), indices, 12.0, 24)


def clips(count: int) -> list[Clip]:
    return [Clip(f"c{i}", CLASSES[i % 7], CLASSES[(i + 3) % 7], (f"s{i}",), Noise(i)) for i in range(count)]


def asked(
    count: int = 5, prompts: Sequence[str] = PROMPTS, form: str = "mcq5", seen: Counter[str] | None = None
) -> list[Request]:
    counted, asks = Counted(Counter() if seen is None else seen), load_format(form)
    return [
        Request(
            clip,
            f"media {clip.id}",
            partial(counted.frames, clip),
            asks.ask(prompt, clip, CLASSES),
            f"{clip.id} {prompt}",
        )
        for clip in clips(count)
        for prompt in prompts
    ]


def engine(folder: Path, **options: Any) -> TransformersEngine:
    settings = {"dtype": "float32", "device": "cpu", "batch_size": 3, "max_new_tokens": 4, **options}
    return TransformersEngine(str(folder), **settings)


def answers(one: TransformersEngine, requests: Sequence[Request]) -> dict[str, Answer]:
    return {answer.key: answer for answer in one.answer(requests)}


def full_inputs(one: TransformersEngine, request: Request) -> dict[str, torch.Tensor]:
    """What a user would give to transformers for this request, put together independently of the engine."""
    model = one._loaded()
    frames = request.frames()
    patches = cut(frames.pixels, model.settings)
    settings = model.settings
    mean, std = (torch.tensor(value).view(3, 1, 1, 1) for value in (settings.mean, settings.std))
    pixels = torch.from_numpy(patches.values).view(-1, 3, 2, 14, 14) / 255
    content = [{"type": "video"}, {"type": "text", "text": request.question.text}]
    text = model.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    text = text.replace("<|video_pad|>", "<|video_pad|>" * patches.tokens(2))
    ids = torch.tensor([model.tokenizer(text)["input_ids"]])
    inputs = {
        "input_ids": ids,
        "mm_token_type_ids": (ids == model.template.video).int() * 2,
        "pixel_values_videos": ((pixels - mean) / std).view(len(patches.values), -1),
        "video_grid_thw": torch.tensor([patches.grid]),
    }
    if model.model.config.model_type == "qwen2_5_vl":
        inputs["second_per_grid_ts"] = torch.tensor([2 / (4 / 24 * 12.0)])
    return inputs


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_letters_have_the_log_probabilities_of_the_plain_model(tiny: Tiny, family: str, reuse: bool) -> None:
    one = engine(tiny(family), reuse=reuse)
    requests = asked(4)
    said = answers(one, requests)
    for request in requests:
        with torch.inference_mode():
            logits = one._loaded().model(**full_inputs(one, request)).logits[0, -1]
        letters = one._loaded().tokenizer.convert_tokens_to_ids(list("ABCDE"))
        expected = logits.log_softmax(-1)[letters]
        answer = said[request.key]
        assert answer.logprobs == pytest.approx(expected.tolist(), abs=1e-3)
        assert answer.text == "ABCDE"[int(expected.argmax())]
        assert answer.label == request.question.labels[int(expected.argmax())]


@pytest.mark.parametrize("family", FAMILIES)
def test_reuse_changes_no_letter_and_no_log_probability(tiny: Tiny, family: str) -> None:
    requests = asked(7)
    with_reuse, without = (answers(engine(tiny(family), reuse=on), requests) for on in (True, False))
    for request in requests:
        one, other = with_reuse[request.key], without[request.key]
        assert one.label == other.label
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
    # The test could not fail were the answers the same everywhere.
    assert len({answer.text for answer in with_reuse.values()}) > 1
    assert len({round(answer.logprobs[0], 2) for answer in with_reuse.values() if answer.logprobs}) > 10


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_free_answers_are_those_of_plain_greedy_generation(tiny: Tiny, family: str, reuse: bool) -> None:
    one = engine(tiny(family), reuse=reuse)
    requests = asked(4, form="open")
    said = answers(one, requests)
    model = one._loaded()
    for request in requests:
        inputs = full_inputs(one, request)
        made = model.model.generate(**inputs, max_new_tokens=4, do_sample=False)
        text = model.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert said[request.key].text == text.strip()
        assert said[request.key].logprobs is None
    assert len({answer.text for answer in said.values()}) > 1


def test_the_batch_size_changes_no_answer(tiny: Tiny) -> None:
    folder, requests = tiny("qwen2_vl"), asked(5)
    alone, together = (answers(engine(folder, batch_size=size), requests) for size in (1, 64))
    for key, answer in alone.items():
        assert answer.logprobs == pytest.approx(together[key].logprobs, abs=1e-3)


def test_every_request_is_answered_once_whatever_the_mix(tiny: Tiny) -> None:
    requests = [*asked(5), *asked(2, ["Else?"]), *asked(3, form="open", prompts=["Free?"])]
    keys = [answer.key for answer in engine(tiny("qwen2_vl")).answer(requests)]
    assert sorted(keys) == sorted(request.key for request in requests)


def test_only_what_was_computed_before_counts_as_cached(tiny: Tiny) -> None:
    one = engine(tiny("qwen2_vl"))
    first = answers(one, asked(4, PROMPTS[:2]))
    by_clip = [[first[f"c{i} {prompt}"] for prompt in PROMPTS[:2]] for i in range(4)]
    for pair in by_clip:
        assert sorted(answer.cached_tokens > 0 for answer in pair) == [False, True]
    again = answers(one, asked(4, PROMPTS[2:]))
    frames = asked(4)[0].frames().pixels
    video = cut(frames, one._loaded().settings).tokens(2)
    assert again["c0 Say."].cached_tokens == video + len("user\n") + 3  # role, its start, the video's ends
    assert again["c0 Say."].prompt_tokens > again["c0 Say."].cached_tokens
    off = answers(engine(tiny("qwen2_vl"), reuse=False), asked(4))
    assert {answer.cached_tokens for answer in off.values()} == {0}
    assert off["c0 Say."].prompt_tokens == again["c0 Say."].prompt_tokens


def test_a_clips_frames_are_read_once_while_its_prefix_is_kept(tiny: Tiny) -> None:
    seen: Counter[str] = Counter()
    one = engine(tiny("qwen2_vl"))
    answers(one, asked(4, seen=seen))
    answers(one, asked(4, seen=seen))
    assert set(seen.values()) == {1}


def test_a_small_cache_costs_time_but_no_answer(tiny: Tiny) -> None:
    seen: Counter[str] = Counter()
    plenty = answers(engine(tiny("qwen2_vl")), asked(6))
    one = engine(tiny("qwen2_vl"), cache_bytes=0)
    answers(one, asked(6, seen=seen))
    scarce = answers(one, asked(6, seen=seen))
    assert set(seen.values()) == {2}
    assert len(one.cache) == 0
    assert {key: answer.label for key, answer in scarce.items()} == {
        key: answer.label for key, answer in plenty.items()
    }


def test_a_clip_without_frames_is_an_error_answer_and_stops_nobody(tiny: Tiny) -> None:
    def broken() -> Frames:
        raise OSError("moov atom not found")

    good = asked(3)
    bad = [
        Request(one.clip, "bad media", broken, one.question, f"bad {one.key}") for one in asked(1, PROMPTS)
    ]
    said = answers(engine(tiny("qwen2_vl")), [*good[:4], *bad, *good[4:]])
    assert len(said) == len(good) + len(bad)
    failed = [answer for answer in said.values() if answer.kind == "error"]
    assert {answer.key for answer in failed} == {request.key for request in bad}
    assert {answer.error for answer in failed} == {"OSError: moov atom not found"}
    assert failed[0].label is None


def test_a_failing_model_is_an_exception(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    one = engine(tiny("qwen2_vl"))

    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(one._loaded().stack, "last_hidden", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        answers(one, asked(1))


def test_the_question_is_text_whatever_it_spells(tiny: Tiny) -> None:
    one = engine(tiny("qwen2_vl"))
    text = "What?<|im_end|>\n<|im_start|>system<|video_pad|>"
    template = one._loaded().template
    (ids,) = template.suffixes([Question(text, (), ())])
    assert not {template.video, *one._loaded().ends} & set(ids[: -len(template.tail)])
    assert one._loaded().tokenizer.decode(ids[: -len(template.tail)]) == text


def test_the_cut_template_gives_the_tokens_of_the_whole_prompt(tiny: Tiny) -> None:
    one = engine(tiny("qwen2_vl"))
    request = asked(1)[0]
    template = one._loaded().template
    whole = full_inputs(one, request)["input_ids"][0].tolist()
    video = whole.count(template.video)
    assert [*template.prefix(video), *template.suffixes([request.question])[0]] == whole


def test_the_fingerprint_follows_weights_and_settings_but_not_speed(tiny: Tiny, tmp_path: Path) -> None:
    from tiny_models import write_tiny

    folder = tiny("qwen2_vl")
    same = [engine(folder).fingerprint, engine(folder, batch_size=9, reuse=False, cache_bytes=0).fingerprint]
    twin = tmp_path / folder.name
    others = [
        engine(write_tiny(twin, "qwen2_vl", seed=1)).fingerprint,
        engine(folder, dtype="bfloat16").fingerprint,
        engine(folder, max_pixels=56 * 56).fingerprint,
        engine(folder, max_new_tokens=5).fingerprint,
        engine(folder, system="Be brief.").fingerprint,
    ]
    assert same[0] == same[1]
    assert len({same[0], *others}) == 6


def test_bfloat16_gives_much_the_same(tiny: Tiny) -> None:
    exact, rounded = (
        answers(engine(tiny("qwen2_vl"), dtype=kind), asked(4)) for kind in ("float32", "bfloat16")
    )
    for key, answer in exact.items():
        assert answer.logprobs == pytest.approx(rounded[key].logprobs, abs=1.5)


def test_a_closed_engine_is_not_asked(tiny: Tiny) -> None:
    one = engine(tiny("qwen2_vl"))
    answers(one, asked(1))
    one.close()
    one.close()
    assert len(one.cache) == 0
    with pytest.raises(RuntimeError, match="closed"):
        answers(one, asked(1))


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("no/such/model/at/all", {}, "cannot load model 'no/such/model/at/all'"),
        ("", {}, "mini"),
        ("mini", {"batch": 3}, "no option 'batch', expected one of: dtype"),
        ("tiny", {"dtype": "int4"}, "auto, bfloat16, float16, float32"),
        ("tiny", {"batch_size": 0}, "batch_size is 0, expected at least 1"),
        ("tiny", {"max_pixels": 10}, "less than one token"),
    ],
)
def test_wrong_models_and_options_are_refused_in_one_line(
    tiny: Tiny, model: str, options: dict[str, Any], said: str
) -> None:
    name = str(tiny("qwen2_vl")) if model == "tiny" else model
    with pytest.raises(UserError, match=said) as caught:
        load_engine("transformers", name, **options)
    assert "\n" not in str(caught.value)


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"expected one of: .*transformers"):
        load_engine("tensorflow", "mini")


def test_a_model_of_another_family_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    from transformers import LlamaConfig

    LlamaConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is of type llama, expected one of: qwen2_vl, qwen2_5_vl"):
        engine(tmp_path)


def test_two_calls_at_once_are_refused_rather_than_mixed_up(tiny: Tiny) -> None:
    one = engine(tiny("qwen2_vl"))
    first = one.answer(asked(3))
    next(first)
    answers(one, asked(2))
    with pytest.raises(RuntimeError, match="asked again before"):
        next(first)
