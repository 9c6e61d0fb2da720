"""Google's Gemini, through generateContent of the Gemini API."""

from __future__ import annotations

from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from ich_cli.mllm.providers.http import bad_status, no_connection, read_reply
from ich_cli.mllm.wire import Ask, Endpoint, Fault, Finish, ProviderError, Reply, Turn, Usage

ENDED_WELL = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})
OUT_OF_TOKENS = frozenset({"MAX_TOKENS", "CONTINUATION"})
BROKEN = frozenset({"OTHER", "MALFORMED_RESPONSE", "MALFORMED_FUNCTION_CALL", "LANGUAGE"})


class GenerateContent:
    """``POST …/models/{model}:generateContent`` with a JSON schema."""

    def __init__(self, endpoint: Endpoint, client: httpx2.Client):
        self._key = endpoint.key
        # Without retry options the SDK tries once; waiting and trying again is ours.
        options = types.HttpOptions(
            base_url=endpoint.base_url,
            httpx_client=client,
            # Never used; else the SDK makes one, and stumbles over a proxy that it cannot use.
            httpx_async_client=httpx2.AsyncClient(trust_env=False),
        )
        self._sdk = genai.Client(api_key=endpoint.key, vertexai=False, http_options=options)

    def send(self, ask: Ask) -> Reply:
        """See :meth:`~ich_cli.mllm.wire.Provider.send`."""
        try:
            response = self._sdk.models.generate_content(
                model=ask.model,
                contents=[_content(turn) for turn in ask.turns],
                config=_config(ask),
            )
            raw = response.sdk_http_response
            return read_reply((raw and raw.body) or "", _reply, _usage, self._key)
        except errors.APIError as err:
            headers = getattr(err.response, "headers", None)
            raise bad_status(err.code or 0, headers, err.details, self._key) from None
        except httpx2.HTTPError as err:
            raise no_connection(err) from None
        except ValueError as err:
            raise ProviderError(Fault.BAD_REPLY, type(err).__name__) from None


def _config(ask: Ask) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=ask.system,
        temperature=ask.temperature,
        seed=ask.seed,
        max_output_tokens=ask.max_output_tokens,
        response_mime_type="application/json" if ask.structured else None,
        response_json_schema=ask.schema if ask.structured else None,
        should_return_http_response=True,
        http_options=types.HttpOptions(timeout=max(1, int(ask.timeout_s * 1000))),
    )


def _content(turn: Turn) -> types.Content:
    role = "model" if turn.role == "assistant" else "user"
    pictures = [types.Part.from_bytes(data=png, mime_type="image/png") for png in turn.images]
    return types.Content(role=role, parts=[*pictures, types.Part.from_text(text=turn.text)])


def _reply(data: dict[str, Any]) -> Reply:
    candidates = data.get("candidates") or []
    blocked = (data.get("promptFeedback") or {}).get("blockReason")
    if not candidates and not blocked:
        raise ProviderError(Fault.BAD_REPLY, "the reply holds no candidate")
    candidate = candidates[0] if candidates else {}
    parts = (candidate.get("content") or {}).get("parts") or []
    reason = str(candidate.get("finishReason") or "")
    if reason in BROKEN:
        raise ProviderError(Fault.SERVER_ERROR, f"the model stopped: {reason}")
    finish = Finish.COMPLETE
    if reason in OUT_OF_TOKENS:
        finish = Finish.TRUNCATED
    elif blocked or reason not in ENDED_WELL:
        finish = Finish.REFUSED
    return Reply(
        text="".join(part.get("text") or "" for part in parts if not part.get("thought")),
        finish=finish,
        model=data.get("modelVersion"),
    )


def _usage(data: dict[str, Any]) -> Usage:
    usage = data.get("usageMetadata") or {}
    answer, thoughts = usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount")
    counted = [tokens for tokens in (answer, thoughts) if isinstance(tokens, int)]
    return Usage(usage.get("promptTokenCount"), sum(counted) if counted else None)
