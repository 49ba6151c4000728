"""A race asks no more than it takes to tell prompts apart, and never forgets what it saw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from agents.budget import OutOfBudget
from agents.fingerprint import Fingerprint, telling, twin, units_needed
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
    shares = {"reference": 0.35, "first": 0.4, "same": 0.4, "again": 0.4, "like the reference": 0.35}
    world = World(shares, soft=True)
    running = race(world, surrogate_clips=0)
    running.run(["first"])
    verdicts = running.run(["same", "again"])
    assert [(one.why, one.clips, one.other) for one in verdicts] == [("twin", 16, "first")] * 2
    assert running.scores()["same"] == running.scores()["first"]
    assert running.run(["like the reference"])[0].why != "twin"


def test_of_two_candidates_alike_the_first_goes_on() -> None:
    world = World({"reference": 0.3, "first": 0.4, "second": 0.4}, soft=True)
    verdicts = {one.prompt: one for one in race(world, surrogate_clips=0).run(["first", "second"])}
    assert verdicts["first"].why != "twin"
    assert verdicts["second"].other == "first"


def test_a_twin_stays_one_when_the_race_is_broken_off() -> None:
    class Poor(World):
        def __call__(self, prompts: Sequence[str], block: int) -> dict[str, Seen]:
            if block == 3 and "second" not in prompts and "first" in prompts:
                raise OutOfBudget("spent")
            return super().__call__(prompts, block)

    shares = {"reference": 0.38, "first": 0.4, "second": 0.4}
    running = race(Poor(shares, soft=True), surrogate_clips=0)
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
    one = fingerprint("xy", [0.1, np.nan])
    others = [
        ("far", fingerprint("xy", [0.9, 0.0])),
        ("near", fingerprint("xy", [0.11, 0.5])),
        ("other", fingerprint("xz", [0.1, 0.0])),
    ]
    assert twin(one, others, 0.02) == ("near", pytest.approx(0.01))
    assert twin(one, others[2:], 0.02) is None


def fingerprint(labels: Sequence[str], soft: Sequence[float], gaps: Sequence[float] = ()) -> Fingerprint:
    values = np.array(gaps or [1.0] * len(labels))
    return Fingerprint(tuple(labels), np.array(soft), values, np.arange(len(labels)))


def test_agreement_tells_where_the_model_was_in_doubt_or_on_enough_clips() -> None:
    def told(soft: float, clips: int, gap: float = 1.0) -> bool:
        one = fingerprint(["x"] * clips, [soft] * clips, [gap] * clips)
        return telling(one, one, worthwhile=0.05, alpha=0.05)

    assert told(0.8, 16)
    assert not told(0.95, 16)  # as far apart as a difference of 0.05 puts them they could not have been
    assert not told(-0.99, 16, gap=-1.0)
    assert not told(np.nan, 58)
    assert told(np.nan, 59)
    assert told(1.0, 59)
    assert not told(np.nan, 100, gap=np.nan)  # nobody answered any of them
    alike = Fingerprint(("x",) * 60, np.full(60, np.nan), np.ones(60), np.arange(60) // 2)
    assert not telling(alike, alike, 0.05, 0.05)  # of thirty people
    assert units_needed(0.05, 0.05) == 59
    assert units_needed(0.1, 0.05) == 29
    assert units_needed(0.0, 0.05) == np.inf


@pytest.mark.parametrize("soft", [np.nan, 0.999])
@pytest.mark.parametrize(("ahead", "at_most"), [(0.05, 0.06), (0.1, 0.01)])
def test_a_better_prompt_is_rarely_taken_for_a_twin(soft: float, ahead: float, at_most: float) -> None:
    clips, twins = 96, 0
    for seed in range(400):
        draw = np.random.default_rng(seed).random(clips)
        shares = {"reference": 0.7, "old": 0.7, "new": 0.7 + ahead}

        def ask(names: Sequence[str], block: int, draw: Any = draw, shares: Any = shares) -> dict[str, Seen]:
            part = draw[8 * block : 8 * block + 8]
            gaps = {name: np.where(part < shares[name], 1.0, -1.0) for name in names}
            return {name: Seen(gap, soft * gap, tuple(map(str, gap))) for name, gap in gaps.items()}

        running = Race([8] * 12, range(clips), Rules(futility_alpha=1e-9), ask)
        running.references(["reference"])
        running.run(["old"])
        twins += running.run(["new"])[0].why == "twin"
    assert twins / 400 <= at_most


def test_without_probabilities_twins_are_known_once_enough_clips_agree() -> None:
    class Long(World):
        def seen(self, name: str, block: int) -> Seen:
            gaps = np.where(np.arange(8 * block, 8 * block + 8) % 5 < 5 * self.shares[name], 1.0, -1.0)
            return Seen(gaps, np.full(8, np.nan), tuple(map(str, gaps)))

    shares = {"reference": 0.4, "first": 0.4, "second": 0.4, "third": 0.4, "other": 0.6}
    running = Race([8] * 12, range(96), Rules(futility_alpha=1e-9), Long(shares))
    running.references(["reference"])
    verdicts = {one.prompt: one for one in running.run(["first", "second", "third", "other"])}
    assert [(verdicts[name].why, verdicts[name].clips) for name in ("second", "third")] == [("twin", 64)] * 2
    assert [verdicts[name].other for name in ("second", "third")] == ["first", "first"]
    assert verdicts["first"].why != "twin"
    assert verdicts["other"].why != "twin"


def test_each_target_has_to_tell_twins_where_the_worst_counts() -> None:
    def ask(names: Sequence[str], block: int) -> dict[str, Seen]:
        gaps, soft = np.tile([1.0, 1.0, -1.0, -1.0], 4), np.tile([0.4, np.nan, -0.4, np.nan], 4)
        return {name: Seen(gaps, soft, tuple(map(str, gaps))) for name in names}

    def told(parts: Sequence[Sequence[int]]) -> str:
        rules = Rules(futility_alpha=1e-9, twin_clips=16)
        running = Race([16, 16], np.arange(32) // 2, rules, ask, parts)  # type: ignore[arg-type]
        running.references(["reference"])
        return running.run(["old", "new"])[0].why

    assert told(()) == "twin"
    assert told([range(0, 32, 2), range(1, 32, 2)]) == "complete"  # the second tells no probabilities


def test_what_failed_is_not_taken_for_what_could_not_be_read() -> None:
    def label(kind: Any, text: str | None = None) -> str:
        return seen([Answer("k", "?", text, kind, None, 1, 0, 0.0)], [("x", "y")], [("x", "y")]).labels[0]

    assert len({label("error"), label("unparsed"), label("refused"), label("human", "x"), ""}) == 5


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
