"""From a configured target to what asks it: engine, frame policy, question format.

The optimizer and the commands of this package build them here and nowhere else: with the same configuration
they ask the same questions of the same model, so that answers are bought once for all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from videos.clip import ClipSet
from videos.decode import FramePolicy
from vllm_eval.config import AUTO, TargetConfig
from vllm_eval.engine import Engine
from vllm_eval.question import QuestionFormat
from vllm_eval.questions import FORMATS, load_format

if TYPE_CHECKING:
    from videos.store import FrameStore

SERVER, LOCAL, PLAIN = "openai", "vllm", "transformers"


@dataclass(frozen=True)
class Outside:
    """How the outside is reached: data sets by name and root, target model, frames."""

    dataset: Callable[[str, str], ClipSet]
    engine: Callable[..., Engine]
    frames: "Callable[[], FrameStore]"


def real_outside() -> Outside:
    """The real one."""
    from videos.datasets import load
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine

    return Outside(load, load_engine, FrameStore)


def open_engine(target: TargetConfig, load: Callable[..., Engine]) -> Engine:
    """The target's engine with its model loaded, ``load`` as ``vllm_eval.engines.load_engine``.

    Raises UserError for an option or a revision that the engine has no use for, and as the engine does.
    """
    revision = {} if target.revision is None else {"revision": target.revision}
    return load(engine_name(target), target.model, **{**target.options, **revision})


def engine_name(target: TargetConfig) -> str:
    """What "auto" means here: the server that options name, else vLLM on a GPU, else transformers."""
    from vllm_eval.engines import ENGINES

    if target.engine != AUTO:
        return target.engine
    if "base_url" in target.options and SERVER in ENGINES:
        return SERVER
    return LOCAL if LOCAL in ENGINES and find_spec(LOCAL) and _has_gpu() else PLAIN


def policy_of(target: TargetConfig) -> FramePolicy:
    """Which frames the model sees, and what of them."""
    return target.policy()


def question_of(target: TargetConfig) -> QuestionFormat:
    """How it is asked; options that a format does not have are passed over."""
    chosen = target.question
    known = FORMATS[chosen.format].__dataclass_fields__
    options = {"seed": chosen.seed, "instruction": chosen.instruction}
    return load_format(chosen.format, **{name: value for name, value in options.items() if name in known})


def prefixed(question: QuestionFormat) -> QuestionFormat | None:
    """The same question with choices written as "A video of a human ...", where it has choices."""
    if "style" not in getattr(question, "__dataclass_fields__", {}):
        return None
    changed: Any = question
    written: QuestionFormat = replace(changed, style="prefixed")
    return written


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
