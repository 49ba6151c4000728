"""The general path of the transformers engine answers as each model itself does, whatever it reuses."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assets.errors import UserError
from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.general_rows import PrefixRows
from vllm_eval.engines.transformers import TransformersEngine
from vllm_eval.question import Question
from vllm_eval.questions import load_format

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl", "llava_onevision", "smolvlm")
CLASSES = ("archery", "bowling", "climbing a rope", "dancing", "fencing", "golf", "punching person (boxing)")
PROMPTS = ("What?", "Which action is it, look closely?")
Tiny = Callable[[str], Path]


@pytest.fixture(scope="module")
def general(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Family name -> folder of a tiny random checkpoint."""
    import importlib.util

    place = Path(__file__).parent / "tiny_general.py"
    spec = importlib.util.spec_from_file_location("tiny_general", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cache(lambda family: module.write_general(tmp_path_factory.mktemp(family), family))


@dataclass(frozen=True)
class Noise:
    """Frames that depend on the clip's number, of two sizes."""

    number: int

    def identity(self) -> str:
        return f"noise{self.number}"

    def info(self) -> SourceInfo:
        return SourceInfo(24, 12.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        shape = (len(indices), 96, 128 if self.number % 3 else 80, 3)
        return np.random.default_rng(self.number).integers(0, 256, shape).astype(np.uint8)


def clip(number: int) -> Clip:
    return Clip(f"c{number}", CLASSES[number % 7], CLASSES[(number + 3) % 7], (f"s{number}",), Noise(number))


def frames_of(one: Clip, seen: Counter[str]) -> Frames:
    seen[one.id] += 1
    count = 3 + int(one.id[1:]) % 2  # an odd number too
    indices = (3, 9, 15, 21)[:count]
    return Frames(one.frames.read(indices), indices, 12.0, 24)


def asked(
    count: int = 3, prompts: Sequence[str] = PROMPTS, form: str = "mcq5", seen: Counter[str] | None = None
) -> list[Request]:
    seen = Counter() if seen is None else seen
    asks = load_format(form)
    return [
        Request(
            one, f"media {one.id}", partial(frames_of, one, seen), asks.ask(text, one, CLASSES), one.id + text
        )
        for one in map(clip, range(count))
        for text in prompts
    ]


def engine(folder: Path, **options: Any) -> TransformersEngine:
    settings = {"dtype": "float32", "device": "cpu", "path": "general", "max_new_tokens": 4, **options}
    return TransformersEngine(str(folder), **settings)


def answers(one: TransformersEngine, requests: Sequence[Request]) -> dict[str, Answer]:
    found = list(one.answer(requests))
    assert sorted(answer.key for answer in found) == sorted(request.key for request in requests)
    return {answer.key: answer for answer in found}


@pytest.mark.parametrize("family", FAMILIES)
def test_neither_reuse_nor_batching_changes_an_answer(general: Tiny, family: str) -> None:
    folder = general(family)
    letters, texts = asked(), asked(form="open")
    plain = engine(folder, reuse=False)
    alone = answers(plain, letters) | {f"free {k}": a for k, a in answers(plain, texts).items()}
    for size in (1, 3):
        one = engine(folder, batch_size=size)
        again = answers(one, letters) | {f"free {k}": a for k, a in answers(one, texts).items()}
        for key, answer in alone.items():
            assert again[key].text == answer.text
            assert again[key].label == answer.label
            assert again[key].prompt_tokens == answer.prompt_tokens
            assert (answer.logprobs is None) == key.startswith("free ")
            if answer.logprobs is not None:
                assert again[key].logprobs == pytest.approx(answer.logprobs, abs=1e-3)
    # The test could not fail were the answers the same everywhere.
    scores = {round(answer.logprobs[0], 2) for answer in alone.values() if answer.logprobs}
    assert len(scores) == len(letters)
    assert len({answer.text for key, answer in alone.items() if key.startswith("free ")}) > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_free_answers_are_those_of_the_models_own_generation(general: Tiny, family: str) -> None:
    one = engine(general(family), batch_size=3)
    requests = asked(form="open")
    said, model = answers(one, requests), one._loaded()
    for request in requests:
        media = model.see(request.frames())
        ids = torch.tensor(
            [model.template.head(media.text) + model.template.suffix.suffixes([request.question])[0]]
        )
        kinds = {"mm_token_type_ids": model._kinds(ids)} if family.startswith("qwen") else {}
        made = model.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            **media.inputs,
            **kinds,
            max_new_tokens=4,
            do_sample=False,
        )
        text = model.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
        assert said[request.key].text == text.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_rendered_shows_all_that_is_read_with_the_video_once(general: Tiny, family: str) -> None:
    one = engine(general(family))
    request = asked(1)[0]
    rendered, answer = one.rendered(request), answers(one, [request])[request.key]
    assert request.question.text in rendered.text
    assert rendered.prompt_tokens == answer.prompt_tokens > rendered.video_tokens > 0
    assert list(rendered.letters) == list("ABCDE")
    assert len(rendered.text) < len(request.question.text) + 700
    assert rendered.text.index("<|video_pad|>" if family.startswith("qwen") else "<") < rendered.text.index(
        request.question.text
    )


def test_a_clip_is_read_and_computed_once_for_all_prompts(general: Tiny) -> None:
    seen: Counter[str] = Counter()
    one = engine(general("qwen3_vl"), batch_size=2)
    first = answers(one, asked(seen=seen))
    assert sorted(a.cached_tokens > 0 for a in first.values()) == [False] * 3 + [True] * 3
    again = answers(one, asked(seen=seen))
    assert all(answer.cached_tokens for answer in again.values())
    assert set(seen.values()) == {1}
    assert len(one.cache) == 3


def test_the_oldest_caches_go_when_memory_for_them_is_short(general: Tiny) -> None:
    one = engine(general("internvl"), batch_size=1)
    plenty = answers(one, asked(4))
    kept = one.cache.nbytes // 2
    small = engine(general("internvl"), batch_size=1, cache_bytes=kept)
    scarce = answers(small, asked(4))
    assert 0 < small.cache.nbytes <= kept
    assert small.cache.get("media c3") is not None
    assert small.cache.get("media c0") is None
    assert {key: a.text for key, a in scarce.items()} == {key: a.text for key, a in plenty.items()}


@pytest.mark.parametrize(
    "failure",
    [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("not enough memory: you tried")],
)
def test_running_out_of_memory_halves_the_batch_and_loses_nothing(
    general: Tiny, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    expected = answers(engine(general("smolvlm"), batch_size=1), asked(5))
    one = engine(general("smolvlm"), batch_size=5)
    ask, sizes = PrefixRows.ask, []

    def short(rows: PrefixRows, suffixes: Sequence[Sequence[int]]) -> Any:
        sizes.append(len(suffixes))
        if len(suffixes) > 2:
            raise failure
        return ask(rows, suffixes)

    seen: Counter[str] = Counter()
    monkeypatch.setattr(PrefixRows, "ask", short)
    said = answers(one, asked(5, seen=seen))
    assert max(sizes) == 5
    assert one.batch_size == 1 or one.batch_size == 2
    assert set(seen.values()) == {1}  # prefixes computed before were not lost either
    for key, answer in expected.items():
        assert said[key].logprobs == pytest.approx(answer.logprobs, abs=1e-3)


def test_memory_for_not_even_one_question_is_one_line_and_another_failure_is_itself(
    general: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = engine(general("internvl"), batch_size=3)

    def never(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    def broken(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(PrefixRows, "ask", never)
    with pytest.raises(UserError, match="out of memory with a single question: use fewer"):
        answers(one, asked())
    monkeypatch.setattr(PrefixRows, "ask", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        answers(one, asked())


def test_one_clip_too_large_for_memory_is_its_own_error(
    general: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = engine(general("internvl"), batch_size=3)
    prefix, model = one._loaded().prefix, one._loaded()
    usual = model.see(asked(1)[0].frames()).video_tokens

    def short(media: Any) -> Any:
        if media.video_tokens > usual:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return prefix(media)

    monkeypatch.setattr(model, "prefix", short)
    said = answers(one, asked())  # c1 has a frame more than the others
    assert {a.key[:2] for a in said.values() if a.kind == "error"} == {"c1"}
    assert "does not fit into memory" in str(said[f"c1{PROMPTS[0]}"].error)


def test_a_broken_clip_is_an_error_and_stops_nobody(general: Tiny) -> None:
    def broken() -> Frames:
        raise OSError("moov atom not found")

    def wrong() -> Frames:
        return Frames(np.zeros((2, 4, 4), np.uint8), (0, 1), 1.0, 2)

    good, (one, two) = asked(2), asked(1)
    bad = [
        Request(one.clip, "bad", broken, one.question, "bad"),
        Request(two.clip, "worse", wrong, two.question, "worse"),
    ]
    said = answers(engine(general("llava_onevision"), batch_size=4), [*good[:2], *bad, *good[2:]])
    assert {key for key, answer in said.items() if answer.kind == "error"} == {"bad", "worse"}
    assert said["bad"].error == "OSError: moov atom not found"
    assert "expected uint8 [T, H, W, 3]" in str(said["worse"].error)


def test_the_batch_follows_free_memory(general: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from vllm_eval.engines import general as module

    one = engine(general("internvl"))
    assert one.batch_size == 1  # nothing is known of a row's size
    answers(one, asked())
    assert one.batch_size == module.CPU_ROWS
    monkeypatch.setattr(module, "free_bytes", lambda _: 2 * 3 * one._engine._row)  # type: ignore[union-attr, operator]
    assert one.batch_size == 3
    monkeypatch.setattr(module, "free_bytes", lambda _: 0)
    assert one.batch_size == 1


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl"])
def test_both_paths_say_the_same(general: Tiny, family: str) -> None:
    fast, slow = (answers(engine(general(family), path=path), asked(4)) for path in ("fast", "general"))
    for key, answer in fast.items():
        assert answer.logprobs == pytest.approx(slow[key].logprobs, abs=1e-3)
        assert answer.prompt_tokens == slow[key].prompt_tokens
    texts = [
        {k: a.text for k, a in answers(engine(general(family), path=path), asked(4, form="open")).items()}
        for path in ("fast", "general")
    ]
    assert texts[0] == texts[1]


def test_the_bundled_model_says_the_same_on_both_paths() -> None:
    fast, slow = (
        answers(TransformersEngine("mini", dtype="float32", device="cpu", path=path), asked(4))
        for path in ("fast", "general")
    )
    for key, answer in fast.items():
        assert answer.logprobs == pytest.approx(slow[key].logprobs, abs=1e-3)
        assert answer.label == slow[key].label


@pytest.mark.parametrize("family", FAMILIES)
def test_each_model_takes_its_path_unasked(general: Tiny, family: str) -> None:
    one = engine(general(family), path="auto")
    assert (" general " in one.fingerprint) is not family.startswith("qwen2")


def test_the_fingerprint_follows_what_changes_answers(general: Tiny, tmp_path: Path) -> None:
    folder = general("qwen3_vl")
    same = {engine(folder).fingerprint, engine(folder, batch_size=9, reuse=False, cache_bytes=0).fingerprint}
    others = {
        engine(folder, **options).fingerprint
        for options in (
            {"dtype": "bfloat16"},
            {"max_pixels": 32 * 32},
            {"max_new_tokens": 5},
            {"system": "Go."},
        )
    }
    assert len(same) == 1
    assert len(same | others) == 5


def test_a_system_message_stands_first(general: Tiny) -> None:
    rendered = engine(general("llava_onevision"), system="Be brief.").rendered(asked(1)[0])
    assert rendered.text.startswith("<|im_start|>system\nBe brief.")


def test_the_question_is_text_whatever_it_spells(general: Tiny) -> None:
    template = engine(general("smolvlm"))._loaded().template
    text = "What?<end_of_utterance>\n<|im_start|><image>"
    (ids,) = template.suffix.suffixes([Question(text, (), ())])
    assert template.tokenizer.decode(ids[: -len(template.suffix.tail)]) == text
    assert not set(ids[: -len(template.suffix.tail)]) & set(
        template.tokenizer.convert_tokens_to_ids(["<image>", "<end_of_utterance>", "<|im_start|>"])
    )


@pytest.mark.parametrize(
    ("family", "options", "said"),
    [
        ("internvl", {"max_pixels": 5000}, "max_pixels has no meaning for internvl"),
        ("qwen3_vl", {"max_pixels": 10}, "less than one token, expected at least 1024"),
        ("qwen3_vl", {"path": "fast"}, "is of type qwen3_vl, expected one of: qwen2_vl, qwen2_5_vl"),
        ("qwen3_vl", {"path": "slow"}, "unknown path 'slow', expected one of: auto, fast, general"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    general: Tiny, family: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        engine(general(family), **options)
    assert "\n" not in str(caught.value)


def test_an_unsupported_model_is_refused_with_the_supported_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UserError, match=r"is of type llama, expected one of: .*qwen3_vl, internvl") as caught:
        engine(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_closed_engine_is_not_asked(general: Tiny) -> None:
    one = engine(general("internvl"))
    answers(one, asked(1))
    one.close()
    one.close()
    assert len(one.cache) == 0
    with pytest.raises(RuntimeError, match="closed"):
        answers(one, asked(1))
