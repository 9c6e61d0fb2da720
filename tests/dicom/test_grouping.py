from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ich_cli.dicom.grouping import group, split
from ich_cli.domain import FileRef
from tests.dicom.ct_files import instance

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
MIDNIGHT = datetime(2024, 1, 31)


def stack(prefix: str, heights, **changes):
    return [instance(f"{prefix}{i}", z, **changes) for i, z in enumerate(heights)]


def sizes(instances) -> list[int]:
    return [len(part) for part in split(instances)]


def test_one_stack_stays_one_and_is_put_in_order():
    (part,) = split(stack("a", [10, 0, 5]))
    assert [item.sop_uid for item in part] == ["a1", "a2", "a0"]


def test_orientations_matrices_spacings_and_kernels_are_parted():
    base = stack("a", range(0, 50, 5))
    assert sizes([*base, *stack("b", [0, 5], orientation=SAGITTAL)]) == [10, 2]
    assert sizes([*base, *stack("b", [0, 5], rows=256, columns=256)]) == [10, 2]
    assert sizes([*base, *stack("b", [0, 5], pixel_spacing_mm=(0.3, 0.3))]) == [10, 2]
    assert sizes([*base, *stack("b", [0, 5], kernel="BONE")]) == [10, 2]


def test_a_localizer_in_the_series_is_parted():
    scout = instance("s", 0, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    assert sizes([*stack("a", [0, 5, 10]), scout]) == [3, 1]


def test_rounded_direction_cosines_are_one_orientation():
    leaning = (1.0, 0.0, 0.0, 0.0, 0.99027, -0.13917)
    exact = (1.0, 0.0, 0.0, 0.0, 0.990268, -0.139173)
    assert sizes(stack("a", [0, 5], orientation=leaning) + stack("b", [10], orientation=exact)) == [
        3
    ]


def test_a_table_position_numbered_as_an_acquisition_of_its_own_splits_nothing():
    slices = [instance(str(n), 5.0 * n, acquisition_number=n) for n in range(10)]
    assert sizes(slices) == [10]


def test_runs_that_continue_one_another_stay_together():
    base = stack("a", range(0, 40, 2), acquisition_number=1)
    vertex = stack("b", range(40, 120, 5), acquisition_number=2)
    assert sizes(base + vertex) == [36]


def test_a_repeated_run_over_the_same_stretch_is_parted():
    first = stack("a", range(0, 100, 5), acquisition_number=1)
    again = stack("b", range(10, 110, 5), acquisition_number=2)
    assert sizes(first + again) == [20, 20]


def timed(prefix: str, minute: int, **changes):
    return stack(prefix, range(0, 50, 5), acquired=MIDNIGHT + timedelta(minutes=minute), **changes)


def test_scans_hours_apart_under_one_series_uid_are_parted():
    assert sizes([*timed("a", 0), *timed("b", 90)]) == [10, 10]
    assert sizes([*timed("a", 0), *timed("b", 90, slice_thickness_mm=4.8), *timed("c", 180)]) == [
        10,
        10,
        10,
    ]


def test_slices_that_one_scan_acquired_in_long_time_stay_together():
    slow = [replace(one, acquired=MIDNIGHT + timedelta(minutes=20 * place))
            for place, one in enumerate(timed("a", 0))]  # fmt: skip
    halves = [replace(one, acquired=MIDNIGHT + timedelta(minutes=60 * (place > 4)))
              for place, one in enumerate(timed("a", 0))]  # fmt: skip
    assert [sizes(slow), sizes(halves)] == [[10], [10]]


def test_a_slice_without_a_time_leaves_the_scans_together():
    untimed = instance("u", 2.5)
    assert sizes([*timed("a", 0), *timed("b", 90), untimed]) == [21]


def test_thin_and_thick_slices_of_one_series_are_parted():
    thick = stack("a", range(0, 100, 5), slice_thickness_mm=5.0)
    thin = stack("b", range(0, 100, 1), slice_thickness_mm=1.0)
    assert sizes(thick + thin) == [100, 20]


def test_patients_under_one_uid_are_never_stacked_together():
    both = stack("a", [0, 5, 10], patient_id="1") + stack("b", [0, 5, 10], patient_id="2")
    series, _ = group(both)
    assert [{item.patient_id for item in part.instances} for part in series] == [{"1"}, {"2"}]
    assert len({part.part for part in series}) == 2


def test_without_a_series_uid_the_folder_stands_in():
    slices = [
        instance(str(n), 5.0 * n, series_uid="", file=FileRef(Path(folder) / f"{n}.dcm"))
        for folder in ("a", "b")
        for n in range(3)
    ]
    series, _ = group(slices)
    assert [len(item.instances) for item in series] == [3, 3]
    assert [item.part for item in series] == [0, 1]


def test_the_order_of_the_files_makes_no_difference():
    slices = stack("a", range(0, 50, 5)) + stack("b", [0, 5], series_uid="other")
    assert group(slices) == group(slices[::-1])


@pytest.mark.parametrize("lost", ["position_mm", "orientation", "pixel_spacing_mm"])
def test_slices_that_do_not_say_where_they_lie_stay_with_their_stack(lost):
    placed, placeless = stack("a", range(0, 50, 5)), stack("b", [0, 5, 10], **{lost: None})
    series, _ = group(placeless + placed)
    assert [[item.sop_uid[0] for item in part.instances] for part in series] == [
        ["a"] * 10 + ["b"] * 3
    ]


def test_a_page_of_text_in_the_series_is_parted():
    page = instance("page", position_mm=None, image_type=("DERIVED", "SECONDARY", "OTHER"))
    series, _ = group([*stack("a", range(0, 50, 5)), page])
    assert [len(part.instances) for part in series] == [10, 1]
