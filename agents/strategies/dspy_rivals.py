"""The strategies `dspy-copro` and `dspy-mipro`: two optimizers of DSPy 3.4 over this run's prompts.

DSPy never asks the target model itself: its adapter would wrap the prompt into a scaffolding of fields, it
knows no video, and one call a clip shares nothing. A module whose ``forward`` reads the instruction and waits
for a grade takes that place. It is called from as many threads as there are clips in a batch; their calls
are gathered into one. Exceptions DSPy turns into a score of 0, so nothing in here raises any.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

from agents.llm.base import LLM, Message, Reply
from agents.strategies.rival import IDLE, Grades, Job, Rival, Search, missing
from prompts.library import NEUTRAL

_QUIET = 0.05  # seconds without a further call, after which a batch is taken to be complete
_TOKENS = 400
_TEXT = 400  # characters of a text in JSON: two of them and their frame are fewer tokens than _TOKENS
_ATTEMPTS = 4  # replies to a request for JSON until one is
_BREADTH = 10  # COPRO's default
_MOST_THREADS = 64
_MINIBATCH = 35  # MIPROv2's default
_MOST_DEPTH = 1000


def copro_strategy(llm: LLM, seed: int, minibatch: int | None = None) -> Rival:
    """COPRO: coordinate ascent, every candidate on all tune clips. It knows no minibatches."""
    dspy = _dspy("dspy-copro")

    def loop(search: Search) -> None:
        breadth = max(2, min(_BREADTH, search.prompts))
        # A prompt_model given here has its history printed after every candidate.
        optimizer = dspy.COPRO(metric=_metric, breadth=breadth, depth=_MOST_DEPTH)
        eval_kwargs = {"num_threads": _threads(len(search.clips)), "display_progress": False}
        with dspy.context(lm=_model(dspy, search)):
            optimizer.compile(
                _program(dspy, search), trainset=_examples(dspy, search), eval_kwargs=eval_kwargs
            )

    return Rival("dspy-copro", loop, llm, seed, _QUIET)


def mipro_strategy(llm: LLM, seed: int, minibatch: int | None = None) -> Rival:
    """MIPROv2 without demonstrations: instructions are proposed first, then tried by TPE on minibatches."""
    dspy = _dspy("dspy-mipro", "optuna")

    def loop(search: Search) -> None:
        size = min(minibatch or _MINIBATCH, len(search.clips))
        model = _model(dspy, search)
        optimizer = dspy.MIPROv2(
            metric=_metric,
            prompt_model=model,
            task_model=model,
            auto=None,
            num_candidates=search.prompts,
            num_threads=_threads(len(search.clips)),
            max_bootstrapped_demos=0,
            max_labeled_demos=0,
            seed=seed + 1,  # 0 would be taken for its default
            verbose=False,
        )
        examples = _examples(dspy, search)
        with _silence():
            optimizer.compile(
                _program(dspy, search),
                trainset=examples,
                valset=examples,
                num_trials=max(2, search.prompts * 3 // 2),
                minibatch_size=size,
                program_aware_proposer=False,
                data_aware_proposer=False,
                tip_aware_proposer=False,
                fewshot_aware_proposer=False,
            )

    # All candidates are written before the first is tried, each in two replies where one is not understood.
    return Rival("dspy-mipro", loop, llm, seed, _QUIET, lambda prompts: IDLE + 2 * prompts)


def _dspy(name: str, *also: str) -> Any:
    try:
        for module in also:
            import_module(module)
        dspy = import_module("dspy")
    except ImportError as absent:
        raise missing(name, "dspy", absent) from None
    logging.getLogger("dspy").setLevel(logging.ERROR)  # it tells of every trial
    return dspy


@contextmanager
def _silence() -> Iterator[None]:
    """While it lasts MIPROv2, which has no option for it, draws no bars and prints no steps."""
    bar: Any = import_module("tqdm").tqdm
    drawn = bar.__init__

    def hidden(self: Any, *args: Any, **options: Any) -> None:
        drawn(self, *args, **{**options, "disable": True})

    printing = [import_module(f"dspy.teleprompt.{name}") for name in ("bootstrap", "utils")]
    with ExitStack() as changes:
        changes.enter_context(patch.object(bar, "__init__", hidden))
        for module in printing:
            changes.enter_context(patch.object(module, "print", lambda *said: None, create=True))
        yield


def _threads(batch: int) -> int:
    """As many as a batch has clips, or its calls would come in several batches."""
    return max(1, min(batch, _MOST_THREADS))


def _examples(dspy: Any, search: Search) -> list[Any]:
    return [dspy.Example(clip_id=clip, answer="").with_inputs("clip_id") for clip in search.clips]


def _metric(example: Any, prediction: Any, trace: Any = None) -> float:
    return float(prediction.score)


def _program(dspy: Any, search: Search) -> Any:
    signature = dspy.Signature("clip_id -> answer", NEUTRAL.prompt.text)

    class Looking(dspy.Module):  # type: ignore[misc]
        """The program DSPy optimises: one instruction, graded elsewhere."""

        def __init__(self) -> None:
            super().__init__()
            self.predict = dspy.Predict(signature)

        def forward(self, clip_id: str) -> Any:
            text = " ".join(self.predict.signature.instructions.split())
            grades: Grades = search.grade([Job(text, (clip_id,))])[0]
            made = dspy.Prediction(answer=_label(grades), score=grades.scores[0])
            if dspy.settings.trace is not None:
                dspy.settings.trace.append((self.predict, {"clip_id": clip_id}, made))
            return made

    return Looking()


def _label(grades: Grades) -> str:
    return (grades.rows[0].answer.label or "") if grades.rows else ""


def _model(dspy: Any, search: Search) -> Any:
    """Our language model as DSPy takes one: an engine. Its cache is off: the history keeps replies."""
    return dspy.LM("sceneproof/optimizer", engine=_Engine(search.write), cache=False, max_tokens=_TOKENS)


class _Engine:
    """A dspy engine around ``write``.

    DSPy asks in its own form first, and once more in JSON where it cannot read the reply. Only to an engine
    that declares so it then hands a schema, which local models are held to: without it small ones fail. A
    reply to that which is no JSON ends DSPy's optimizer, so another is asked for: at COPRO's temperature of
    1.4 a small model may write signs of several tokens each until its reply is cut off.
    """

    supports_response_schema = True
    supported_params = frozenset({"max_tokens", "response_format", "temperature"})

    def __init__(self, write: Callable[..., Reply]) -> None:
        self._write = write

    def complete(self, request: Any) -> Any:
        """One reply to one request."""
        lm15: Any = import_module("dspy.lm15")
        config = request.config
        most, schema = config.max_tokens or _TOKENS, _schema(config.response_format)
        for _ in range(_ATTEMPTS):  # the same request again gets another reply
            reply = self._write(_turns(request), most, config.temperature, schema)
            if schema is None or _is_object(reply.text):
                break
        said = lm15.Message.assistant(reply.text or " ")
        usage = lm15.Usage(reply.prompt_tokens, reply.completion_tokens)
        return lm15.Response(None, request.model, said, "length" if reply.cut else "stop", usage)

    def close(self) -> None:
        """Nothing is open."""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _turns(request: Any) -> list[Message]:
    turns = [Message("system", _text(request.system))] if request.system else []
    for said in request.messages:
        role: Any = {"assistant": "assistant", "developer": "system"}.get(said.role, "user")
        turns.append(Message(role, _text(said.parts)))
    return turns


def _text(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    return "\n".join(part.text for part in parts if getattr(part, "text", None))


def _schema(wanted: Any) -> Mapping[str, Any] | None:
    """The JSON schema a request wants its reply held to, wherever it stands in there; its texts bounded.

    A small model held to a text without end writes on until its reply is cut off, and is no JSON then.
    """
    while isinstance(wanted, Mapping):
        fields = wanted.get("properties")
        if isinstance(fields, Mapping):
            return {**wanted, "properties": {name: _bounded(field) for name, field in fields.items()}}
        wanted = wanted.get("json_schema", wanted.get("schema"))
    return None


def _bounded(field: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"maxLength": _TEXT, **field} if field.get("type") == "string" else field
