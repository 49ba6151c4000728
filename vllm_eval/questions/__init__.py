"""Question formats by name: how a prompt becomes a question about a clip."""

from typing import Any

from assets.errors import UserError
from vllm_eval.question import QuestionFormat
from vllm_eval.questions.closed import Closed
from vllm_eval.questions.mcq5 import Mcq5
from vllm_eval.questions.open_ import Open

__all__ = ["FORMATS", "Closed", "Mcq5", "Open", "load_format"]

FORMATS: dict[str, type[Mcq5] | type[Closed] | type[Open]] = {"mcq5": Mcq5, "closed": Closed, "open": Open}


def load_format(name: str, **options: Any) -> QuestionFormat:
    """The named format with these options. Raises UserError for an unknown name or option."""
    if name not in FORMATS:
        raise UserError(f"unknown question format {name!r}, expected one of: {', '.join(FORMATS)}")
    known = FORMATS[name].__dataclass_fields__
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        expected = ", ".join(known)
        raise UserError(f"question format {name} has no option {unknown[0]!r}, expected one of: {expected}")
    return FORMATS[name](**options)
