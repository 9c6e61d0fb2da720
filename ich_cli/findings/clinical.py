"""The few numbers that clinicians act on, each with the slice and the method.

They are inputs to scores, never a score. What cannot be known is left empty with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ich_cli.domain import LARGE_ML, SUBTYPES, Finding, Interval, Measurement, Subtype, Volume
from ich_cli.findings.abc2 import abc2
from ich_cli.findings.labels import LabelArray, bounding_box
from ich_cli.findings.locate import Place
from ich_cli.findings.regions import INFRATENTORIAL
from ich_cli.findings.shift import midline_shift
from ich_cli.findings.thickness import max_thickness_mm

THICK_SAH_MM = 5.0
"""A layer this wide fills a cistern or fissure; thinner ones count as thin."""

VENTRICLE_ML = 0.2
COMPACT_SHARE = 0.85
"""Share of all IPH that its largest piece must hold for ABC/2 to speak for it."""

NO_FIT = "the head could not be matched to the template"


def clinical_numbers(
    volume: Volume,
    labels: LabelArray,
    findings: Sequence[Finding],
    total: Interval,
    place: Place,
) -> dict[str, Measurement]:
    """All numbers of a positive scan with masks, by the names that the reports use."""
    by = {one.subtype: one for one in findings}
    key = int(np.argmax((labels > 0).sum(axis=(1, 2))))
    found = {
        "volume_ge_30ml": Measurement(
            total.value >= LARGE_ML, slice_index=key, method="total volume of all blood"
        ),
        "infratentorial": _infratentorial(findings, place),
        "ivh": Measurement(by[Subtype.IVH].call, slice_index=_slice(by[Subtype.IVH]),
                           method="call of the subtype"),
        "midline_shift_mm": midline_shift(volume, labels, place),
    }  # fmt: skip
    for subtype in (Subtype.EDH, Subtype.SDH):
        if by[subtype].ml is not None:
            name = f"max_thickness_mm_{subtype.value.lower()}"
            found[name] = _thickness(volume, labels, subtype)
    if by[Subtype.SAH].ml is not None:
        found["sah_thickness"] = _sah(volume, labels)
    if by[Subtype.IVH].ml is not None:
        found["ivh_ventricles"] = _ventricles(by[Subtype.IVH], place)
    if by[Subtype.IPH].ml is not None:
        found["abc2_ml"] = _abc2(volume, labels, by[Subtype.IPH])
    return found


def _slice(finding: Finding) -> int | None:
    return finding.key_slice if finding.call else None


def _infratentorial(findings: Sequence[Finding], place: Place) -> Measurement:
    """Origin below the tentorium: of the IPH where there is one, else of all blood."""
    measured = [one for one in findings if one.ml is not None]
    iph = [one for one in measured if one.subtype is Subtype.IPH]
    chosen = iph or measured
    if not place.named:
        return Measurement(None, reason=NO_FIT)
    if not chosen:
        return Measurement(None, reason="no called subtype has a mask")
    ml = sum(one.ml.value for one in chosen if one.ml)
    below = sum(
        one.ml.value * sum(s for name, s in one.regions.items() if name in INFRATENTORIAL)
        for one in chosen
        if one.ml
    )
    largest = max(chosen, key=lambda one: one.ml.value if one.ml else 0.0)
    what = "IPH" if iph else "all blood"
    return Measurement(
        below >= 0.5 * ml,
        slice_index=largest.key_slice,
        method=f"half or more of {what} in cerebellum, brainstem, fourth ventricle or posterior "
        "fossa of the fitted template",
    )


def _thickness(volume: Volume, labels: LabelArray, subtype: Subtype) -> Measurement:
    mask, first = _crop(labels, subtype)
    found = max_thickness_mm(mask, volume.spacing_mm[1:], volume.spacing_mm[0])
    if found is None:
        return Measurement(None, "mm", reason="no mask")
    return Measurement(found[0], "mm", first + found[1], "largest ball inside the mask")


def _sah(volume: Volume, labels: LabelArray) -> Measurement:
    mask, first = _crop(labels, Subtype.SAH)
    found = max_thickness_mm(mask, volume.spacing_mm[1:], volume.spacing_mm[0])
    if found is None:
        return Measurement(None, reason="no mask")
    return Measurement(
        "thick" if found[0] >= THICK_SAH_MM else "thin",
        slice_index=first + found[1],
        method=f"widest layer {found[0]:.1f} mm; thick from {THICK_SAH_MM:.0f} mm",
    )


def _ventricles(ivh: Finding, place: Place) -> Measurement:
    if not place.named or ivh.ml is None:
        return Measurement(None, reason=NO_FIT)
    parts = {name: share * ivh.ml.value for name, share in ivh.regions.items()}
    filled = [f"{name} {ml:.1f} mL" for name, ml in parts.items() if ml >= VENTRICLE_ML]
    return Measurement(
        "; ".join(filled) if filled else None,
        slice_index=ivh.key_slice,
        method=f"IVH of {VENTRICLE_ML} mL or more in a ventricle of the fitted template",
        reason="" if filled else f"less than {VENTRICLE_ML} mL in any ventricle",
    )


def _abc2(volume: Volume, labels: LabelArray, iph: Finding) -> Measurement:
    method = "A·B·C/2, slices weighted 1 (> 75 %), ½ (25–75 %), 0 (Kothari 1996)"
    if not iph.lesions or iph.ml is None:
        return Measurement(None, "mL", method=method, reason="no lesion")
    largest = iph.lesions[0]
    if largest.ml < COMPACT_SHARE * iph.ml.value:
        return Measurement(None, "mL", method=method, reason="more than one bleed")
    mask, first = _crop(labels, Subtype.IPH)
    lengths = np.asarray(volume.slice_mm[first : first + len(mask)], np.float64)
    shape = abc2(mask, (volume.spacing_mm[1], volume.spacing_mm[2]), lengths)
    if shape is None:
        return Measurement(None, "mL", method=method, reason="not a compact bleed")
    return Measurement(shape.ml, "mL", first + shape.slice_index, method)


def _crop(
    labels: LabelArray, subtype: Subtype
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], int]:
    """The subtype's mask in its bounding box and the first slice of it."""
    mask = labels == SUBTYPES.index(subtype) + 1
    box = bounding_box(mask)
    if box is None:
        return mask[:0], 0
    return mask[box], box[0].start


def unknown_numbers(reason: str) -> Mapping[str, Measurement]:
    """The same names with nothing known, for a positive scan without masks."""
    names = ("volume_ge_30ml", "infratentorial", "midline_shift_mm")
    return {name: Measurement(None, reason=reason) for name in names}
