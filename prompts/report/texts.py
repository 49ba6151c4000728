"""What a report says in words: the result with its uncertainty, the limits, how to do it again."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from prompts.library import NEUTRAL, name_of
from prompts.report.facts import Facts, Line, Section
from vllm_eval.metrics import Estimate
from vllm_eval.statistics import Difference

MEASURES = {"shacc": "SHAcc", "sberr": "SBErr", "gap": "gap", "accuracy": "accuracy"}


def percent(share: float) -> str:
    """A fraction in percent, one decimal."""
    return f"{100 * share:.1f}"


def interval(estimate: Estimate) -> str:
    """In percent with its 95 % interval."""
    return f"{percent(estimate.value)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def signed(difference: Difference) -> str:
    """In percentage points with its 95 % interval."""
    value, low, high = (100 * one for one in (difference.value, difference.low, difference.high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def p_value(p: float) -> str:
    """Three decimals, never 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def question(facts: Facts) -> str:
    """What the run asked."""
    model = _at(facts.run.config, "target", "model") or "the model"
    shown = {"mini": "the bundled small video language model (“mini”)"}.get(str(model), str(model))
    return (
        f"When a clip shows a person doing one thing in front of a scene that suggests another, does {shown} "
        "name what the person does? And can the wording of the question alone change that?"
    )


def verdict(facts: Facts) -> list[str]:
    """The result in a few sentences, each number with its interval; nothing that the answers do not hold."""
    section = facts.main
    if facts.winner is None or section is None:
        if facts.run.config.get("command"):
            return ["This run scored prompts and searched for none; the tables below are its result."]
        return ["This run has chosen no prompt yet: what follows is what it knows so far, and no result."]
    if facts.winner.id == NEUTRAL.prompt.id:
        return ["No proposed prompt was better than the neutral one where the winner is chosen."]
    best = _line(section, facts.winner.id)
    if best is None:
        return [f"The chosen prompt was not scored on {section.dataset} yet."]
    return list(_against(section, best, facts))


def _against(section: Section, best: Line, facts: Facts) -> Iterator[str]:
    first = section.measures[0]
    neutral = _line(section, NEUTRAL.prompt.id)
    verb = "named the person's action" if first == "shacc" else "named the action"
    yield (
        f"With the prompt that was found the model {verb} in {interval(best.estimates[first])} % of "
        f"{section.n} clips of {section.dataset} (blind guessing: {percent(section.chance)} %)."
    )
    if neutral is not None and first in best.against_neutral:
        difference = best.against_neutral[first]
        yield (
            f"With the neutral prompt it was {interval(neutral.estimates[first])} %: a difference of "
            f"{signed(difference)} points on the same clips, {p_value(difference.p)}."
        )
    rival = _best_hand_written(section, facts)
    if rival is not None:
        yield _rivalry(rival, first)
    if facts.optimism is not None:
        yield (
            f"Optimism: (1 + SHAcc - SBErr) / 2 was {percent(facts.scores['tune'])} % on the clips the "
            f"prompt was found on and {percent(facts.scores['test'])} % on clips nobody had looked at, "
            f"{100 * facts.optimism:+.1f} points too high."
        )


def _rivalry(rival: Line, measure: str) -> str:
    difference = rival.behind_winner[measure]
    told = f"{signed(difference)} points, {p_value(difference.p)}"
    if difference.significant:
        better = "better" if difference.value > 0 else "worse"
        return f"Against the best hand-written prompt, {rival.label}, it is {better}: {told}."
    return f"It cannot be told apart from the best hand-written prompt, {rival.label}: {told}."


def _best_hand_written(section: Section, facts: Facts) -> Line | None:
    """Other than neutral and the winner itself; finalists that a model wrote may stand beside them."""
    first = section.measures[0]
    written = [one for one in section.lines if name_of(one.prompt.id) and one.prompt.id != NEUTRAL.prompt.id]
    rivals = [one for one in written if first in one.behind_winner]
    return max(rivals, key=lambda one: one.estimates[first].value, default=None)


def limits(facts: Facts) -> list[str]:
    """What this run cannot show."""
    told = [
        "One model, one way of asking and one seed: another model, frame rate, question format or seed of "
        "the search may give another winner.",
        "Intervals and p describe these clips with their shared source videos; they say nothing of footage "
        "of another kind.",
        "p is not corrected for the number of comparisons in a table."
        + (
            " The winner was chosen on other clips: its own test needs no correction." if facts.winner else ""
        ),
    ]
    for section in facts.sections:
        told.append(
            f"{section.dataset}: {section.n} clips of {section.sources} source videos; true differences "
            f"below about {100 * section.shows:.0f} points would mostly go unseen (80 % power, prompts that "
            "disagree on one clip in eight)."
        )
    errors = sum(line.errors for section in facts.sections for line in section.lines)
    if errors:
        told.append(f"{errors} answers could not be had (errors); their clips are left out pairwise.")
    if _at(facts.run.config, "data", "root") == "mini":
        told.append(
            "The clips are drawn by a program (the bundled mini benchmark): figures show that the method "
            "works, not how a model does on real footage."
        )
    if facts.run.status != "finished":
        told.append(f"The run is {facts.run.status}: figures may still change.")
    return told


def reproduce(facts: Facts) -> tuple[str, str]:
    """Commands for a shell, and the configuration file they name."""
    config, evaluated = dict(facts.run.config), facts.run.config.get("command") == "evaluate"
    command = "python -m agents.optimize --config run.yaml"
    if evaluated:  # prompts were scored, none was searched for
        given = [f"--prompt {shlex.quote(name_of(one.id) or one.text)}" for one in facts.prompts]
        clips = shlex.quote(str(config.get("clips", 1)))
        first = f"python -m vllm_eval.evaluate --config run.yaml --clips {clips}"
        command = " \\\n  ".join([first, *given])
        config = {name: value for name, value in config.items() if name in ("data", "target")}
    version = facts.run.code_version
    commit = version.removesuffix("-dirty")
    lines = [
        *([f"git checkout {shlex.quote(commit)}"] if _is_commit(commit) else [f"# sceneproof {commit}"]),
        *(["# the checkout had local changes that this report cannot give"] if commit != version else []),
        command,
        f"python -m prompts report latest --history {shlex.quote(facts.url)} --out report.html",
    ]
    return "\n".join(lines), yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def _is_commit(version: str) -> bool:
    return len(version) >= 7 and all(letter in "0123456789abcdef" for letter in version)


def _line(section: Section, prompt_id: str) -> Line | None:
    return next((line for line in section.lines if line.prompt.id == prompt_id), None)


def _at(config: Mapping[str, Any], *path: str) -> Any:
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
