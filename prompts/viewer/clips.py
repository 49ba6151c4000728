"""Clips under two prompts: filtered by class, confusion, fixed and broken, played, with both answers."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from assets.errors import UserError
from prompts.comparison import Pair
from prompts.footage import Footage
from prompts.history import History
from prompts.library import NEUTRAL
from prompts.prompt import Prompt
from prompts.report.facts import by_prompt
from prompts.roles import roles_of
from prompts.viewer import shared

_PLAYER = 400  # pixels
ANY = "any"
OUTCOMES: dict[str, Callable[[str, str], bool]] = {
    ANY: lambda a, b: True,
    "fixed by B": lambda a, b: a not in ("human", "error") and b == "human",
    "broken by B": lambda a, b: a == "human" and b not in ("human", "error"),
    "right with both": lambda a, b: a == b == "human",
    "wrong with both": lambda a, b: "human" not in (a, b),
    "failed": lambda a, b: "error" in (a, b),
}


def draw(history: History, run_id: str) -> None:
    """The page."""
    import streamlit as st

    found = roles_of(history, run_id)
    datasets = [*found.reports, *(name for name in (found.tune, found.select, found.agreement) if name)]
    if not datasets:
        st.info("No clip has been answered yet.")
        return
    dataset = st.selectbox("Data set", datasets, key="dataset")
    answers = by_prompt(history.answers_for(run_id, dataset=dataset))
    known = {prompt.id: prompt for prompt in history.prompts(run_id) if prompt.id in answers}
    run = history.run(run_id)
    a, b = _two(list(known.values()), shared.winner_of(run))
    other = {row.clip_id: row for row in answers[b.id]}
    pairs = [Pair(row, other[row.clip_id]) for row in answers[a.id] if row.clip_id in other]
    kept = _filtered(pairs)
    st.caption(f"{len(kept)} of {len(pairs)} clips")
    if kept:
        _clip(_picked(kept), Footage(run.config))


def _two(prompts: Sequence[Prompt], winner: str | None) -> tuple[Prompt, Prompt]:
    """Neutral and the winner at first."""
    import streamlit as st

    ids = {prompt.id: prompt for prompt in prompts}
    first = next((place for place, one in enumerate(ids) if one == NEUTRAL.prompt.id), 0)
    second = next((place for place, one in enumerate(ids) if one == winner), len(ids) - 1)
    chosen = []
    for column, letter, place in zip(st.columns(2), "AB", (first, second), strict=True):
        with column:
            picked = st.selectbox(
                f"Prompt {letter}", list(ids), index=place, key=f"prompt-{letter}",
                format_func=lambda one: shared.prompt_label(ids[one]),
            )  # fmt: skip
            shared.text(ids[picked].text)
            chosen.append(ids[picked])
    return chosen[0], chosen[1]


def _filtered(pairs: Sequence[Pair]) -> list[Pair]:
    import streamlit as st

    columns = st.columns(4)
    outcome = columns[0].selectbox("Outcome", list(OUTCOMES), key="outcome")
    humans = columns[1].multiselect(
        "Class of the person", sorted({one.a.human for one in pairs}), key="classes"
    )
    scenes = sorted({one.a.background for one in pairs if one.a.background})
    backgrounds = columns[2].multiselect("Class of the scene", scenes, key="scenes")
    confusions = [ANY, *(told for told, _ in _confusions(pairs))]
    confusion = columns[3].selectbox("Confusion, with A or B", confusions, key="confusion")
    return [
        one
        for one in pairs
        if OUTCOMES[outcome](one.a.answer.kind, one.b.answer.kind)
        and (not humans or one.a.human in humans)
        and (not backgrounds or one.a.background in backgrounds)
        and (confusion == ANY or confusion in (_confusion(one.a), _confusion(one.b)))
    ]


def _confusions(pairs: Sequence[Pair]) -> list[tuple[str, int]]:
    counts = Counter(_confusion(row) for pair in pairs for row in (pair.a, pair.b))
    del counts[""]
    return counts.most_common()


def _confusion(row: Any) -> str:
    """Person -> answer, "" for a right answer or none."""
    if row.answer.kind in ("human", "error"):
        return ""
    return f"{row.human} -> {row.answer.label or row.answer.kind}"


def _picked(pairs: Sequence[Pair]) -> Pair:
    """The clip of the clicked row, else the first."""
    import streamlit as st

    rows = [
        {
            "person": shared.plain(one.a.human),
            "scene": shared.plain(one.a.background or ""),
            "A": shared.plain(one.a.answer.label or one.a.answer.kind),
            "B": shared.plain(one.b.answer.label or one.b.answer.kind),
            "clip": shared.plain(one.a.clip_id),
        }
        for one in pairs
    ]
    st.caption("Click a row's box to play its clip")
    event = st.dataframe(
        rows, hide_index=True, width="stretch", height=240, on_select="rerun",
        selection_mode="single-row", key="clips",
    )  # fmt: skip
    picked = event["selection"]["rows"] if event else []
    return pairs[picked[0]] if picked and picked[0] < len(pairs) else pairs[0]


def _clip(pair: Pair, footage: Footage) -> None:
    import streamlit as st

    left, right = st.columns(2)
    with left:
        shared.text(pair.a.clip_id)
        _play(pair, footage)
    with right:
        told = [f"person: {pair.a.human}"]
        told += [f"scene:  {pair.a.background}"] if pair.a.background else []
        for letter, row in (("A", pair.a), ("B", pair.b)):
            said = row.answer.label or row.answer.text or row.answer.error or "nothing"
            told.append(f"{letter}: {said} ({row.answer.kind})")
        shared.text("\n".join(told))
        _likelihoods(pair, footage)


def _play(pair: Pair, footage: Footage) -> None:
    import streamlit as st

    from prompts.report.gallery import jpeg_strip
    from prompts.viewer.player import moving

    try:
        clip = footage.clip(pair.a.dataset, pair.a.clip_id)
        data, kind = moving(clip)
        frames = footage.frames(clip, pair.a.dataset)
    except (UserError, OSError) as problem:
        st.info("The frames are not at hand:")
        shared.text(problem)
        return
    if kind == "video/mp4":
        st.video(data, format=kind, loop=True, autoplay=True, muted=True, width=_PLAYER)
    else:
        st.image(data, width=_PLAYER)
    st.caption(f"What the model saw: {len(frames.pixels)} frames")
    st.image(jpeg_strip(frames), width="stretch")


def _likelihoods(pair: Pair, footage: Footage) -> None:
    """Log-probabilities of the labels on offer, under both prompts."""
    import streamlit as st

    mine = {one.label: one.logprob for one in footage.options(pair.a)}
    theirs = {one.label: one.logprob for one in footage.options(pair.b)}
    if not mine and not theirs:
        st.caption("The model gave no log-probabilities, or the labels on offer cannot be told any more.")
        return
    rows = [
        {"label": shared.plain(name), "A": mine.get(name), "B": theirs.get(name)}
        for name in dict.fromkeys([*mine, *theirs])
    ]
    st.caption("Log-probability of each label on offer")
    st.dataframe(rows, hide_index=True, width="stretch")
