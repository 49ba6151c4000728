"""What is sent to vLLM, how it is read, in which order clips go, and what a fingerprint holds."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vllm_fake import FakeBackend, Words, engine_on, requests

from assets.errors import UserError
from videos.clip import Frames
from vllm_eval.engines import load_engine
from vllm_eval.engines.vllm_blocks import Resident, blocks
from vllm_eval.engines.vllm_request import Template, lists_labels, metadata, prompt, read_template
from vllm_eval.engines.vllm_settings import read_settings
from vllm_eval.question import Question

FRAMES = Frames(np.zeros((4, 8, 8, 3), np.uint8), (3, 9, 15, 21), 12.0, 24)


def question(text: str = "What?") -> Question:
    return Question(text, ("a", "b"), ("A", "B"))


def test_a_prompt_holds_frames_where_they_come_from_and_the_clips_name() -> None:
    asked = read_template(Words()).ask(question())
    given = prompt(asked, "m1", FRAMES)
    (video,) = given["multi_modal_data"]["video"]
    assert video[0] is FRAMES.pixels
    assert video[1] == {
        "fps": 12.0,
        "total_num_frames": 24,
        "duration": 2.0,
        "frames_indices": [3, 9, 15, 21],
        "video_backend": "opencv",
        "do_sample_frames": False,
    }
    assert given["multi_modal_uuids"] == {"video": ["m1"]}
    assert "mm_processor_kwargs" not in given
    assert prompt(asked, "m1", None)["multi_modal_data"] == {"video": [None]}


def test_an_unknown_frame_rate_gives_finite_timestamps() -> None:
    told = metadata(Frames(FRAMES.pixels, FRAMES.indices, 0.0, 24))
    assert (told["fps"], told["duration"]) == (1.0, 24.0)


def test_the_video_stands_before_the_question_so_that_all_prompts_of_a_clip_begin_alike() -> None:
    words = Words()
    template = read_template(words, "System.")
    first, second = template.ask(question("What?")), template.ask(question("Look closely. Which?"))
    video = words.words["<|video|>"]
    assert first.head == second.head
    assert first.ids[: first.head] == second.ids[: first.head]
    assert first.ids[first.head - 1] == video
    assert first.suffix == len(first.ids) - first.head


def test_special_tokens_in_a_prompt_are_only_text() -> None:
    words = Words()
    asked = read_template(words).ask(question("What is <|video|> here?<|end|>"))
    assert asked.ids.count(words.words["<|video|>"]) == 1
    assert asked.ids.count(words.words["<|end|>"]) == 1
    assert words.decode(asked.ids) == "user:<|video|>What is <|video|> here?<|end|><|end|>assistant:"


class Blind(Words):
    """Its template passes over videos."""

    def apply_chat_template(self, messages: Any, **options: Any) -> str:
        return super().apply_chat_template(messages, **options).replace("<|video|>", "")


class Late(Words):
    """Its template puts the video last."""

    def apply_chat_template(self, messages: Any, **options: Any) -> str:
        text = super().apply_chat_template(messages, **options)
        return (
            text.replace("<|video|>", "").replace("<|end|>", "<|video|><|end|>")
            if "<|video|>" in text
            else text
        )


class Failing(Words):
    """Its template raises."""

    def apply_chat_template(self, messages: Any, **options: Any) -> str:
        raise TypeError("can only concatenate str\nto str")


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        (Blind(), "place a video before"),
        (Late(), "place a video before"),
        (Failing(), "can only concatenate str)"),
    ],
)
def test_a_template_that_cannot_ask_about_a_video_is_refused_in_one_line(tokenizer: Words, said: str) -> None:
    backend = FakeBackend(tokenizer=tokenizer)
    with pytest.raises(UserError) as caught:
        engine_on(backend)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert backend.closed == 1


def test_letters_must_be_one_token_of_the_answer() -> None:
    template = Template(Words(), "user:<|video|>", "<|end|>assistant:")
    ids = template.letter_ids(question())
    assert [template.tokenizer.decode([one]) for one in ids] == ["A", "B"]
    glued = Template(
        Words(), "user:<|video|>", "<|end|>assistant"
    )  # the next letter grows into its last word
    with pytest.raises(UserError, match="'A' is not one token"):
        glued.letter_ids(question())


def test_letters_that_are_no_token_are_refused_before_anything_is_asked() -> None:
    backend = FakeBackend()
    engine = engine_on(backend)
    engine.template = Template(backend.tokenizer, engine.template.before, "<|end|>assistant")
    with pytest.raises(UserError, match="not one token"):
        list(engine.answer([*requests(1, form="open"), *requests(2)]))
    assert backend.given == []


def test_only_names_that_the_question_lists_constrain_the_answer() -> None:
    assert lists_labels(Question("Which?\nChoices: golf, archery", ("golf", "archery"), ()))
    assert not lists_labels(Question("Which?", ("golf", "archery"), ()))
    assert not lists_labels(Question("Is it golf?", ("golf",), ()))


def test_least_recently_asked_clips_leave_first() -> None:
    resident = Resident(100)
    for name in ("a", "b", "a", "c"):
        resident.touch(name, 40, 5)
    assert resident.newest_first() == ["c", "a"]
    endless = Resident(None)
    for number in range(50):
        endless.touch(str(number), 10**6, 1)
    assert len(endless.newest_first()) == 50


def test_blocks_hold_every_clip_once_in_order_with_all_its_questions() -> None:
    asked = requests(7)
    clips = [asked[n : n + 2] for n in range(0, 14, 2)]
    plan = blocks(clips, Resident(100), {"mc0": 40})
    assert [[clip[0].clip.id for clip in block] for block in plan] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4", "c5"],
        ["c6"],
    ]
    assert all(len(clip) == 2 for block in plan for clip in block)
    assert len(blocks(clips, Resident(None), {"mc0": 40})) == 1
    assert len(blocks(clips, Resident(10), {"mc0": 40})) == 7, (
        "a clip larger than the cache is asked all the same"
    )
    assert blocks([], Resident(10), {}) == []


def test_a_media_uuid_changes_with_what_changes_pixels_for_the_model_and_with_nothing_else() -> None:
    def uuid(**options: Any) -> str:
        backend = FakeBackend()
        list(engine_on(backend, **options).answer(requests(1, ["What?"])))
        return backend.given[0].uuid

    plain = uuid()
    assert plain.startswith("mc0-")
    assert uuid(max_num_seqs=3, gpu_memory_utilization=0.5) == plain
    others = {
        uuid(mm_processor_kwargs={"max_pixels": 7056}),
        uuid(mm_processor_kwargs={"max_pixels": 9999}),
        uuid(engine_args={"hf_overrides": {"a": 1}}),
        uuid(dtype="float16"),
        plain,
    }
    assert len(others) == 5


def test_a_fingerprint_holds_what_changes_answers_and_leaves_out_speed() -> None:
    def fingerprint(**options: Any) -> str:
        return engine_on(FakeBackend(), **options).fingerprint

    plain = fingerprint()
    assert plain == "vllm 9.9 some/model@unknown bfloat16 letters-or-choice-or-greedy16"
    assert fingerprint(tensor_parallel_size=4, max_model_len=2048, engine_args={"block_size": 32}) == plain
    changed = [
        {"quantization": "fp8"},
        {"mm_processor_kwargs": {"max_pixels": 7056}},
        {"kv_cache_dtype": "fp8"},
        {"engine_args": {"hf_overrides": {"a": 1}}},
        {"system": "Be brief."},
        {"constrain": False},
        {"max_new_tokens": 8},
        {"revision": "abc"},
    ]
    assert len({plain, *(fingerprint(**options) for options in changed)}) == 9


def test_options_reach_vllm_under_its_own_names() -> None:
    settings = read_settings(
        {"model": "m", "tensor_parallel_size": 2, "dtype": "float16", "engine_args": {"swap_space": 1}}
    )
    assert settings.arguments() == {
        "dtype": "float16",
        "tensor_parallel_size": 2,
        "limit_mm_per_prompt": {"image": 0, "video": 1},
        "swap_space": 1,
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_num_seqs": 0}, "option max_num_seqs"),
        ({"gpu_memory_utilization": 3}, "option gpu_memory_utilization"),
        ({"max_new_tokens": 0}, "option max_new_tokens"),
        ({"engine_args": {"logprobs_mode": "processed_logprobs"}}, "engine_args.logprobs_mode"),
        ({"engine_args": {"model": "other"}}, "engine_args.model"),
        ({"chat_template": "nowhere.jinja"}, "nowhere.jinja"),
        ({"revison": "x"}, "no option 'revison'"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_engine("vllm", "some/model", **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chat_template_of_ones_own_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "t.jinja"
    path.write_text("{{ messages }}", encoding="utf-8")
    one = engine_on(FakeBackend(), chat_template=str(path)).fingerprint
    path.write_text("{{ messages | length }}", encoding="utf-8")
    assert engine_on(FakeBackend(), chat_template=str(path)).fingerprint != one
