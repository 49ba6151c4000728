"""reflective adds failures up, shows few of them, and asks for children of several parents."""

import json
from io import BytesIO
from random import Random
from typing import Any

import numpy as np
from made import ACTIONS, Scripted, Told, run_so_far
from PIL import Image

from agents.strategies.reflective import RECORDS, Reflective, parents
from assets.errors import UserError
from prompts.prompt import Prompt
from videos.clip import ClipSet, Frames

WORDS = [
    "arms",
    "legs",
    "hands",
    "feet",
    "knees",
    "hips",
    "back",
    "neck",
    "head",
    "torso",
    "ankles",
    "wrists",
]


def reply(*prompts: str) -> str:
    return json.dumps({"prompts": [{"hypothesis": f"mends {p}", "prompt": p} for p in prompts]})


def writing(number: int, begin: str) -> str:
    return reply(
        *(
            f"Follow the {word} of the person: what action is it?"
            for word in WORDS[2 * number : 2 * number + 2]
        )
    )


class Seeing:
    prompts = 10

    def __init__(self, told: Told, broken: tuple[str, ...] = ()) -> None:
        self.clips = ClipSet("tune", (), ACTIONS)
        self.answers = told.rows
        self.broken = broken

    def frames(self, clip_id: str) -> Frames:
        if clip_id in self.broken:
            raise UserError(f"clip {clip_id} cannot be read")
        return Frames(np.full((4, 40, 60, 3), 90, np.uint8), (0, 1, 2, 3), 8.0, 8)


def reflective(llm: Scripted, context: Any, seed: int = 0) -> Reflective:
    made = Reflective(llm, "auto", seed)
    made.connect(context)
    return made


def test_several_children_of_several_parents_come_from_one_request_a_parent() -> None:
    told = run_so_far()
    llm = Scripted(write=writing)
    made = reflective(llm, Seeing(told)).ask(told.view(), 4)
    assert len(made) == 4
    assert len(llm.asked) == 2
    assert len({one.parents for one in made}) == 2
    assert made[0].parents == (told.view().scored[0].prompt.id,)
    assert made[0].hypothesis.startswith("mends Follow")


def test_the_request_counts_failures_and_shows_at_most_ten() -> None:
    told = Told()
    parent = told.add("Watch the person.", "b" * 40 + "h" * 8)
    child = told.add(Prompt("Watch the arms.", (parent.prompt.id,), "reflective", "arms"), "h" * 5 + "b" * 43)
    llm = Scripted(write=writing)
    reflective(llm, Seeing(told)).ask(told.view(), 2)
    text = next(asked["text"] for asked in llm.asked if f"clips:\nP{parent.position} SHAcc" in asked["text"])
    assert text.count("clip c") == RECORDS
    assert "tried on 48 clips" in text
    assert "x action 'archery' taken for 'bowling'" in text
    assert "10 of 12 clips wrong" in text
    assert (
        f"P{child.position} SHAcc 10 SBErr 90 (n=48): Watch the arms. (idea: arms), 5 clips fixed, 8 broken"
        in text
    )


def test_models_that_see_get_a_contact_sheet_of_failing_clips() -> None:
    told = run_so_far()
    llm = Scripted(write=writing, sees_images=True)
    reflective(llm, Seeing(told)).ask(told.view(), 1)
    (image,) = llm.asked[0]["images"]
    picture = Image.open(BytesIO(image))
    assert picture.format == "PNG"
    assert picture.width >= 4 * 60
    assert picture.height > 5 * 40
    assert "in the picture" in llm.asked[0]["text"]


def test_without_eyes_or_readable_clips_there_is_no_picture() -> None:
    told = run_so_far()
    blind = Scripted(write=writing)
    reflective(blind, Seeing(told)).ask(told.view(), 1)
    seeing = Scripted(write=writing, sees_images=True)
    reflective(seeing, Seeing(told, tuple(f"c{i}" for i in range(12)))).ask(told.view(), 1)
    assert [asked["images"] for asked in (blind.asked[0], seeing.asked[0])] == [[], []]
    assert "in the picture" not in seeing.asked[0]["text"]


def test_what_is_refused_is_asked_for_once_more() -> None:
    told = run_so_far()
    llm = Scripted([reply("Is it archery the person does?"), reply("Follow the arms: what action is it?")])
    spare, made = reflective(llm, Seeing(told)).ask(told.view(), 1)
    assert (made.text, made.spare) == ("Follow the arms: what action is it?", False)
    assert (spare.text, spare.spare) == ("Is it archery the person does?", True)
    assert len(llm.asked) == 2


def test_the_leader_is_always_a_parent_and_the_others_vary() -> None:
    told = run_so_far()
    for i in range(6):
        told.add(f"Watch {WORDS[i]} of the person {'very ' * i}well.", "h" * (i % 4) + "b" * (12 - i % 4))
    drawn = [parents(told.view(), 3, Random(seed)) for seed in range(8)]
    assert {some[0].prompt.id for some in drawn} == {told.view().scored[0].prompt.id}
    assert all(len({one.prompt.id for one in some}) == 3 for some in drawn)
    assert len({tuple(one.prompt.id for one in some) for some in drawn}) > 2
    assert parents(Told().view(), 3, Random(0)) == []


def test_a_model_that_cannot_reflect_continues_a_ranked_list() -> None:
    told = run_so_far()
    llm = Scripted(write=lambda i, begin: f"{begin} person, move {i}?", follows_instructions=False)
    assert len(reflective(llm, Seeing(told)).ask(told.view(), 2)) == 2
    assert "ranked from worst to best" in llm.asked[0]["text"]


def test_the_same_history_and_seed_give_the_same_requests() -> None:
    def asked(seed: int) -> list[Any]:
        told, llm = run_so_far(), Scripted(["nothing"])
        reflective(llm, Seeing(told), seed).ask(told.view(), 3)
        return llm.asked

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)
