"""From a question and a clip's media to what is sent. Pure functions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vllm_eval.engines.openai_settings import Settings
from vllm_eval.question import Question

Part = dict[str, Any]
TOP_LOGPROBS = 20
FEW_LOGPROBS = 5  # what servers that refuse 20 take


@dataclass(frozen=True)
class Sent:
    """A clip as message parts, with what the request's body needs besides."""

    parts: tuple[Part, ...]
    body: Mapping[str, Any] = field(default_factory=dict)


def image_part(url: str, detail: str | None) -> Part:
    """One frame."""
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": detail} if detail else {})}


def video_part(url: str, uuid: str | None = None) -> Part:
    """A whole clip; ``uuid`` keys the caches of servers that know it."""
    return {"type": "video_url", "video_url": {"url": url}} | ({"uuid": uuid} if uuid else {})


def sampled_video(fps: float, indices: Sequence[int], total: int) -> dict[str, Any]:
    """What a server must know of frames that were picked before: vLLM's ``media_io_kwargs``.

    ``fps`` is the source's; without ``do_sample_frames`` False the server would pick frames once more.
    """
    video = {
        "fps": fps,
        "frames_indices": list(indices),
        "total_num_frames": total,
        "duration": total / fps if fps > 0 else 0.0,
        "do_sample_frames": False,
    }
    return {"media_io_kwargs": {"video": video}}


def messages(question: Question, sent: Sent, system: str | None) -> list[Part]:
    """System, then video, then question: the server's prefix cache then holds the clip for every prompt."""
    user = {"role": "user", "content": [*sent.parts, {"type": "text", "text": question.text}]}
    return [user] if system is None else [{"role": "system", "content": system}, user]


def options(question: Question, settings: Settings, refused: Collection[str] = ()) -> dict[str, Any]:
    """Sampling options, less those the server refused; newer models know max_tokens by another name."""
    by_logprobs = bool(question.letters) and settings.letters != "text"
    most = 1 if by_logprobs and settings.letters == "logprobs" else settings.max_tokens
    wanted: dict[str, Any] = {
        "max_tokens": most,
        "temperature": settings.temperature,
        "seed": settings.seed,
    }
    if by_logprobs and "logprobs" not in refused:
        few = "top_logprobs" in refused
        wanted |= {"logprobs": True, "top_logprobs": FEW_LOGPROBS if few else TOP_LOGPROBS}
    if "max_tokens" in refused:
        wanted["max_completion_tokens"] = most
    return {name: value for name, value in wanted.items() if name not in refused or name == "top_logprobs"}


def body(settings: Settings, sent: Sent) -> dict[str, Any]:
    """Fields the SDK does not know; what the user says wins."""
    return {**sent.body, **settings.extra_body}
