"""A prompt in the form that other programs take: plain text, a server's request, a DSPy program."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prompts.library import StyledPrompt
from prompts.prompt import Prompt
from videos.clip import Clip
from videos.decode import VideoFile
from vllm_eval.config import TargetConfig
from vllm_eval.question import Question
from vllm_eval.target import prefixed, question_of

LETTERS = 5

DSPY_SIGNATURE = "video, choices -> answer"
_DSPY_FIELDS = (
    ("Video:", "the clip, as frames or as a file"),
    ("Choices:", "lettered actions, one a line"),
    ("Answer:", "the letter of the action"),
)


def as_text(prompt: Prompt, target: TargetConfig) -> str:
    """The prompt alone."""
    return prompt.text + "\n"


def as_openai(prompt: Prompt, target: TargetConfig) -> str:
    """The body of a request to /v1/chat/completions, the clip as images: ``{frame_1}`` and so on.

    Placeholders to replace: each ``{frame_N}`` by an image's URL or data URI, each ``{choice_N}`` by a label.
    """
    from vllm_eval.engines.openai_request import image_part

    settings = _settings(target)
    frames = [image_part(f"{{frame_{n}}}", settings.detail) for n in range(1, target.frames.count + 1)]
    return _chat(prompt, target, frames)


def as_vllm(prompt: Prompt, target: TargetConfig) -> str:
    """The same for a vLLM server, the clip as one video: ``{video}`` is its URL or data URI."""
    from vllm_eval.engines.openai_request import video_part

    return _chat(prompt, target, [video_part("{video}")])


def as_dspy(prompt: Prompt, target: TargetConfig) -> str:
    """What ``dspy.Predict("video, choices -> answer").load(file)`` reads: the state of a DSPy program.

    The layout is that of ``Predict.dump_state`` in DSPy 3.
    """
    fields = [{"prefix": name, "description": about} for name, about in _DSPY_FIELDS]
    signature = {"instructions": prompt.text, "fields": fields}
    # No versions are named: nothing in this file depends on one, and DSPy warns of every other one.
    metadata: dict[str, Any] = {"dependency_versions": {}}
    state: dict[str, Any] = {
        "traces": [],
        "train": [],
        "demos": [],
        "signature": signature,
        "lm": None,
        "metadata": metadata,
    }
    return json.dumps(state, indent=1) + "\n"


TEMPLATES: dict[str, Callable[[Prompt, TargetConfig], str]] = {
    "text": as_text,
    "openai": as_openai,
    "vllm": as_vllm,
    "dspy": as_dspy,
}


def _chat(prompt: Prompt, target: TargetConfig, parts: list[dict[str, Any]]) -> str:
    from vllm_eval.engines.openai_request import Sent, messages, options

    settings, question = _settings(target), _question(prompt, target)
    body: Mapping[str, Any] = {
        "model": target.model,
        "messages": messages(question, Sent(tuple(parts)), settings.system),
        **options(question, settings),
    }
    return json.dumps(body, indent=1) + "\n"


def _settings(target: TargetConfig) -> Any:
    """Sampling as the server's engine would set it; options of other engines have no say."""
    from vllm_eval.engines.openai_settings import Settings

    kept = ("system", "detail", "letters", "max_tokens", "temperature", "seed")
    return Settings(model=target.model, **{k: v for k, v in target.options.items() if k in kept})


def _question(prompt: Prompt, target: TargetConfig) -> Question:
    ask = question_of(target)
    if isinstance(prompt, StyledPrompt):
        ask = prefixed(ask) or ask
    choices = tuple(f"{{choice_{n}}}" for n in range(1, LETTERS + 1))
    clip = Clip("template", choices[0], None, ("template",), VideoFile(Path("clip.mp4")), choices=choices)
    return ask.ask(prompt.text, clip, choices)
