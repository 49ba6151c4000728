"""evolve takes parents by front and crowding, crosses and mutates them, in the form the model understands."""

import json
from math import inf
from random import Random

import pytest
from made import Scripted, Told, run_so_far

from agents.strategies.evolve import Evolve, plan
from agents.strategies.selection import crowding, fronts, standing, tournament
from assets.errors import UserError


def population() -> Told:
    told = Told()
    told.add("one two three four five six", "hhhhhhhhbb")  # best
    told.add("one two three four five", "hhhhhhhbbb")
    told.add("one two", "hhhbbbbbbb")
    told.add("one two three four five six seven", "hhhbbbbbbb")  # dominated
    told.add("one two three four five six seven eight", "hhbbbbbbbb")  # dominated twice
    return told


def test_fronts_peel_off_what_is_dominated() -> None:
    found = fronts(population().view().scored)
    assert [[one.position for one in front] for front in found] == [[0, 1, 2], [3], [4]]


def test_the_ends_of_a_front_are_infinitely_apart_and_the_middle_by_its_neighbours() -> None:
    told = population()
    distance = crowding([told.scored[i] for i in (0, 1, 2)])
    ends, middle = (told.scored[0].prompt.id, told.scored[2].prompt.id), told.scored[1].prompt.id
    assert [distance[name] for name in ends] == [inf, inf]
    assert distance[middle] == pytest.approx(3.0)
    same = Told()
    lone = same.add("a b c", "hb")
    assert crowding([lone]) == {lone.prompt.id: inf}


def test_tournaments_prefer_the_better_front() -> None:
    view = population().view()
    ranks = standing(view)
    wins = [tournament(view, Random(seed), ranks) for seed in range(60)]
    positions = [one.position for one in wins if one]
    assert positions.count(4) == 0
    assert positions.count(0) + positions.count(2) > positions.count(3)
    everything = [one.prompt.id for one in view.scored]
    assert tournament(view, Random(0), ranks, everything) is None


def test_crossover_and_mutation_take_turns() -> None:
    view = population().view()
    steps = [plan(view, number, Random(number)) for number in range(6)]
    assert [len(step.parents) if step else 0 for step in steps] == [2, 1, 2, 1, 2, 1]
    assert all(len({one.prompt.id for one in step.parents}) == len(step.parents) for step in steps if step)
    assert plan(Told().view(), 0, Random(0)) is None
    lone = Told()
    lone.add("Watch the person.", "hb")
    step = plan(lone.view(), 0, Random(0))
    assert step is not None
    assert len(step.parents) == 1


def test_children_know_their_parents_and_how_they_were_made() -> None:
    told = run_so_far()
    llm = Scripted(
        write=lambda i, begin: json.dumps(
            [{"prompt": f"Follow limb {'abcdef'[i]} of the person.", "hypothesis": "why"}]
        )
    )
    made = Evolve(llm).ask(told.view(), 4)
    assert [len(one.parents) for one in made] == [2, 1, 2, 1]
    assert made[0].hypothesis.startswith("crosses ")
    assert made[1].hypothesis.startswith("mutates ")
    assert made[0].hypothesis.endswith("; why")
    texts = {one.prompt.id: one.prompt.text for one in told.scored}
    assert all(texts[parent] in llm.asked[0]["text"] for parent in made[0].parents)


def test_a_model_that_continues_gets_a_line_to_continue() -> None:
    told = run_so_far()
    llm = Scripted(
        write=lambda i, begin: f"{begin} person moves {'abcdef'[i % 6]}?", follows_instructions=False
    )
    made = Evolve(llm).ask(told.view(), 2)
    assert len(made) == 2
    cross, mutate = llm.asked[0], llm.asked[1]
    assert cross["text"].endswith("the best of A and B in one:")
    first = next(one.prompt.text for one in told.scored if one.prompt.id == made[0].parents[0])
    assert first.startswith(cross["begin"].strip())
    assert "Instruction B, like A" in mutate["text"]


def test_the_same_history_and_seed_give_the_same_children() -> None:
    def made(seed: int) -> list[str]:
        llm = Scripted(write=lambda i, begin: f"{begin} person moves {i}?", follows_instructions=False)
        return [one.text for one in Evolve(llm, seed=seed).ask(run_so_far().view(), 3)]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_without_anything_scored_there_is_no_child() -> None:
    assert Evolve(Scripted(["[]"])).ask(Told().view(), 2) == []
    with pytest.raises(UserError, match="unknown form 'poem' of evolve"):
        Evolve(Scripted(), "poem")  # type: ignore[arg-type]
