"""What the bytes of a NIfTI-1 header say and the library that reads the file does not tell."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

HEADER_BYTES = 348
ALIKE = 0.7
"""Cosine of 45°: axes further apart than that are different ones."""


def promised_bytes(head: bytes) -> int:
    """Length of the whole file; 0 for another version, of which nothing is known."""
    order = _byte_order(head)
    if order is None:
        return 0
    dims = struct.unpack_from(f"{order}8h", head, 40)
    (bits,) = struct.unpack_from(f"{order}h", head, 72)
    (offset,) = struct.unpack_from(f"{order}f", head, 108)
    voxels: int = math.prod(dims[1 : dims[0] + 1])
    return int(offset) + voxels * int(bits) // 8


def doubt_of_sides(head: bytes) -> str:
    """Why the header does not tell left from right; empty when it does, or is not NIfTI-1.

    It may say which way the volume lies twice (``qform``, ``sform``), or not at all.
    """
    order = _byte_order(head)
    if order is None:
        return ""
    q_code, s_code = struct.unpack_from(f"{order}2h", head, 252)
    if q_code <= 0 and s_code <= 0:
        return "neither qform nor sform says which way the volume lies"
    if q_code > 0 and s_code > 0:
        cosines = (_qform_axes(head, order) * _sform_axes(head, order)).sum(axis=0)
        if cosines.min() < ALIKE:
            return "qform and sform contradict each other"
    return ""


def _byte_order(head: bytes) -> str | None:
    if len(head) < HEADER_BYTES:
        return None
    orders = (o for o in "<>" if struct.unpack_from(f"{o}i", head)[0] == HEADER_BYTES)
    return next(orders, None)


def _qform_axes(head: bytes, order: str) -> NDArray[np.float64]:
    """Unit vectors of the voxel axes as columns, from the quaternion."""
    (handedness,) = struct.unpack_from(f"{order}f", head, 76)
    b, c, d = struct.unpack_from(f"{order}3f", head, 256)
    real = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    axes = np.asarray(Rotation.from_quat((b, c, d, real)).as_matrix(), np.float64)
    axes[:, 2] *= -1.0 if handedness < 0 else 1.0
    return axes


def _sform_axes(head: bytes, order: str) -> NDArray[np.float64]:
    """Unit vectors of the voxel axes as columns, from the matrix."""
    rows = np.array(struct.unpack_from(f"{order}12f", head, 280)).reshape(3, 4)
    axes = rows[:, :3]
    return np.asarray(axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-12))
