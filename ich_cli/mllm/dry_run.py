"""The exact requests on disk instead of on the wire."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from ich_cli.errors import OutputError
from ich_cli.mllm.conversation import first_turn, make_ask
from ich_cli.mllm.providers import make_provider
from ich_cli.mllm.providers.http import make_client
from ich_cli.mllm.settings import Reader
from ich_cli.mllm.wire import ProviderError

_SECRET = frozenset({"authorization", "x-api-key", "x-goog-api-key", "proxy-authorization"})
_BASE64 = re.compile(r"(?:data:image/png;base64,)?(iVBORw0KGgo[\w+/=-]+)")


@dataclass(frozen=True, slots=True)
class Written:
    """The files of one scan."""

    folder: Path
    requests: tuple[Path, ...]


def write_requests(
    reader: Reader, folder: Path, units: tuple[tuple[bytes, ...], ...], n_slices: int
) -> Written:
    """Write what would be sent for one scan, as the SDK would send it.

    Each ``request_NN.json`` holds method, URL, headers (keys struck out) and body; the
    pictures lie beside it as PNG to look at. Later steps of a chain hold the earlier answers,
    so only the first step of each conversation can be written.

    Args:
        reader: Whose provider, prompt and sampling are used.
        folder: A folder is made in it, named by the hash of the pictures.
        units: The pictures of each conversation.
        n_slices: What the question says about their number.

    Raises:
        OutputError: The files cannot be written.
    """
    tape = _Tape()
    provider = make_provider(
        reader.provider_name,
        replace(reader.endpoint, key="dry-run"),
        make_client(reader.endpoint.base_url, reader.settings.timeout_s, tape),
    )
    step = reader.prompt.steps[0]
    for pictures in units:
        question = replace(first_turn(reader, step, n_slices), images=pictures)
        ask = reader.sampling.apply(make_ask(reader, step, (question,)), 0)
        try:
            provider.send(ask)
        except ProviderError:
            continue
    digest = hashlib.sha256(b"".join(png for unit in units for png in unit)).hexdigest()[:16]
    target = folder / digest
    try:
        target.mkdir(parents=True, exist_ok=True)
        return Written(target, tuple(_write(target, i, r) for i, r in enumerate(tape.requests, 1)))
    except OSError as err:
        raise OutputError(f"cannot write the dry run to {folder}: {err.strerror}") from None


class _Tape(httpx2.BaseTransport):
    """Keeps requests and sends none."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {
            name: "***" if name.lower() in _SECRET else value
            for name, value in request.headers.items()
        }
        body = json.loads(request.read())
        with self._lock:
            self.requests.append(
                {
                    "method": request.method,
                    "url": str(request.url),
                    "headers": headers,
                    "body": body,
                }
            )
        raise httpx2.ConnectError("dry run: nothing is sent", request=request)


def _write(folder: Path, number: int, request: dict[str, Any]) -> Path:
    path = folder / f"request_{number:02d}.json"
    text = json.dumps(request, indent=2, ensure_ascii=False)
    path.write_text(text, "utf-8")
    for i, match in enumerate(_BASE64.finditer(text), 1):
        data = match.group(1).replace("-", "+").replace("_", "/")
        padded = data + "=" * (-len(data) % 4)
        (folder / f"request_{number:02d}_image_{i:02d}.png").write_bytes(base64.b64decode(padded))
    return path
