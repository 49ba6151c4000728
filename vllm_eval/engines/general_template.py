"""A chat template cut in two around the question, for any family: text to ids, video before question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assets.errors import UserError
from vllm_eval.engines.rendering import Template

_MARK = "\u241fQUESTION\u241f"


@dataclass(frozen=True)
class Cut:
    """``before`` and ``after`` the video are the text of system message and turn; ``suffix`` gives what
    follows it: question and beginning of the answer."""

    tokenizer: Any
    before: str
    after: str
    suffix: Template

    def head(self, video: str) -> list[int]:
        """Ids up to the question, with this text in the video's place."""
        text = self.before + video + self.after
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def cut_template(tokenizer: Any, template: str | None, marks: Sequence[str], system: str | None) -> Cut:
    """Raises UserError when the template does not put one video and then the question into a user's turn."""
    content = [{"type": "video"}, {"type": "text", "text": _MARK}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": system}]})
    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, chat_template=template
        )
    except Exception as failure:  # a template raises what it likes
        reason = str(failure).strip().split("\n")[0]
        raise UserError(f"the model's chat template fails ({reason}): not supported") from None
    head, found, tail = text.partition(_MARK)
    mark = next((mark for mark in marks if head.count(mark) == 1), None)
    ids = tuple(tokenizer(tail, add_special_tokens=False)["input_ids"])
    if not found or mark is None or not ids:
        raise UserError(
            "the model's chat template does not place one video before the question: not supported"
        )
    before, _, after = head.partition(mark)
    return Cut(tokenizer, before, after, Template(tokenizer, (), ids, -1))
