"""A volume whose pixels show the head alone, to draw pictures from; never to measure in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ich_cli.deidentify.head import head_mask
from ich_cli.deidentify.overlay import stamped
from ich_cli.domain import Volume

AIR_HU = -1000.0


def blanked(volume: Volume) -> Volume:
    """Make air of all around the head, and of what a stamp covers on it.

    Where no head is found nothing is known to be free of text, and all becomes air.

    Returns:
        Another volume; ``volume`` stays as it is.
    """
    shown = head_mask(volume.hu, volume.spacing_mm)
    shown &= ~stamped(volume.hu, volume.spacing_mm)
    return replace(volume, hu=np.where(shown, volume.hu, np.float32(AIR_HU)))
