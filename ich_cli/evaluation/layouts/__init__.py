"""One file a layout of labels.

Each module has ``matches(path) -> bool``, cheap and never raising, and
``read(path) -> LabelSet``. A new layout is one module and one line in ``LAYOUTS``; the
first that matches reads, the own CSV last, because it explains what it misses.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ich_cli.errors import UsageError
from ich_cli.evaluation.labels import LabelSet, refuse_contradictions

LAYOUTS: tuple[str, ...] = ("masks", "rsna2019", "cq500", "physionet", "own_csv")


def load_labels(path: Path, layout: str | None = None) -> LabelSet:
    """Read labels, in a named layout or in the first that fits.

    Raises:
        UsageError: No such file or layout, the content is not what the layout promises, or
            labels that cannot be true together.
    """
    if not path.exists():
        raise UsageError(f"no labels at {path}; give a CSV file or a folder of masks")
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"unknown label layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    for name in LAYOUTS if layout is None else (layout,):
        module: Any = importlib.import_module(f"{__name__}.{name}")
        if layout is not None or module.matches(path):
            labels: LabelSet = module.read(path)
            refuse_contradictions(labels, path)
            return labels
    raise UsageError(f"{path} is a folder without NIfTI masks; give a CSV file of labels")
