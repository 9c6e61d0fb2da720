"""A limit is a limit: what could go over it is not sent."""

from __future__ import annotations

import pytest

from ich_cli.mllm.budget import Budget, BudgetSpentError, Spent, Tab, estimate_tokens
from ich_cli.mllm.config import Price
from ich_cli.mllm.wire import Ask, Reply, Turn, Usage

PRICE = Price(input=1.0, output=10.0)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")


def ask(max_output_tokens: int = 1000, *images: bytes) -> Ask:
    turns = (Turn("user", "x" * 300, images),)
    return Ask("m", "s" * 300, turns, {}, max_output_tokens, 1.0)


def test_estimate_counts_text_and_pixels() -> None:
    assert estimate_tokens(ask()) == 200
    assert estimate_tokens(ask(1000, png(1000, 800))) == 2200


def test_dollars_are_booked_from_what_the_server_counted() -> None:
    budget = Budget(PRICE, limit_usd=1.0)
    with budget.reserved(ask()):
        Tab(budget).book(ask(), Reply("x", tokens_in=1000, tokens_out=100))
    assert budget.spent.usd(PRICE) == pytest.approx(0.002)
    assert budget.spent.requests == 1


def test_request_that_could_go_over_is_refused() -> None:
    budget = Budget(PRICE, limit_usd=0.0103)
    with budget.reserved(ask()):
        Tab(budget).book(ask(), Reply("x", tokens_in=200, tokens_out=10))
    with pytest.raises(BudgetSpentError), budget.reserved(ask()):
        pass
    with budget.reserved(ask(max_output_tokens=900)):
        pass


def test_requests_under_way_are_counted_in() -> None:
    budget = Budget(PRICE, limit_usd=0.015)
    with budget.reserved(ask()), pytest.raises(BudgetSpentError), budget.reserved(ask()):
        pass
    with budget.reserved(ask()):
        pass


def test_unknown_price_counts_tokens_and_says_so() -> None:
    budget = Budget(None, limit_usd=0.000001)
    assert not budget.holds_dollars
    with budget.reserved(ask()):
        Tab(budget).book(ask(), Reply("x", tokens_in=5, tokens_out=6))
    assert budget.spent == Spent(1, 5, 6)
    assert budget.spent.usd(None) is None


def test_token_limit_holds_without_a_price() -> None:
    budget = Budget(None, limit_tokens=1500)
    with budget.reserved(ask()):
        Tab(budget).book(ask(), Reply("x", tokens_in=200, tokens_out=300))
    with pytest.raises(BudgetSpentError), budget.reserved(ask()):
        pass


def test_server_that_does_not_count_is_taken_at_the_estimate() -> None:
    budget = Budget(PRICE)
    Tab(budget).book(ask(), Reply("four"))
    assert budget.spent == Spent(1, 200, 4)


def test_zero_sends_nothing() -> None:
    with pytest.raises(BudgetSpentError), Budget(PRICE, limit_usd=0.0).reserved(ask()):
        pass


def test_tabs_of_scans_add_up_to_the_run() -> None:
    budget = Budget(PRICE)
    one, other = Tab(budget), Tab(budget)
    one.book(ask(), Reply("x", tokens_in=5, tokens_out=6))
    one.book_failed(Usage(7, None))
    other.book_failed(Usage())
    other.book_failed(Usage(None, 3))
    assert (one.spent, other.spent) == (Spent(2, 12, 6), Spent(1, 0, 3))
    assert budget.spent == one.spent + other.spent
