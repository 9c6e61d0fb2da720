"""The answer schema is closed."""

from __future__ import annotations

from typing import Any

import pytest

from ich_cli.mllm.answer import SCHEMAS, json_schema


def leaves(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return [leaf for item in inner for leaf in leaves(item)] or [schema]


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_field_takes_free_text(name: str) -> None:
    for leaf in leaves(json_schema(name)):
        assert "enum" in leaf or leaf["type"] in {"number", "null"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_required_and_no_other_allowed(name: str) -> None:
    schema = json_schema(name)
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False


def test_schema_has_only_words_that_all_providers_take() -> None:
    def words(value: Any) -> set[str]:
        if isinstance(value, dict):
            return {k for k in value if k != "properties"}.union(
                *(words(v) for k, v in value.items() if k != "properties"),
                *(words(v) for v in value.get("properties", {}).values()),
            )
        return set().union(*map(words, value)) if isinstance(value, list) else set()

    known = {"type", "enum", "anyOf", "items", "required", "additionalProperties"}
    for name in SCHEMAS:
        assert words(json_schema(name)) <= known


def test_presence_is_answered_first() -> None:
    order = ["haemorrhage", "subtypes", "side", "regions", "volume_ml"]
    assert list(json_schema("scan")["properties"]) == order
