"""The ways of asking that benchmarks.engines compares."""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.engines_world import Said, Way
from vllm_eval.engine import Engine, Request
from vllm_eval.engines import load_engine
from vllm_eval.engines.checkpoints import resolve
from vllm_eval.parse import read_reply

# The share of memory only says what vLLM must find free when it starts: its default asks for nearly all.
LIMITS = {
    "max_model_len": 1024,
    "max_num_seqs": 32,
    "enforce_eager": True,
    "gpu_memory_utilization": 0.5,
    "kv_cache_memory_bytes": 1 << 30,
}
VIDEO = {"image": 0, "video": 1}
MOST_TOKENS = 5


def _batches(requests: Sequence[Request], size: int) -> Iterator[Sequence[Request]]:
    for start in range(0, len(requests), size):
        yield requests[start : start + size]


class Generate:
    """Processor and model as their own documentation calls them."""

    whole, processes = False, ()

    def __init__(self, options: argparse.Namespace) -> None:
        began = time.perf_counter()
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        path: Any = resolve("mini")
        self._processor: Any = AutoProcessor.from_pretrained(path)  # type: ignore[no-untyped-call]
        dtype = getattr(torch, options.dtype)
        self._model: Any = AutoModelForImageTextToText.from_pretrained(path, dtype=dtype)
        self._model.eval()  # type: ignore[no-untyped-call]
        self._torch = torch
        self.start_seconds = time.perf_counter() - began

    def ask(self, requests: Sequence[Request]) -> list[Said]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Said:
        content = [{"type": "video"}, {"type": "text", "text": request.question.text}]
        text = self._processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )
        pixels = request.frames().pixels
        inputs = self._processor(
            text=[text], videos=[pixels], return_tensors="pt", do_sample_frames=False, do_resize=False
        )
        with self._torch.inference_mode():
            made = self._model.generate(**inputs, max_new_tokens=MOST_TOKENS, do_sample=False)
        size = inputs["input_ids"].shape[1]
        said = self._processor.decode(made[0, size:], skip_special_tokens=True)
        return Said(request.key, read_reply(said, request.question), size, 0)

    def text_alone(self, requests: Sequence[Request]) -> None:
        return None

    def close(self) -> None:
        del self._model


class VllmExamples:
    """``LLM.generate`` with texts and arrays, batch by batch. Block size and the rest are vLLM's defaults."""

    whole, processes = False, ()

    def __init__(self, options: argparse.Namespace, before: bool, batch: int | None) -> None:
        began = time.perf_counter()
        from vllm import LLM, SamplingParams

        self._before, self._batch = before, batch
        self._model: Any = LLM(
            resolve("mini"), dtype=options.dtype, limit_mm_per_prompt=VIDEO, disable_log_stats=False, **LIMITS
        )
        self._sampling = SamplingParams(temperature=0.0, max_tokens=MOST_TOKENS)
        self.start_seconds = time.perf_counter() - began

    def ask(self, requests: Sequence[Request]) -> list[Said]:
        found = []
        for batch in _batches(requests, self._batch or len(requests)):
            prompts = [self._prompt(request) for request in batch]
            outputs = self._model.generate(prompts, self._sampling, use_tqdm=False)
            for request, output in zip(batch, outputs, strict=True):
                label = read_reply(output.outputs[0].text, request.question)
                cached = output.num_cached_tokens or 0
                found.append(Said(request.key, label, len(output.prompt_token_ids), cached))
        return found

    def _prompt(self, request: Request) -> dict[str, Any]:
        video, text = "<|vision_start|><|video_pad|><|vision_end|>", request.question.text
        asked = f"{text}\n{video}" if self._before else f"{video}{text}"
        frames = request.frames()
        about = {
            "fps": frames.fps,
            "total_num_frames": frames.total,
            "duration": frames.total / frames.fps,
            "frames_indices": list(frames.indices),
            "do_sample_frames": False,
        }
        return {
            "prompt": f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n",
            "multi_modal_data": {"video": [(frames.pixels, about)]},
        }

    def text_alone(self, requests: Sequence[Request]) -> None:
        return None

    def close(self) -> None:
        self._model.llm_engine.engine_core.shutdown(timeout=10.0)


class Ours:
    """An engine of ours: all prompts of a clip in one call."""

    whole = True

    def __init__(self, engine: str, **options: Any) -> None:
        self._stack = ExitStack()
        self.processes: tuple[int, ...] = ()
        began = time.perf_counter()
        self._engine: Engine = load_engine(engine, "mini", **options)
        self.start_seconds = time.perf_counter() - began

    def ask(self, requests: Sequence[Request]) -> list[Said]:
        answers = list(self._engine.answer(requests))
        if failed := [answer.error for answer in answers if answer.error]:
            raise SystemExit(f"error: {len(failed)} answers failed, for one: {failed[0]}")
        return [Said(one.key, one.label, one.prompt_tokens, one.cached_tokens) for one in answers]

    def text_alone(self, requests: Sequence[Request]) -> float | None:
        return None

    def close(self) -> None:
        self._engine.close()
        self._stack.close()


