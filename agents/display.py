"""What a person sees of a run: a live panel on a terminal, log lines elsewhere.

Prompts are written by models: they are shown as text, never as markup or control codes.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.watcher import Standing
from prompts.display import shown
from prompts.library import name_of
from prompts.view import ScoredPrompt
from vllm_eval.metrics import Estimate

Clock = Callable[[], float]

PROGRESS_SECONDS = 15.0  # between two progress lines where there is no terminal
SETTLED_SECONDS = 8.0  # before that the first batches say little about the rest
LONGEST = 300  # characters of a prompt shown in one line


class Progress:
    """Answers so far, their rate, and how long the rest takes."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._started = clock, clock()
        self._last, self._asking = self._started, 0.0
        self.new = self.known = self.planned = 0

    def plan(self, answers: int) -> None:
        """So many answers are to come; what was loaded before takes none of their time."""
        self.planned, self._last = answers, self._clock()

    def add(self, new: int, known: int) -> None:
        """Count answers. Rounds in which everything was known tell nothing of how long an answer takes."""
        now = self._clock()
        if new:
            self._asking += now - self._last
        self.new, self.known, self._last = self.new + new, self.known + known, now

    @property
    def elapsed(self) -> float:
        """Seconds since this process began."""
        return self._clock() - self._started

    @property
    def rate(self) -> float:
        """New answers per second, the optimizer's thinking before them included."""
        return self.new / self._asking if self._asking > 0 else 0.0

    def left(self) -> float | None:
        """Seconds until all planned answers are there; None before anything can be said."""
        if self.new == 0 or self._asking < SETTLED_SECONDS:
            return None
        return max(0, self.planned - self.new - self.known) / self.rate

    def text(self) -> str:
        """In one line."""
        left = self.left()
        rest = "" if left is None else f", about {duration(left)} left"
        known = f" and {self.known} known" if self.known else ""
        return f"{self.new} answers{known}, {self.rate:.{0 if self.rate >= 10 else 1}f} a second{rest}"


class PlainDisplay:
    """A watcher that writes lines, each with the seconds since the start."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self.console, self.progress = console, Progress(clock)
        self._told = 0.0
        self._best = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def line(self, text: str) -> None:
        """As Watcher.line."""
        self.console.print(Text(f"[{self.progress.elapsed:5.0f} s] ") + one_line(text), soft_wrap=True)

    def plan(self, answers: int) -> None:
        """As Watcher.plan."""
        self.progress.plan(answers)

    def phase(self, name: str) -> None:
        """As Watcher.phase."""

    def answered(self, new: int, known: int) -> None:
        """As Watcher.answered."""
        self.progress.add(new, known)
        if self.progress.elapsed - self._told >= PROGRESS_SECONDS:
            self._told = self.progress.elapsed
            self.line(self.progress.text())

    def standing(self, standing: Standing) -> None:
        """As Watcher.standing."""
        best = summary(standing.best)
        news = "the same is best" if best == self._best else f"best so far {best}"
        self._best = best
        self.line(f"{standing.scored} of {standing.budget} prompts, {standing.refused} refused; {news}")


class LiveDisplay(PlainDisplay):
    """A watcher that keeps a panel below the lines."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        super().__init__(console, clock)
        self._phase = "starting"
        self._standing: Standing | None = None
        self._live = Live(get_renderable=self._panel, console=console, refresh_per_second=4, transient=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def plan(self, answers: int) -> None:
        """As Watcher.plan. The panel begins here: before, data and models show progress of their own."""
        super().plan(answers)
        self._live.start()

    def phase(self, name: str) -> None:
        """As Watcher.phase."""
        self._phase = name

    def answered(self, new: int, known: int) -> None:
        """As Watcher.answered."""
        self.progress.add(new, known)

    def standing(self, standing: Standing) -> None:
        """As Watcher.standing."""
        self._standing = standing

    def _panel(self) -> RenderableType:
        rows = Table.grid(padding=(0, 2))
        standing = self._standing
        if standing:
            bar = ProgressBar(total=standing.budget, completed=standing.scored, width=40)
            count = Text(f"{standing.scored} of {standing.budget} prompts, {standing.refused} refused")
            rows.add_row(Text("budget"), Group(bar, count))
            rows.add_row(Text("neutral"), shown(summary(standing.neutral)))
            rows.add_row(Text("best"), one_line(summary(standing.best)))
        rows.add_row(Text("now"), one_line(self._phase))
        rows.add_row(Text("answers"), Text(self.progress.text()))
        return Panel(rows, title="sceneproof", title_align="left")


def open_display(console: Console) -> PlainDisplay:
    """The display that suits where the output goes."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def summary(scored: ScoredPrompt | None) -> str:
    """A prompt and its shares with their intervals, in percent."""
    if scored is None:
        return "none yet"
    metrics = scored.metrics
    name = name_of(scored.prompt.id)
    text = f"({name}) {scored.prompt.text}" if name else scored.prompt.text
    return f"SHAcc {percents(metrics.shacc)}, SBErr {percents(metrics.sberr)}: {text}"


def percents(estimate: Estimate, digits: int = 1) -> str:
    """A share in percent with its 95 % interval."""
    value, low, high = (
        f"{100 * share:.{digits}f}" for share in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"


def one_line(text: str) -> Text:
    """Text in one line of bearable length, without meaning to a terminal."""
    joined = " ".join(text.split())
    return shown(joined if len(joined) <= LONGEST else joined[: LONGEST - 1] + "…")


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
