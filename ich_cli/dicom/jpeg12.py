"""JPEG Extended and progressive JPEG of 12 bits, which pydicom leaves out but gdcm decodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID

SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (51, 53, 55))
"""Process 2 & 4; and the retired progressive 6 & 8 and 10 & 12."""


def decode_frames(dataset: FileDataset, syntax: UID) -> NDArray[np.integer[Any]]:
    """Decode all frames.

    Args:
        dataset: With encapsulated ``PixelData`` of one sample a pixel.
        syntax: One of :data:`SYNTAXES`.

    Returns:
        ``(frames, rows, columns)`` stored values.

    Raises:
        ValueError: A frame decodes to another size than the header says.
    """
    frames = int(dataset.get("NumberOfFrames") or 1)
    kind = np.dtype(f"<{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")
    decoded = [
        np.frombuffer(_decode_one(source, dataset, syntax), kind)
        for source in generate_frames(dataset.PixelData, number_of_frames=frames)
    ]
    return np.stack(decoded).reshape(frames, dataset.Rows, dataset.Columns)


def _decode_one(source: bytes, dataset: FileDataset, syntax: UID) -> bytes:
    # Here, since pydicom can read all other encodings with other decoders.
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(source)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    photometric = gdcm.PhotometricInterpretation.GetPIType(str(dataset.PhotometricInterpretation))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(photometric))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str.__str__(syntax))))
    image.SetPixelFormat(
        gdcm.PixelFormat(
            1,
            dataset.BitsAllocated,
            dataset.BitsStored,
            dataset.BitsStored - 1,
            dataset.PixelRepresentation,
        )
    )
    # SWIG hands out char* as text in which undecodable bytes are surrogates.
    text: str = image.GetBuffer()
    return text.encode("utf-8", "surrogateescape")
