"""Which of DICOM's encodings of pixels can be read here."""

from __future__ import annotations

from ich_cli.health.check import Check, State

REQUIRED = (
    "RLELossless",
    "JPEGBaseline8Bit",
    "JPEGExtended12Bit",
    "JPEGLossless",
    "JPEGLosslessSV1",
    "JPEGLSLossless",
    "JPEGLSNearLossless",
    "JPEG2000Lossless",
    "JPEG2000",
)
"""Keywords of the transfer syntaxes in which CT is commonly stored."""

RARE = ("HTJ2KLossless", "HTJ2KLosslessRPCL", "HTJ2K")
"""No scanner writes these yet; a series that holds them is reported as not decodable."""


def check_decoders() -> tuple[Check, ...]:
    """One check a compressed transfer syntax, with the plug-ins that read it."""
    return tuple(
        _check(keyword, State.FAILED if keyword in REQUIRED else State.INFO)
        for keyword in (*REQUIRED, *RARE)
    )


def _check(keyword: str, if_missing: State) -> Check:
    from pydicom import uid
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(getattr(uid, keyword))
    if decoder.is_available:
        return Check("decoder", keyword, State.OK, ", ".join(decoder.available_plugins))
    advice = "" if if_missing is State.INFO else "pip install --force-reinstall python-gdcm"
    return Check("decoder", keyword, if_missing, "cannot be decoded", advice)
