"""A reply ends: after so many bytes, and after so many seconds, with its connection closed."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from ich_cli.mllm.providers.bounded import MAX_REPLY_BYTES
from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import PROVIDERS, MakeReader
from tests.mllm.scans import assessment, head, prediction

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
LONG_S = 60.0
"""On a busy machine the SDKs' first request takes long to make; a drip lasts for ever."""

PATH = {"compatible": "/v1"}


class Endless:
    """A server that says ``opening`` and then ``drip`` until the connection is closed."""

    def __init__(self, opening: bytes, drip: bytes, pause_s: float):
        self._said = (opening, drip, pause_s)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hung_up = threading.Event()
        self.sent = 0

    def serve(self) -> None:
        opening, drip, pause_s = self._said
        with suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(opening)
                    while True:
                        connection.sendall(drip)
                        self.sent += len(drip)
                        time.sleep(pause_s)
                except OSError:
                    self.hung_up.set()

    def stop(self) -> None:
        self._listener.close()


@contextmanager
def endless(opening: bytes, drip: bytes, pause_s: float) -> Iterator[Endless]:
    server = Endless(opening, drip, pause_s)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()


def requests_under_way() -> int:
    return sum(thread.name == "mllm-request" for thread in threading.enumerate())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_huge_reply_is_refused(provider: str, make_reader: MakeReader) -> None:
    opening = HEAD + b"connection: close\r\n\r\n"
    with endless(opening, b" " * 65536, 0.0) as server:
        reader, _ = make_reader(
            provider,
            [],
            url=server.url + PATH.get(provider, ""),
            model="m",
            timeout_s=30,
            attempts=2,
        )
        tracemalloc.start()
        opinion = read(head(), prediction(), assessment(), reader)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert opinion.reason == "bad_reply: more than 8 MiB"
        assert server.hung_up.wait(LONG_S)
        assert server.sent < 4 * MAX_REPLY_BYTES
        assert most < 6 * MAX_REPLY_BYTES


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("opening", "drip"),
    [
        (HEAD + b"content-length: 9999999\r\n\r\n", b" "),
        (HEAD + b"connection: close\r\n\r\n", b" "),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"x-drip: ", b"x"),
    ],
    ids=["length", "no-length", "chunked", "headers"],
)
def test_endless_drip_ends_in_time(
    provider: str, opening: bytes, drip: bytes, make_reader: MakeReader
) -> None:
    with endless(opening, drip, 0.02) as server:
        reader, _ = make_reader(
            provider,
            [],
            url=server.url + PATH.get(provider, ""),
            model="m",
            # The deadline, not the limit of a try, is the nearer one.
            timeout_s=30,
            deadline_s=0.6,
            attempts=1,
        )
        opinion = read(head(), prediction(), assessment(), reader)
        assert opinion.reason.startswith("timeout")
        assert server.hung_up.wait(LONG_S)
        until = time.monotonic() + LONG_S
        while requests_under_way() and time.monotonic() < until:
            time.sleep(0.02)
        assert requests_under_way() == 0
