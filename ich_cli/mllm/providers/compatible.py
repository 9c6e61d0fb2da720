"""Any server that speaks OpenAI's chat completions: vLLM, Ollama, LM Studio, a gateway."""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from ich_cli.mllm.providers.http import data_url, read_reply
from ich_cli.mllm.providers.openai_ import call
from ich_cli.mllm.wire import Ask, Endpoint, Fault, Finish, ProviderError, Reply, Turn, Usage

NO_KEY = "none"
"""The SDK insists on a key; local servers want none."""


class ChatCompletions:
    """``POST /chat/completions`` with a strict JSON schema."""

    def __init__(self, endpoint: Endpoint, client: httpx2.Client):
        self._key = endpoint.key
        self._sdk = openai.OpenAI(
            api_key=endpoint.key or NO_KEY,
            # Set, so that an account of OpenAI's named in the environment is not told to others.
            organization="",
            project="",
            base_url=endpoint.base_url,
            http_client=client,
            max_retries=0,
        )

    def send(self, ask: Ask) -> Reply:
        """See :meth:`~ich_cli.mllm.wire.Provider.send`."""
        create = self._sdk.chat.completions.with_raw_response.create
        return read_reply(call(lambda: create(**_body(ask)), self._key), _reply, _usage, self._key)


def _body(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": ask.model,
        "messages": [
            {"role": "system", "content": ask.system},
            *(_message(turn) for turn in ask.turns),
        ],
        "max_tokens": ask.max_output_tokens,
        "stream": False,
        "timeout": ask.timeout_s,
    }
    if ask.structured:
        schema = {"name": "answer", "schema": ask.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    if ask.seed is not None:
        body["seed"] = ask.seed
    return body


def _message(turn: Turn) -> dict[str, Any]:
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    pictures = [{"type": "image_url", "image_url": {"url": data_url(png)}} for png in turn.images]
    return {"role": "user", "content": [*pictures, {"type": "text", "text": turn.text}]}


def _reply(data: dict[str, Any]) -> Reply:
    choices = data.get("choices") or []
    if not choices:
        raise ProviderError(Fault.BAD_REPLY, "the reply holds no choice")
    message = choices[0].get("message") or {}
    finish = {"length": Finish.TRUNCATED, "content_filter": Finish.REFUSED}.get(
        choices[0].get("finish_reason") or "", Finish.COMPLETE
    )
    if message.get("refusal"):
        finish = Finish.REFUSED
    return Reply(
        text=_text(message.get("content")) or message.get("refusal") or "",
        finish=finish,
        model=data.get("model"),
    )


def _text(content: Any) -> Any:
    """Some servers answer in parts, as they are asked; those that are no text are thoughts."""
    if not isinstance(content, list):
        return content
    return "".join(part.get("text") or "" for part in content if part.get("type") == "text")


def _usage(data: dict[str, Any]) -> Usage:
    usage = data.get("usage") or {}
    return Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))
