"""What a user should know of vLLM's caches: what a clip costs, how much is reused, and why it is little."""

from dataclasses import dataclass, field

LOW = 0.5  # of what could have been reused


@dataclass(frozen=True)
class Room:
    """vLLM's KV cache: ``tokens`` it holds (None: unknown), in blocks of ``block``; only whole blocks are
    found again, and only where ``reuses``."""

    tokens: int | None
    block: int
    reuses: bool


@dataclass
class Round:
    """One call's counts. ``reusable``: prefix tokens of questions about clips that had been asked about
    before, ``reused`` those of them that vLLM found."""

    asked: int = 0
    errors: int = 0
    prompt: int = 0
    cached: int = 0
    reusable: int = 0
    reused: int = 0
    resent: int = 0
    unscored: int = 0
    clips: dict[str, int] = field(default_factory=dict)

    def add(self, media_id: str, prefix: int, prompt: int, cached: int, again: bool) -> None:
        """An answer about a clip of ``prefix`` tokens, asked about before or not."""
        self.asked += 1
        self.prompt += prompt
        self.cached += cached
        self.clips[media_id] = prefix
        if again:
            self.reusable += prefix
            self.reused += min(cached, prefix)


def cost_line(video: int, prompt: int, room: Room) -> str:
    """Once, when the first clip has been seen."""
    if room.tokens is None:
        held = "how many clips the KV cache holds is unknown"
    else:
        held = f"the KV cache of {room.tokens:,} tokens holds {room.tokens // max(1, prompt):,} such clips"
    return f"one clip costs {video:,} video tokens, a prompt about it {prompt:,}; {held}"


def round_line(done: Round, seconds: float, blocks: int) -> str:
    """After every call."""
    share = done.cached / done.prompt if done.prompt else 0.0
    rate = done.asked / seconds if seconds > 0 else 0.0
    return (
        f"{done.asked:,} answers about {len(done.clips):,} clips in {blocks} blocks, {rate:.1f} a second, "
        f"{100 * share:.0f} % of {done.prompt:,} prompt tokens cached, {done.resent} clips sent again, "
        f"{done.errors} errors"
    )


def low_reuse(done: Round, room: Room) -> str | None:
    """The warning with its most likely cause, or None where enough was reused or nothing could be."""
    if not done.reusable or done.reused >= LOW * done.reusable:
        return None
    told = f"only {100 * done.reused / done.reusable:.0f} % of repeated clips' tokens were cached"
    return f"{told}: {_cause(done, room)}"


def _cause(done: Round, room: Room) -> str:
    longest, total = max(done.clips.values()), sum(done.clips.values())
    if not room.reuses:
        return "prefix caching is off (enable_prefix_caching, or vLLM cannot for this model)"
    if longest < 2 * room.block:
        return (
            f"a clip's {longest} tokens fill {longest // room.block} whole blocks of {room.block}: "
            "set a smaller block_size"
        )
    if room.tokens is not None and total > room.tokens:
        return (
            f"the clips need {total:,} tokens, the KV cache holds {room.tokens:,}: ask more prompts in one "
            "call, use fewer or smaller frames, or give it more memory (gpu_memory_utilization)"
        )
    return "vLLM found less than it was given; this model's attention may keep no prefixes (windows, hybrids)"
