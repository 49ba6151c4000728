"""What an engine can show of a request before it answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from vllm_eval.engine import Request


@dataclass(frozen=True)
class Rendered:
    """``text`` is all the model reads, special tokens spelled out, the video's placeholder standing once for
    its ``video_tokens``. ``letters``: the token id of each letter of the question, as the answer begins."""

    text: str
    prompt_tokens: int
    video_tokens: int
    letters: Mapping[str, int]


@runtime_checkable
class Renders(Protocol):
    """An engine that shows what it makes of a request; a server renders out of sight."""

    def rendered(self, request: Request) -> Rendered:
        """The prompt of this request. Raises UserError for a question the model cannot be asked."""
