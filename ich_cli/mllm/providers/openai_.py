"""OpenAI, through the Responses API; nothing is stored there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import openai

from ich_cli.mllm.providers.http import bad_status, data_url, no_connection, read_reply
from ich_cli.mllm.wire import Ask, Endpoint, Fault, Finish, ProviderError, Reply, Turn, Usage


class Responses:
    """``POST /responses`` with a strict JSON schema."""

    def __init__(self, endpoint: Endpoint, client: httpx2.Client):
        self._key = endpoint.key
        self._sdk = openai.OpenAI(
            api_key=endpoint.key, base_url=endpoint.base_url, http_client=client, max_retries=0
        )

    def send(self, ask: Ask) -> Reply:
        """See :meth:`~ich_cli.mllm.wire.Provider.send`."""
        create = self._sdk.responses.with_raw_response.create
        return read_reply(call(lambda: create(**_body(ask)), self._key), _reply, _usage, self._key)


def call(create: Callable[[], Any], key: str) -> bytes:
    """The body of the reply to a call of the SDK; its errors become a :class:`ProviderError`."""
    try:
        content: bytes = create().http_response.content
        return content
    except openai.APIStatusError as err:
        raise bad_status(err.status_code, err.response.headers, err.body, key) from None
    except openai.APIConnectionError as err:
        raise no_connection(err) from None
    except (openai.OpenAIError, ValueError) as err:
        raise ProviderError(Fault.BAD_REPLY, type(err).__name__) from None


def _body(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": ask.model,
        "instructions": ask.system,
        "input": [_message(turn) for turn in ask.turns],
        "max_output_tokens": ask.max_output_tokens,
        "store": False,
        "stream": False,
        "timeout": ask.timeout_s,
    }
    if ask.structured:
        schema = {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}
        body["text"] = {"format": schema}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    return body


def _message(turn: Turn) -> dict[str, Any]:
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    pictures = [
        {"type": "input_image", "image_url": data_url(png), "detail": "high"} for png in turn.images
    ]
    return {"role": "user", "content": [*pictures, {"type": "input_text", "text": turn.text}]}


def _reply(data: dict[str, Any]) -> Reply:
    if data.get("error") or data.get("status") == "failed":
        raise ProviderError(Fault.SERVER_ERROR, "the response failed on the server")
    parts = [
        part
        for item in data.get("output") or []
        if item.get("type") == "message"
        for part in item.get("content") or []
    ]
    refused = any(part.get("type") == "refusal" for part in parts)
    stopped = (data.get("incomplete_details") or {}).get("reason")
    finish = Finish.COMPLETE
    if refused or stopped == "content_filter":
        finish = Finish.REFUSED
    elif data.get("status") == "incomplete" or stopped:
        finish = Finish.TRUNCATED
    return Reply(
        text="".join(part.get("text") or part.get("refusal") or "" for part in parts),
        finish=finish,
        model=data.get("model"),
    )


def _usage(data: dict[str, Any]) -> Usage:
    usage = data.get("usage") or {}
    return Usage(usage.get("input_tokens"), usage.get("output_tokens"))
