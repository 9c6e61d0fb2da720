"""What a reconstruction kernel is for, by its vendor's name."""

from __future__ import annotations

import re
from enum import Enum


class Kernel(str, Enum):
    """Soft tissue, bone and lung, or unknown."""

    SOFT = "soft"
    BONE = "bone"
    UNKNOWN = "unknown"


_SHARP_WORDS = ("BONE", "EDGE", "LUNG", "ULTRA", "SHARP", "KNOCHEN", "DETAIL BONE")
_SOFT_WORDS = ("SOFT", "STANDARD", "STND", "SMOOTH", "BRAIN", "CEREBRUM", "HEAD STANDARD")
_SIEMENS = re.compile(r"\b[A-Z]{1,2}(\d{2})[A-Z]?\b")
_CANON = re.compile(r"\bFC(\d{2})\b")
_PHILIPS_SOFT = frozenset({"A", "B", "SB", "UA", "UB", "UC", "XCA", "XCB", "BRAIN STANDARD"})
_PHILIPS_SHARP = frozenset({"D", "E", "L", "YC", "YD", "YE", "EB", "EC", "YB", "EXTRA SHARP"})
_SIEMENS_SHARP_FROM = 50
"""H30…H48 and J40 show brain, H60…H80 and U90 show bone."""
_CANON_SHARP = (*range(30, 40), *range(50, 60), *range(80, 91))
"""FC20…29 and FC41…49, FC60…69 are for brain and body; these are for bone and lung."""


def classify(kernel: str | None) -> Kernel:
    """Tell a brain kernel from a bone one.

    Args:
        kernel: ConvolutionKernel as the header has it; several values joined by a backslash.
    """
    if not kernel:
        return Kernel.UNKNOWN
    name = kernel.upper().split("\\")[0].strip()
    if any(word in name for word in _SHARP_WORDS):
        return Kernel.BONE
    if any(word in name for word in _SOFT_WORDS):
        return Kernel.SOFT
    if match := _CANON.search(name):
        return Kernel.BONE if int(match[1]) in _CANON_SHARP else Kernel.SOFT
    if name in _PHILIPS_SHARP:
        return Kernel.BONE
    if name in _PHILIPS_SOFT:
        return Kernel.SOFT
    if match := _SIEMENS.search(name):
        return Kernel.BONE if int(match[1]) >= _SIEMENS_SHARP_FROM else Kernel.SOFT
    return Kernel.UNKNOWN
