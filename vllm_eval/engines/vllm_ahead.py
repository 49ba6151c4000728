"""Reading the next clips' frames while the engine works on the last ones."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from videos.clip import Frames
from vllm_eval.engine import Request

DEPTH, THREADS = 4, 2


class ReadAhead:
    """Frames of ``requests``, one each clip and in the order they will be needed, at most ``depth`` ahead.

    Threads suffice: frames come from disk, or from the frame store's own decoding processes.
    """

    def __init__(self, requests: Iterable[Request], depth: int = DEPTH) -> None:
        self._coming = iter(requests)
        self._depth = depth
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="vllm-frames")
        self._waiting: dict[str, Future[Frames]] = {}
        self._fill()

    def get(self, request: Request) -> Frames:
        """The clip's frames, in memory. Raises what its decoder raises."""
        future = self._waiting.pop(request.media_id, None)
        self._fill()
        return future.result() if future else _read(request)

    def close(self) -> None:
        """Start no further clip."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fill(self) -> None:
        while len(self._waiting) < self._depth:
            request = next(self._coming, None)
            if request is None:
                return
            self._waiting[request.media_id] = self._pool.submit(_read, request)


def _read(request: Request) -> Frames:
    frames = request.frames()
    # A copy in memory: stored frames are mapped from disk and would be read by whoever touches them first.
    return replace(frames, pixels=np.array(frames.pixels))
