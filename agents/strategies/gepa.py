"""The `gepa` strategy: GEPA 0.1.4 (arXiv 2507.19457) over this run's prompts, an adapter.

What its version needs: data loaders with ids of clips, because its cache takes positions for ids; its cache
and its skipping of perfect minibatches off; `gepa.optimize`, never `optimize_anything`; replies held to one
fenced, whole prompt, because it adopts what it gets.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from agents.llm.base import LLM, Message
from agents.strategies.rival import Grades, Job, Rival, Search, missing, one_line
from agents.strategies.telling import failure
from agents.tools import exemplars, failure_clusters
from assets.errors import UserError
from prompts.library import NEUTRAL

VERSION = "0.1.4"
_PART = "prompt"
_RECORDS = 8  # exemplars in a reflection, whatever the minibatch
_TOKENS = 400

TEMPLATE = """\
A model watches a video and names the action in it. Its instruction was:
```
<curr_param>
```
The videos are edited: a person performs one action before a background where another usually takes place, \
and the model tends to name the background's action. What it answered:
```
<side_info>
```
Write a better instruction: one to three short plain sentences, at most 50 words, that names no particular \
action, sport or object and lists no options. Give the instruction alone, within ``` blocks."""


def gepa_strategy(llm: LLM, seed: int, minibatch: int | None = None) -> Rival:
    """``minibatch``: clips a child is tried on first; None: GEPA's default, 3. UserError without gepa."""
    try:
        gepa: Any = import_module("gepa")
    except ImportError as absent:
        raise missing("gepa", "gepa", absent) from None
    _check_version()

    def loop(search: Search) -> None:
        adapter = _adapter(search)
        gepa.optimize(
            seed_candidate={_PART: NEUTRAL.prompt.text},
            trainset=Clips(search.clips),
            adapter=adapter,
            reflection_lm=adapter.reflect,
            reflection_prompt_template=TEMPLATE,
            reflection_minibatch_size=minibatch,
            skip_perfect_score=False,
            cache_evaluation=False,
            track_best_outputs=False,
            use_merge=False,
            max_metric_calls=10**12,  # the run's own budget ends it
            raise_on_exception=True,
            logger=_Quiet(),
            seed=seed,
        )

    return Rival("gepa", loop, llm, seed)


class Clips:
    """A gepa DataLoader whose ids are those of the clips."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = list(ids)

    def all_ids(self) -> list[str]:
        """Every id."""
        return list(self._ids)

    def fetch(self, ids: Sequence[str]) -> list[str]:
        """The items: the ids themselves."""
        return list(ids)

    def __len__(self) -> int:
        return len(self._ids)


class _Quiet:
    """A gepa logger: what matters is in the history."""

    def log(self, message: str) -> None:
        """Say nothing."""


def _adapter(search: Search) -> Any:
    kind = import_module("gepa.core.adapter").EvaluationBatch

    class Adapter:
        """A GEPAAdapter: candidates and batches of clips go out in one call."""

        propose_new_texts = None

        def __init__(self) -> None:
            self._parent = ""

        def evaluate(self, batch: list[str], candidate: dict[str, str], capture_traces: bool = False) -> Any:
            return self.batch_evaluate([(candidate, batch)])[0]

        def batch_evaluate(self, items: list[tuple[dict[str, str], list[str]]]) -> list[Any]:
            jobs = [Job(candidate[_PART], tuple(batch), self._parent) for candidate, batch in items]
            return [_batch(kind, grades) for grades in search.grade(jobs)]

        def make_reflective_dataset(
            self, candidate: dict[str, str], batch: Any, parts: list[str]
        ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
            self._parent = candidate[_PART]
            return {part: records(batch.trajectories) for part in parts}

        def reflect(self, prompt: Any) -> str:
            text = prompt if isinstance(prompt, str) else "\n".join(str(turn["content"]) for turn in prompt)
            return f"```\n{one_line(search.write([Message('user', text)], _TOKENS))}\n```"

    return Adapter()


def _batch(kind: Any, grades: Grades) -> Any:
    """Outputs are short: gepa writes them all to its state each time."""
    count = len(grades.scores)
    rows = grades.rows or (None,) * count
    outputs = [row.answer.label or "" if row else "" for row in rows]
    objectives = [
        {
            "sh_acc": float(bool(row and row.answer.kind == "human")),
            "one_minus_sberr": float(bool(row and row.answer.kind != "background")),
        }
        for row in rows
    ]
    trajectories = [row if row else grades.refusal for row in rows]
    return kind(outputs, list(grades.scores), trajectories, objectives)


def records(trajectories: Sequence[Any]) -> list[dict[str, str]]:
    """What a reflection reads: counts over the whole minibatch first, then a few failing clips."""
    rows = [one for one in trajectories if not isinstance(one, str)]
    if not rows:
        return [{"Feedback": f"the instruction was refused: {next(iter(trajectories), '')}"}]
    right = sum(row.answer.kind == "human" for row in rows)
    counted = [f"{c.by} {c.name}: {c.failed} of {c.clips} wrong" for c in failure_clusters(rows, 5)]
    head = {"Summary": f"{right} of {len(rows)} videos right. " + "; ".join(counted)}
    return [head, *({"Wrong": failure(row)} for row in exemplars(rows, _RECORDS))]


def _check_version() -> None:
    found = version("gepa")
    if found != VERSION:
        raise UserError(
            f"strategy gepa is written for gepa {VERSION}, found {found}: pip install 'gepa=={VERSION}'"
        )
