"""The HTTP under all SDKs: no redirects, and failures in one vocabulary."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx2

from ich_cli.errors import UsageError
from ich_cli.mllm.address import is_this_machine
from ich_cli.mllm.keys import redact
from ich_cli.mllm.providers.bounded import (
    MAX_REPLY_BYTES,
    BoundedClient,
    ReplyTooLongError,
)
from ich_cli.mllm.wire import Fault, ProviderError, Reply, Usage

CONNECT_S = 15.0
LONGEST_DETAIL = 160
_AGAIN = frozenset({408, 409, 425})
_OPTIONS = ("temperature", "seed", "response_format", "json_schema", "output_config")


def make_client(
    base_url: str, timeout_s: float, transport: httpx2.BaseTransport | None = None
) -> httpx2.Client:
    """A client that sends pixels to the host it was told and to no other.

    A redirect is not followed: it would carry the pictures, and with some servers the key, to
    a host that nobody agreed to. For the same reason no proxy stands before this machine
    itself, whatever the environment says. Each request has a connection of its own, which is
    closed when its time is up.

    Raises:
        UsageError: The environment names certificates or a proxy that cannot be used.
    """
    try:
        # Made here: with ``trust_env`` off the library would not look at SSL_CERT_FILE.
        certificates = httpx2.create_ssl_context()
    except OSError as err:
        raise UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be used: {err.strerror}") from None
    try:
        return BoundedClient(
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
            trust_env=not is_this_machine(base_url),
            verify=certificates,
            transport=transport,
        )
    except (ImportError, ValueError, httpx2.InvalidURL):
        # The library's own text may hold the log-in of the proxy.
        raise UsageError(
            "the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: http:// and "
            "https:// can, socks5:// after 'pip install socksio'; or name the host in NO_PROXY"
        ) from None


def data_url(png: bytes) -> str:
    """A PNG as a ``data:`` URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def read_reply(
    body: str | bytes,
    parts: Callable[[dict[str, Any]], Reply],
    counts: Callable[[dict[str, Any]], Usage],
    key: str,
) -> Reply:
    """The reply of a server in our shape.

    Args:
        body: As it came. The SDKs' own reading of it is not used: one that does not know a
            value of some field would lose the answer, and the tokens that are on the bill.
        parts: Takes a reply of one wire format apart; tokens are left to ``counts``.
        counts: Finds the tokens in it.
        key: Is struck out of the server's own words.

    Raises:
        ProviderError: The reply has another shape than it should, or says that the model
            failed; the error carries the tokens. A count of tokens or a name of the model that
            is none is no reason: it is left open.
    """
    data = _decoded(body)
    usage = _usage(data, counts)
    try:
        reply = parts(data)
    except ProviderError as err:
        words = [err.detail, *([_message(data)] if data.get("error") else [])]
        raise ProviderError(err.fault, _told(": ".join(words), key), usage=usage) from None
    except (AttributeError, IndexError, KeyError, TypeError):
        raise ProviderError(Fault.BAD_REPLY, "the reply has another shape", usage=usage) from None
    return replace(
        reply,
        # Kept as an empty answer: its tokens were paid for and must be booked.
        text=reply.text if isinstance(reply.text, str) else "",
        model=reply.model if isinstance(reply.model, str) else None,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
    )


def _decoded(body: str | bytes) -> dict[str, Any]:
    """The JSON object of a reply; a log-in page, an event stream and the like are none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ProviderError(Fault.BAD_REPLY, "the reply is not the provider's JSON")
    return data


def _usage(data: dict[str, Any], counts: Callable[[dict[str, Any]], Usage]) -> Usage:
    try:
        usage = counts(data)
    except (AttributeError, TypeError):
        return Usage()
    return Usage(_count(usage.tokens_in), _count(usage.tokens_out))


def _count(tokens: object) -> int | None:
    return tokens if type(tokens) is int and tokens >= 0 else None


def no_connection(err: Exception) -> ProviderError:
    """What a failed connection or a time-out of the HTTP client means."""
    chain: list[BaseException] = []
    cause: BaseException | None = err
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(item, ReplyTooLongError) for item in chain):
        return ProviderError(Fault.BAD_REPLY, f"more than {MAX_REPLY_BYTES >> 20} MiB")
    if any(isinstance(item, httpx2.DecodingError) for item in chain):
        return ProviderError(Fault.BAD_REPLY, "the reply cannot be unpacked")
    if any(isinstance(item, httpx2.TimeoutException) for item in chain):
        return ProviderError(Fault.TIMEOUT, "the server did not answer in time")
    for item in chain:
        if isinstance(item, ssl.SSLCertVerificationError):
            return ProviderError(Fault.CERTIFICATE, item.verify_message.rstrip("."))
    # The library's own texts may hold the URL; those of the system do not.
    told = chain[-1].strerror if isinstance(chain[-1], OSError) else None
    return ProviderError(Fault.CONNECTION, told or type(chain[-1]).__name__)


def bad_status(
    status: int, headers: Mapping[str, str] | None, body: object, key: str
) -> ProviderError:
    """What an HTTP error status means, with the server's own word for it."""
    message = _message(body)
    fault = _fault(status, message)
    return ProviderError(
        fault,
        _told(f"HTTP {status} {message}", key),
        option=_option(message) if fault is Fault.REJECTED and status in {400, 422} else "",
        retry_after_s=_retry_after_s(headers or {}, body),
    )


def _fault(status: int, message: str) -> Fault:
    text = message.lower()
    if "insufficient_quota" in text or "credit balance" in text or status == 402:
        return Fault.QUOTA
    if status in {401, 403} or (status == 400 and "api key" in text):
        return Fault.AUTH
    if status == 429:
        return Fault.RATE_LIMITED
    if status >= 500 or status in _AGAIN:
        return Fault.SERVER_ERROR
    return Fault.REJECTED


def _option(message: str) -> str:
    """The sampling option a rejection names: ``temperature``, ``seed``, ``structured`` or none."""
    named = next((option for option in _OPTIONS if option in message.lower()), "")
    return named if named in {"", "temperature", "seed"} else "structured"


def _message(body: object) -> str:
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        words = [error.get(name) for name in ("code", "status", "type", "message", "detail")]
        error = " ".join(str(word) for word in words if word and not isinstance(word, int))
    return "" if error is None else str(error)


def _told(text: str, key: str) -> str:
    """A server's words for the record: on one short line, without the key."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return redact(line, key)[:LONGEST_DETAIL]


def _retry_after_s(headers: Mapping[str, str], body: object) -> float | None:
    """Seconds to wait, from the headers or from Google's RetryInfo; ``None`` if not said."""
    millis = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", millis):
        return float(millis) / 1000.0
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if value:
        try:
            at = email.utils.parsedate_to_datetime(value).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
        return max(0.0, at - time.time())
    if isinstance(body, Mapping):
        delay = re.search(r'"retryDelay":\s*"(\d+(?:\.\d+)?)s"', json.dumps(body, default=str))
        return float(delay.group(1)) if delay else None
    return None
