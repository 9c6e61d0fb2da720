"""Anthropic's Claude, through the Messages API."""

from __future__ import annotations

import base64
from typing import Any

import anthropic
import httpx2

from ich_cli.mllm.providers.http import bad_status, no_connection, read_reply
from ich_cli.mllm.wire import Ask, Endpoint, Fault, Finish, ProviderError, Reply, Turn, Usage

FINISH = {
    "max_tokens": Finish.TRUNCATED,
    "model_context_window_exceeded": Finish.TRUNCATED,
    "refusal": Finish.REFUSED,
}


class Messages:
    """``POST /v1/messages`` with a JSON schema in ``output_config``."""

    def __init__(self, endpoint: Endpoint, client: httpx2.Client):
        self._key = endpoint.key
        self._sdk = anthropic.Anthropic(
            api_key=endpoint.key,
            base_url=endpoint.base_url,
            http_client=client,
            max_retries=0,
            open_telemetry=False,
        )

    def send(self, ask: Ask) -> Reply:
        """See :meth:`~ich_cli.mllm.wire.Provider.send`."""
        try:
            answer = self._sdk.messages.with_raw_response.create(**_body(ask))
            return read_reply(answer.http_response.content, _reply, _usage, self._key)
        except anthropic.APIStatusError as err:
            raise bad_status(err.status_code, err.response.headers, err.body, self._key) from None
        except anthropic.APIConnectionError as err:
            raise no_connection(err) from None
        except (anthropic.AnthropicError, ValueError) as err:
            raise ProviderError(Fault.BAD_REPLY, type(err).__name__) from None


def _body(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": ask.model,
        "system": ask.system,
        "messages": [_message(turn) for turn in ask.turns],
        "max_tokens": ask.max_output_tokens,
        "stream": False,
        "timeout": ask.timeout_s,
    }
    if ask.structured:
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.temperature is not None:
        # Not a parameter of the SDK: newer models take none, older ones still do.
        body["extra_body"] = {"temperature": ask.temperature}
    return body


def _message(turn: Turn) -> dict[str, Any]:
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    pictures = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": base64.b64encode(png).decode("ascii"),
            },
        }
        for png in turn.images
    ]
    return {"role": "user", "content": [*pictures, {"type": "text", "text": turn.text}]}


def _reply(data: dict[str, Any]) -> Reply:
    blocks = data.get("content") or []
    return Reply(
        text="".join(block.get("text") or "" for block in blocks if block.get("type") == "text"),
        finish=FINISH.get(data.get("stop_reason") or "", Finish.COMPLETE),
        model=data.get("model"),
    )


def _usage(data: dict[str, Any]) -> Usage:
    usage = data.get("usage") or {}
    return Usage(usage.get("input_tokens"), usage.get("output_tokens"))
