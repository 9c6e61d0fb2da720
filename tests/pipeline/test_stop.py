"""Stopping cleanly: by signal, and by the clock."""

from __future__ import annotations

import signal
import sys

import pytest

from ich_cli.pipeline.stop import Stop, stop_on_signals


def test_nothing_stops_by_itself():
    assert Stop().reason is None


def test_a_time_limit_is_a_reason_but_no_interruption():
    stop = Stop(time_limit_s=0.0)
    assert stop.reason == "time limit"
    assert not stop.interrupted
    assert Stop(time_limit_s=1000.0).reason is None


def test_the_first_reason_stays():
    stop = Stop()
    stop.ask("first")
    stop.ask("second")
    assert (stop.reason, stop.interrupted) == ("first", True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_interrupts(number: signal.Signals):
    stop, before = Stop(), signal.getsignal(number)
    with stop_on_signals(stop):
        signal.raise_signal(number)
        assert stop.reason == f"signal {number.name}"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
