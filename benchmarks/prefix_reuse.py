"""How many answers a second does reuse of the video's key/value cache give?

    python -m benchmarks.prefix_reuse

Three ways of asking the same questions about the same clips, one after the other in one process:

    reuse       the transformers engine as it is used
    no reuse    the same engine computing video and question anew for every answer, in batches
    plain loop  model.generate() as one would write it: one clip and one prompt at a time

"first prompt" meets clips never seen before, "later prompts" are all that follow. Pixels are noise: they do
not change the amount of work. Every run is appended to benchmarks/results/prefix_reuse.json.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.record import append
from prompts.library import BACKGROUND_BIASED, HUMAN_FOCUSED, NEUTRAL
from videos.clip import Clip, Frames, Pixels, SourceInfo
from vllm_eval.engine import Request
from vllm_eval.engines.checkpoints import resolve
from vllm_eval.engines.patches import cut
from vllm_eval.engines.transformers import TransformersEngine
from vllm_eval.engines.video_model import VideoModel
from vllm_eval.parse import read_reply
from vllm_eval.questions import load_format

CLASSES = (
    "archery", "bowling", "climbing a rope", "deadlifting", "golf driving", "hurdling", "juggling balls",
    "playing violin", "punching person (boxing)", "shooting basketball", "skipping rope", "surfing water",
    "sweeping floor", "sword fighting",
)  # fmt: skip
PROMPTS = [entry.prompt.text for entry in (NEUTRAL, HUMAN_FOCUSED, BACKGROUND_BIASED)]
FRAMES = 8

Labels = dict[str, str | None]
Ask = Callable[[Sequence[Request]], Labels]


@dataclass(frozen=True)
class Noise:
    """Random pixels."""

    number: int
    side: int

    def identity(self) -> str:
        return f"noise-{self.number}-{self.side}"

    def info(self) -> SourceInfo:
        return SourceInfo(FRAMES, 10.0)

    def read(self, indices: Sequence[int]) -> Pixels:
        shape = (len(indices), self.side, self.side, 3)
        return np.random.default_rng(self.number).integers(0, 256, shape).astype(np.uint8)


@dataclass(frozen=True)
class Measured:
    """One timing. ``part`` is "first prompt" or "later prompts"."""

    way: str
    repeat: int
    part: str
    answers: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def requests(clips: int, side: int) -> list[list[Request]]:
    """Per prompt, a request about each clip."""
    asks = load_format("mcq5")
    made = []
    for number in range(clips):
        human, background = CLASSES[number % 14], CLASSES[(number * 3 + 1) % 14]
        made.append(Clip(f"clip {number}", human, background, (f"s{number}",), Noise(number, side)))
    frames = [Frames(clip.frames.read(range(FRAMES)), tuple(range(FRAMES)), 10.0, FRAMES) for clip in made]
    return [
        [
            Request(
                clip, clip.id, partial(_given, pixels), asks.ask(text, clip, CLASSES), f"{clip.id}: {text}"
            )
            for clip, pixels in zip(made, frames, strict=True)
        ]
        for text in PROMPTS
    ]


def _given(frames: Frames) -> Frames:
    return frames


def through_engine(engine: TransformersEngine) -> Ask:
    """All requests in one call, as the evaluator does."""
    return lambda asked: {answer.key: answer.label for answer in engine.answer(asked)}


def through_generate(plain: VideoModel) -> Ask:
    """One request at a time through transformers' own generate."""
    return lambda asked: {request.key: _generate(plain, request) for request in asked}


def _generate(plain: VideoModel, request: Request) -> str | None:
    patches = cut(request.frames().pixels, plain.settings)
    content = [{"type": "video"}, {"type": "text", "text": request.question.text}]
    text = plain.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    pad = plain.tokenizer.decode([plain.template.video])
    text = text.replace(pad, pad * patches.tokens(plain.settings.merge))
    ids = torch.tensor([plain.tokenizer(text)["input_ids"]], device=plain.device)
    pixels = torch.from_numpy(patches.values).to(plain.device).float()
    with torch.inference_mode():
        made = plain.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == plain.template.video).int() * 2,
            pixel_values_videos=((pixels - plain._mean) / plain._std).to(plain.dtype),
            video_grid_thw=torch.tensor([patches.grid], device=plain.device),
            max_new_tokens=5,
            do_sample=False,
        )
    return read_reply(
        plain.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True), request.question
    )


