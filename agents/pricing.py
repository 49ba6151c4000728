"""What tokens cost, by a table the user edits (configs/prices.yaml), and how many a call takes at most."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agents.config import BudgetConfig, LLMConfig, TargetConfig
from agents.llm.base import Message, ToolSpec
from assets.errors import UserError

TABLE = Path(__file__).resolve().parents[1] / "configs" / "prices.yaml"

_FRAME = 16  # tokens around a message: role, separators
# Tokens of a picture at the endpoint that counts most, in the way gpt-4o-mini does: so many, and so many more
# for each square of 512 pixels it touches. Models that see patches of 32 pixels count fewer than 4,000.
_PICTURE, _TILE, _SIDE = 4000, 5667, 512
_UNREAD = 2048  # pixels, of a side that cannot be read


class Price(BaseModel):
    """Dollars per million tokens read and written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)

    def dollars(self, read: int, written: int) -> float:
        """What so many tokens cost."""
        return (read * self.prompt + written * self.completion) / 1e6


FREE = Price(prompt=0, completion=0)


@dataclass(frozen=True)
class Prices:
    """A table of prices and where it stands."""

    path: str
    by_model: Mapping[str, Price]

    def of(self, model: str) -> Price | None:
        """The price of a model; None where the table has no line for it."""
        return self.by_model.get(model)


def load_prices(path: str | None = None) -> Prices:
    """The table of a file, by default the project's own. Raises UserError for one that cannot be used."""
    place = TABLE if path is None else Path(path).expanduser()
    if path is None and not place.exists():
        return Prices(str(place), {})
    try:
        held = yaml.safe_load(place.read_text(encoding="utf-8")) or {}
        return Prices(str(place), TypeAdapter(dict[str, Price]).validate_python(held))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise UserError(f"cannot read the prices of {place}: {' '.join(str(failure).split())}") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{place}: {where or 'the table'}: {first['msg']}; a line is "
            "MODEL: {prompt: 0.15, completion: 0.60}"
        ) from None


def price_of(budget: BudgetConfig, llm: LLMConfig) -> Price:
    """What the optimizer's model costs: nothing where it runs here.

    Raises UserError when dollars are capped and the table has no line for a model behind an endpoint.
    """
    if llm.base_url is None:
        return FREE
    prices = load_prices(budget.prices)
    price = prices.of(llm.model)
    if price is None and budget.dollars is not None:
        known = ", ".join(prices.by_model) or "none"
        raise UserError(
            f"budget.dollars needs the price of {llm.model}: add it to {prices.path} (known: {known})"
        )
    return price or FREE


def billed(target: TargetConfig) -> bool:
    """Whether answers of a target may cost money: it is asked at an endpoint. What runs here costs none."""
    return target.engine == "openai" or "base_url" in target.options


def most_tokens(part: object) -> int:
    """No tokenizer makes more tokens of a text than it has bytes; pictures are counted generously."""
    if isinstance(part, Message):
        calls = sum(_bytes(call.name) + _bytes(call.arguments) + _FRAME for call in part.calls)
        return _bytes(part.content) + calls + sum(map(_picture, part.images)) + _FRAME
    if isinstance(part, ToolSpec):
        return _bytes(part.name + part.description + json.dumps(dict(part.parameters))) + _FRAME
    if isinstance(part, Mapping):
        return _bytes(json.dumps(dict(part))) + _FRAME
    return _bytes(str(part)) + _FRAME


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _picture(png: bytes) -> int:
    """Tokens of a PNG file at most, by the size its header tells."""
    told = png[:4] == b"\x89PNG" and len(png) >= 24
    width, height = (int.from_bytes(png[i : i + 4], "big") if told else _UNREAD for i in (16, 20))
    return _PICTURE + _TILE * ceil(width / _SIDE) * ceil(height / _SIDE)
