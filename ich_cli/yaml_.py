"""YAML that people write: read, or refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ich_cli.errors import UsageError


def read_yaml(content: bytes, path: Path) -> Any:
    """What a YAML file says; ``None`` when it says nothing.

    Args:
        content: The bytes of the file.
        path: Where they come from, for the message.

    Raises:
        UsageError: It is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"{path}: not valid YAML{line}; correct the file") from None
