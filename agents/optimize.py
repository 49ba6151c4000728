"""`python -m agents.optimize`: find prompts that make a video language model look at the person."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agents import loop, resume, sources, tables
from agents.display import open_display
from agents.lease import Busy
from agents.report import Report
from agents.sources import Command
from agents.watcher import Watcher
from assets.commands import exit_status, stoppable
from assets.errors import UserError
from prompts.history import History


def main(arguments: Sequence[str] | None = None, parts: loop.Parts | None = None) -> int:
    """Run the command; exit status 0, 2 after a line on what the user can mend, 130 if it was stopped."""
    run_id: list[str] = []

    def work() -> None:
        command = sources.parse(sys.argv[1:] if arguments is None else arguments)
        if command.print_config:
            sys.stdout.write(command.config.yaml())
        elif command.estimate:
            _estimate(command, parts or loop.real_parts())
        else:
            _run(command, parts or loop.real_parts(), run_id)

    def interrupted() -> str:
        return (
            f"interrupted; go on with the same command and --resume {run_id[0]}" if run_id else "interrupted"
        )

    with stoppable():
        return exit_status(work, interrupted)


def _estimate(command: Command, parts: loop.Parts) -> None:
    """What stops a run is told before a history is opened, which may make one: agents.estimate.kept_in."""
    from agents.estimate import foretold, kept_in
    from agents.plan import planned

    plan = planned(command.config, parts)
    with History(kept_in(command.config)) as history:
        for line in foretold(plan, history).lines():
            print(line)


def _run(command: Command, parts: loop.Parts, run_id: list[str]) -> None:
    """``run_id`` is filled as soon as there is one, for whoever has to say how to go on."""
    config, console = command.config, Console()
    with History(config.history.url) as history:
        found = resume.find(history, config, command.resume)
        if found.finished:
            where = loop.report_folder(config, found.run_id) / "report.txt"
            console.print(f"run {found.run_id} of these settings is finished: {where}", markup=False)
            return
        run_id.append(found.run_id)
        with open_display(console) as display:
            if found.note:
                display.line(found.note)
            verb = "resumes" if found.resumed else "starts"
            display.line(f"run {found.run_id} {verb}; history {history.url}")
            report = _carried(command, found.run_id, history, display, parts)
        folder: Path = loop.report_folder(config, found.run_id)
        for part in tables.render(report, folder, history.url, console.width):
            console.print(part)


def _carried(command: Command, run_id: str, history: History, display: Watcher, parts: loop.Parts) -> Report:
    """The report. Raises UserError, which says how to go on: what was paid for is in the history."""
    try:
        return loop.run(command.config, run_id, history, display, parts, command.finish)
    except Busy:
        raise
    except UserError as failure:
        if "--resume" in str(failure):
            raise
        how = f"go on with --resume {run_id}, or --resume {run_id} --finish to report what it has"
        raise UserError(f"{failure}; {how}") from failure


if __name__ == "__main__":
    sys.exit(main())
