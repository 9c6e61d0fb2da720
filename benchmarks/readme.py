"""Figures of ``benchmarks/README.md``, each table between two marks of its own."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).with_name("README.md")


def put(name: str, table: str, page: Path = README) -> None:
    """Replace what stands between the marks ``<!-- name:begin -->`` and ``<!-- name:end -->``.

    Raises:
        ValueError: The page does not have each mark once; nothing is written.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
