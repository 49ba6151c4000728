"""The `capo` strategy: CAPO of promptolution 2.3 (arXiv 2504.16005) over this run's prompts, an adapter.

What its version needs: no few-shot examples, which would take clips away; exceptions that end its loop
silently are told; Python's and NumPy's global generators, which it draws from unseeded, are seeded while it
runs and put back after. Its own race has no control of errors over many looks; it is left as it is.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from agents.llm.base import LLM, Message
from agents.strategies.grid import SLOTS, TEMPLATE, cells
from agents.strategies.rival import Grades, Job, Rival, Search, missing
from prompts.library import HUMAN_FOCUSED, NEUTRAL

_BLOCK = 30  # clips; promptolution's default
_MOST_BLOCKS = 10
_POPULATION = 6
_TOKENS = 300
_STEPS = 10**6  # the run's own budget ends it

TASK = """\
A model watches a video and names the action in it, by choosing among options that are added later. The \
person performs one action before a background where another usually takes place, which the model must not \
fall for. A prompt is one to three short sentences and names no particular action."""


class _Failed(BaseException):
    """A failure inside a step, on its way past promptolution, which would swallow an Exception."""


def capo_strategy(llm: LLM, seed: int, minibatch: int | None = None) -> Rival:
    """``minibatch``: clips of a block; None: promptolution's default, 30. Raises UserError without it."""
    try:
        import_module("promptolution")
    except ImportError as absent:
        raise missing("capo", "capo", absent) from None

    def loop(search: Search) -> None:
        with _seeded(seed):
            _optimizer(search, minibatch or _BLOCK).optimize(_STEPS)

    return Rival("capo", loop, llm, seed)


def population(most: int, seed: int) -> list[str]:
    """The first generation: the hand-written prompts, then wordings from the grid in the seed's order."""
    written = [NEUTRAL.prompt.text, HUMAN_FOCUSED.prompt.text]
    others = [cell.text for cell in cells(TEMPLATE, SLOTS) if cell.text not in written]
    return [*written, *random.Random(f"{seed}/capo").sample(others, max(0, min(len(others), most - 2)))]


def _optimizer(search: Search, block: int) -> Any:
    import pandas as pd

    BaseLLM: Any = import_module("promptolution.llms.base_llm").BaseLLM
    BasePredictor: Any = import_module("promptolution.predictors.base_predictor").BasePredictor
    BaseTask: Any = import_module("promptolution.tasks.base_task").BaseTask
    CAPO: Any = import_module("promptolution.optimizers.capo").CAPO
    size = max(1, min(block, len(search.clips)))

    class Model(BaseLLM):  # type: ignore[misc]
        """The run's language model."""

        def _get_response(self, prompts: list[str], system_prompts: list[str]) -> list[str]:
            asked = zip(prompts, system_prompts, strict=True)
            return [
                search.write([Message("system", system), Message("user", prompt)], _TOKENS).text
                for prompt, system in asked
            ]

    class Grader(BasePredictor):  # type: ignore[misc]
        """Grades all (prompt, clip) pairs of a call at once; a prediction is a grade."""

        def predict(self, prompts: Any, xs: list[str], system_prompts: Any = None) -> Any:
            said = [prompts] * len(xs) if isinstance(prompts, str) else list(prompts)
            grades = _by_pair(search, said, xs)
            return grades, [""] * len(grades)

        def _extract_preds(self, preds: list[str]) -> list[str]:
            return preds

    class Task(BaseTask):  # type: ignore[misc]
        """Clips by id, graded by the predictor."""

        def _evaluate(self, xs: list[str], ys: list[str], preds: list[str]) -> Any:
            import numpy as np

            return np.asarray([float(pred) for pred in preds], dtype=float)

    class Told(CAPO):  # type: ignore[misc]
        """CAPO whose steps do not fail silently."""

        def _step(self) -> Any:
            try:
                return super()._step()
            except Exception as failure:
                raise _Failed(f"{type(failure).__name__}: {failure}") from failure

    frame = pd.DataFrame({"x": list(search.clips), "y": [""] * len(search.clips)})
    task = Task(
        frame,
        "x",
        "y",
        task_description=TASK,
        n_subsamples=size,
        eval_strategy="sequential_block",
        seed=search.seed,
    )
    task.task_type = "classification"
    model = Model()
    return Told(
        Grader(model),
        task,
        model,
        population(min(_POPULATION, max(2, search.prompts // 2)), search.seed),
        upper_shots=0,
        max_n_blocks_eval=min(_MOST_BLOCKS, max(1, task.n_blocks)),
        create_fs_reasoning=False,
        check_fs_accuracy=False,
        df_few_shots=frame.head(1),
    )


def _by_pair(search: Search, prompts: Sequence[str], xs: Sequence[str]) -> list[str]:
    """The grade of each (prompt, clip), prompts gathered so that each is one job."""
    clips: dict[str, list[str]] = {}
    for prompt, clip in zip(prompts, xs, strict=True):
        clips.setdefault(" ".join(prompt.split()), []).append(clip)
    graded: list[Grades] = (
        search.grade([Job(text, tuple(some)) for text, some in clips.items()]) if clips else []
    )
    found = {
        (text, clip): score
        for (text, some), grades in zip(clips.items(), graded, strict=True)
        for clip, score in zip(some, grades.scores, strict=True)
    }
    return [str(found[" ".join(prompt.split()), clip]) for prompt, clip in zip(prompts, xs, strict=True)]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global generators seeded, and as they were after."""
    import numpy as np

    before, numpy_before = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)
