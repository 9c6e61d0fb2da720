"""Pictures show the head, and no name that a scanner wrote into the pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ich_cli.config import resolve
from ich_cli.domain import Volume
from ich_cli.pipeline.artefacts import Scanned
from ich_cli.pipeline.assemble import _artefacts
from tests.mllm.scans import assessment, head, prediction
from tests.pipeline.series import make_series

CLEAN = head(size=200, pixel_mm=1.5)
ON_THE_HEAD = (slice(None), slice(90, 105), slice(90, 125))


def stamped(at: tuple[int, int], slices: slice = slice(None)) -> Volume:
    """A name in the pixels, as a secondary capture has it; ``at`` is ``(x, y)``."""
    page = Image.new("L", (200, 200))
    ImageDraw.Draw(page).text(at, "DOE^J", 255)
    hu = CLEAN.hu.copy()
    hu[slices, np.asarray(page) > 100] = 1500.0
    return replace(CLEAN, hu=hu)


def pictures(folder: Path, volume: Volume, keep_phi: bool) -> dict[str, bytes]:
    """What is written of a scan, by kind."""
    settings = resolve(
        {"out": folder / "out", "html": True, "previews": True, "keep_phi": keep_phi}
    ).settings
    scanned = Scanned(make_series(folder), volume, prediction(), assessment(), None)
    written = {kind: str(write(scanned)) for kind, write in _artefacts(settings)}
    written["images"] += "/slices.jpg"
    return {kind: (settings.out / name).read_bytes() for kind, name in written.items()}


@pytest.mark.parametrize("slices", [slice(None), slice(5, 8)], ids=["every", "some"])
@pytest.mark.parametrize("at", [(2, 2), (160, 2), (2, 185), (160, 185)], ids=str)
def test_text_around_the_head_is_in_no_picture(
    tmp_path: Path, at: tuple[int, int], slices: slice
) -> None:
    made = pictures(tmp_path / "a", stamped(at, slices), keep_phi=False)
    assert set(made) == {"images", "preview", "montage"}
    assert made == pictures(tmp_path / "b", CLEAN, keep_phi=False)


def test_a_stamp_on_the_head_is_covered(tmp_path: Path) -> None:
    volume = stamped((93, 92))
    scanned = Scanned(make_series(tmp_path), volume, prediction(), assessment(), None)
    shown = scanned.pictured(keep_text=False).hu
    assert shown[ON_THE_HEAD].max() < 100
    assert scanned.volume.hu[ON_THE_HEAD].max() == 1500, "what is measured stays as it is"
    assert scanned.pictured(keep_text=True) is volume


def test_the_head_itself_stays_whole(tmp_path: Path) -> None:
    """A picture with what is hidden differs from one without in no pixel of the head."""
    scanned = Scanned(make_series(tmp_path), CLEAN, prediction(), assessment(), None)
    tissue = CLEAN.hu[2:-2] > 0
    shown = scanned.pictured(keep_text=False).hu[2:-2]
    assert (shown[tissue] == CLEAN.hu[2:-2][tissue]).mean() > 0.99


def test_text_stays_where_the_patient_may_be_known(tmp_path: Path) -> None:
    made = pictures(tmp_path / "a", stamped((2, 2)), keep_phi=True)
    clean = pictures(tmp_path / "b", CLEAN, keep_phi=True)
    assert all(made[kind] != clean[kind] for kind in made)
