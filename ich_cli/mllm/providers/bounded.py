"""An HTTP client whose replies end: after so many bytes, and after so many seconds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import httpx2

MAX_REPLY_BYTES = 8 * 1024 * 1024
"""Hundreds of times the longest answer that the limits on tokens leave room for."""

_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class ReplyTooLongError(httpx2.TransportError):
    """The server sent more than :data:`MAX_REPLY_BYTES`."""


class BoundedClient(httpx2.Client):
    """Reads every reply whole, or closes its connection.

    The read time-out of a request, in seconds, is the limit of all of it, from the connection
    to the last byte of the reply. That of the HTTP library counts anew from each byte, so a
    server that drips would hold its thread for ever.
    """

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request; the reply is read when this returns, also with ``stream=True``.

        Raises:
            httpx2.ReadTimeout: The time is up.
            ReplyTooLongError: The reply has more than :data:`MAX_REPLY_BYTES`, unpacked.
        """
        timeout = request.extensions.get("timeout") or self.timeout.as_dict()
        watch = _Watch(timeout.get("read"))
        request.extensions = {**request.extensions, "trace": watch.note}
        with watch:
            try:
                response = super().send(request, **(options | {"stream": True}))
                content = _read(response)
            except ReplyTooLongError:
                raise
            except httpx2.TransportError:
                watch.check(request)
                raise
            # A reply without a length ends with its connection: cut off, it would look whole.
            watch.check(request)
        return httpx2.Response(
            response.status_code,
            headers=[
                (name, value)
                for name, value in response.headers.multi_items()
                if name.lower() not in _OF_THE_WIRE
            ],
            content=content,
            request=request,
        )


def _read(response: httpx2.Response) -> bytes:
    content = bytearray()
    try:
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_REPLY_BYTES:
                raise ReplyTooLongError(f"the reply is longer than {MAX_REPLY_BYTES >> 20} MiB")
    finally:
        response.close()
    return bytes(content)


class _Watch:
    """Shuts the connections of one request when its time is up; ``None`` seconds is never."""

    def __init__(self, seconds: float | None):
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._expired = False
        self._timer = None if seconds is None else threading.Timer(seconds, self._expire)
        if self._timer is not None:
            self._timer.daemon = True

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def note(self, event: str, facts: Mapping[str, Any]) -> None:
        """The ``trace`` extension of the HTTP library: tells of each connection made."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        with self._lock:
            self._sockets.append(facts["return_value"].get_extra_info("socket"))
            if self._expired:
                self._shut()

    def check(self, request: httpx2.Request) -> None:
        """Raise the time-out, if the time is up."""
        with self._lock:
            if self._expired:
                raise httpx2.ReadTimeout("the reply took too long", request=request)

    def _expire(self) -> None:
        with self._lock:
            self._expired = True
            self._shut()

    def _shut(self) -> None:
        for connection in self._sockets:
            # Not close(): that would leave a thread that waits on the socket waiting.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
