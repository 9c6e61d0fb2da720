"""Pixels of the head leave, marked as a radiologist expects, and nothing else."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ich_cli.deidentify.overlay import stamped
from ich_cli.domain import Volume
from ich_cli.mllm.images import draw
from ich_cli.mllm.prompts import ImagePlan, Window
from tests.mllm.scans import head, prediction

BRAIN = Window(name="brain", width=80, level=40)
SUBDURAL = Window(name="subdural", width=200, level=80)
BAND = 20


def plan(slices: int = 4, layout: str = "panels", *windows: Window, px: int = 128) -> ImagePlan:
    return ImagePlan.model_validate(
        {"slices": slices, "layout": layout, "panel_px": px, "windows": windows or (BRAIN,)}
    )


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def panel(png: bytes, px: int = 128) -> np.ndarray:
    return pixels(png)[BAND : BAND + px, :px]


def stamp(
    volume: Volume,
    text: str,
    at: tuple[int, int],
    slices: slice = slice(None),
    ink_hu: float = 3071.0,
) -> Volume:
    """Burn a text into pixels, as a secondary capture does."""
    page = Image.new("L", volume.hu.shape[2:0:-1])
    ImageDraw.Draw(page).text(at, text, 255)
    hu = volume.hu.copy()
    hu[slices, np.asarray(page) > 100] = ink_hu
    return replace(volume, hu=hu)


def test_patients_left_is_on_the_right_of_the_picture() -> None:
    shown = panel(draw(head(), prediction(), plan(), 1568).png[2]).astype(float)
    right_of_picture, left_of_picture = shown[54:74, 75:95], shown[54:74, 33:53]
    assert right_of_picture.mean() > left_of_picture.mean() + 60


def test_window_sets_black_and_white() -> None:
    volume = replace(head(), hu=np.where(head().hu > -500, np.float32(40.0), np.float32(-1000.0)))
    for window in (BRAIN, Window(name="w", width=200, level=20)):
        shown = panel(draw(volume, prediction(), plan(4, "panels", window), 1568).png[1])
        expected = 255 * (40 - (window.level - window.width / 2)) / window.width
        assert abs(int(shown[64, 64]) - expected) <= 1


def test_each_slice_has_its_windows_side_by_side() -> None:
    pictures = draw(head(), prediction(), plan(4, "panels", BRAIN, SUBDURAL), 1568)
    assert len(pictures.png) == len(pictures.slices) == 4
    assert pixels(pictures.png[0]).shape[1] == 256


def test_montage_is_one_picture_a_window() -> None:
    pictures = draw(head(), prediction(), plan(9, "montage", BRAIN, SUBDURAL), 1568)
    assert len(pictures.png) == 2
    assert len(pictures.slices) == 9
    assert pixels(pictures.png[0]).shape[1] == 3 * 128


@pytest.mark.parametrize("layout", ["panels", "montage"])
@pytest.mark.parametrize("limit", [200, 333, 768])
def test_long_side_is_capped(layout: str, limit: int) -> None:
    for png in draw(head(), prediction(), plan(9, layout, BRAIN, SUBDURAL), limit).png:
        assert max(pixels(png).shape) <= limit


def test_non_square_voxels_are_drawn_round() -> None:
    wide = head()
    squeezed = replace(wide, hu=wide.hu[:, :, ::2], spacing_mm=(5.0, 3.5, 7.0))
    one = panel(draw(wide, prediction(), plan(), 1568).png[1]) > 20
    two = panel(draw(squeezed, prediction(), plan(), 1568).png[1]) > 20
    assert abs(np.ptp(np.nonzero(one)[1]) - np.ptp(np.nonzero(two)[1])) <= 10


def test_png_holds_no_chunk_but_the_picture() -> None:
    png = draw(head(), prediction(), plan(), 1568).png[0]
    kinds, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        kinds.append(png[at + 4 : at + 8])
        body = png[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(png[at + 8 + length : at + 12 + length], "big")
        at += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


class TestBurnedInText:
    VOLUME = head(size=200, pixel_mm=1.5)

    @pytest.mark.parametrize(
        "at", [(2, 2), (140, 2), (2, 180), (100, 180), (2, 95), (167, 95)], ids=str
    )
    @pytest.mark.parametrize("slices", [slice(None), slice(3, 9)], ids=["every", "some"])
    def test_text_around_the_head_does_not_leave(self, at: tuple[int, int], slices: slice) -> None:
        clean = draw(self.VOLUME, prediction(), plan(6), 1568)
        dirty = draw(stamp(self.VOLUME, "DOE^J", at, slices), prediction(), plan(6), 1568)
        assert dirty == clean

    def test_text_above_the_vertex_does_not_leave(self) -> None:
        top = np.concatenate([self.VOLUME.hu, np.full((4, 200, 200), -1000.0, np.float32)])
        volume = replace(self.VOLUME, hu=top, slice_mm=np.full(16, 5.0, np.float32))
        dirty = stamp(volume, "DOE JOHN\n1970-01-01", (70, 90), slice(12, 16))
        assert draw(dirty, prediction(16), plan(16), 1568) == draw(
            volume, prediction(16), plan(16), 1568
        )

    @pytest.mark.parametrize("ink_hu", [120.0, 255.0, 1000.0, 3071.0])
    def test_stamp_on_the_head_itself_is_covered_whatever_its_grey(self, ink_hu: float) -> None:
        dirty = stamp(self.VOLUME, "DOE", (90, 95), ink_hu=ink_hu)
        for png in draw(dirty, prediction(), plan(6), 1568).png:
            centre = panel(png)[50:66, 54:74]
            assert centre.max() < 200, "no stroke of the stamp is to be seen"

    def test_clipped_bone_is_no_stamp(self) -> None:
        """A few slices with a scale that ends at 200 HU: the skull may be the same in parts."""
        hu = np.clip(self.VOLUME.hu, -1000.0, 200.0)
        hu[:, 60, 60:140] = 200.0
        few = hu[3:9]
        assert not stamped(few, self.VOLUME.spacing_mm).any()

    def test_table_and_head_rest_are_blanked(self) -> None:
        hu = self.VOLUME.hu.copy()
        hu[:, 180:183, 20:180] = 200.0
        with_table = draw(replace(self.VOLUME, hu=hu), prediction(), plan(6), 1568)
        assert with_table == draw(self.VOLUME, prediction(), plan(6), 1568)


def test_clinical_head_stays_whole(shared_data: Path) -> None:
    """Blanking takes the air, not the brain: all tissue deep in a real head is kept."""
    import pydicom
    from scipy import ndimage

    from ich_cli.deidentify.head import head_mask

    files = sorted((shared_data / "rsna_volume").glob("*.dcm"))
    sets = sorted((pydicom.dcmread(f) for f in files), key=lambda d: d.ImagePositionPatient[2])
    hu = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in sets])
    spacing = (5.0, *(float(v) for v in sets[0].PixelSpacing))
    mask = head_mask(hu.astype(np.float32), spacing)
    for z in range(6, 30):
        inside = ndimage.binary_fill_holes(ndimage.binary_opening(hu[z] > 300, iterations=1))
        deep = ndimage.binary_erosion(inside, iterations=6)
        assert mask[z][deep].mean() > 0.99, z
