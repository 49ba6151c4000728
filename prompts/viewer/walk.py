"""The lineage to click through: one prompt, its parents above, what was made of it below."""

from collections.abc import Mapping, Sequence
from typing import Any

from prompts.history import History
from prompts.library import name_of
from prompts.lineage import forest
from prompts.prompt import Prompt
from prompts.records import Conversation
from prompts.roles import roles_of
from prompts.view import HistoryView
from prompts.viewer import shared

# Streamlit reads Markdown in captions: of what was sent only the known words are shown there.
_ROLES = {role: role for role in ("system", "user", "assistant", "tool", "text to continue")}


def draw(history: History, run_id: str) -> None:
    """The page."""
    import streamlit as st

    run = history.run(run_id)
    tune = roles_of(history, run_id).tune
    view = history.view(run_id, tune) if tune else None
    known = {prompt.id: prompt for prompt in history.prompts(run_id)}
    known |= {one.prompt.id: one.prompt for one in view.scored} if view else {}
    if not known:
        st.info("This run has no prompt yet.")
        return
    rows = [(depth, node.prompt) for tree in forest(list(known.values())) for depth, node in tree.walk()]
    chosen = _chosen(known, shared.winner_of(run))
    left, right = st.columns([3, 2])
    with right:
        picked = _tree(rows, view, run_id)
        if picked and picked != st.session_state.get("picked"):
            st.session_state["picked"] = picked
            st.session_state["prompt"] = chosen = picked
    with left:
        _one(history, run_id, known, known[chosen], view)


def _chosen(known: dict[str, Prompt], winner: str | None) -> str:
    import streamlit as st

    asked = st.session_state.get("prompt")
    if asked in known:
        return str(asked)
    return winner if winner in known else next(iter(known))


def _tree(rows: Sequence[tuple[int, Prompt]], view: HistoryView | None, run_id: str) -> str | None:
    """The whole tree as a table, a row to click; the id of the clicked one."""
    import streamlit as st

    told = [
        {
            "prompt": "· " * depth + prompt.id[:8],
            "score": _score(prompt, view),
            "text": shared.plain(prompt.text),
        }
        for depth, prompt in rows
    ]
    st.caption("The whole tree; click a row's box to go there")
    event = st.dataframe(
        told,
        hide_index=True,
        width="stretch",
        height=560,
        on_select="rerun",
        selection_mode="single-row",
        key=f"tree-{run_id}",
    )
    picked = event["selection"]["rows"] if event else []
    return rows[picked[0]][1].id if picked and picked[0] < len(rows) else None


def _one(
    history: History, run_id: str, known: dict[str, Prompt], prompt: Prompt, view: HistoryView | None
) -> None:
    import streamlit as st

    _buttons("Made from", [known[one] for one in prompt.parents if one in known], view, "parent")
    st.markdown(f"### `{prompt.id}`")
    st.caption(f"{name_of(prompt.id) or 'proposed'}; score {_score(prompt, view)}")
    shared.text(prompt.text)
    if prompt.hypothesis:
        st.caption("Why it might work, as its proposer wrote")
        shared.text(prompt.hypothesis)
    _conversations(history, run_id, prompt)
    if view and view.get(prompt.id):
        st.dataframe(
            shared.prompt_table([one for one in view.scored if one.prompt.id == prompt.id], None),
            hide_index=True,
        )
    children = [one for one in known.values() if prompt.id in one.parents]
    _buttons("Made of it", children, view, "child")


def _conversations(history: History, run_id: str, prompt: Prompt) -> None:
    """What a language model was sent and replied whenever it proposed this prompt, folded away."""
    import streamlit as st

    for one in history.proposals(run_id, prompt.id):
        request = history.conversation(one)
        if request is None:
            continue
        with st.expander(f"What its proposer was sent in round {one.round}, and replied"):
            for turn in _turns(request):
                st.caption(_ROLES.get(turn["role"], "message"))
                shared.text(turn["content"])
                if calls := turn.get("calls"):
                    shared.text("\n".join(f"{call['name']} {call['arguments']}" for call in calls))
            st.caption("reply")
            shared.text(one.raw)


def _turns(request: Conversation) -> Sequence[Mapping[str, Any]]:
    """The messages of a request; a text to continue stands for one."""
    return [{"role": "text to continue", "content": request}] if isinstance(request, str) else request


def _buttons(title: str, prompts: Sequence[Prompt], view: HistoryView | None, kind: str) -> None:
    """Labels hold ids and numbers alone: Streamlit reads Markdown in them."""
    import streamlit as st

    st.caption(f"{title}: {len(prompts) or 'none'}")
    if not prompts:
        return
    with st.container(horizontal=True):
        for one in prompts:
            label = f"{one.id[:8]} {_score(one, view)}"
            st.button(label, key=f"{kind}-{one.id}", on_click=_go, args=(one.id,))


def _go(prompt_id: str) -> None:
    import streamlit as st

    st.session_state["prompt"] = prompt_id


def _score(prompt: Prompt, view: HistoryView | None) -> str:
    scored = view.get(prompt.id) if view else None
    return f"{100 * scored.score:.1f}" if scored and scored.metrics.n else "-"
