"""Tables on the terminal: without lines, and nothing in them is cut off."""

from __future__ import annotations

from rich.table import Column, Table


def plain_table(*titles: str) -> Table:
    """A table with names in its first column; words too long go on in the next line."""
    first, *others = titles
    columns = (Column(title, overflow="fold") for title in others)
    return Table(Column(first, no_wrap=True), *columns, box=None, pad_edge=False)
