"""The viewer: a history in the browser, live while a run goes. Streamlit is imported in functions only."""
