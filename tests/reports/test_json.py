"""results.json is one valid array, however many scans there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.reports import FORMATS
from ich_cli.reports.json_ import write_json
from tests.reports.examples import records


@pytest.mark.parametrize("count", [0, 1, 3])
def test_array_holds_all_records(tmp_path: Path, count: int):
    path = tmp_path / "results.json"
    write_json(iter(records()[:count]), path)
    assert json.loads(path.read_text(encoding="utf-8")) == records()[:count]


@pytest.mark.parametrize("name", ["csv", "json", "jsonl"])
def test_every_format_is_found_by_its_name(tmp_path: Path, name: str):
    path = tmp_path / FORMATS[name].filename
    FORMATS[name].writer()(records(), path)
    assert path.stat().st_size > 100
