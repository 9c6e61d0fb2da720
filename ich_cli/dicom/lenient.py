"""pydicom, told to read what is there rather than to judge it.

Broken values are everyday in archives, and pydicom's warnings quote them: without this,
identifiers of patients would end up on terminals and in logs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import BinaryIO

import pydicom
from pydicom.dataset import FileDataset

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"pydicom\.")


def read_dataset(stream: BinaryIO, tags: Sequence[int] | None = None) -> FileDataset:
    """Read a data set, with or without preamble and meta header.

    Args:
        stream: At its start.
        tags: The elements wanted; the pixels are then left alone. ``None`` = everything.

    Raises:
        Exception: One of :data:`~ich_cli.dicom.limits.FAILURES` on damaged bytes.
    """
    if tags is None:
        return pydicom.dcmread(stream, force=True)
    return pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=list(tags))
