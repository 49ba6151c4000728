"""Prices come from a table the user edits, and no call of the optimizer's model can go over a cap."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scripted_world import ScriptedLLM

from agents.booked import BookedLLM
from agents.budget import Ledger, OutOfBudget
from agents.config import BudgetConfig, LLMConfig, TargetConfig
from agents.llm.base import Message, ToolSpec
from agents.pricing import FREE, TABLE, Price, billed, load_prices, most_tokens, price_of
from assets.errors import UserError
from prompts.history import History


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(f"sqlite:///{tmp_path}/history.db") as opened:
        yield opened


def remote(model: str = "gpt-4o-mini") -> LLMConfig:
    return LLMConfig(model=model, base_url="https://example.org/v1")


def test_the_projects_own_table_is_read() -> None:
    assert TABLE.name == "prices.yaml"
    assert load_prices().of("gpt-4o-mini") == Price(prompt=0.15, completion=0.60)
    assert load_prices().of("nobody's") is None
    assert Price(prompt=2, completion=8).dollars(500_000, 250_000) == 3.0


def test_a_model_that_runs_here_is_free_and_an_unknown_one_only_without_a_cap() -> None:
    assert price_of(BudgetConfig(dollars=1), LLMConfig()) == FREE
    assert price_of(BudgetConfig(), remote("nobody's")) == FREE
    with pytest.raises(
        UserError, match=r"budget.dollars needs the price of nobody's: add it to .*prices.yaml"
    ):
        price_of(BudgetConfig(dollars=1), remote("nobody's"))


def test_a_target_at_an_endpoint_may_cost_money() -> None:
    assert not billed(TargetConfig())
    assert not billed(TargetConfig(engine="auto", model="m", options={"dtype": "float32"}))
    assert billed(TargetConfig(engine="openai", model="m"))
    assert billed(TargetConfig(engine="auto", model="m", options={"base_url": "https://example.org/v1"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m: {prompt: -1, completion: 2}", "m.prompt: .* a line is MODEL"),
        ("- 3", "the table: .* a line is MODEL"),
        ("{", "cannot read the prices of"),
    ],
)
def test_a_table_that_cannot_be_used_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as told:
        load_prices(str(path))
    assert "\n" not in str(told.value)


def test_the_bound_of_a_call_is_no_less_than_its_bytes() -> None:
    assert most_tokens("äöü") >= 6
    # 128 x 64 pixels are 8,512 tokens for gpt-4o-mini, 1,024 x 1,024 are 25,501 (2,833 and 5,667 a square).
    for size, told in (((128, 64), 8_512), ((1024, 1024), 25_501)):
        file = io.BytesIO()
        Image.new("RGB", size).save(file, "PNG")
        picture = Message("user", "look", images=(file.getvalue(),))
        assert told <= most_tokens(picture) - most_tokens(Message("user", "look")) < 1.3 * told
    assert most_tokens(Message("user", "look", images=(b"no picture",))) > 25_501
    assert most_tokens(ToolSpec("name", "what it does", {"type": "object"})) > 20


def booked(history: History, llm: Any, price: Price = FREE, **caps: Any) -> tuple[BookedLLM, Ledger]:
    ledger = Ledger(history, history.start_run({}, 0), BudgetConfig.model_validate(caps))
    return BookedLLM(lambda: llm, ledger, price), ledger


def call_on(booking: BookedLLM) -> None:
    for _ in range(100):
        booking.complete("more", max_tokens=30)


def test_no_call_goes_over_the_cap_on_tokens(history: History) -> None:
    llm = ScriptedLLM()
    booking, ledger = booked(history, llm, optimizer_tokens=200)
    with pytest.raises(OutOfBudget, match=r"of budget.optimizer_tokens 200 are left; .* --resume"):
        call_on(booking)
    assert 0 < 10 * llm.calls <= 200
    assert ledger.tokens_left() == 200 - 10 * llm.calls


def test_dollars_are_booked_by_the_price_and_capped(history: History) -> None:
    llm = ScriptedLLM()
    price = Price(prompt=1000, completion=2000)
    booking, ledger = booked(history, llm, price, dollars=0.2)
    with pytest.raises(OutOfBudget, match=r"only \$.* of budget.dollars 0.2 are left"):
        call_on(booking)
    spent = llm.calls * (7 * 1000 + 3 * 2000) / 1e6
    assert 0 < spent <= 0.2
    assert ledger.dollars_left() == pytest.approx(0.2 - spent)


def test_an_endpoint_that_reports_no_tokens_is_booked_at_its_most_and_stays_below_the_cap(
    history: History,
) -> None:
    class Silent(ScriptedLLM):
        def complete(self, *told: Any, **options: Any) -> Any:
            return replace(super().complete(*told, **options), prompt_tokens=0, completion_tokens=0)

    llm = Silent()
    booking, ledger = booked(history, llm, optimizer_tokens=200)
    with pytest.raises(OutOfBudget):
        call_on(booking)
    assert 0 < llm.calls <= 200 // 30
    assert ledger.tokens_left() == 200 - llm.calls * (
        most_tokens("more") + most_tokens("") + most_tokens({}) + 30
    )


def test_spending_is_known_to_the_next_process(history: History) -> None:
    booking, ledger = booked(history, ScriptedLLM(), optimizer_tokens=200)
    booking.complete("more", max_tokens=30)
    again = Ledger(history, history.runs()[-1].id, BudgetConfig(optimizer_tokens=200))
    assert again.tokens_left() == ledger.tokens_left() == 190
