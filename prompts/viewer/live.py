"""One run as it stands, drawn anew every two seconds while it goes."""

from collections.abc import Sequence
from typing import Any

from prompts.history import History
from prompts.library import NEUTRAL
from prompts.records import RunRecord
from prompts.report.facts import Facts, collect
from prompts.report.texts import MEASURES, interval, p_value, signed
from prompts.roles import roles_of
from prompts.view import HistoryView, ScoredPrompt
from prompts.viewer import shared


def draw(run_id: str) -> None:
    """The page. It opens the history itself: parts of it are drawn again without the rest."""
    import streamlit as st

    with shared.open_history() as history:
        going = history.run(run_id).status == "running"

    def looked_at() -> None:
        with shared.open_history() as history:
            _standing(history, run_id)

    st.fragment(looked_at, run_every=shared.SECONDS if going else None)()


def _standing(history: History, run_id: str) -> None:
    import streamlit as st

    run = history.run(run_id)
    tune = roles_of(history, run_id).tune
    view = history.view(run_id, tune) if tune else None
    st.subheader(f"Run {run.id}")
    st.caption(f"{run.status}, started {run.started}, code {run.code_version}, seed {run.seed}")
    if run.summary and run.summary.get("error"):
        st.error("The run failed:")
        shared.text(run.summary["error"])
    _counts(history, run, view)
    if view is None or not view.scored:
        st.info("No prompt has been scored yet.")
        return
    _curve(view)
    st.markdown(f"#### Prompts scored on {_quoted(tune)}, best first")
    table = shared.prompt_table(view.scored, shared.winner_of(run))
    st.dataframe(table, hide_index=True, width="stretch")
    if run.status == "finished":
        _result(collect(history, run_id))
    if view.refused:
        st.markdown(f"#### {len(view.refused)} proposals refused")
        rows = [{"why": shared.plain(one.reason), "text": shared.plain(one.text)} for one in view.refused]
        st.dataframe(rows, hide_index=True, width="stretch")


def _counts(history: History, run: RunRecord, view: HistoryView | None) -> None:
    import streamlit as st

    budget = shared.setting(run, "budget", "prompts")
    proposed = [one for one in view.scored if one.position >= 0] if view else []
    spent = history.spent(run.id)
    columns = st.columns(5)
    columns[0].metric("prompts scored", f"{len(proposed)}" + (f" of {budget}" if budget else ""))
    columns[1].metric("refused", len(view.refused) if view else 0)
    columns[2].metric("answers booked", f"{spent.get('clip_evaluations', 0):,.0f}")
    for column, name, one in (
        (columns[3], "best score, %", _best(proposed)),
        (columns[4], "neutral, %", view.get(NEUTRAL.prompt.id) if view else None),
    ):
        column.metric(name, "none yet" if one is None else f"{100 * one.score:.1f}")
    if isinstance(budget, int) and budget > 0:
        st.progress(min(1.0, len(proposed) / budget))


def _best(scored: Sequence[ScoredPrompt]) -> ScoredPrompt | None:
    return max((one for one in scored if one.metrics.n), key=lambda one: one.score, default=None)


def _curve(view: HistoryView) -> None:
    """Score of each proposal and the best so far; numbers only."""
    import streamlit as st

    rows = curve(view)
    if rows:
        st.line_chart(rows, x="answers used", y=["proposal", "best so far"], height=240, y_label="score in %")


def curve(view: HistoryView) -> list[dict[str, Any]]:
    """Per proposal in their order: answers used while searching, its score and the best so far, in %."""
    used = sum(one.metrics.n + one.metrics.errors for one in view.scored if one.position < 0)
    rows: list[dict[str, Any]] = []
    for one in sorted((one for one in view.scored if one.position >= 0), key=lambda one: one.position):
        used += one.metrics.n + one.metrics.errors
        score = 100 * one.score
        best = max(score, rows[-1]["best so far"]) if rows else score
        rows.append({"answers used": used, "proposal": score, "best so far": best})
    return rows


def _result(facts: Facts) -> None:
    """Tables of the reported clips."""
    import streamlit as st

    st.markdown("#### Reported once, on clips that played no part in the search")
    for section in facts.sections:
        st.caption(f"{_quoted(section.dataset)}: {section.n} clips, {section.sources} source videos; in %")
        rows = []
        for line in section.lines:
            row = {"prompt": shared.plain(line.label)}
            for measure in section.measures:
                name, difference = MEASURES[measure], line.against_neutral.get(measure)
                row[name] = interval(line.estimates[measure])
                told = f"{signed(difference)}, {p_value(difference.p)}" if difference else ""
                row[f"{name} minus neutral"] = told
            rows.append(row)
        st.dataframe(rows, hide_index=True, width="stretch")
    if facts.optimism is not None:
        st.caption(f"Optimism: {100 * facts.optimism:+.1f} points of (1 + SHAcc - SBErr) / 2")


def _quoted(name: str | None) -> str:
    """A data set's name inside Markdown: as code, whatever it holds."""
    return "`" + shared.plain(name).replace("`", "'") + "`"
