"""A run written offline by the real wandb, and read back from its own file."""

import json
from importlib import import_module
from pathlib import Path
from struct import unpack
from typing import Any

import pytest
from rows import WHO, rows

from prompts.__main__ import main
from prompts.history import History
from prompts.library import NEUTRAL

wandb: Any = pytest.importorskip(
    "wandb", reason="Weights & Biases is not installed: pip install 'sceneproof[wandb]'"
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def records(file: Path) -> list[Any]:
    """What wandb wrote down: protocol buffers in a LevelDB log, blocks of 32 KiB of numbered pieces."""
    messages = import_module("wandb.proto.wandb_internal_pb2")
    data, found, begun, at = file.read_bytes(), [], b"", 7  # after the file's own header
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:  # no piece begins in the last bytes of a block
            at += 32768 - at % 32768
            continue
        _, length, kind = unpack("<IHB", data[at : at + 7])
        begun += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            found.append(messages.Record.FromString(begun))
            begun = b""
    return found


def test_a_run_is_written_for_wandb_sync(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/history.db"
    with History(url) as history:
        run_id = history.start_run({"budget": {"prompts": 2}}, seed=7)
        history.add_prompt(run_id, NEUTRAL.prompt)
        history.add(rows(run_id, NEUTRAL.prompt, ["background", "human"]))
        history.add_proposal(run_id, 0, WHO, "accepted")
        history.add(rows(run_id, WHO, ["human", "human"]))
        history.finish_run(run_id, {"winner": WHO.id})
    folder = tmp_path / "wb"
    command = ["sync", run_id, "--to", "wandb", "--offline", "--folder", str(folder), "--history", url]
    assert main(command) == 0
    assert "offline-run" in capsys.readouterr().out.replace("\n", "")
    (file,) = folder.rglob("*.wandb")
    written = records(file)
    (run,) = [one.run for one in written if one.WhichOneof("record_type") == "run"]
    assert (run.run_id, run.project) == (run_id, "sceneproof")
    logged: dict[str, Any] = {}
    for record in written:
        for item in record.history.item:
            logged["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    assert logged["swaps/tune/bias_gap"] == 1
    assert logged["proposal"] == 0
    summary = {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for record in written
        for item in record.summary.update
    }
    assert summary["winner/swaps/tune/shacc"] == 1
    assert summary["sceneproof.seed"] == "7"
