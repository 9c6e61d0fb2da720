"""Which fold a patient is in. The rule is the file: a keyed hash of the patient, no state.

Slices whose patient nobody knows are grouped by near-duplicate (perceptual hash), so that
two slices of one scan that look alike never stand on both sides of a split.
"""

from __future__ import annotations

import hashlib

FOLDS = 5
SALT = "ich-split-1"


def fold_of(patient: str) -> int:
    """Fold 0…4 of a patient, the same on every machine."""
    digest = hashlib.sha256(f"{SALT}:{patient}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % FOLDS
