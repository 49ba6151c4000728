"""`python -m prompts view`: the history in the browser, on this machine alone unless told otherwise."""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from assets.errors import UserError
from prompts.commands.common import Command, open_history

LOOPBACK, PORT = "127.0.0.1", 8501


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address",
        default=LOOPBACK,
        help=f"where to listen (default {LOOPBACK}; anything else shows the history to others)",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"port (default {PORT})")
    parser.add_argument("--browser", action="store_true", help="open the page in this machine's browser")


def _run(args: argparse.Namespace) -> int:
    if find_spec("streamlit") is None:
        raise UserError("the viewer needs streamlit: pip install 'sceneproof[view]'")
    open_history(args).close()  # a wrong URL is told here, not in a browser
    if args.address not in (LOOPBACK, "localhost", "::1"):
        print(f"whoever reaches {args.address}:{args.port} can read this history", file=sys.stderr)
    # In the environment: a database's password on a command line could be read by others here.
    environment = os.environ | {"SCENEPROOF_HISTORY__URL": args.history}
    try:
        return subprocess.run(command(args.address, args.port, args.browser), env=environment).returncode
    except KeyboardInterrupt:
        return 0


def command(address: str, port: int, browser: bool = False) -> list[str]:
    """What is run: Streamlit on the viewer's script, sending nothing to anyone."""
    from prompts import viewer

    script = Path(str(viewer.__file__)).with_name("app.py")
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": str(not browser).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(script), *flags]


COMMAND = Command("the history in a browser, live while a run goes", _add_arguments, _run)
