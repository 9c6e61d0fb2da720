"""The shipped JSON Schema describes exactly what is written."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone
from functools import cache

import jsonschema
import pytest

from ich_cli.errors import UsageError
from ich_cli.reports.run_json import RunFacts, to_run_record
from ich_cli.reports.schema import schema_of, schema_text
from tests.reports.examples import records

START = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)


@cache
def validator(which: str) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema_of(which))
    return jsonschema.Draft202012Validator(schema_of(which))


@pytest.mark.parametrize("index", range(3))
def test_records_are_valid(index: int):
    validator("results").validate(records()[index])


def test_a_field_that_is_not_in_the_contract_is_refused():
    record = {**records()[0], "surprise": 1}
    assert not validator("results").is_valid(record)


@pytest.mark.parametrize("name", list(records()[0]))
def test_every_field_is_required(name: str):
    record = {key: value for key, value in records()[0].items() if key != name}
    assert not validator("results").is_valid(record)


def test_an_unread_scan_without_reason_is_refused():
    record = copy.deepcopy(records()[1])
    record["reason"] = None
    assert not validator("results").is_valid(record)


def test_an_unread_scan_with_probabilities_is_refused():
    record = copy.deepcopy(records()[1])
    record["probs"] = records()[0]["probs"]
    assert not validator("results").is_valid(record)


def test_run_record_is_valid():
    facts = RunFacts(
        command=("ich", "scan", "in"),
        started=START,
        ended=START + timedelta(seconds=90),
        exit_code=3,
        stopped=None,
        device_asked="auto",
        device_used="CPUExecutionProvider",
        model={"name": "resnet"},
        settings={},
        status_counts={"negative": 1, "failed": 2},
        reason_counts={"gap": 2},
        scans_new=3,
        scans_known=0,
        files_seen=10,
        files_used=7,
        files_skipped={"not_dicom": 1, "gap": 2},
        series_found=4,
        candidates=3,
        series_rejected={"localizer": 1},
    )
    record = to_run_record(facts)
    validator("run").validate(record)
    assert record["wall_s"] == 90.0
    assert record["counts"]["scans"] == 3
    assert list(record["files"]["skipped"]) == ["gap", "not_dicom"]
    assert record["peak_rss_mb"] is None or record["peak_rss_mb"] > 1


def test_schema_is_printed_as_json():
    assert json.loads(schema_text("run")) == schema_of("run")


def test_unknown_schema_says_what_there_is():
    with pytest.raises(UsageError, match="results or run"):
        schema_text("rows")
