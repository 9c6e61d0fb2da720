"""Money and tokens: never more than was allowed, and said so where no price is known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ich_cli.mllm.config import Price
from ich_cli.mllm.wire import Ask, Reply, Usage

PIXELS_PER_TOKEN = 400
"""On the safe side of every provider's published rule for images (512 to 750)."""

CHARACTERS_PER_TOKEN = 3
_PNG_WIDTH = slice(16, 20)
_PNG_HEIGHT = slice(20, 24)


class BudgetSpentError(Exception):
    """The next request could cost more than what is left."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Replies that are on the bill, whether or not they brought an answer, and their tokens."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(
            self.requests + other.requests,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
        )

    def usd(self, price: Price | None) -> float | None:
        """Dollars; ``None`` where no price is known."""
        return None if price is None else price.usd(self.tokens_in, self.tokens_out)


@dataclass(slots=True)
class Budget:
    """What a run has spent, and what it may. Shared by all threads of a run.

    A request first sets aside the most it can cost, so that the limit holds whatever the
    answer; what it really cost is booked afterwards. Without a price, dollars cannot be
    held and ``limit_usd`` has no effect; ``limit_tokens`` always has.
    """

    price: Price | None
    limit_usd: float | None = None
    limit_tokens: int | None = None
    spent: Spent = Spent()
    _held_tokens: int = 0
    _held_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def holds_dollars(self) -> bool:
        """Whether ``limit_usd`` can be kept."""
        return self.limit_usd is None or self.price is not None

    @contextmanager
    def reserved(self, ask: Ask) -> Iterator[None]:
        """Set aside the most a request can cost while it is under way.

        Raises:
            BudgetSpentError: It could go over a limit; nothing was set aside.
        """
        tokens_in = estimate_tokens(ask)
        tokens = tokens_in + ask.max_output_tokens
        usd = self.price.usd(tokens_in, ask.max_output_tokens) if self.price else 0.0
        with self._lock:
            self._check_fits(tokens, usd)
            self._held_tokens += tokens
            self._held_usd += usd
        try:
            yield
        finally:
            with self._lock:
                self._held_tokens -= tokens
                self._held_usd -= usd

    def book(self, spent: Spent) -> None:
        """Count what was spent."""
        with self._lock:
            self.spent += spent

    def check(self) -> None:
        """Look again whether what is set aside still fits: a try that failed may be billed.

        Raises:
            BudgetSpentError: It could go over a limit.
        """
        with self._lock:
            self._check_fits(0, 0.0)

    def _check_fits(self, tokens: int, usd: float) -> None:
        spent = self.spent.tokens_in + self.spent.tokens_out + self._held_tokens
        if self.limit_tokens is not None and spent + tokens > self.limit_tokens:
            raise BudgetSpentError
        dollars = self.spent.usd(self.price)
        if (
            self.limit_usd is not None
            and dollars is not None
            and dollars + self._held_usd + usd > self.limit_usd
        ):
            raise BudgetSpentError


class Tab:
    """What one scan has spent of a run's budget. Shared by the threads of the scan."""

    def __init__(self, budget: Budget):
        self.spent = Spent()
        self._budget = budget
        self._lock = threading.Lock()

    def book(self, ask: Ask, reply: Reply) -> None:
        """Count what an answer cost; a server that does not say is taken at the estimate."""
        tokens_in = estimate_tokens(ask) if reply.tokens_in is None else reply.tokens_in
        tokens_out = len(reply.text) if reply.tokens_out is None else reply.tokens_out
        self._book(Spent(1, tokens_in, tokens_out))

    def book_failed(self, usage: Usage) -> None:
        """Count what a try without an answer cost, if the server says so."""
        if usage != Usage():
            self._book(Spent(1, usage.tokens_in or 0, usage.tokens_out or 0))

    def _book(self, spent: Spent) -> None:
        with self._lock:
            self.spent += spent
        self._budget.book(spent)


def estimate_tokens(ask: Ask) -> int:
    """More input tokens than a request is likely to count."""
    text = len(ask.system) + len(str(ask.schema)) + sum(len(turn.text) for turn in ask.turns)
    pixels = sum(_pixels(png) for turn in ask.turns for png in turn.images)
    return text // CHARACTERS_PER_TOKEN + pixels // PIXELS_PER_TOKEN


def _pixels(png: bytes) -> int:
    return int.from_bytes(png[_PNG_WIDTH], "big") * int.from_bytes(png[_PNG_HEIGHT], "big")
