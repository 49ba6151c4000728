"""A race asks no more than it takes to tell prompts apart, and never forgets what it saw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from agents.budget import OutOfBudget
from agents.fingerprint import Fingerprint, twin
from agents.race import Race, Rules
from agents.race_board import Board, Seen, fair_scores, seen, soft_gap
from agents.race_order import blocks, racing_order, unit_of
from videos.clip import Clip, ClipSet
from vllm_eval.engine import Answer

SIZES = [8] * 8
N = sum(SIZES)


class World:
    """Prompts that get right what their share of a fixed order of difficulty says; the rest is background."""

    def __init__(self, shares: Mapping[str, float], soft: bool = False, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.draw = rng.permutation(N) / N
        self.shares, self.soft = shares, soft
        self.calls: list[tuple[tuple[str, ...], int]] = []

    def __call__(self, prompts: Sequence[str], block: int) -> dict[str, Seen]:
        self.calls.append((tuple(prompts), block))
        return {name: self.seen(name, block) for name in prompts}

    def seen(self, name: str, block: int) -> Seen:
        draw = self.draw[8 * block : 8 * block + 8]
        gaps = np.where(draw < self.shares[name], 1.0, -1.0)
        soft = np.clip(2 * (self.shares[name] - draw), -1, 1) if self.soft else np.full(8, np.nan)
        return Seen(gaps, soft, tuple("right" if gap > 0 else "wrong" for gap in gaps))

    def bought(self) -> int:
        return sum(8 * len(prompts) for prompts, _ in self.calls)


def race(world: World, **rules: Any) -> Race:
    """A race whose reference is known on all clips."""
    made = Race(SIZES, range(N), Rules(**rules), world)
    made.references(["reference"])
    made.complete(["reference"])
    world.calls.clear()
    return made


def test_references_are_asked_until_the_best_of_them_is_known() -> None:
    world = World({"neutral": 0.1, "human": 0.85, "background": 0.0})
    running = Race(SIZES, range(N), Rules(), world)
    running.references(["neutral", "human", "background"])
    assert running.incumbent == "human"
    assert world.calls[0] == (("neutral", "human", "background"), 0)
    assert world.bought() < 3 * N / 2
    close = World({"one": 0.5, "other": 0.52})
    undecided = Race(SIZES, range(N), Rules(), close)
    undecided.references(["one", "other"])
    assert close.bought() == 2 * N
    assert undecided.incumbent == "other"


def test_an_incumbent_asked_about_few_clips_is_asked_on_where_candidates_get() -> None:
    world = World({"reference": 0.4, "near": 0.41})
    running = Race(SIZES, range(N), Rules(twin_clips=0), world)
    running.references(["reference"])
    assert world.bought() == SIZES[0]
    (verdict,) = running.run(["near"])
    assert running.board.count("reference") >= verdict.clips > SIZES[0]


def test_a_much_worse_prompt_is_given_up_early_and_a_much_better_one_wins_early() -> None:
    world = World({"reference": 0.4, "bad": 0.05, "good": 0.85})
    running = race(world)
    verdicts = {one.prompt: one for one in running.run(["bad", "good"])}
    assert (verdicts["bad"].why, verdicts["good"].why) == ("futile", "won")
    assert max(one.clips for one in verdicts.values()) < N
    assert running.incumbent == "good"
    assert running.lacking("good") > 0


def test_candidates_of_a_block_are_asked_in_one_call_and_nothing_twice() -> None:
    world = World({"reference": 0.4, "a": 0.42, "b": 0.38, "c": 0.0})
    race(world, twin_clips=0).run(["a", "b", "c"])
    assert world.calls[0] == (("a", "b", "c"), 0)
    assert [block for _, block in world.calls] == sorted({block for _, block in world.calls})
    assert all("reference" not in prompts for prompts, _ in world.calls)


def test_an_incumbent_that_won_early_is_asked_on_only_where_a_challenger_gets() -> None:
    world = World({"reference": 0.1, "good": 0.8, "rival": 0.78, "bad": 0.0})
    running = race(world, twin_clips=0)
    running.run(["good"])
    had = running.board.count("good")
    running.run(["bad"])
    assert running.board.count("good") == had
    running.run(["rival"])
    assert running.board.count("good") >= running.board.count("rival") > had


def test_a_prompt_that_acts_like_an_earlier_one_is_paid_for_no_longer() -> None:
    world = World({"reference": 0.35, "first": 0.4, "same": 0.4, "again": 0.4, "like the reference": 0.35})
    running = race(world, surrogate_clips=0)
    running.run(["first"])
    verdicts = running.run(["same", "again"])
    assert [(one.why, one.clips, one.other) for one in verdicts] == [("twin", 16, "first")] * 2
    assert running.scores()["same"] == running.scores()["first"]
    assert running.run(["like the reference"])[0].why != "twin"


def test_of_two_candidates_alike_the_first_goes_on() -> None:
    world = World({"reference": 0.3, "first": 0.4, "second": 0.4})
    verdicts = {one.prompt: one for one in race(world, surrogate_clips=0).run(["first", "second"])}
    assert verdicts["first"].why != "twin"
    assert verdicts["second"].other == "first"


def test_a_twin_stays_one_when_the_race_is_broken_off() -> None:
    class Poor(World):
        def __call__(self, prompts: Sequence[str], block: int) -> dict[str, Seen]:
            if block == 3 and "second" not in prompts and "first" in prompts:
                raise OutOfBudget("spent")
            return super().__call__(prompts, block)

    running = race(Poor({"reference": 0.38, "first": 0.4, "second": 0.4}), surrogate_clips=0)
    with pytest.raises(OutOfBudget):
        running.run(["first", "second"])
    assert running.twins == {"second": "first"}


def test_margins_stop_a_bad_prompt_sooner_but_not_one_whose_answers_are_ahead() -> None:
    plain, soft = (World({"reference": 0.5, "bad": 0.2}, soft=with_soft) for with_soft in (False, True))
    late, early = (race(world).run(["bad"])[0] for world in (plain, soft))
    assert early.why == "futile"
    assert early.clips <= late.clips

    class Misleading(World):
        def seen(self, name: str, block: int) -> Seen:
            one = super().seen(name, block)
            return Seen(one.gaps, np.full(8, -1.0 if name == "ahead" else 1.0), one.labels)

    verdict = race(Misleading({"reference": 0.3, "ahead": 0.9}, soft=True)).run(["ahead"])[0]
    assert verdict.why == "won"


def test_equal_prompts_are_rarely_called_better() -> None:
    won = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        answers = {name: rng.choice([-1.0, 1.0], N) for name in ("reference", "equal")}

        def ask(
            prompts: Sequence[str], block: int, answers: dict[str, np.ndarray] = answers
        ) -> dict[str, Seen]:
            part = slice(8 * block, 8 * block + 8)
            return {p: Seen(answers[p][part], np.full(8, np.nan), ("",) * 8) for p in prompts}

        running = Race(SIZES, range(N), Rules(futility_alpha=1e-9, twin_clips=0), ask)
        running.references(["reference"])
        won += running.run(["equal"])[0].why == "won"
    assert won <= 10


def test_luck_on_few_clips_does_not_win() -> None:
    board = Board(range(64))
    board.add("reference", range(64), Seen(np.tile([1.0, -1.0], 32), np.full(64, np.nan), ("",) * 64))
    for name in ("bad", "worse", "worst"):
        board.add(name, range(64), Seen(np.full(64, -1.0), np.full(64, np.nan), ("",) * 64))
    board.add("lucky", range(2), Seen(np.ones(2), np.full(2, np.nan), ("",) * 2))
    scores = fair_scores(board, {})
    assert board.score("lucky") == 1.0
    assert scores["lucky"] < scores["reference"]
    assert scores["reference"] == 0.5


def test_without_a_complete_prompt_those_asked_most_are_the_measure() -> None:
    board, nan = Board(range(64)), np.full(64, np.nan)
    board.add("most", range(32), Seen(np.tile([1.0, -1.0], 16), nan[:32], ("",) * 32))
    board.add("lucky", range(2), Seen(np.ones(2), nan[:2], ("",) * 2))
    scores = fair_scores(board, {})
    assert scores["most"] == 0.5
    assert scores["lucky"] == pytest.approx(0.6)  # two clips, one ahead, as if ten
    assert fair_scores(Board(range(4)), {}) == {}


def test_clips_of_one_source_count_once_and_errors_for_nothing() -> None:
    board = Board([0, 0, 1, 2])
    nan = float("nan")
    board.add("a", range(4), Seen(np.array([1.0, 1.0, nan, 1.0]), np.full(4, nan), ("",) * 4))
    board.add("b", range(4), Seen(np.array([-1.0, 1.0, 1.0, 1.0]), np.full(4, nan), ("",) * 4))
    assert board.difference("a", "b").tolist() == [0.5, 0.0]
    assert board.answered("a") == 3


def test_a_prompt_without_answers_is_not_half_good() -> None:
    board = Board(range(8))
    board.add("a", range(8), Seen(np.full(8, np.nan), np.full(8, np.nan), ("",) * 8))
    assert board.score("a") == 0
    assert fair_scores(board, {}) == {"a": 0}


def test_the_soft_gap_is_a_difference_of_shares_among_the_choices() -> None:
    def answer(logprobs: tuple[float, ...] | None) -> Answer:
        return Answer("k", "A", "x", "human", logprobs, 1, 0, 0.0)

    logs = tuple(np.log([0.2, 0.1, 0.1]).tolist())
    assert soft_gap(answer(logs), "x", "y", ("x", "y", "z")) == pytest.approx(0.25)
    assert np.isnan(soft_gap(answer(None), "x", "y", ("x", "y", "z")))
    read = seen([answer(logs)], [("x", "y")], [("x", "y", "z")])
    assert read.gaps.tolist() == [1.0]


def test_fingerprints_need_equal_answers_and_near_probabilities() -> None:
    one = Fingerprint(("x", "y"), np.array([0.1, np.nan]))
    others = [
        ("far", Fingerprint(("x", "y"), np.array([0.9, 0.0]))),
        ("near", Fingerprint(("x", "y"), np.array([0.11, 0.5]))),
        ("other", Fingerprint(("x", "z"), np.array([0.1, 0.0]))),
    ]
    assert twin(one, others, 0.02) == ("near", pytest.approx(0.01))
    assert twin(one, others[2:], 0.02) is None


def clip(number: int, human: str, source: str, tag: str) -> Clip:
    return Clip(f"clip{number}", human, "y", (source, f"b{number}"), None, (tag,))  # type: ignore[arg-type]


def test_every_beginning_of_the_order_is_spread_over_classes_and_variants() -> None:
    clips = [clip(i, "abcd"[i % 4], f"h{i}", ("close", "far")[i // 32]) for i in range(64)]
    ordered = racing_order(ClipSet("c", tuple(clips), tuple("abcd")), seed=1)
    backwards = racing_order(ClipSet("c", tuple(clips[::-1]), tuple("abcd")), seed=1)
    assert ordered.clips == backwards.clips
    for start in range(0, 64, 8):
        part = ordered.clips[start : start + 8]
        assert sorted(one.human for one in part) == sorted("aabbccdd")
        assert [one.tags for one in part].count(("close",)) == 4
    assert ordered.clips != racing_order(ClipSet("c", tuple(clips), tuple("abcd")), seed=2).clips


def test_no_block_cuts_a_source_in_two() -> None:
    clips = [clip(i, "a", f"h{i // 3}", "far") for i in range(30)]
    parts = blocks(racing_order(ClipSet("c", tuple(clips), ("a",)), 0), 8)
    assert [len(part) for part in parts] == [9, 9, 9, 3]
    units = [{unit_of(one) for one in part.clips} for part in parts]
    assert sum(len(one) for one in units) == len(set().union(*units)) == 10
