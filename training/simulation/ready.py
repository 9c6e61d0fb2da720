"""Label maps made ready to bleed and to be scanned."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from ich_cli.findings.atlas import load_atlas
from training.anatomy.label_map import load_label_map
from training.simulation.head import Head
from training.simulation.tissue import Membranes


@lru_cache(maxsize=1)
def load_head(file: Path, mirrored: bool) -> tuple[Head, Membranes]:
    """A label map ready to bleed and to be scanned.

    Its depth is taken to the inner table alone: structures without a name of their own are
    holes in some cavities, and an SDH would gather around them.
    """
    label_map = load_label_map(file)
    head = Head.of(label_map.mirrored() if mirrored else label_map, load_atlas().edges_mm)
    filled = ndimage.binary_fill_holes(ndimage.binary_closing(head.cavity, iterations=3))
    depth = ndimage.distance_transform_edt(filled).astype(np.float32)
    return replace(head, depth_mm=depth), Membranes.of(head)
