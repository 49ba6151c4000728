"""Which local model proposes best: usable proposals, how they differ, what they cost, what they find.

    python -m benchmarks.optimizer_llms [--models NAME ...] [--form auto|chat|ranked] [--budget 24]
    python -m benchmarks.optimizer_llms --real [--budget 50]

Without --real a rule of thumb stands in for the video model: ideas named in a prompt (body, motion, hands,
feet, posture, background ignored, ...) add up with diminishing returns, places asked for cost, and each score
carries the noise of 64 clips. It tells whether a model uses what it is shown, not what a video model likes.
With --real the whole loop runs on the bundled benchmark and model.
"""

import argparse
import math
import re
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.config import LLMConfig, RunConfig
from agents.guard import Guard, words
from agents.llm import BUNDLED, LLM, load_llm
from agents.llm.base import Conversation, Reply, Schema
from agents.strategies.opro import Opro
from agents.strategies.writing import FORMS
from agents.strategy import Proposal
from benchmarks.record import append
from prompts.library import LIBRARY
from prompts.prompt import Prompt
from prompts.view import HistoryView, Refusal, ScoredPrompt, best_first, score_of
from vllm_eval.engine import Answer, Kind
from vllm_eval.metrics import bias_metrics

CLASSES = ("playing violin", "golf driving", "punching person (boxing)", "shooting basketball", "deadlifting")
CLIPS = 64
IDEAS = {
    r"\b(person|human|performer|individual)": 0.15,
    r"\b(body|bodies|torso)": 0.35,
    r"\b(motion|move)": 0.40,
    r"\b(arms?|hands?)\b": 0.40,
    r"\b(legs?|feet|foot)\b": 0.35,
    r"\b(pos|stance|posture)": 0.35,
    r"\b(ignor|forget|regardless|without|disregard|do not|don't)\w* .*\b(background|place|scene)": 0.45,
    r"\b(mislead|misleading|fool|unrelated|different)": 0.25,
    r"\bexpert in (bio|human|mov|mot)": 0.25,
}


def shares(text: str) -> tuple[float, float]:
    """SHAcc and SBErr the stand-in gives a prompt in the long run."""
    said = text.lower()
    found = [weight for pattern, weight in IDEAS.items() if re.search(pattern, said)]
    ignored = 0.45 in found
    place = 0.0 if ignored or not re.search(r"\b(background|place|scene)\b", said) else -0.7
    share = max(0.0, 1 - math.exp(-sum(found) - place))
    return 0.15 + 0.6 * share, 0.65 - 0.5 * share


def answers(text: str) -> list[Answer]:
    """CLIPS noisy answers, the same for the same text."""
    human, background = shares(text)
    rng = Random(text)
    kinds: list[Kind] = []
    for _ in range(CLIPS):
        draw = rng.random()
        kinds.append("human" if draw < human else "background" if draw < human + background else "other")
    return [Answer(str(i), "A", "x", kind, None, 0, 0, 0.0) for i, kind in enumerate(kinds)]


def scored(prompt: Prompt, position: int) -> ScoredPrompt:
    """A prompt as the stand-in scores it."""
    metrics = bias_metrics(answers(prompt.text), [str(i) for i in range(CLIPS)])
    return ScoredPrompt(prompt, metrics, score_of(metrics), position)


