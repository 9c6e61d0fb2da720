"""From a model's text to an answer, or to the reason why it is none."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

from ich_cli.domain import Reason
from ich_cli.mllm.answer import SCHEMAS, Answer

MAX_CHARACTERS = 20_000
LONGEST_WORD = 40
"""No word of the enumerations is longer; a longer string in a field is thinking aloud."""

_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)
_THOUGHTS = re.compile(r"<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSED_THOUGHTS = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?</\1>", re.IGNORECASE | re.DOTALL
)
_REFUSAL = re.compile(
    r"\b(i['’]?m sorry|i am sorry|i can['’]?t|i cannot|i can not|unable to (?:help|assist|provide"
    r"|analy[sz]e|interpret)|not able to|cannot (?:help|assist|provide)|as an ai)\b",
    re.IGNORECASE,
)


def parse(text: str, schema: str, *, accept_prose: bool = False) -> Answer | Reason:
    """Read an answer.

    Args:
        text: What the model wrote. A lone fenced code block counts as its content.
        schema: A name of :data:`~ich_cli.mllm.answer.SCHEMAS`.
        accept_prose: Take the one JSON object out of surrounding prose or after closed
            thoughts, for servers without a structured-output mode.

    Returns:
        The validated answer, or a reason with one of the codes ``empty``, ``too_long``,
        ``refusal``, ``truncated``, ``not_json``, ``prose_around_json``,
        ``thoughts_in_answer``, ``ambiguous``, ``wrong_shape``, ``wrong_enum``,
        ``thoughts_in_field``, ``unexpected_field``, ``missing_field``, ``wrong_type``,
        ``inconsistent``.
    """
    found = _object_in(text.strip(), accept_prose)
    return found if isinstance(found, Reason) else _validate(found, SCHEMAS[schema])


def _object_in(text: str, accept_prose: bool) -> dict[str, Any] | Reason:
    if not text:
        return Reason("empty", "the model returned no text")
    if len(text) > MAX_CHARACTERS:
        return Reason("too_long", f"more than {MAX_CHARACTERS} characters")
    fenced = _FENCE.match(text)
    whole = _load(fenced.group(1) if fenced else text)
    if whole is not None:
        return whole if isinstance(whole, (dict, Reason)) else _not_an_object()
    if _THOUGHTS.search(text):
        if not accept_prose:
            return Reason("thoughts_in_answer", "the model's reasoning came with the answer")
        text = _CLOSED_THOUGHTS.sub("", text).strip()
    return _object_in_prose(text, accept_prose)


def _not_an_object() -> Reason:
    return Reason("wrong_shape", "the answer is not a JSON object")


def _object_in_prose(text: str, accept_prose: bool) -> dict[str, Any] | Reason:
    objects = _embedded(text)
    if not objects:
        if _REFUSAL.search(text):
            return Reason("refusal", "the model declined in words")
        if text.lstrip("`json \n").startswith("{") and not text.rstrip("` \n").endswith("}"):
            return Reason("truncated", "the JSON object is not closed")
        return Reason("not_json", "the answer holds no JSON object")
    if not accept_prose:
        return Reason("prose_around_json", "text stands around the JSON object")
    if any(item != objects[0] for item in objects[1:]):
        return Reason("ambiguous", "more than one JSON object")
    return objects[0]


def _embedded(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects in a text."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
    objects: list[dict[str, Any]] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            objects.append(value)
        at = text.find("{", end)
    return objects


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except _DuplicateKeyError:
        return Reason("ambiguous", "a field is given twice")
    except (ValueError, RecursionError):
        return None


class _DuplicateKeyError(ValueError):
    """A JSON object names a key twice: which one counts is anyone's guess."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DuplicateKeyError
    return dict(pairs)


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _validate(value: dict[str, Any], model: type[Answer]) -> Answer | Reason:
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as err:
        return min((_reason(dict(item)) for item in err.errors()), key=lambda item: item.code)


def _reason(error: dict[str, Any]) -> Reason:
    """One pydantic error as a stable code; the detail names the field, never its content."""
    field = ".".join(str(part) for part in error["loc"]) or "answer"
    if len(field) > LONGEST_WORD:
        field = "a field with an overlong name"
    kind, value = str(error["type"]), error.get("input")
    if kind == "extra_forbidden":
        return Reason("unexpected_field", "a field that was not asked for")
    if kind == "missing":
        return Reason("missing_field", field)
    if kind == "json_invalid":
        return Reason("not_json", "the answer holds half a character")
    if kind == "value_error":
        return Reason("inconsistent", "says no haemorrhage and names one")
    if isinstance(value, str) and (len(value) > LONGEST_WORD or "\n" in value):
        return Reason("thoughts_in_field", field)
    if kind == "enum":
        return Reason("wrong_enum", field)
    if kind in {"greater_than_equal", "less_than_equal"}:
        return Reason("out_of_range", field)
    return Reason("wrong_type", field)
