"""Real HTTP servers on loopback that speak the providers' wire formats.

A server answers each request with the next of its scripted replies (the last one for ever)
and keeps what it was sent.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Sent:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    at: float

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def images(self) -> list[bytes]:
        """Every PNG in the body, whatever the wire format."""
        found = re.findall(rb"iVBORw0KGgo[\w+/=-]*", self.raw)
        return [
            base64.urlsafe_b64decode(text.replace(b"+", b"-").replace(b"/", b"_")) for text in found
        ]


@dataclass(frozen=True)
class Scripted:
    """One reply: a status and a body, or a fault of the connection."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    trickle_s: float = 0.0
    drop: bool = False
    content_type: str = "application/json"


Script = Sequence[Scripted] | Callable[[Sent, int], Scripted]


class Server:
    """A running server."""

    def __init__(self, script: Script):
        self._script = script
        self._lock = threading.Lock()
        self.sent: list[Sent] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sent = Sent("POST", self.path, headers, raw, time.monotonic())
                self.reply(outer._next(sent))

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer._next(Sent("GET", self.path, headers, b"null", time.monotonic()))
                self.reply(Scripted(status=404, body={}))

            def reply(self, scripted: Scripted) -> None:
                time.sleep(scripted.delay_s)
                if scripted.drop:
                    self.close_connection = True
                    self.connection.close()
                    return
                body = scripted.body
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                try:
                    self.send_response(scripted.status)
                    self.send_header("content-type", scripted.content_type)
                    self.send_header("content-length", str(len(data)))
                    for name, value in scripted.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    if scripted.trickle_s:
                        for byte in data:
                            self.wfile.write(bytes([byte]))
                            time.sleep(scripted.trickle_s)
                    else:
                        self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _next(self, sent: Sent) -> Scripted:
        with self._lock:
            number = len(self.sent)
            self.sent.append(sent)
        if callable(self._script):
            return self._script(sent, number)
        return self._script[min(number, len(self._script) - 1)]


@contextmanager
def running(script: Script) -> Iterator[Server]:
    """A server that runs as long as the block."""
    server = Server(script)
    thread = threading.Thread(target=server._http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._http.shutdown()
        server._http.server_close()


def chat(text: str | None, finish: str = "stop", refusal: str | None = None) -> Scripted:
    """A reply of OpenAI's chat completions."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return Scripted(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "served-model-7b",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
        }
    )


def responses(text: str | None, stopped: str | None = None, refusal: str | None = None) -> Scripted:
    """A reply of OpenAI's responses."""
    part = (
        {"type": "output_text", "text": text or "", "annotations": []}
        if refusal is None
        else {"type": "refusal", "refusal": refusal}
    )
    return Scripted(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "incomplete" if stopped else "completed",
            "incomplete_details": {"reason": stopped} if stopped else None,
            "model": "gpt-served",
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {
                    "type": "message",
                    "id": "msg_1",
                    "role": "assistant",
                    "status": "completed",
                    "content": [part],
                },
            ],
            "usage": {
                "input_tokens": 1000,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 50,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 1050,
            },
        }
    )


def gemini(text: str | None, finish: str = "STOP", block: str | None = None) -> Scripted:
    """A reply of Gemini's generateContent; a thought stands before the answer."""
    if block is not None:
        return Scripted({"promptFeedback": {"blockReason": block}, "modelVersion": "gemini-served"})
    parts = [{"text": "let me think", "thought": True}]
    if text is not None:
        parts.append({"text": text})
    return Scripted(
        {
            "candidates": [
                {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
            ],
            "usageMetadata": {
                "promptTokenCount": 1000,
                "candidatesTokenCount": 40,
                "thoughtsTokenCount": 10,
                "totalTokenCount": 1050,
            },
            "modelVersion": "gemini-served",
        }
    )


def claude(text: str | None, stop: str = "end_turn") -> Scripted:
    """A reply of Anthropic's messages; a thinking block stands before the answer."""
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    if text is not None:
        content.append({"type": "text", "text": text})
    return Scripted(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-served",
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 50},
        }
    )


def error(status: int, message: str = "no", headers: Mapping[str, str] | None = None) -> Scripted:
    """An error in a shape that all four SDKs read."""
    body = {
        "type": "error",
        "error": {"type": "some_error", "code": status, "message": message, "status": "SOME_ERROR"},
    }
    return Scripted(body, status=status, headers=headers or {})
