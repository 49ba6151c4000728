"""Batches hold one question of each clip; the cache forgets the oldest."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Request
from vllm_eval.engines.batching import Ask, by_clip, groups, rounds
from vllm_eval.engines.prefix_cache import Prefix, PrefixCache
from vllm_eval.question import Question


class NoFrames:
    def identity(self) -> str:
        return "none"

    def info(self) -> SourceInfo:
        return SourceInfo(1, 1.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        return np.zeros((len(indices), 2, 2, 3), np.uint8)


def request(media: str, key: str = "") -> Request:
    clip = Clip(media, "a", "b", ("s",), NoFrames())
    frames = Frames(np.zeros((1, 2, 2, 3), np.uint8), (0,), 1.0, 1)
    return Request(clip, media, partial(lambda one: one, frames), Question("?", (), ()), key or media)


def ask(media: str, length: int) -> Ask:
    return Ask(request(media, f"{media}{length}"), [0] * length)


def prefix(tokens: int) -> Prefix:
    return Prefix(torch.zeros(1, 2, tokens, 4), tokens)


def test_requests_of_one_media_stand_together_in_order_of_appearance() -> None:
    clips = by_clip([request("x", "1"), request("y", "2"), request("x", "3")])
    assert [[one.key for one in clip] for clip in clips] == [["1", "3"], ["2"]]


def test_a_groups_fullest_clips_come_first_and_none_is_lost() -> None:
    clips = [[request(f"m{i}")] * count for i, count in enumerate((1, 3, 2, 5))]
    made = list(groups(clips, 3))
    assert [[len(clip) for clip in group] for group in made] == [[3, 2, 1], [5]]


def test_each_round_asks_the_first_clips_questions_of_similar_length() -> None:
    group = [[ask("x", 5), ask("x", 9), ask("x", 7)], [ask("y", 8), ask("y", 6)], [ask("z", 7)]]
    made = [[one.request.key for one in batch.asks] for batch in rounds(group)]
    assert made == [["x9", "y8", "z7"], ["x7", "y6"], ["x5"]]


def test_the_least_recently_used_prefix_goes_first() -> None:
    cache = PrefixCache(3 * prefix(2).nbytes)
    for name in "abc":
        cache.put(name, prefix(2))
    assert cache.get("a") is not None
    cache.put("d", prefix(2))
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]


def test_the_cache_never_holds_more_bytes_than_allowed() -> None:
    cache = PrefixCache(prefix(10).nbytes)
    for tokens in (4, 5, 3, 9, 1, 1):
        cache.put(f"p{tokens}", prefix(tokens))
        assert cache.nbytes <= cache.max_bytes
    assert cache.nbytes == sum(one.nbytes for name in ("p9", "p1") if (one := cache.get(name)))


def test_a_prefix_larger_than_the_cache_is_not_kept_and_displaces_nobody() -> None:
    cache = PrefixCache(prefix(4).nbytes)
    cache.put("small", prefix(2))
    cache.put("large", prefix(5))
    assert cache.get("large") is None
    assert cache.get("small") is not None
    cache.clear()
    assert (len(cache), cache.nbytes) == (0, 0)