class Timed:
    """An LLM that counts its replies, tokens, seconds, and seconds of processor time."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.name, self.temperature = llm.name, llm.temperature
        self.follows_instructions = llm.follows_instructions
        self.replies: list[Reply] = []
        self.processor = 0.0

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int,
        temperature: float | None = None,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Schema | None = None,
        begin: str = "",
    ) -> Reply:
        """As LLM.complete."""
        before = time.process_time()
        reply = self._llm.complete(
            conversation,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            stop=stop,
            json_schema=json_schema,
            begin=begin,
        )
        self.processor += time.process_time() - before
        self.replies.append(reply)
        return reply

    def close(self) -> None:
        """As LLM.close."""
        self._llm.close()


def distance(first: str, second: str) -> float:
    """One minus the share of words in common, 0..1."""
    a, b = set(words(first.lower())), set(words(second.lower()))
    return 1 - len(a & b) / len(a | b)


def search(strategy: Opro, budget: int, per_round: int, console: Console) -> tuple[list[str], list[Proposal]]:
    """Texts accepted, and all proposals, of one run against the stand-in."""
    guard = Guard(CLASSES)
    known = [scored(entry.prompt, -1) for entry in LIBRARY.values() if entry.choice_style == "plain"]
    refused: list[Refusal] = []
    accepted: list[str] = []
    made: list[Proposal] = []
    for number in range(2 * budget):
        view = HistoryView(best_first(known), tuple(refused), number)
        proposals = strategy.ask(view, min(per_round, budget - len(accepted)))
        made += proposals
        for proposal in proposals:
            verdict = guard.check(proposal.text, [one.prompt.text for one in known])
            if verdict:
                refused.append(Refusal(proposal.text, verdict.reason))
                console.print(
                    f"   -- {verdict.code}: {proposal.text}", markup=False, highlight=False, soft_wrap=True
                )
                continue
            known.append(scored(Prompt(proposal.text, proposal.parents), len(accepted)))
            accepted.append(proposal.text)
            console.print(
                f"{100 * known[-1].score:5.0f} {proposal.text}", markup=False, highlight=False, soft_wrap=True
            )
        if len(accepted) >= budget or not proposals:
            break
    return accepted, made


def figures(llm: Timed, accepted: Sequence[str], made: Sequence[Proposal]) -> dict[str, Any]:
    """What a run cost and found."""
    gaps = [human - background for human, background in map(shares, accepted)]
    count = max(1, len(accepted))
    return {
        "accepted": len(accepted),
        "valid_share": round(len(accepted) / max(1, len(made)), 3),
        "valid_per_sample": round(len(accepted) / max(1, len(llm.replies)), 3),
        "mean_distance": round(fmean(distance(a, b) for a, b in combinations(accepted, 2)), 3),
        "beginnings": len({tuple(words(text.lower())[:3]) for text in accepted}),
        "processor_seconds_per_valid": round(llm.processor / count, 2),
        "seconds_per_valid": round(sum(reply.seconds for reply in llm.replies) / count, 2),
        "tokens_written_per_valid": round(sum(reply.completion_tokens for reply in llm.replies) / count, 1),
        "mean_gap_first_third": round(fmean(gaps[: max(1, len(gaps) // 3)]), 3),
        "mean_gap_last_third": round(fmean(gaps[-max(1, len(gaps) // 3) :]), 3),
        "best_gap": round(max(gaps), 3),
        "best": accepted[gaps.index(max(gaps))],
    }


def stand_in(model: str, form: Any, budget: int, seed: int, console: Console) -> dict[str, Any]:
    """One run of one model against the stand-in."""
    llm = Timed(load_llm(LLMConfig(model=model), threads=1))
    try:
        accepted, made = search(Opro(llm, form, seed), budget, 4, console)
        return {"model": model, "form": form, "seed": seed, **figures(llm, accepted, made)}
    finally:
        llm.close()


def real(model: str, budget: int, seed: int, folder: Path, console: Console) -> dict[str, Any]:
    """The whole loop on the bundled benchmark and model; gaps are SHAcc - SBErr on the test side."""
    from dataclasses import replace

    from agents import loop, resume
    from agents.display import open_display
    from prompts.history import History

    values: dict[str, Any] = {
        "optimizer": {"llm": {"model": model}},
        "budget": {"prompts": budget},
        "seed": seed,
        "output": str(folder),
        "history": {"url": f"sqlite:///{folder}/history.db"},
    }
    config = RunConfig.model_validate(values)
    made: list[Timed] = []

    def timed(settings: Any) -> LLM:
        made.append(Timed(load_llm(settings, threads=1)))
        return made[-1]

    folder.mkdir(parents=True, exist_ok=True)
    with History(config.history.url) as history, open_display(console) as display:
        found = resume.find(history, config, None)
        report = loop.run(config, found.run_id, history, display, replace(loop.real_parts(), llm=timed))
    return {
        "model": model,
        "seed": seed,
        "processor_seconds": round(sum(one.processor for one in made), 1),
        "winner": report.winner.text,
        "tune_score": round(report.tune_score, 4),
        "test_score": round(report.test_score, 4),
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Runs side by side, texts left out."""
    shown = Table("", *(f"{row['model']} {row['seed']}" for row in rows))
    for name in rows[0]:
        if name not in ("best", "winner", "model", "seed"):
            shown.add_row(name, *(str(row[name]) for row in rows))
    return shown


def main() -> None:
    """Measure, print, and append to results/optimizer_llms.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(BUNDLED), help="bundled names or .gguf files")
    parser.add_argument("--form", default="auto", choices=FORMS, help="how opro asks them")
    parser.add_argument("--budget", type=int, default=24, help="distinct valid prompts a run")
    parser.add_argument("--seeds", type=int, default=1, help="runs a model, seeds 0, 1, ...")
    parser.add_argument(
        "--real", action="store_true", help="the bundled video model in place of the rule of thumb"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/optimizer_llms"), help="of --real")
    chosen = parser.parse_args()
    console = Console()
    rows = []
    for model in chosen.models:
        for seed in range(chosen.seeds):
            if chosen.real:
                rows.append(real(model, chosen.budget, seed, chosen.folder, console))
            else:
                rows.append(stand_in(model, chosen.form, chosen.budget, seed, console))
            # One at a time: what was measured is kept, whatever happens to the next.
            path = append("optimizer_llms", {"real": chosen.real, "budget": chosen.budget, "rows": rows[-1:]})
    console.print(table(rows), path)


if __name__ == "__main__":
    main()
