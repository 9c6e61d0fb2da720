"""A real headless Chromium for the pages; tests are skipped where there is none."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"),
)


@dataclass
class Watched:
    """A page, and everything it complained about or asked for."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def outside(self, *allowed: Path) -> list[str]:
        """Requests for anything but the files that were allowed."""
        known = tuple(path.as_uri() for path in allowed)
        return [url for url in self.requests if not url.startswith((*known, "data:", "about:"))]


def chromium() -> str:
    """Path of the browser.

    Skips the test where there is none.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    """A browser; one a process, because Playwright's driver can run only once in it."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=list(ARGS))
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, path: Path, **options: Any) -> Iterator[Watched]:
    """Open a page of the file system in a fresh context and watch what it does."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, **options)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda message: watched.console.append(message.text))
    page.on("pageerror", lambda error: watched.console.append(str(error)))
    page.on("request", lambda request: watched.requests.append(request.url))
    page.goto(path.as_uri())
    yield watched
    context.close()


def wait_until(page: Any, expression: str, timeout_s: float = 30.0) -> None:
    """Wait for a script to hold.

    Asked from outside: Playwright's own waiting evaluates text within the page, which the
    content security policy of our pages forbids.
    """
    ends = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < ends, f"never came true: {expression}"
        page.wait_for_timeout(20)
