"""`python -m prompts lineage RUN|PROMPT`: who came from whom, as a tree with scores."""

import argparse
from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from assets.errors import UserError
from prompts import inspection
from prompts.commands.common import Command, add_json, console, open_history, print_json
from prompts.display import one_line, percent, shown
from prompts.history import History
from prompts.library import name_of
from prompts.lineage import Node, family, forest
from prompts.prompt import Prompt
from prompts.roles import roles_of
from prompts.view import ScoredPrompt

_WIDTH = 100  # characters of a prompt in one line of the tree


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", help='run id, the beginning of one, "latest"; or a prompt: its ancestors and descendants'
    )
    parser.add_argument("--run", help="with a prompt: as this run knows it (default: the latest that does)")
    parser.add_argument("--dataset", help="data set of the scores (default: the one searched on)")
    add_json(parser)


def _run(args: argparse.Namespace) -> int:
    with open_history(args) as history:
        run_id, chosen = _meant(history, args.what, args.run)
        prompts = history.prompts(run_id)
        dataset = args.dataset or roles_of(history, run_id).tune
        view = history.view(run_id, dataset) if dataset else None
        winner = (history.run(run_id).summary or {}).get("winner")
    scored = {one.prompt.id: one for one in view.scored} if view else {}
    # As this run proposed them: another run may know the same text by other parents.
    prompts = [scored[one.id].prompt if one.id in scored else one for one in prompts]
    trees = forest(family(chosen.id, prompts) if chosen else prompts)
    if args.json:
        told = [_json(node, scored, winner) for tree in trees for _, node in tree.walk()]
        print_json({"run": run_id, "dataset": dataset, "prompts": told})
        return 0
    marked = chosen.id if chosen else winner
    title = f"Run {run_id}" + (f", (1 + SHAcc - SBErr) / 2 in % on {dataset}" if dataset else "")
    root = Tree(shown(title))
    for node in trees:
        _grow(root, node, scored, marked)
    console().print(root)
    return 0


def _meant(history: History, what: str, run: str | None) -> tuple[str, Prompt | None]:
    """The run to draw, and the prompt where one was named."""
    runs = history.runs()
    if what == "latest" or any(one.id.startswith(what) for one in runs):
        return inspection.find_run(history, what).id, None
    prompt = inspection.find_prompt(history, what)
    if run is not None:
        return inspection.find_run(history, run).id, prompt
    for one in reversed(runs):
        if any(known.id == prompt.id for known in history.prompts(one.id)):
            return one.id, prompt
    raise UserError(f"prompt {prompt.id} belongs to no run; `python -m prompts show {prompt.id}` shows it")


def _grow(root: Tree, node: Node, scored: Mapping[str, ScoredPrompt], marked: str | None) -> None:
    branches = [root]
    for depth, one in node.walk():
        del branches[depth + 1 :]
        branches.append(branches[depth].add(_label(one, scored.get(one.prompt.id), marked)))


def _label(node: Node, scored: ScoredPrompt | None, marked: str | None) -> Text:
    prompt = node.prompt
    score = percent(scored.score) if scored and scored.metrics.n else "not scored"
    star = Text("★ ", style="yellow") if prompt.id == marked else Text()
    origin = name_of(prompt.id) or prompt.origin
    label = star + shown(prompt.id[:8]) + Text(" ") + Text(score, style="bold") + shown(f" ({origin}) ")
    label += one_line(prompt.text, _WIDTH)
    if node.others:
        label += shown(f" [also from {', '.join(one[:8] for one in node.others)}]")
    return label


def _json(node: Node, scored: Mapping[str, ScoredPrompt], winner: str | None) -> dict[str, Any]:
    prompt = node.prompt
    found = scored.get(prompt.id)
    return {
        "id": prompt.id,
        "name": name_of(prompt.id),
        "text": prompt.text,
        "origin": prompt.origin,
        "hypothesis": prompt.hypothesis,
        "parents": list(prompt.parents),
        "children": [child.prompt.id for child in node.children],
        "score": found.score if found and found.metrics.n else None,
        "position": found.position if found else None,
        "winner": prompt.id == winner,
    }


COMMAND = Command("who came from whom: a tree of a run's prompts", _add_arguments, _run)
