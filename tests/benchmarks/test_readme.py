"""Figures go between their marks, and nothing else of the page changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import readme

PAGE = """# Title
<!-- scan:begin -->
old
<!-- scan:end -->
<!-- soak:begin -->
other
<!-- soak:end -->
"""


def test_only_the_named_table_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    readme.put("scan", "new", page)
    assert page.read_text() == PAGE.replace("old", "new")


def test_a_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="unpack"):
        readme.put("scan", "new", page)
    assert page.read_text() == "# Title\n"


@pytest.mark.parametrize("name", ["scan", "soak"])
def test_the_readme_has_the_marks(name: str) -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert text.count(f"<!-- {name}:begin -->") == text.count(f"<!-- {name}:end -->") == 1
