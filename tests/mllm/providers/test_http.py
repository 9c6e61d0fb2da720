"""One vocabulary for what servers say when they will not answer."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import pytest

from ich_cli.mllm.providers.http import LONGEST_DETAIL, bad_status
from ich_cli.mllm.wire import Fault


def said(code: str = "", message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, said(), Fault.AUTH),
        (403, said(), Fault.AUTH),
        (400, said(message="API key not valid. Please pass a valid API key."), Fault.AUTH),
        (402, said(), Fault.QUOTA),
        (429, said("insufficient_quota", "You exceeded your current quota"), Fault.QUOTA),
        (400, said(message="Your credit balance is too low"), Fault.QUOTA),
        (429, said("rate_limit_exceeded"), Fault.RATE_LIMITED),
        (429, said("RESOURCE_EXHAUSTED", "Quota exceeded for requests"), Fault.RATE_LIMITED),
        (408, None, Fault.SERVER_ERROR),
        (500, "oops", Fault.SERVER_ERROR),
        (529, said("overloaded_error"), Fault.SERVER_ERROR),
        (307, None, Fault.REJECTED),
        (400, said(message="image too large"), Fault.REJECTED),
        (404, said("model_not_found"), Fault.REJECTED),
        (400, said(message="temperature is deprecated for this model"), Fault.REJECTED),
        (422, said(message="Unknown field response_format"), Fault.REJECTED),
    ],
)
def test_status_and_body_make_a_fault(status: int, body: object, fault: Fault) -> None:
    assert bad_status(status, {}, body, "key").fault is fault


@pytest.mark.parametrize(
    ("message", "option"),
    [
        ("Unsupported parameter: 'temperature'", "temperature"),
        ("seed is not permitted", "seed"),
        ("response_format.json_schema is not supported", "structured"),
        ("output_config: Extra inputs are not permitted", "structured"),
    ],
)
def test_option_that_was_not_taken_is_named(message: str, option: str) -> None:
    error = bad_status(400, {}, said(message=message), "key")
    assert (error.option, error.detail) == (option, f"HTTP 400 {message}")


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_other_status_is_not_about_an_option(status: int) -> None:
    assert bad_status(status, {}, said(message="temperature of the server"), "key").option == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "Not Found"}, "Not Found"),
        ({"error": "model 'm' not found"}, "model 'm' not found"),
        ({"object": "error", "message": "no images", "type": "BadRequest", "code": 400},
         "BadRequest no images"),
        ("404 page\nnot found", "404 page not found"),
        (None, ""),
    ],
)  # fmt: skip
def test_server_is_quoted_in_whatever_shape_it_speaks(body: object, words: str) -> None:
    assert bad_status(404, {}, body, "key").detail == f"HTTP 404 {words}".strip()


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, None, 7.0),
        ({"retry-after": "1.5"}, None, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, None, 0.25),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "-5"}, None, None),
        ({"retry-after": "nan"}, None, None),
        ({"retry-after": "Fri, 31 Dec 99999999999 23:59:59 GMT"}, None, None),
        ({"retry-after": "Fri, 31 Dec 0001 00:00:00 +2359"}, None, 0.0),
        ({}, {"error": {"details": [{"@type": "RetryInfo", "retryDelay": "13s"}]}}, 13.0),
        ({}, said(), None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, None, 0.0),
    ],
)
def test_retry_after_in_all_its_spellings(
    headers: dict[str, str], body: object, seconds: float | None
) -> None:
    assert bad_status(429, headers, body, "key").retry_after_s == seconds


def test_retry_after_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    wait = bad_status(503, {"retry-after": date}, None, "key").retry_after_s
    assert wait == pytest.approx(30, abs=3)


def test_detail_is_short_and_without_the_key() -> None:
    error = bad_status(
        400, {}, said(message=f"the key secret-key is\nwrong {'x' * 999}"), "secret-key"
    )
    assert "secret-key" not in str(error)
    assert len(error.detail) <= LONGEST_DETAIL
    assert "\n" not in error.detail
