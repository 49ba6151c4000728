"""What tokens cost, by a table the user edits (configs/prices.yaml), and how many a call takes at most."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agents.config import BudgetConfig, LLMConfig
from agents.llm.base import Message, ToolSpec
from assets.errors import UserError

TABLE = Path(__file__).resolve().parents[1] / "configs" / "prices.yaml"

_FRAME = 16  # tokens around a message: role, separators
_PICTURE = 3000  # tokens of a picture, more than endpoints are known to count for a contact sheet


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


def most_tokens(part: object) -> int:
    """No tokenizer makes more tokens of a text than it has bytes; pictures are counted generously."""
    if isinstance(part, Message):
        calls = sum(_bytes(call.name) + _bytes(call.arguments) + _FRAME for call in part.calls)
        return _bytes(part.content) + calls + _PICTURE * len(part.images) + _FRAME
    if isinstance(part, ToolSpec):
        return _bytes(part.name + part.description + json.dumps(dict(part.parameters))) + _FRAME
    if isinstance(part, Mapping):
        return _bytes(json.dumps(dict(part))) + _FRAME
    return _bytes(str(part)) + _FRAME


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
