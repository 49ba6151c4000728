"""The model hub as a source. It cannot be reached from many machines, so finding that out must be cheap."""

import os
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from assets.catalogue import Asset, HubFile, SourceError

PROBE_SECONDS = 4.0  # name lookups have no time limit of their own, so the whole probe has one
_OFF = {"1", "true", "yes", "on"}


_unreachable: str | None = None  # remembered for this process: asked once, not once per asset


def cached(asset: Asset) -> Path | None:
    """Where the hub's own cache holds the file, unchecked; None when it does not."""
    if asset.hub is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(asset.hub.repo, asset.hub.file)
    return Path(found) if isinstance(found, str) else None


def download(asset: Asset, folder: Path) -> Path:
    """The file from the hub, stored under folder. Raises SourceError for every reason not to have it."""
    if asset.hub is None:
        raise SourceError("not on the hub")
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in _OFF:
        raise SourceError("switched off by HF_HUB_OFFLINE")
    served = _probe(asset.hub)
    if served != asset.sha256:
        raise SourceError(f"{asset.hub.repo} serves other content ({served[:12]})")
    return _get(asset.hub, folder)


def _probe(hub: HubFile) -> str:
    """The content hash the hub announces for the file, within PROBE_SECONDS."""
    global _unreachable
    if _unreachable:
        raise SourceError(_unreachable)
    answers: SimpleQueue[str | Exception] = SimpleQueue()
    Thread(target=_ask, args=(hub, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=PROBE_SECONDS)
    except Empty:
        answer = TimeoutError(f"no answer in {PROBE_SECONDS:g} s")
    if isinstance(answer, Exception):
        _unreachable = f"{type(answer).__name__}: {_first_line(answer)}"
        raise SourceError(_unreachable)
    return answer


def _ask(hub: HubFile, answers: "SimpleQueue[str | Exception]") -> None:
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        found = get_hf_file_metadata(hf_hub_url(hub.repo, hub.file), timeout=PROBE_SECONDS)
        answers.put(str(found.etag or ""))
    except Exception as failure:  # whatever it is, another source is tried next
        answers.put(failure)


def _get(hub: HubFile, folder: Path) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    disable_progress_bars()  # ours is shown instead
    try:
        return Path(hf_hub_download(hub.repo, hub.file, local_dir=folder))
    except Exception as failure:
        raise SourceError(f"{type(failure).__name__}: {_first_line(failure)}") from failure
    finally:
        enable_progress_bars()


def _first_line(failure: Exception) -> str:
    text = str(failure).strip()
    return text.splitlines()[0][:160] if text else "no details"