class OursVllm(Ours):
    """The vllm engine."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__("vllm", dtype=options.dtype, **LIMITS)

    def text_alone(self, requests: Sequence[Request]) -> float:
        """The suffixes as prompts of their own, none of them in any cache, handed over as the engine does."""
        from vllm_eval.engines.vllm_request import sampling

        engine: Any = self._engine
        backend, template = engine._loaded(), engine.template
        most, waiting = backend.facts.window, 0
        began = time.perf_counter()
        for number, request in enumerate(requests):
            asked = template.ask(request.question)
            given = {"prompt_token_ids": list(asked.ids[asked.head :]), "cache_salt": f"alone {number}"}
            backend.submit(given, sampling(template, request.question, 1))
            waiting += 1
            while waiting >= most:
                waiting -= len(backend.step())
        while waiting:
            waiting -= len(backend.step())
        return time.perf_counter() - began


class OursServe(Ours):
    """The openai engine against `vllm serve` on this machine."""

    def __init__(self, options: argparse.Namespace) -> None:
        from vllm_eval.engines.vllm_server import serving

        stack = ExitStack()
        served = {**LIMITS, "block_size": 32, "limit_mm_per_prompt": VIDEO, "dtype": options.dtype}
        server = stack.enter_context(serving(resolve("mini"), "mini", **served))
        super().__init__("openai", base_url=server.base_url, media="png", max_tokens=1)
        self._stack = stack
        self.start_seconds += server.seconds
        self.processes = (server.pid,)


class Inspect:
    """inspect-ai in an interpreter of its own, a call of ``eval`` for each prompt."""

    whole = False

    def __init__(self, options: argparse.Namespace) -> None:
        from vllm_eval.engines.vllm_server import serving

        if options.harness_python is None:
            raise SystemExit("error: --harness-python names no interpreter that has inspect-ai")
        self._stack = ExitStack()
        images = {"image": options.frames, "video": 0}
        served = {**LIMITS, "block_size": 32, "limit_mm_per_prompt": images, "dtype": options.dtype}
        self._server = self._stack.enter_context(serving(resolve("mini"), "mini", **served))
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.processes = (self._server.pid,)
        script = Path(__file__).with_name("engines_inspect.py")
        began = time.perf_counter()
        self._harness = subprocess.Popen(
            [str(options.harness_python), str(script), self._server.base_url, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()
        self.start_seconds = self._server.seconds + time.perf_counter() - began

    def ask(self, requests: Sequence[Request]) -> list[Said]:
        samples = [self._sample(request) for request in requests]
        path = self._folder / "samples.json"
        path.write_text(json.dumps(samples), encoding="utf-8")
        assert self._harness.stdin is not None
        print(path, file=self._harness.stdin, flush=True)
        told = json.loads(self._line())
        by_key = {request.key: request for request in requests}
        return [
            Said(key, read_reply(text, by_key[key].question), tokens, cached)
            for key, text, tokens, cached in told
        ]

    def _sample(self, request: Request) -> dict[str, Any]:
        """Frames as files, written once for each clip."""
        from PIL import Image

        paths = []
        for number, image in enumerate(request.frames().pixels):
            path = self._folder / f"{request.media_id}-{number}.png"
            if not path.exists():
                Image.fromarray(image).save(path, compress_level=1)
            paths.append(str(path))
        return {"id": request.key, "images": paths, "text": request.question.text}

    def _line(self) -> str:
        assert self._harness.stdout is not None
        line = self._harness.stdout.readline()
        if not line:
            raise SystemExit(f"error: inspect-ai ended with {self._harness.wait()}")
        return line

    def text_alone(self, requests: Sequence[Request]) -> None:
        return None

    def close(self) -> None:
        if self._harness.stdin is not None:
            self._harness.stdin.close()
        self._harness.wait()
        self._stack.close()


ARMS: dict[str, Callable[[argparse.Namespace], Way]] = {
    "generate": Generate,
    "vllm-before": lambda options: VllmExamples(options, before=True, batch=options.batch),
    "vllm-after": lambda options: VllmExamples(options, before=False, batch=options.batch),
    "vllm-batched": lambda options: VllmExamples(options, before=False, batch=None),
    "inspect": Inspect,
    "transformers-ours": lambda options: Ours("transformers", dtype=options.dtype),
    "vllm-ours": OursVllm,
    "serve-ours": OursServe,
}
