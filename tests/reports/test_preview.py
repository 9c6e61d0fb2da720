"""The key slice as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ich_cli.domain import Assessment, Interval, Status, Subtype
from ich_cli.reports.drawing import COLOURS, draw_slice
from ich_cli.reports.montage import MOST, shown_slices, write_montage
from ich_cli.reports.preview import SIDE_PX, headline, write_preview
from tests.findings.heads import Ball, Scan, scan_head

LEFT = Ball(Subtype.IPH, (35.0, 5.0, 5.0), (14.0, 14.0, 14.0))
ASSESSMENT = Assessment(
    Status.POSITIVE, 0.97, True, (), Interval(12, 10, 14), key_slice=17,
    sentence="Acute IPH, left putamen, 12.0 mL (10–14).",
)  # fmt: skip


def coloured_columns(picture: Image.Image, name: str) -> np.ndarray:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return np.nonzero((np.abs(pixels - COLOURS[name]).sum(axis=2) < 12).any(axis=0))[0]


@pytest.mark.parametrize(
    "axes", [((0, 1, 2), (1, 1, 1)), ((0, 1, 2), (-1, 1, 1)), ((0, 1, 2), (-1, -1, 1))], ids=str
)
def test_the_patients_left_is_on_the_pictures_right(axes) -> None:
    volume, truth = scan_head(Scan(balls=[LEFT], axes=axes))
    z = int((truth > 0).sum(axis=(1, 2)).argmax())
    columns = coloured_columns(draw_slice(volume, z, 400, truth[z]), "IPH")
    assert len(columns)
    assert columns.min() > 200


def test_front_is_on_top_and_millimetres_are_square() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT], size=(36, 60, 120), spacing_mm=(5, 4, 2)))
    z = int((truth > 0).sum(axis=(1, 2)).argmax())
    picture = np.asarray(draw_slice(volume, z, 480, truth[z]).convert("RGB")).astype(int)
    rim = np.abs(picture - COLOURS["IPH"]).sum(axis=2) < 12
    rows, columns = np.nonzero(rim)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.15)


def test_preview_shows_plain_and_marked_slice_side_by_side(tmp_path: Path) -> None:
    volume, truth = scan_head(Scan(balls=[LEFT]))
    write_preview(volume, truth, ASSESSMENT, tmp_path / "key.png")
    with Image.open(tmp_path / "key.png") as picture:
        assert picture.format == "PNG"
        assert picture.info == {}
        panels = picture.crop((0, 0, picture.width, SIDE_PX))
        columns = coloured_columns(panels, "IPH")
        assert columns.min() > SIDE_PX
        assert np.asarray(picture.crop((SIDE_PX, picture.height - 40, *picture.size))).any()


def test_montage_holds_the_key_slice_and_at_most_36(tmp_path: Path) -> None:
    volume, truth = scan_head(Scan(balls=[LEFT], size=(90, 40, 40), spacing_mm=(2, 5, 5)))
    chosen = shown_slices(volume, 43)
    assert len(chosen) == MOST
    assert 43 in chosen
    assert chosen == sorted(chosen)
    write_montage(volume, truth, ASSESSMENT, tmp_path / "all.png")
    with Image.open(tmp_path / "all.png") as picture:
        assert len(coloured_columns(picture, "IPH"))


def test_a_stack_stored_from_the_top_is_shown_from_the_base() -> None:
    volume, _ = scan_head(
        Scan(size=(10, 30, 30), spacing_mm=(8, 8, 8), axes=((0, 1, 2), (1, 1, -1)))
    )
    assert shown_slices(volume, None) == list(range(9, -1, -1))


@pytest.mark.parametrize("slices", [1, 2])
def test_a_negative_scan_of_very_few_slices_is_drawn_too(slices: int, tmp_path: Path) -> None:
    volume, _ = scan_head(Scan(size=(slices, 30, 44), spacing_mm=(5, 6, 6)))
    negative = Assessment(Status.NEGATIVE, 0.02, False, ())
    assert write_preview(volume, None, negative, tmp_path / "a.png").stat().st_size > 1000
    assert write_montage(volume, None, negative, tmp_path / "b.png").stat().st_size > 1000


def test_the_headline_says_status_probability_and_sentence() -> None:
    assert headline(ASSESSMENT).startswith("Positive (any 0.97). Acute IPH, left putamen")
