"""The openai engine: any OpenAI-compatible server, asked through the openai SDK.

Clips go before the question, as images or as one video. Letters are read from log-probabilities where the
server offers them, else from the text. See docs/openai_engine.md for the options.
"""

import inspect
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from vllm_eval.engine import Answer, Request
from vllm_eval.engines.openai_bridge import Bridge
from vllm_eval.engines.openai_calls import Calls
from vllm_eval.engines.openai_media import Encoder
from vllm_eval.engines.openai_probe import media_of, probe
from vllm_eval.engines.openai_settings import Settings, read_access, read_settings
from vllm_eval.engines.openai_state import Spent, State

log = logging.getLogger(__name__)


class OpenAIEngine:
    """Asks one model of a server. Options are those of ``Settings``.

    Raises UserError for a wrong option, a missing or refused key, and a server that is not there; an unknown
    model and whatever else concerns all clips is raised by ``answer``, before anything is bought.
    """

    __signature__ = inspect.signature(Settings)  # the options have one home; load_engine lists them from here

    def __init__(self, model: str, **options: Any) -> None:
        self.settings = read_settings({"model": model, **options})
        self._access = read_access(self.settings.base_url, self.settings.api_key_env)
        served = probe(self.settings, self._access)
        self.media = media_of(self.settings, served)
        self._fingerprint = self.settings.fingerprint(self.media)
        self._encoder = Encoder(self.settings, self.media)
        self._state = State(self.settings, self._access, served.names)
        self._running: set[Bridge[Answer]] = set()
        self._closed = False

    @property
    def fingerprint(self) -> str:
        """Model, revision, how clips are sent, sampling; no host and no key. An option that the server
        refuses and the engine leaves out does not show: for one model it is always the same."""
        return self._fingerprint

    @property
    def spent(self) -> Spent:
        """Tokens and, with ``prices``, dollars since the engine was made."""
        return self._state.spent

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, each as it arrives.

        Raises UserError where the server, not a clip, fails: what was answered before has been yielded.
        """
        if self._closed:
            raise RuntimeError("this engine was closed")

        async def work(out: Bridge[Answer]) -> None:
            from openai import AsyncOpenAI

            async with AsyncOpenAI(
                base_url=self._access.base_url,
                api_key=self._access.key,
                default_headers=dict(self._access.headers),
                max_retries=0,
                timeout=self.settings.timeout,
            ) as client:
                await Calls(self._state, self._encoder, client, out).run(requests)

        bridge = Bridge(work, ahead=2 * self.settings.concurrency)
        self._running.add(bridge)
        try:
            yield from bridge
        finally:
            bridge.stop()
            self._running.discard(bridge)

    def close(self) -> None:
        """End what is under way. Calling it twice is harmless."""
        for bridge in list(self._running):
            bridge.stop()
        if not self._closed and self._state.spent.calls:
            log.info("used at %s: %s", self._access.shown, self._state.spent)
        self._closed = True
