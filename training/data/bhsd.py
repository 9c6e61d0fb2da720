"""``bhsd_mini``: single slices with drawn outlines, one colour a subtype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

PIXEL_MM = 0.45
"""Nobody knows the pixels: areas in mm² are as good as this guess."""

COLOURS = {
    "EDH": (255, 0, 0),
    "IPH": (0, 0, 255),
    "IVH": (255, 255, 0),
    "SAH": (0, 255, 255),
    "SDH": (0, 255, 0),
}
LARGEST_HU = 200
"""What white stands for; black is 0 HU and all below."""

FAR = 120
"""Sum over red, green and blue from which a colour is another one."""


@dataclass(frozen=True)
class OutlinedSlice:
    """``hu`` ``(y, x)`` float32 in 0…200, ``truth`` ``(6, y, x)`` bool: any blood, each kind."""

    name: str
    hu: np.ndarray
    truth: np.ndarray


def slices(data: Path) -> Iterator[OutlinedSlice]:
    """All slices of ``data / "bhsd_mini"``, by name; every one has blood somewhere."""
    root = data / "bhsd_mini"
    for path in sorted((root / "images").iterdir()):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32)
        colour = cv2.imread(str(root / "masks" / path.name))[..., ::-1].astype(int)
        kinds = [np.abs(colour - np.array(c)).sum(-1) < FAR for c in COLOURS.values()]
        truth = np.stack([np.any(kinds, 0), *kinds])
        yield OutlinedSlice(path.stem, grey * LARGEST_HU / 255, truth)
