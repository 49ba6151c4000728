"""What the viewer's pages share: the history, names of prompts, and text that stays text."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from prompts.display import shown
from prompts.history import DEFAULT_URL, History
from prompts.library import name_of
from prompts.prompt import Prompt
from prompts.records import RunRecord
from prompts.report.texts import interval
from prompts.view import HistoryView, ScoredPrompt

PAGES = ("Run", "Runs compared", "Lineage", "Clips")
SECONDS = 2.0  # between two looks at a run that is going


def history_url() -> str:
    """The history to look at: `python -m prompts view --history URL` hands it over in the environment."""
    return os.environ.get("SCENEPROOF_HISTORY__URL", DEFAULT_URL)


def open_history() -> History:
    """Opened for one drawing of the page: the run that writes it is another process."""
    return History(history_url(), create=False)


def plain(value: object) -> str:
    """Control characters spelled out."""
    return shown(value).plain


def text(value: object) -> None:
    """A prompt or a reply as it stands. ``st.code`` gives its content no meaning, ``st.write`` would."""
    import streamlit as st

    st.code(plain(value), language=None, wrap_lines=True)


def prompt_label(prompt: Prompt, view: HistoryView | None = None, longest: int = 90) -> str:
    """For lists whose entries are shown as plain text."""
    scored = view.get(prompt.id) if view else None
    score = f"{100 * scored.score:.1f} " if scored and scored.metrics.n else ""
    joined = " ".join(plain(prompt.text).split())
    cut = joined if len(joined) <= longest else joined[: longest - 1] + "…"
    return f"{score}{prompt.id[:8]} ({name_of(prompt.id) or plain(prompt.origin)}) {cut}"


def prompt_table(scored: Sequence[ScoredPrompt], winner: str | None) -> list[Mapping[str, Any]]:
    """Rows for ``st.dataframe``, in %; its cells are text, never markup."""
    return [
        {
            "chosen": "★" if one.prompt.id == winner else "",
            "prompt": one.prompt.id[:8],
            "origin": name_of(one.prompt.id) or plain(one.prompt.origin),
            "score": round(100 * one.score, 1),
            "SHAcc": interval(one.metrics.shacc),
            "SBErr": interval(one.metrics.sberr),
            "n": one.metrics.n,
            "text": plain(one.prompt.text),
            "hypothesis": plain(one.prompt.hypothesis),
        }
        for one in scored
    ]


def winner_of(run: RunRecord) -> str | None:
    """The id of the chosen prompt, once there is one."""
    found = (run.summary or {}).get("winner")
    return None if found is None else str(found)


def setting(run: RunRecord, *path: str) -> Any:
    """A value of the run's configuration, None where it has none."""
    value: Any = run.config
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
