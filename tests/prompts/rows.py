"""Rows of answers for histories of these tests, importable by processes they start."""

from collections.abc import Sequence

from prompts.prompt import Prompt
from vllm_eval.engine import Answer, Kind
from vllm_eval.evaluator import AnswerRow

WHAT, WHO = (
    Prompt("What is done?"),
    Prompt("Who moves how?", parents=("0" * 16,), origin="opro", hypothesis="h"),
)


def answer(key: str, kind: Kind = "human", logprobs: tuple[float, ...] | None = (-0.1, -2.0)) -> Answer:
    label = {"human": "dancing", "background": "surfing", "other": "reading"}.get(kind)
    error = "cut off" if kind == "error" else None
    return Answer(key, "A", label, kind, logprobs, 40, 30, 0.01, error)


def row(
    run_id: str,
    clip: str = "c0",
    prompt: Prompt = WHAT,
    kind: Kind = "human",
    dataset: str = "swaps/tune",
    form: str = "mcq5",
    key: str | None = None,
) -> AnswerRow:
    return AnswerRow(
        answer=answer(key or f"{prompt.id} {clip} {form}", kind),
        prompt_id=prompt.id,
        clip_id=clip,
        human="dancing",
        background="surfing",
        dataset=dataset,
        run_id=run_id,
        sources=(f"{clip} human", f"{clip} background"),
        choices=5,
        format_key=form,
    )


def rows(run_id: str, prompt: Prompt, kinds: Sequence[Kind], dataset: str = "swaps/tune") -> list[AnswerRow]:
    return [row(run_id, f"c{i}", prompt, kind, dataset) for i, kind in enumerate(kinds)]
