"""Where the frames of an enhanced (multi-frame) CT lie, from its functional groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

ENHANCED_CT = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
"""Enhanced CT Image Storage, and Legacy Converted Enhanced CT."""

Vector = tuple[float, float, float]
Directions = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame's place and scale; ``None`` = not said.

    Attributes:
        position_mm: LPS of the first voxel's centre.
        orientation: Direction cosines of a row, then of a column.
        pixel_mm: ``(between rows, between columns)``.
        thickness_mm: Nominal slice thickness.
        slope: Rescale slope.
        intercept: Rescale intercept.
        time_index: Temporal position; a perfusion run has many.
        frame_type: As ImageType, of this frame.
    """

    position_mm: Vector | None = None
    orientation: Directions | None = None
    pixel_mm: tuple[float, float] | None = None
    thickness_mm: float | None = None
    slope: float | None = None
    intercept: float | None = None
    time_index: int | None = None
    frame_type: tuple[str, ...] = ()


def read_frames(dataset: Dataset) -> tuple[Frame, ...]:
    """Read every frame's functional groups, the shared ones standing in where needed.

    Args:
        dataset: With ``SharedFunctionalGroupsSequence`` and
            ``PerFrameFunctionalGroupsSequence``.

    Returns:
        One :class:`Frame` an item of the per-frame sequence, in stored order.
    """
    shared_items = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    shared = shared_items[0]
    return tuple(
        _frame(groups, shared) for groups in dataset.get("PerFrameFunctionalGroupsSequence") or ()
    )


def _frame(own: Dataset, shared: Dataset) -> Frame:
    position = _numbers(_value(own, shared, "PlanePositionSequence", "ImagePositionPatient"), 3)
    direction = _numbers(
        _value(own, shared, "PlaneOrientationSequence", "ImageOrientationPatient"), 6
    )
    pixel = _numbers(_value(own, shared, "PixelMeasuresSequence", "PixelSpacing"), 2)
    thickness = _numbers([_value(own, shared, "PixelMeasuresSequence", "SliceThickness")], 1)
    slope = _numbers([_value(own, shared, "PixelValueTransformationSequence", "RescaleSlope")], 1)
    intercept = _numbers(
        [_value(own, shared, "PixelValueTransformationSequence", "RescaleIntercept")], 1
    )
    time = _value(own, shared, "FrameContentSequence", "TemporalPositionIndex")
    kind = _value(own, shared, "CTImageFrameTypeSequence", "FrameType")
    return Frame(
        position_mm=(position[0], position[1], position[2]) if position else None,
        orientation=(
            direction[0],
            direction[1],
            direction[2],
            direction[3],
            direction[4],
            direction[5],
        )
        if direction
        else None,
        pixel_mm=(pixel[0], pixel[1]) if pixel else None,
        thickness_mm=thickness[0] if thickness else None,
        slope=slope[0] if slope else None,
        intercept=intercept[0] if intercept else None,
        time_index=int(time) if time is not None else None,
        frame_type=tuple(str(word).upper() for word in kind) if kind else (),
    )


def _value(own: Dataset, shared: Dataset, group: str, keyword: str) -> Any:
    for groups in (own, shared):
        items = groups.get(group)
        if items and items[0].get(keyword) is not None:
            return items[0].get(keyword)
    return None


def _numbers(value: Sequence[Any] | None, count: int) -> tuple[float, ...]:
    if value is None or len(value) != count or any(item is None for item in value):
        return ()
    return tuple(float(item) for item in value)
