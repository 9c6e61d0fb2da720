"""A head scanned as base and vertex is one stack where the two fit together, and only there."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ich_cli.dicom.discover import discover
from ich_cli.dicom.joining import join
from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import Reason, Series, Volume
from tests.dicom.ct_files import instance, write_stack

NOON = datetime(2024, 1, 31, 12)
LEAN = math.radians(15)
TILTED = (1.0, 0.0, 0.0, 0.0, math.cos(LEAN), -math.sin(LEAN))


def stack(uid: str, low: float, high: float, step: float, **changes: object) -> Series:
    heights = np.arange(low, high + 0.1, step)
    slices = (instance(f"{uid}{z}", float(z), series_uid=uid, **changes) for z in heights)
    return Series("study", uid, 0, tuple(slices))


def base(**changes: object) -> Series:
    return stack("base", 0, 42, 3, **changes)


def vertex(low: float = 47, **changes: object) -> Series:
    return stack("vertex", low, low + 78, 6, **changes)


def names(series: list[Series]) -> list[str]:
    return [one.series_uid for one in series]


def test_a_joined_head_goes_under_its_larger_piece_and_keeps_every_slice():
    low, high = base(), vertex()
    (head,) = join([high, low])
    assert head.series_uid == "base"
    assert head.instances == (*low.instances, *high.instances)


@pytest.mark.parametrize(
    ("low", "fits"), [(37, True), (42, True), (45, True), (50, True), (51, False), (35, False)]
)
def test_pieces_touch_or_overlap_by_less_than_a_slice(low: float, fits: bool):
    assert len(join([base(), vertex(low)])) == (1 if fits else 2)


@pytest.mark.parametrize(
    "odd",
    [
        {"pixel_spacing_mm": (0.4, 0.4)},
        {"rows": 256, "columns": 256},
        {"orientation": TILTED},
        {"kernel": "H60s"},
        {"frame_of_reference_uid": "1.2"},
        {"contrast_agent": "ULTRAVIST"},
        {"image_type": ("DERIVED", "SECONDARY", "MPR")},
        {"series_description": "C-Spine"},
        {"modality": "MR"},
        {"acquired": NOON + timedelta(hours=1)},
        {"position_mm": None},
    ],
)
def test_what_differs_in_more_than_the_distance_of_slices_stays_apart(odd: dict[str, object]):
    same = {"frame_of_reference_uid": "1.1", "acquired": NOON, "kernel": "H31s"}
    assert len(join([base(**same), vertex(**same)])) == 1
    assert names(join([base(**{**same, **odd}), vertex(**same)])) == ["base", "vertex"]


def moved(series: Series, x: float, y: float) -> Series:
    places = [one.position_mm or (0, 0, 0) for one in series.instances]
    slices = (
        replace(one, position_mm=(place[0] + x, place[1] + y, place[2]))
        for one, place in zip(series.instances, places, strict=True)
    )
    return replace(series, instances=tuple(slices))


@pytest.mark.parametrize(("x", "y", "count"), [(1, 1, 1), (3, 0, 2), (0, -3, 2)])
def test_pieces_that_lie_beside_one_another_stay_apart(x: float, y: float, count: int):
    assert len(join([base(), moved(vertex(), x, y)])) == count


def test_pieces_of_a_tilted_gantry_are_joined():
    """Their slices are displaced upwards, not along the normal."""
    assert len(join([base(orientation=TILTED), vertex(orientation=TILTED)])) == 1


def test_kernels_of_one_kind_are_one():
    assert len(join([base(kernel="H31s"), vertex(kernel="H40s")])) == 1


def test_where_two_stacks_would_fit_neither_is_taken():
    thin = stack("thin", 0, 42, 1)
    assert names(join([base(), thin, vertex()])) == ["base", "thin", "vertex"]


def test_a_whole_head_takes_no_neck():
    head, neck = stack("head", 0, 130, 5), stack("neck", -60, -5, 5)
    assert names(join([head, neck])) == ["head", "neck"]


def test_three_pieces_are_joined_and_a_whole_body_is_not():
    three = [base(), vertex(), stack("top", 131, 160, 5)]
    assert len(join(three)) == 1
    assert len(join([*three, stack("high", 162, 270, 6)])) == 4


def test_unread_files_beside_both_are_counted_once():
    lost = (Reason("empty_file"),)
    (head,) = join([replace(base(), unread=lost), replace(vertex(), unread=lost)])
    assert head.unread == lost


def test_pieces_that_show_too_little_each_are_read_together():
    selection = select([base(), stack("top", 47, 100, 6)])
    assert [one.series.series_uid for one in selection.candidates] == ["base"]
    assert selection.candidates[0].decision["coverage_mm"] == 95
    assert selection.rejected == ()


@pytest.mark.parametrize(
    "rules",
    [SelectionRules(all_series=True, min_coverage_mm=10), SelectionRules(series_uid=("base",))],
)
def test_series_that_were_asked_for_one_by_one_are_not_joined(rules: SelectionRules):
    selection = select([base(), vertex()], rules)
    assert all(len({i.series_uid for i in one.series.instances}) == 1
               for one in selection.candidates)  # fmt: skip


def test_a_joined_head_is_one_volume_in_which_each_millilitre_counts_once(tmp_path: Path):
    low = np.arange(0, 43, 3)
    high = np.arange(47, 126, 6)
    write_stack(tmp_path / "b", low, hu=[10] * len(low), SeriesInstanceUID="1.1")
    write_stack(tmp_path / "v", high, hu=[50] * len(high), SeriesInstanceUID="1.2")
    (candidate,) = select(discover([tmp_path]).series).candidates
    volume = load_volume(candidate.series)
    assert isinstance(volume, Volume)
    assert "joined_pieces" in volume.flags
    assert volume.hu[:, 0, 0].tolist() == [10] * len(low) + [50] * len(high)
    assert volume.positions_mm[:, 2].tolist() == [*low, *high]
    assert volume.slice_mm[len(low) - 1 : len(low) + 1].tolist() == [4.0, 5.5]
    assert len(volume.used) == len(volume.sop_uids) == len(low) + len(high)
    assert volume.skipped == ()