def measure(
    way: str, ask: Ask, asked: Sequence[Sequence[Request]], repeat: int
) -> Iterator[tuple[Measured, Labels]]:
    """The first prompt, then the later ones together (clip by clip, as the evaluator orders them)."""
    later = [request for one in zip(*asked[1:], strict=True) for request in one]
    for part, wanted in (("first prompt", asked[0]), ("later prompts", later)):
        began = time.perf_counter()
        labels = ask(wanted)
        yield Measured(way, repeat, part, len(wanted), time.perf_counter() - began), labels


def main() -> None:
    """Command line."""
    options = _options()
    console = Console()
    engines = {on: _engine(options, on) for on in (True, False)}
    ways: list[tuple[str, Ask, int]] = [
        ("reuse", through_engine(engines[True]), options.clips),
        ("no reuse", through_engine(engines[False]), options.clips_without),
        ("plain loop", through_generate(_plain(options)), options.clips_plain),
    ]
    asked = requests(options.clips, options.side)
    for _, ask, _ in ways:  # the first call of each compiles kernels and allocates
        ask(asked[0][:2])
    runs: list[Measured] = []
    said: dict[str, Labels] = {name: {} for name, _, _ in ways}
    for repeat in range(options.repeats):
        for name, ask, clips in ways:
            engines[True].cache.clear()
            for run, labels in measure(name, ask, [one[:clips] for one in asked], repeat):
                runs.append(run)
                said[name] |= labels
                console.print(f"{run.way}, {run.part}: {run.answers} in {run.seconds:.2f} s", highlight=False)
    console.print(_table(runs, said))
    append("prefix_reuse", _result(runs, engines[True]))


def _engine(options: argparse.Namespace, reuse: bool) -> TransformersEngine:
    return TransformersEngine(
        options.model, options.dtype, options.device, batch_size=options.batch_size, reuse=reuse
    )


def _plain(options: argparse.Namespace) -> VideoModel:
    """The model as transformers loads it. Its own loop never goes through our joined weights."""
    model = VideoModel(resolve(options.model), options.dtype, options.device)
    fresh = type(model.model).from_pretrained(resolve(options.model), dtype=model.dtype)
    model.model = fresh.eval().to(model.device)
    return model


def _table(runs: Sequence[Measured], said: dict[str, Labels]) -> Table:
    table = Table(title="answers per second, median of repeats (lowest to highest)")
    for heading in ("", "first prompt", "later prompts", "later, times plain loop", "same label as reuse"):
        table.add_column(heading, justify="left" if not heading else "right")
    base = median(_rates(runs, "plain loop", "later prompts"))
    for way in said:
        parts = [_rates(runs, way, part) for part in ("first prompt", "later prompts")]
        cells = [f"{median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})" for rates in parts]
        same = sum(said["reuse"][key] == label for key, label in said[way].items())
        table.add_row(way, *cells, f"{median(parts[1]) / base:.1f}", f"{same} of {len(said[way])}")
    return table


def _rates(runs: Sequence[Measured], way: str, part: str) -> list[float]:
    return [run.rate for run in runs if (run.way, run.part) == (way, part)]


def _result(runs: Sequence[Measured], engine: TransformersEngine) -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "engine": engine.fingerprint,
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "runs": [{**asdict(run), "answers_per_second": round(run.rate, 2)} for run in runs],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="mini", help="mini, a folder or a hub name")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=int, default=None, help="questions at a time")
    parser.add_argument("--side", type=int, default=112, help="height and width of the frames in pixels")
    parser.add_argument("--clips", type=int, default=64, help="clips for the engine with reuse")
    parser.add_argument("--clips-without", type=int, default=32, help="clips for the engine without reuse")
    parser.add_argument("--clips-plain", type=int, default=12, help="clips for the plain loop")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
