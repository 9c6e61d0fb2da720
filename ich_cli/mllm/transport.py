"""Sending one request until it is answered, it cannot be, or the time is up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ich_cli.mllm.gate import Gate
from ich_cli.mllm.wire import RETRIABLE, Fault, ProviderError, Reply

LOOK_UP_S = 0.1
"""How often a waiting thread looks whether the run is being stopped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to try; seconds.

    Attributes:
        attempts: Tries of one request.
        base_s: Wait after the first failure; doubles with each, up to ``cap_s``, with jitter.
        timeout_s: Wall-clock limit of one try, also for a server that trickles.
        deadline_s: Limit of all tries and waits of one request together.
    """

    attempts: int = 4
    base_s: float = 1.0
    cap_s: float = 30.0
    timeout_s: float = 90.0
    deadline_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """A reply and what it took to get it."""

    reply: Reply
    attempts: int
    seconds: float


Send = Callable[[float], Reply]
"""Sends a request; is given the seconds after which nobody waits for the reply any more."""


def deliver(
    send: Send, patience: Patience, gate: Gate, failed: Callable[[ProviderError], None]
) -> Delivered:
    """Call ``send`` through the gate, again after failures that may pass.

    ``failed`` is told of each try that brought no reply, before the next. Waits what
    Retry-After says, or backs off exponentially; a wait that would go past the deadline is not
    begun.

    Raises:
        ProviderError: The last one, when no try brought a reply.
    """
    started = time.monotonic()
    attempts = 1 if gate.outage else patience.attempts
    for attempt in range(1, attempts + 1):
        outcome = _try_once(send, patience, gate, started)
        if isinstance(outcome, Reply):
            gate.note(None)
            return Delivered(outcome, attempt, time.monotonic() - started)
        failed(outcome)
        wait = _wait_s(outcome, attempt, patience)
        left = patience.deadline_s - (time.monotonic() - started)
        if outcome.fault not in RETRIABLE or attempt == attempts or wait >= left:
            gate.note(outcome)
            raise outcome
        if outcome.retry_after_s is not None:
            gate.hold(wait)
        else:
            gate.pause(wait)
    raise AssertionError("the last attempt returns or raises")


def _try_once(send: Send, patience: Patience, gate: Gate, started: float) -> Reply | ProviderError:
    try:
        gate.check()
        queue_s = gate.turn_in_s(patience.deadline_s - (time.monotonic() - started))
        if queue_s is None:
            return ProviderError(Fault.QUEUE, "the wait for a free place is past the deadline")
        gate.pause(queue_s)
        with gate.seat():
            gate.check()
            left = patience.deadline_s - (time.monotonic() - started)
            return _bounded(send, max(0.001, min(patience.timeout_s, left)), gate)
    except ProviderError as err:
        return err


def _wait_s(err: ProviderError, attempt: int, patience: Patience) -> float:
    if err.retry_after_s is not None:
        return err.retry_after_s
    longest = min(patience.cap_s, patience.base_s * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)


def _bounded(send: Send, seconds: float, gate: Gate) -> Reply:
    """Run ``send`` in a thread of its own and stop waiting after ``seconds``, or when stopped.

    ``send`` is told the seconds and ends by then; should it not, it is left behind.
    """
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(send(seconds))
        except Exception as err:  # noqa: BLE001 - handed to the waiting thread, raised there
            outcome.append(err)

    worker = threading.Thread(target=run, daemon=True, name="mllm-request")
    worker.start()
    until = time.monotonic() + seconds
    while worker.is_alive() and time.monotonic() < until and not gate.closed:
        worker.join(min(LOOK_UP_S, max(0.0, until - time.monotonic())))
    if not outcome and gate.closed:
        raise ProviderError(Fault.STOPPED, "the run was stopped")
    if not outcome:
        raise ProviderError(Fault.TIMEOUT, f"no answer within {seconds:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    reply: Reply = outcome[0]
    return reply
