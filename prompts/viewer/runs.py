"""Several runs side by side: what each found, how sure that is, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from prompts.history import History
from prompts.report.facts import Facts, collect
from prompts.report.texts import MEASURES, interval, signed
from prompts.viewer import shared
from prompts.viewer.live import curve

MOST = 6  # drawn at first


def draw(history: History, runs: Sequence[str]) -> None:
    """The page."""
    import streamlit as st

    chosen = st.multiselect("Runs", list(runs), default=list(runs[:MOST]), key="compared")
    if not chosen:
        st.info("Choose at least one run.")
        return
    facts = [collect(history, run_id) for run_id in chosen]
    st.dataframe([_row(one) for one in facts], hide_index=True, width="stretch")
    st.caption(
        "SHAcc, SBErr and the difference to neutral on the clips reported once, in %, 95 % intervals. "
        "Intervals of two runs that overlap do not tell their prompts apart; runs on other clips or models "
        "are not comparable at all."
    )
    points = [
        {"answers used": row["answers used"], "best so far": row["best so far"], "run": one.run.id}
        for one in facts
        if one.tune
        for row in curve(one.tune)
    ]
    if points:
        st.markdown("#### Best score so far against answers used while searching")
        st.line_chart(points, x="answers used", y="best so far", color="run", height=320)
    for one in facts:
        if one.winner:
            st.markdown(f"Chosen by `{one.run.id}`")
            shared.text(one.winner.text)


def _row(facts: Facts) -> Mapping[str, Any]:
    run, section = facts.run, facts.main
    line = None
    if section and facts.winner:
        line = next((one for one in section.lines if one.prompt.id == facts.winner.id), None)
    measures = section.measures if section else ()
    told = {
        MEASURES[name]: interval(line.estimates[name]) if line else "" for name in measures if name != "gap"
    }
    first = line.against_neutral.get(measures[0]) if line else None
    return {
        "run": run.id,
        "status": run.status,
        "model": shared.plain(shared.setting(run, "target", "model") or ""),
        "strategy": shared.plain(shared.setting(run, "optimizer", "strategy") or ""),
        "seed": run.seed,
        "reported on": shared.plain(section.dataset) if section else "",
        **told,
        "minus neutral": signed(first) if first else "",
        "optimism": None if facts.optimism is None else round(100 * facts.optimism, 1),
        "answers": round(facts.spent.get("clip_evaluations", 0)),
        "seconds": round(facts.spent.get("seconds", 0)),
    }
