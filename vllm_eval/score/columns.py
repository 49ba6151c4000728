"""Which column of a file of predictions is what: named by the user, or recognised by a common name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.errors import UserError
from vllm_eval.score import cells
from vllm_eval.score.records import KEY, Records

# Common names per role, in lower case with underscores. Where an order matters, the first found is taken.
NAMES: dict[str, tuple[str, ...]] = {
    "prediction": (
        "prediction", "predicted", "pred", "predicted_label", "predicted_choice", "predicted_class",
        "pred_label", "pred_choice", "pred_class", "llm_choice", "clip_choice", "siglip_choice",
        "model_choice", "choice", "model_answer", "response", "reply", "output",
    ),
    "human": (
        "human", "human_label", "human_class", "label_a", "label", "gt_label", "ground_truth", "foreground",
        "foreground_label", "fg_label", "action", "true_label",
    ),
    "background": (
        "background", "background_label", "background_class", "label_b", "bg_label", "scene", "scene_label",
    ),
    "human number": ("human_choice", "correct_choice"),
    "background number": ("background_choice", "bg_choice"),
    "clip": (
        "clip", "clip_id", "pair", "action_swap_path", "id", "video_id", "video", "video_path", "full_path",
        "path", "filename", "file", "sample", "sample_id", "name", KEY,
    ),
    "choices": ("choices", "options"),
    "error": ("error", "flagged"),
}  # fmt: skip
PERSON_PATH, SCENE_PATH = "human_path", "background_path"  # "class/clip" each, as in HAT's pairs
_ORDERED = ("clip", "error", "choices")  # roles where several candidates are no contradiction
_NUMBERED = re.compile(r"(?:choice|option)_?(\d+|[a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Column names; None where the file has none. ``human`` and ``background`` hold labels or choice numbers.

    ``human_number`` and ``background_number`` are choice numbers beside a column of labels, to check against.
    """

    prediction: str
    human: str
    background: str | None
    clip: tuple[str, ...]
    choices: tuple[str, ...]
    human_number: str | None
    background_number: str | None
    error: str | None

    def told(self) -> str:
        """Which column is taken for what, in a line."""
        choices = self.choices if len(self.choices) < 2 else (f"{self.choices[0]}..{self.choices[-1]}",)
        parts = {
            "prediction": self.prediction, "human": self.human, "background": self.background or "",
            "choices": ", ".join(choices), "clip": " + ".join(self.clip), "error": self.error or "",
        }  # fmt: skip
        return ", ".join(f"{role} {name!r}" for role, name in parts.items() if name)


def find_columns(records: Records, chosen: Mapping[str, Sequence[str]]) -> Columns:
    """The columns; ``chosen`` holds what the user named per role, under the names of the flags.

    Raises UserError for a named column that is absent, and for a needed one that is absent or ambiguous.
    """
    for role, names in chosen.items():
        for absent in names:
            if absent not in records.columns:
                raise UserError(
                    f"{records.path}: no column {absent!r} for --{role}; there are {_list(records)}"
                )
    found = {role: _first(records, role, chosen.get(role)) for role in NAMES}
    human, background = found["human"], found["background"]
    if PERSON_PATH in records.columns:
        human = human or PERSON_PATH
    if SCENE_PATH in records.columns:
        background = background or SCENE_PATH
    prediction, human = found["prediction"], human or found["human number"]
    for role, name in (("prediction", prediction), ("human", human)):
        if name is None:
            raise UserError(
                f"{records.path}: no column for the {role} among {_list(records)}; name it with --{role}"
            )
    assert prediction is not None
    assert human is not None
    return Columns(
        prediction=prediction,
        human=human,
        background=background or found["background number"],
        clip=_clip(records, chosen.get("clip"), found["clip"]),
        choices=tuple(chosen.get("choices", ())) or _choices(records, found["choices"]),
        human_number=found["human number"] if human != found["human number"] else None,
        background_number=found["background number"] if background else None,
        error=found["error"],
    )


def _first(records: Records, role: str, named: Sequence[str] | None) -> str | None:
    if named:
        return named[0]
    plain = {re.sub(r"\W+", "_", name.strip().lower()): name for name in records.columns}
    matching = [plain[name] for name in NAMES[role] if name in plain]
    if len(matching) > 1 and role not in _ORDERED and " " not in role:
        among = " or ".join(map(repr, matching))
        raise UserError(f"{records.path}: the {role} may stand in {among}; say which with --{role}")
    if role == "error":
        matching = [name for name in matching if _tells_failures(records, name)]
    return matching[0] if matching else None


def _tells_failures(records: Records, name: str) -> bool:
    """Whether a column holds messages, or marks as "flagged" does; an error of 0 or 1 is a wrong answer."""
    texts = {row[name].casefold() for row in records.rows} - set(cells.BLANK)
    marks = {"true", "false"}
    return texts <= marks if name.casefold() == "flagged" else not any(map(_is_mark, texts))


def _is_mark(text: str) -> bool:
    return text in ("true", "false", "yes", "no") or re.fullmatch(r"[-+.\de]+", text) is not None


def _clip(records: Records, named: Sequence[str] | None, found: str | None) -> tuple[str, ...]:
    if named:
        return tuple(named)
    if found is None and {PERSON_PATH, SCENE_PATH} <= set(records.columns):
        return (PERSON_PATH, SCENE_PATH)
    return (found,) if found else ()


def _choices(records: Records, single: str | None) -> tuple[str, ...]:
    """choice_1, choice_2 ... in their order, or the one column that lists them all."""
    numbered = [(match[1], name) for name in records.columns if (match := _NUMBERED.fullmatch(name))]
    if len(numbered) >= 2:
        return tuple(name for _, name in sorted(numbered, key=lambda one: (len(one[0]), one[0].lower())))
    return (single,) if single else ()


def _list(records: Records) -> str:
    return ", ".join(map(repr, records.columns))
