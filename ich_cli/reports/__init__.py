"""One file a report format.

A new format is one module with a function ``(records, path) -> None`` and one line in
``FORMATS``. Records are the objects of :mod:`ich_cli.reports.record`, read one by one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

Writer = Callable[[Iterable[Mapping[str, Any]], Path], None]


class Format(NamedTuple):
    """Where a format's writer lives and what its file is called.

    A ``final`` format shows ``run.json`` as well: it is written once, when the run is over.
    """

    filename: str
    module: str
    function: str
    final: bool = False

    def writer(self) -> Writer:
        """Import the writer; only the formats that are asked for cost start-up time."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        return cast(Writer, getattr(module, self.function))


FORMATS: Mapping[str, Format] = {
    "csv": Format("results.csv", "csv_", "write_csv"),
    "html": Format("report.html", "html_", "write_html", final=True),
    "json": Format("results.json", "json_", "write_json"),
    "jsonl": Format("results.jsonl", "jsonl", "write_jsonl"),
}
