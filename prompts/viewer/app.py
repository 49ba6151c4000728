"""The script that Streamlit runs: which run, which page. Started by `python -m prompts view`."""

from assets.errors import UserError
from prompts.viewer import clips, live, runs, shared, walk


def main() -> None:
    """Draw the page that is asked for; what the user can mend is told on it."""
    import streamlit as st

    st.set_page_config(page_title="sceneproof", layout="wide")
    try:
        _draw()
    except UserError as problem:
        st.error("This history cannot be shown:")
        shared.text(problem)


def _draw() -> None:
    import streamlit as st

    with shared.open_history() as history:
        found = [run.id for run in reversed(history.runs())]
        st.sidebar.title("sceneproof")
        if not found:
            st.info("This history holds no run yet. It appears here as soon as one starts.")
            return
        run_id = st.sidebar.selectbox("Run, latest first", found, key="run")
        page = st.sidebar.radio("Page", shared.PAGES, key="page")
        st.sidebar.caption("History")
        st.sidebar.code(shared.plain(history.url), language=None, wrap_lines=True)
        if page == "Runs compared":
            runs.draw(history, found)
        elif page == "Lineage":
            walk.draw(history, run_id)
        elif page == "Clips":
            clips.draw(history, run_id)
        else:
            live.draw(run_id)


if __name__ == "__main__":
    main()
