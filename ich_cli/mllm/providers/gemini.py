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
        options = types.HttpOptions(base_url=endpoint.base_url, httpx_client=client)
        self._sdk = genai.Client(api_key=endpoint.key, vertexai=False, http_options=options)

    def send(self, ask: Ask) -> Reply:
        """See :meth:`~ich_cli.mllm.wire.Provider.send`."""
        try:
            response = self._sdk.models.generate_content(
                model=ask.model,
                contents=[_content(turn) for turn in ask.turns],
                config=_config(ask),
            )
            return read_reply(response, _reply, _usage)
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
        http_options=types.HttpOptions(timeout=max(1, int(ask.timeout_s * 1000))),
    )


def _content(turn: Turn) -> types.Content:
    role = "model" if turn.role == "assistant" else "user"
    pictures = [types.Part.from_bytes(data=png, mime_type="image/png") for png in turn.images]
    return types.Content(role=role, parts=[*pictures, types.Part.from_text(text=turn.text)])


def _reply(data: dict[str, Any]) -> Reply:
    candidates = data.get("candidates") or []
    blocked = (data.get("prompt_feedback") or {}).get("block_reason")
    if not candidates and not blocked:
        raise ProviderError(Fault.BAD_REPLY, "the reply holds no candidate")
    candidate = candidates[0] if candidates else {}
    parts = (candidate.get("content") or {}).get("parts") or []
    reason = str(candidate.get("finish_reason") or "")
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
        model=data.get("model_version"),
    )


def _usage(data: dict[str, Any]) -> Usage:
    usage = data.get("usage_metadata") or {}
    answer, thoughts = usage.get("candidates_token_count"), usage.get("thoughts_token_count")
    return Usage(usage.get("prompt_token_count"), _sum(answer, thoughts))


def _sum(answer: int | None, thoughts: int | None) -> int | None:
    return None if answer is None and thoughts is None else (answer or 0) + (thoughts or 0)
