"""Which sources make a set that figures are given for."""

from __future__ import annotations

LONE = ("rsna_slices", "rsna_dicom_slices", "rsna_hu_slices")
"""Natural slices, each without its scan."""

MIXED = ("rsna_scans", "ctich")
"""Whole scans with and without blood: what tells how well scans are called."""

STACKS = (*MIXED, "phe_sich")
"""Whole scans; of ``phe_sich`` all bleed, and frankly."""

SETS = {
    "natural slices": LONE,
    "whole natural scans, by slice": ("rsna_scans",),
    "CT-ICH, by slice": ("ctich",),
}
"""Sets of slices by their titles in the tables."""
