"""Region maps of the template: structures by vote, lobes and spaces by rules.

Coordinates are the template's: MNI-like millimetres with LPS signs (x to the left, y to
the back, z up; origin near the anterior commissure). Lobe borders are planes and bands
through the usual places of the sulci; they are conventions, as every lobe border in deep
white matter is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.findings.regions import LOBES, REGIONS, Kind

CEREBRUM = (2, 3, 41, 42)
STRUCTURES: dict[str, tuple[int, ...]] = {
    "left cerebrum": (2, 3),
    "right cerebrum": (41, 42),
    "left lateral ventricle": (4, 5),
    "right lateral ventricle": (43, 44),
    "left cerebellum": (7, 8),
    "right cerebellum": (46, 47),
    "left thalamus": (10,),
    "right thalamus": (49,),
    "left caudate": (11, 26),
    "right caudate": (50, 58),
    "left putamen": (12, 13),
    "right putamen": (51, 52),
    "left mesial": (17, 18),
    "right mesial": (53, 54),
    "third ventricle": (14,),
    "fourth ventricle": (15,),
    "brainstem": (16,),
    "between": (28, 60),
    "csf": (24, 514),
    "outside": (),
}
FILL_MM = 14.0
"""Regions reach this far beyond the cavity: a fit is never perfect."""

Points = NDArray[np.float64]
Flags = NDArray[np.bool_]


def region_maps(
    votes: NDArray[np.int16], points: Points, shape: tuple[int, int, int]
) -> dict[str, NDArray[np.uint8]]:
    """The four maps ``(z, y, x)`` from ``(heads, n)`` label votes at template ``points``.

    ``outside_mm`` comes with them: the distance from the inside of the skull.
    """
    names = list(STRUCTURES)
    of_label = np.full(1000, len(names) - 1, np.int16)
    for k, values in enumerate(STRUCTURES.values()):
        of_label[list(values)] = k
    counts = np.zeros((len(names), votes.shape[1]), np.int16)
    for vote in votes:
        # A head that ends above the point has no vote there: −1 reads as outside.
        counts[of_label[vote], np.arange(votes.shape[1])] += 1
    winner = counts.argmax(axis=0).reshape(shape)
    cavity = winner != names.index("outside")
    step = float(points[1, 0] - points[0, 0])
    outside_mm = ndimage.distance_transform_edt(~cavity, sampling=step)
    wanted = outside_mm <= FILL_MM
    grids = [points[:, k].reshape(shape) for k in range(3)]
    is_ = {name: winner == k for k, name in enumerate(names)}
    is_["pallidocapsular"] = _between_grey(is_, step)
    brain = _parenchyma(is_, grids)
    parenchyma = _dense(brain, wanted, step)
    hemisphere = _dense(_only(brain, "lobe"), wanted, step)
    below = _dense(_above_or_below(is_), wanted, step) == 2
    maps = {
        Kind.PARENCHYMA: parenchyma,
        Kind.VENTRICLES: _dense(
            _paint({n: is_[n] for n in REGIONS[Kind.VENTRICLES]}, Kind.VENTRICLES, shape),
            wanted,
            step,
        ),
        Kind.CSF: _csf(hemisphere, below, is_, grids, step),
        Kind.SURFACE: _surface(hemisphere, below, cavity, grids, step),
    }
    found = {kind.value: np.where(wanted, m, 0).astype(np.uint8) for kind, m in maps.items()}
    return found | {"outside_mm": np.minimum(outside_mm, 255).astype(np.uint8)}


def lobe_of(x: Points, y: Points, z: Points) -> NDArray[np.intp]:
    """Index into ``LOBES`` of cerebral points by rules in MNI-like coordinates.

    * frontal | parietal: the central sulcus, a plane through its medial end (8, 36, 70),
      the hand knob (38, 24, 55) and its lateral end (60, 5, 22);
    * temporal: lateral, below a Sylvian line rising from (y −10, z −8) to (y 34, z 14),
      and in front of the preoccipital notch; in front of y −2 only where lateral enough
      to be the temporal pole;
    * occipital: behind y 58, the border leaning back above z 8 as its sulcus does.
    """
    side = np.abs(x)
    behind_central = y > 4.9 - 0.168 * side + 0.4636 * np.maximum(z, 16.0)
    sylvian = np.clip(-3.0 + 0.5 * y, -14.0, 14.0)
    occipital = y > 58.0 + 0.75 * np.clip(z - 8.0, 0.0, 45.0)
    pole = (y > -2.0) | (side > 24.0 - 0.7 * y)
    temporal = (z < sylvian) & (side > 14.0) & (y > -26.0) & pole
    medial_behind = (side < 14.0) & (z < 8.0) & (y > 40.0)
    lobe = np.where(behind_central, 1, 0)
    lobe = np.where(temporal, 2, lobe)
    lobe = np.where(occipital | (medial_behind & (z < 0.0)), 3, lobe)
    # Below the callosum, in front of the occipital lobe, the medial surface is temporal.
    return np.where((lobe == 1) & (z < 0.0), 2, lobe)


def _between_grey(is_: dict[str, Flags], step: float) -> Flags:
    """White matter within reach of both the lentiform nucleus and thalamus or caudate."""
    near = []
    for group in (("putamen",), ("thalamus", "caudate")):
        seeds = np.any([is_[f"{s} {n}"] for s in ("left", "right") for n in group], axis=0)
        near.append(ndimage.distance_transform_edt(~seeds, sampling=step) <= 7.0)
    return near[0] & near[1] & (is_["left cerebrum"] | is_["right cerebrum"])


def _parenchyma(is_: dict[str, Flags], grids: list[Points]) -> NDArray[np.uint8]:
    """Seeds of the brain map; 0 where it must be filled from the neighbourhood."""
    x, y, z = grids
    lobe = lobe_of(x, y, z)
    insula = (np.abs(x) > 28) & (np.abs(x) < 43) & (y > -22) & (y < 20) & (z > -10) & (z < 16)
    painted: dict[str, Flags] = {"brainstem": is_["brainstem"]}
    for side in ("left", "right"):
        cerebrum = is_[f"{side} cerebrum"]
        capsule = cerebrum & is_["pallidocapsular"]
        island = cerebrum & insula & ~capsule
        for k, name in enumerate(LOBES):
            mine = cerebrum & ~capsule & ~island & (lobe == k)
            painted[f"{side} {name} lobe"] = mine | (
                is_[f"{side} mesial"] if name == "temporal" else False
            )
        painted[f"{side} insula"] = island
        painted[f"{side} internal capsule"] = capsule
        for name in ("putamen", "caudate", "thalamus", "cerebellum"):
            painted[f"{side} {name}"] = is_[f"{side} {name}"]
    return _paint(painted, Kind.PARENCHYMA, x.shape)


def _above_or_below(is_: dict[str, Flags]) -> NDArray[np.uint8]:
    """Seeds: 1 above the tentorium, 2 below."""
    out = np.zeros(is_["csf"].shape, np.uint8)
    for name in ("cerebrum", "thalamus", "caudate", "putamen", "mesial", "lateral ventricle"):
        out[is_[f"left {name}"] | is_[f"right {name}"]] = 1
    out[is_["left cerebellum"] | is_["right cerebellum"] | is_["brainstem"]] = 2
    out[is_["fourth ventricle"]] = 2
    return out


def _csf(
    lobes: NDArray[np.uint8], below: Flags, is_: dict[str, Flags], grids: list[Points], step: float
) -> NDArray[np.uint8]:
    """Spaces for subarachnoid blood, every voxel one."""
    x, y, z = grids
    left = x >= 0
    painted: dict[str, Flags] = {}
    for side, here in (("left", left), ("right", ~left)):
        for name in LOBES:
            painted[f"{side} {name} sulci"] = here & _is_lobe(lobes, name)
        fissure = np.abs(z - np.clip(-3.0 + 0.5 * y, -14.0, 14.0)) < 7.0
        painted[f"{side} Sylvian fissure"] = (
            here & fissure & (np.abs(x) > 24) & (np.abs(x) < 62) & (y > -20) & (y < 34)
        )
        painted[f"{side} posterior fossa"] = here & below
    painted["interhemispheric fissure"] = (np.abs(x) < 6.0) & ~below & (z > -12)
    stem = ndimage.distance_transform_edt(~is_["brainstem"], sampling=step) <= 12.0
    suprasellar = (np.abs(x) < 24) & (y > -16) & (y < 18) & (z < -8) & (z > -38)
    painted["basal cisterns"] = (stem & (z < 4) & (y < 44)) | suprasellar
    return _paint(painted, Kind.CSF, x.shape)


def _surface(
    lobes: NDArray[np.uint8], below: Flags, cavity: Flags, grids: list[Points], step: float
) -> NDArray[np.uint8]:
    """Surfaces for epidural and subdural blood, every voxel one."""
    x, y, z = grids
    left = x >= 0
    depth = ndimage.distance_transform_edt(cavity, sampling=step)
    tent = ~below & (ndimage.distance_transform_edt(~below, sampling=step) <= 7.0)
    tent |= below & (ndimage.distance_transform_edt(below, sampling=step) <= 3.0)
    tent &= (y > 14) & (depth > 6.0) & (z < 16)
    painted: dict[str, Flags] = {}
    for side, here in (("left", left), ("right", ~left)):
        for name in LOBES:
            painted[f"{side} {name} convexity"] = here & _is_lobe(lobes, name)
        painted[f"{side} posterior fossa"] = here & below & ~tent
        painted[f"{side} tentorium"] = here & tent
    painted["falx"] = (np.abs(x) < 8.0) & ~below & (depth > 4.0) & ~tent & (z > -14)
    return _paint(painted, Kind.SURFACE, x.shape)


def _paint(painted: dict[str, Flags], kind: Kind, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    out = np.zeros(shape, np.uint8)
    for name, where in painted.items():
        out[where] = REGIONS[kind].index(name) + 1
    return out


def _only(seeds: NDArray[np.uint8], word: str) -> NDArray[np.uint8]:
    keep = [k + 1 for k, n in enumerate(REGIONS[Kind.PARENCHYMA]) if n.endswith(word)]
    return np.where(np.isin(seeds, keep), seeds, 0).astype(np.uint8)


def _is_lobe(lobes: NDArray[np.uint8], name: str) -> Flags:
    names = REGIONS[Kind.PARENCHYMA]
    return np.isin(lobes, [names.index(f"{s} {name} lobe") + 1 for s in ("left", "right")])


def _dense(seeds: NDArray[np.uint8], wanted: Flags, step: float) -> NDArray[np.uint8]:
    """Fill what is wanted from the nearest seed."""
    nearest = ndimage.distance_transform_edt(
        seeds == 0, sampling=step, return_distances=False, return_indices=True
    )
    return np.where(wanted, seeds[tuple(nearest)], 0).astype(np.uint8)
