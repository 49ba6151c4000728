"""What of a data set is there and can be used, before any hour of a GPU is spent on it."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from assets.errors import UserError
from videos.clip import Clip, FrameSource
from videos.datasets import read
from videos.decode import FramePolicy, decode
from videos.decoders import without_decord
from videos.workers import Lost, default_workers, isolated

Status = Literal["present", "missing", "unreadable", "too short", "unknown class", "duplicated"]
STATUSES: tuple[Status, ...] = get_args(Status)
COLUMNS = ("dataset", "clip", "status", "detail")

Progress = Callable[[int, int], None]

SECONDS = 120.0  # what looking at one clip may take

_FEW = 24  # fewer clips than this for each worker are looked at sooner than another one starts


@dataclass(frozen=True)
class Finding:
    """One annotated clip and what is the matter with it: one status each, so that counts add up."""

    clip: str
    status: Status
    detail: str = ""


@dataclass(frozen=True)
class Checked:
    """A data set's findings, one for each annotated row. ``error``: why it cannot be opened at all."""

    dataset: str
    findings: tuple[Finding, ...]
    error: str = ""

    @property
    def counts(self) -> Counter[Status]:
        """How many clips of each status."""
        return Counter(finding.status for finding in self.findings)

    @property
    def share(self) -> float:
        """Clips that can be used among all that are annotated, 0 to 1; 0 for a set that cannot be opened."""
        return self.counts["present"] / len(self.findings) if self.findings else 0.0


@dataclass(frozen=True)
class _Look:
    """One clip to look at. ``careful``: without the decoder that may have hung or crashed."""

    source: FrameSource
    policies: tuple[FramePolicy, ...]
    decoded: bool
    careful: bool = False


@dataclass(frozen=True)
class _Seen:
    """What was found: why it is not usable, or the hash of its content."""

    status: Status
    detail: str = ""
    identity: str = ""


def check(
    dataset: str,
    root: str | Path,
    policies: Sequence[FramePolicy],
    decoded: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS,
) -> Checked:
    """Look at every annotated clip, in worker processes. One that fails is a finding, never an exception,
    and so is one that hangs for over ``seconds`` or crashes its process, twice.

    Opens every file and counts its frames; ``decoded`` also takes out of it the frames of each of
    ``policies``, which finds damage inside. Too short: fewer frames than a policy asks for, some would be
    shown twice. Unreadable, too: no person masks where a policy's view needs them. The same content under two
    names counts as duplicated. ``progress`` receives (clips done, clips in all).
    """
    try:
        reading = read(dataset, root)
    except UserError as problem:
        return Checked(dataset, (), str(problem))
    if not len(reading):
        told = f"its annotation has no row of {dataset}, expected one for each clip; check its split column"
        return Checked(dataset, (), f"{reading.root}: {told}")
    tasks = [_Look(clip.frames, tuple(policies), decoded) for clip in reading.clips.clips]
    most = default_workers() if workers is None else workers
    seen: dict[int, _Seen] = {}
    for number, found in _looked(tasks, min(most, -(-len(tasks) // _FEW)), seconds):
        seen[number] = found
        if progress:
            progress(len(seen), len(tasks))
    left_out = (Finding(row.clip, row.reason, row.detail) for row in reading.left_out)
    in_order = [seen[number] for number in range(len(tasks))]
    return Checked(dataset, (*_findings(reading.clips.clips, in_order), *left_out))


def write(checked: Iterable[Checked], path: Path, everything: bool = False) -> int:
    """The clips that cannot be used, or ``everything``, as csv with the columns COLUMNS. How many rows."""
    rows = [row for one in checked for row in _rows(one) if everything or row[2] != "present"]
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}; name another file with --out") from failure
    return len(rows)


def _rows(one: Checked) -> Iterator[tuple[str, str, str, str]]:
    if one.error:
        yield one.dataset, "", "unreadable", one.error
    for finding in one.findings:
        yield one.dataset, finding.clip, finding.status, finding.detail


def _looked(tasks: Sequence[_Look], workers: int, seconds: float) -> Iterator[tuple[int, _Seen]]:
    """(clip's number, what was seen), each clip once. What took its worker with it gets a second try."""
    again = []
    for number, found in isolated(_look, tasks, workers, seconds):
        if isinstance(found, Lost):
            again.append(number)
        else:
            yield number, found
    careful = [replace(tasks[number], careful=True) for number in again]
    for place, found in isolated(_look, careful, workers, seconds):
        if isinstance(found, Lost):
            found = _Seen("unreadable", f"looking at it {found.reason}, twice")
        yield again[place], found


def _look(task: _Look) -> _Seen:
    try:
        lengths = [policy.seen(task.source).info().length for policy in task.policies]
        identity = task.source.identity()
        if task.decoded:
            with without_decord() if task.careful else nullcontext():
                for policy in task.policies:
                    decode(task.source, policy)
    except Exception as failure:  # whatever a damaged file makes a decoder do costs that file alone
        return _Seen("unreadable", str(failure) or type(failure).__name__)
    for policy, length in zip(task.policies, lengths, strict=True):
        if length < policy.frames:
            return _Seen("too short", f"{length} frames, expected {policy.frames} or more")
    return _Seen("present", identity=identity)


def _findings(clips: Sequence[Clip], seen: Sequence[_Seen]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for clip, found in zip(clips, seen, strict=True):
        twin = first.setdefault(found.identity, clip.id) if found.status == "present" else clip.id
        if twin != clip.id:
            yield Finding(clip.id, "duplicated", f"the same content as {twin}")
        else:
            yield Finding(clip.id, found.status, found.detail)
