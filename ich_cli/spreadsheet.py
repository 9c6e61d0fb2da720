"""Text for the cells of a CSV that no spreadsheet takes for anything but text."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@＝＋－＠])")


def plain_text(text: str) -> str:
    """Text on one line that is never run as a formula: what begins like one gets an apostrophe.

    Where the comma is the decimal mark a spreadsheet parts cells at semicolons, quoted or not,
    so that a formula may also begin after one.
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    return _FORMULA.sub(r"\1'", line)
