"""Waiting, trying again, and giving up in time."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from ich_cli.mllm.gate import Gate
from ich_cli.mllm.transport import Delivered, Patience, Send
from ich_cli.mllm.transport import deliver as deliver_and_tell
from ich_cli.mllm.wire import Fault, ProviderError, Reply

QUICK = Patience(attempts=3, base_s=0.001, cap_s=0.01, timeout_s=1.0, deadline_s=2.0)
GOOD = Reply("{}")


def deliver(send: Send, patience: Patience, shared: Gate) -> Delivered:
    return deliver_and_tell(send, patience, shared, failed=lambda _: None)


def gate(concurrency: int = 8, rpm: float | None = None, outage_after: int = 99) -> Gate:
    return Gate(concurrency, rpm, outage_after)


def scripted(*outcomes: Reply | ProviderError) -> tuple[Send, list[float]]:
    """A ``send`` that follows a script, and the times at which it was called."""
    calls: list[float] = []

    def send(_: float) -> Reply:
        calls.append(time.monotonic())
        outcome = outcomes[min(len(calls), len(outcomes)) - 1]
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    return send, calls


def fault(kind: Fault, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError(kind, "x", retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    "kind", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.CONNECTION]
)
def test_passing_fault_is_tried_again(kind: Fault) -> None:
    send, calls = scripted(fault(kind), GOOD)
    delivered = deliver(send, QUICK, gate())
    assert (delivered.reply, delivered.attempts, len(calls)) == (GOOD, 2, 2)


@pytest.mark.parametrize(
    "kind", [Fault.REJECTED, Fault.AUTH, Fault.QUOTA, Fault.CERTIFICATE, Fault.BAD_REPLY]
)
def test_other_fault_is_not(kind: Fault) -> None:
    send, calls = scripted(fault(kind))
    with pytest.raises(ProviderError) as caught:
        deliver(send, QUICK, gate())
    assert (caught.value.fault, len(calls)) == (kind, 1)


def test_each_try_that_failed_is_told() -> None:
    send, _ = scripted(fault(Fault.SERVER_ERROR), fault(Fault.TIMEOUT), fault(Fault.REJECTED))
    told: list[Fault] = []
    with pytest.raises(ProviderError):
        deliver_and_tell(send, QUICK, gate(), failed=lambda err: told.append(err.fault))
    assert told == [Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.REJECTED]


def test_waits_double_up_to_the_cap() -> None:
    patience = Patience(attempts=5, base_s=0.04, cap_s=0.08, timeout_s=1.0, deadline_s=5.0)
    send, calls = scripted(fault(Fault.SERVER_ERROR))
    with pytest.raises(ProviderError):
        deliver(send, patience, gate())
    waits = [b - a for a, b in itertools.pairwise(calls)]
    assert waits[0] >= 0.02
    assert all(wait >= 0.04 for wait in waits[1:])


def test_retry_after_holds_everyone_back() -> None:
    shared = gate()
    send, limited = scripted(fault(Fault.RATE_LIMITED, 0.5), GOOD)
    other, calls = scripted(GOOD)
    first = threading.Thread(target=deliver, args=(send, QUICK, shared))
    first.start()
    while not limited:
        time.sleep(0.01)
    time.sleep(0.1)
    deliver(other, QUICK, shared)
    first.join()
    assert calls[0] - limited[0] >= 0.5


def test_requests_per_minute_space_the_requests() -> None:
    shared = gate(rpm=600)
    send, calls = scripted(GOOD)
    for _ in range(4):
        deliver(send, QUICK, shared)
    assert calls[3] - calls[0] >= 0.2


def test_queue_longer_than_the_deadline_is_not_joined() -> None:
    shared = gate(rpm=1)
    send, calls = scripted(GOOD)
    deliver(send, QUICK, shared)
    with pytest.raises(ProviderError) as caught:
        deliver(send, QUICK, shared)
    assert (caught.value.fault, len(calls)) == (Fault.QUEUE, 1)


def test_request_that_gives_up_the_queue_leaves_its_place_to_the_next() -> None:
    """Else places that nobody uses pile up, and no later scan of the run is asked about."""
    shared = gate(rpm=600)
    hasty = Patience(attempts=1, timeout_s=1.0, deadline_s=0.01)
    send, calls = scripted(GOOD)
    deliver(send, hasty, shared)
    for _ in range(50):
        with pytest.raises(ProviderError):
            deliver(send, hasty, shared)
    deliver(send, QUICK, shared)
    assert len(calls) == 2


def test_concurrency_is_bounded() -> None:
    shared, busy, most = gate(concurrency=3), [], []

    def send(_: float) -> Reply:
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.02)
        busy.pop()
        return GOOD

    threads = [threading.Thread(target=deliver, args=(send, QUICK, shared)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 12
    assert max(most) <= 3


def test_call_that_hangs_is_left_behind() -> None:
    patience = Patience(attempts=1, timeout_s=0.1, deadline_s=1.0)
    started = time.monotonic()
    with pytest.raises(ProviderError, match="no answer within"):
        deliver(lambda _: time.sleep(3) or GOOD, patience, gate())
    assert time.monotonic() - started < 2


def test_deadline_bounds_all_tries_together() -> None:
    patience = Patience(attempts=20, base_s=0.05, cap_s=0.1, timeout_s=1.0, deadline_s=0.4)
    send, _ = scripted(fault(Fault.CONNECTION))
    started = time.monotonic()
    with pytest.raises(ProviderError):
        deliver(send, patience, gate())
    assert time.monotonic() - started < 1.5


def test_error_of_the_program_is_not_swallowed() -> None:
    def broken(_: float) -> Reply:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        deliver(broken, QUICK, gate())


def test_final_fault_closes_the_gate() -> None:
    shared = gate()
    send, calls = scripted(fault(Fault.AUTH))
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            deliver(send, QUICK, shared)
        assert caught.value.fault is Fault.AUTH
    assert len(calls) == 1


def test_gate_opens_again_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that was filled up is used again, without a new start of ``ich watch``."""
    monkeypatch.setattr("ich_cli.mllm.gate.REST_S", 0.2)
    shared = gate()
    send, calls = scripted(fault(Fault.QUOTA), GOOD)
    for _ in range(2):
        with pytest.raises(ProviderError):
            deliver(send, QUICK, shared)
    time.sleep(0.25)
    assert deliver(send, QUICK, shared).reply == GOOD
    assert len(calls) == 2


def test_outage_ends_with_the_first_answer() -> None:
    shared = gate(outage_after=1)
    send, calls = scripted(*[fault(Fault.SERVER_ERROR)] * 4, GOOD)
    for _ in range(2):
        with pytest.raises(ProviderError):
            deliver(send, QUICK, shared)
    assert len(calls) == 3 + 1
    deliver(send, QUICK, shared)
    assert not shared.outage
