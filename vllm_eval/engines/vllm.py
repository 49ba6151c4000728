"""The vllm engine: vLLM in this process's care, one clip's tokens computed once for all questions about it.

Requests go clip by clip, video before question, each clip's pixels only the first time; answers come as they
are ready while the next prompts are being prepared. See docs/vllm_engine.md for the options.
"""

import inspect
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from assets.errors import UserError
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.batching import by_clip
from vllm_eval.engines.checkpoints import identity, resolve
from vllm_eval.engines.vllm_backend import Backend, open_backend
from vllm_eval.engines.vllm_blocks import Resident
from vllm_eval.engines.vllm_call import Call, Memory
from vllm_eval.engines.vllm_report import cost_line, low_reuse, round_line
from vllm_eval.engines.vllm_request import read_template
from vllm_eval.engines.vllm_settings import Settings, read_settings
from vllm_eval.rendered import Rendered

log = logging.getLogger(__name__)


class VLLMEngine:
    """Any video model that vLLM runs. Options are those of ``Settings``; ``backend`` replaces vLLM in tests.

    Raises UserError for a wrong option, without vLLM, and for a model that vLLM cannot load.
    """

    __signature__ = inspect.signature(Settings)  # the options have one home; load_engine lists them from here

    def __init__(self, model: str, *, backend: Backend | None = None, **options: Any) -> None:
        self.settings = read_settings({"model": model, **options})
        path = resolve(self.settings.model)
        self._backend: Backend | None = backend or open_backend(path, self.settings)
        facts = self._backend.facts
        try:
            self.template = read_template(self._backend.tokenizer, self.settings.system)
        except UserError:
            self.close()
            raise
        self._room = facts.room
        named = identity(path, facts.commit or self.settings.revision)
        self._fingerprint = self.settings.fingerprint(named, facts.version, facts.dtype)
        self._pixels_key = self.settings.pixels_key(named)
        self._memory = Memory(Resident(facts.room.tokens))
        self._told = False
        self._calls = 0

    @property
    def fingerprint(self) -> str:
        """Model, revision, backend, version, number format, scoring and all options that change an answer."""
        return self._fingerprint

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, each as soon as it is there. Finish a call before the next begins.

        Raises UserError before anything is asked where a letter is not one token of this model, and where
        vLLM itself fails: what was answered before has been yielded.
        """
        for request in requests:
            self.template.letter_ids(request.question)
        call, began = self._call(), time.perf_counter()
        number = self._calls
        try:
            for answer in call.run(by_clip(requests)):
                self._tell_cost(answer)
                yield answer
                if self._calls != number:  # its replies went to the other call
                    raise RuntimeError("this engine was asked again before it had finished answering")
        finally:
            call.close()
            self._tell_round(call, time.perf_counter() - began)

    def rendered(self, request: Request) -> Rendered:
        """The prompt of a request as the model reads it, which vLLM is asked to tell by answering it apart
        from its caches. Raises UserError as ``answer`` does, and where vLLM refuses the request."""
        asked, call = self.template.ask(request.question), self._call()
        try:
            total = call.prompt_tokens(request)
        except ValueError as failure:
            raise UserError(f"vLLM refuses the prompt: {' '.join(str(failure).split())}") from failure
        letters = self.template.letter_ids(request.question)
        return Rendered(
            text=str(self.template.tokenizer.decode(list(asked.ids))),
            prompt_tokens=total,
            video_tokens=total - len(asked.ids) + 1,
            letters=dict(zip(request.question.letters, letters, strict=True)),
        )

    def close(self) -> None:
        """End vLLM's processes and give back their memory."""
        if self._backend is not None:
            self._backend.close()
        self._backend = None

    def _call(self) -> Call:
        self._calls += 1
        return Call(self._loaded(), self.template, self.settings, self._pixels_key, self._memory)

    def _tell_cost(self, answer: Answer) -> None:
        """Once, at the first answer: until then no clip has been seen."""
        if self._told or not self._memory.prefix:
            return
        self._told = True
        prefix = next(iter(self._memory.prefix.values()))
        log.info("%s", cost_line(prefix - self.template.text_head, answer.prompt_tokens, self._room))

    def _tell_round(self, call: Call, seconds: float) -> None:
        done = call.done
        if done.asked or done.errors:
            log.info("%s", round_line(done, seconds, call.blocks))
        if done.unscored:
            log.warning("%d lettered answers came without log-probabilities", done.unscored)
        if warning := low_reuse(done, self._room):
            log.warning("%s", warning)

    def _loaded(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("this engine was closed")
        return self._backend
