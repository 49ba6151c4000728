"""What evaluate and views share: prompts found by name, asked about clips in a run of their own.

Imported by these two commands alone. Like them it reaches up to the history and the library of ``prompts``:
answers must come from, and go to, where the optimizer keeps its own.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.errors import UserError
from videos.clip import ClipSet
from vllm_eval.config import ScoringConfig, TargetConfig
from vllm_eval.engine import Engine
from vllm_eval.evaluator import Evaluator, Scored
from vllm_eval.progress import Counter
from vllm_eval.question import QuestionFormat
from vllm_eval.standings import Named
from vllm_eval.target import Outside, policy_of, prefixed, question_of

if TYPE_CHECKING:
    from prompts.history import History
    from prompts.prompt import Prompt

KEPT = "interrupted; every answer so far is kept, the same command goes on from there"


@dataclass(frozen=True)
class Bought:
    """What a call cost: answers that were known, new ones, and seconds of asking."""

    known: int = 0
    new: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Bought") -> "Bought":
        return Bought(self.known + other.known, self.new + other.new, self.seconds + other.seconds)


def find_prompts(texts: Iterable[str], history: "History") -> list["Prompt"]:
    """Each once, in the order given. A single word is a name: of the library, or an id's beginning."""
    found = [_prompt(text.strip(), history) for text in texts]
    return list({prompt.id: prompt for prompt in found}.values())


def named(prompts: Sequence["Prompt"]) -> list[Named]:
    """Prompts as tables show them: by their name in the library, else by their place."""
    from prompts.library import name_of

    return [
        Named(name_of(prompt.id) or f"prompt {number}", prompt.id, prompt.text)
        for number, prompt in enumerate(prompts, 1)
    ]


def styled_formats(prompts: Sequence["Prompt"], target: TargetConfig) -> Mapping[str, QuestionFormat]:
    """The format of each prompt whose choices are written in another style, as the optimizer asks it.

    Raises UserError for such a prompt where the target's questions have no choices.
    """
    from prompts.library import StyledPrompt

    styled = prefixed(question_of(target))
    special = [prompt for prompt in prompts if isinstance(prompt, StyledPrompt)]
    if special and styled is None:
        raise UserError(
            "the prompt 'prefixed' needs choices to write; use target.question.format mcq5 or closed"
        )
    return {prompt.id: styled for prompt in special if styled}


@contextmanager
def run_of_its_own(
    history: "History", command: str, config: ScoringConfig, clips: ClipSet, prompts: Sequence["Prompt"]
) -> Iterator[str]:
    """A run's id, so that `python -m prompts` shows it and no optimizer's run is taken for it.

    What the user can mend leaves it as failed; whoever enters it finishes it.
    """
    values = {"command": command, **config.model_dump(mode="json", exclude={"history"}), "clips": len(clips)}
    run_id = history.start_run(values, config.data.seed)
    for prompt in prompts:
        history.add_prompt(run_id, prompt)
    try:
        yield run_id
    except UserError as problem:
        history.finish_run(run_id, {"error": str(problem)}, status="failed")
        raise


@dataclass(frozen=True)
class Asking:
    """An open target and where its answers are kept. ``most``: the most answers one call may buy."""

    engine: Engine
    outside: Outside
    history: "History"
    most: int | None = None

    def ask(
        self, target: TargetConfig, run_id: str, prompts: Sequence["Prompt"], clips: ClipSet
    ) -> tuple[dict[str, Scored], Bought]:
        """Every prompt on every clip.

        Raises UserError where more than ``most`` answers would be bought, or none could be given.
        """
        formats = styled_formats(prompts, target)
        store, policy = self.outside.frames(), policy_of(target)
        evaluator = Evaluator(self.engine, store, policy, question_of(target), self.history, run_id)
        missing = evaluator.missing(prompts, clips, formats)
        if self.most is not None and missing > self.most:
            raise UserError(
                f"{missing} answers are needed, --most {self.most} are allowed; raise it or use --clips"
            )
        if missing:
            store.fill(clips.clips, policy)
        counter = Counter(missing, sys.stderr)
        began = time.monotonic()
        scored = evaluator.evaluate(prompts, clips, counter.answered, formats)
        _check_answered(clips, target.view, scored)
        return scored, Bought(counter.known, counter.new, time.monotonic() - began)


def _prompt(text: str, history: "History") -> "Prompt":
    from prompts.library import LIBRARY
    from prompts.prompt import Prompt

    if text in LIBRARY:
        return LIBRARY[text].prompt
    if len(text.split()) > 1:
        return Prompt(text)
    try:
        return history.prompt(text)
    except UserError:
        raise UserError(
            f"--prompt {text!r} is no question and names no prompt; known names: {', '.join(LIBRARY)}, "
            f"and beginnings of the ids that `python -m prompts list RUN` shows of {history.url}"
        ) from None


def _check_answered(clips: ClipSet, view: str, scored: Mapping[str, Scored]) -> None:
    """A clip that fails is data; when all do, something else is wrong."""
    answers = [answer for one in scored.values() for answer in one.answers]
    failed = [answer for answer in answers if answer.kind == "error"]
    if len(failed) == len(answers):
        shown = "" if view == TargetConfig().view else f" as {view}"
        raise UserError(f"no clip of {clips.name} could be answered{shown}, for one: {failed[0].error}")
