"""Small pictures of every slice, kept beside the results for the HTML report.

One scan is one folder named by a hash of its UIDs, with two sprites (all slices in
rows, base first): ``slices.jpg`` and ``labels.png``, and ``meta.json``. Grey levels hold
Hounsfield units so that the page can apply windows: levels 0…219 are −40…179 HU, one unit
each; levels 220…255 are 180…1,580 HU, 40 units each, enough to tell bone from metal.
No text, tag or name is in the pictures.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, FloatArray, Volume
from ich_cli.reports.atomic import atomic_path, make_folder

FOLDER = "images"
SCHEMA = 1
SIDE_PX = 256
MIN_STEP_MM = 2.4
"""Thinner series keep every k-th slice; a page is to be looked at, not measured on."""

LOW_HU = -40.0
KNEE_LEVEL, KNEE_HU = 220, 180.0
BONE_STEP_HU = 40.0

UNTYPED, HEAT = len(SUBTYPES) + 1, len(SUBTYPES) + 2
"""Label values beside 1…5: blood of no called subtype, and a heat map's hot part."""

JPEG_QUALITY = 85
COVERED = 0.3
"""Share of a small pixel that a label must cover to colour it, so that thin blood stays."""


@dataclass(frozen=True, slots=True)
class StoredImages:
    """Where one scan's pictures are, and how to cut them."""

    folder: Path
    meta: Mapping[str, Any]

    @property
    def slices(self) -> Path:
        """JPEG of all slices."""
        return self.folder / "slices.jpg"

    @property
    def labels(self) -> Path | None:
        """PNG of the labels, ``None`` where the scan has none."""
        path = self.folder / "labels.png"
        return path if path.is_file() else None

    @property
    def meta_path(self) -> Path:
        """What is written last, so that its age is the pictures' age."""
        return self.folder / "meta.json"

    @property
    def size_bytes(self) -> int:
        """Bytes on disk of both pictures."""
        return sum(p.stat().st_size for p in (self.slices, self.labels) if p is not None)


class SliceImages:
    """Writes the pictures of scans into ``out / "images"`` as they finish.

    Args:
        out: The output folder of the run.

    Raises:
        OutputError: The folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER
        make_folder(self.folder)

    def write(
        self,
        name: str,
        volume: Volume,
        labels: NDArray[np.uint8] | None = None,
        heat: FloatArray | None = None,
        key_slice: int | None = None,
    ) -> Path:
        """Write one scan; what was there before is replaced.

        Args:
            name: Of the scan's folder, see :func:`ich_cli.domain.file_stem`.
            volume: The scan.
            labels: ``(z, y, x)``, 0 none, 1…5 as ``SUBTYPES``, 6 untyped blood.
            heat: ``(z, y, x)`` 0…1, drawn where there are no labels.
            key_slice: Is always kept, even of a thin series.

        Returns:
            The scan's folder.

        Raises:
            OutputError: The disk is full or the folder cannot be written.
        """
        home = self.folder / name
        make_folder(home)
        indices = kept_slices(volume, key_slice)
        height, width = picture_size(volume)
        columns = max(1, math.ceil(math.sqrt(len(indices))))
        grey = [to_levels(shrink(volume.hu[k], height, width)) for k in indices]
        marks = [_marks(labels, heat, k, height, width) for k in indices]
        marked = any(tile.any() for tile in marks)
        _save(home / "slices.jpg", _jpeg(_sprite(grey, columns)))
        if marked:
            _save(home / "labels.png", _png(_sprite(marks, columns)))
        else:
            (home / "labels.png").unlink(missing_ok=True)
        meta = {
            "schema": SCHEMA,
            "indices": indices,
            "n_slices": len(volume.hu),
            "columns": columns,
            "width": width,
            "height": height,
            "mm_per_pixel": round(volume.spacing_mm[2] * volume.hu.shape[2] / width, 4),
            "labels": marked,
        }
        _save(home / "meta.json", json.dumps(meta).encode())
        return home


def find_images(out: Path) -> dict[str, StoredImages]:
    """The stored pictures of a run by the scan's file stem; folders that are torn are left out."""
    found = {}
    folder = out / FOLDER
    for meta_path in sorted(folder.glob("*/meta.json")) if folder.is_dir() else ():
        try:
            meta = json.loads(meta_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        stored = StoredImages(meta_path.parent, meta)
        if isinstance(meta, dict) and meta.get("schema") == SCHEMA and stored.slices.is_file():
            found[meta_path.parent.name] = stored
    return found


def to_levels(hu: FloatArray) -> NDArray[np.uint8]:
    """Hounsfield units to the grey levels of the module's docstring."""
    soft = np.clip(hu - LOW_HU, 0, KNEE_LEVEL - 1)
    bone = np.clip(KNEE_LEVEL + (hu - KNEE_HU) / BONE_STEP_HU, KNEE_LEVEL, 255)
    return np.asarray(np.round(np.where(hu < KNEE_HU, soft, bone)), np.uint8)


def to_hu(levels: NDArray[np.uint8]) -> FloatArray:
    """Grey levels back to Hounsfield units."""
    values = levels.astype(np.float32)
    bone = KNEE_HU + (values - KNEE_LEVEL) * BONE_STEP_HU
    return np.where(values < KNEE_LEVEL, values + LOW_HU, bone).astype(np.float32)


def kept_slices(volume: Volume, key_slice: int | None) -> list[int]:
    """Every slice, or every k-th of a thin series, and the key slice in any case."""
    step = max(1, round(MIN_STEP_MM / max(volume.spacing_mm[0], 1e-3)))
    kept = set(range(step // 2, len(volume.hu), step)) or {0}
    if key_slice is not None and 0 <= key_slice < len(volume.hu):
        kept.add(key_slice)
    return sorted(kept)


def picture_size(volume: Volume) -> tuple[int, int]:
    """Height and width in pixels that keep the true proportions, at most ``SIDE_PX``."""
    _, rows, columns = volume.hu.shape
    tall, wide = rows * volume.spacing_mm[1], columns * volume.spacing_mm[2]
    side = min(SIDE_PX, max(rows, columns))
    longest = max(tall, wide)
    return max(1, round(side * tall / longest)), max(1, round(side * wide / longest))


def shrink(plane: FloatArray, height: int, width: int) -> FloatArray:
    """Average a slice down to the picture's size."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32)


def _marks(
    labels: NDArray[np.uint8] | None, heat: FloatArray | None, k: int, height: int, width: int
) -> NDArray[np.uint8]:
    out = np.zeros((height, width), np.uint8)
    best = np.full((height, width), COVERED, np.float32)
    if labels is not None:
        present: Sequence[int] = [int(v) for v in np.unique(labels[k]) if v]
        for value in present:
            share = shrink((labels[k] == value).astype(np.float32), height, width)
            out[share >= best] = value
            best = np.maximum(best, share)
    elif heat is not None:
        out[shrink(np.asarray(heat[k], np.float32), height, width) >= 0.5] = HEAT
    return out


def _sprite(tiles: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    height, width = tiles[0].shape
    rows = math.ceil(len(tiles) / columns)
    sheet = np.zeros((rows * height, columns * width), np.uint8)
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return sheet


def _jpeg(sheet: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()


def _png(sheet: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG", optimize=True)
    return out.getvalue()


def _save(path: Path, content: bytes) -> None:
    with atomic_path(path) as made, made.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
