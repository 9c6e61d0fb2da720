"""What the tests of reports share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.reports.browser import launched


@pytest.fixture(scope="session")
def chromium_browser() -> Iterator[Any]:
    """Headless Chromium; the test is skipped where it is not installed."""
    with launched() as browser:
        yield browser
