"""Where blood lies: side by the patient's own plane, region by the fitted template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Side, Subtype, Volume
from ich_cli.findings.atlas import Atlas, load_atlas
from ich_cli.findings.coarse import CoarseHead, coarse_head
from ich_cli.findings.geometry import Points
from ich_cli.findings.midline import Midplane, find_midplane, settle_midplane
from ich_cli.findings.regions import kind_of
from ich_cli.findings.registration import Fit, fit_template
from ich_cli.findings.side import side_is_sure, side_of

MIN_SYMMETRY = 0.5
"""A head less like its mirror image than this has no plane to tell sides by."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of how the head lies.

    Attributes:
        head: The head on its coarse grid.
        plane: The patient's mid-sagittal plane, or ``None`` when there is none to find.
        fit: The template's fit, or ``None`` when it was not tried.
        atlas: The template.
    """

    head: CoarseHead
    plane: Midplane | None
    fit: Fit | None
    atlas: Atlas

    @property
    def named(self) -> bool:
        """Whether regions may be named."""
        return self.fit is not None and self.fit.good

    def side(self, points: Points, ml: NDArray[np.float64]) -> Side | None:
        """Side of blood, ``None`` without a plane or blood."""
        return None if self.plane is None else side_of(points, ml, self.plane)

    def side_is_sure(self, points: Points, ml: NDArray[np.float64]) -> bool:
        """Whether the side holds within what is known of the plane; true without a plane."""
        return self.plane is None or side_is_sure(points, ml, self.plane)

    def regions(
        self, subtype: Subtype | None, points: Points, ml: NDArray[np.float64]
    ) -> dict[str, float]:
        """Share of blood in each region, largest first; empty when the fit is poor."""
        if self.fit is None or not self.fit.good or not len(points):
            return {}
        return self.atlas.shares(kind_of(subtype), self.fit.to_template(points), ml)

    def level(self, points: Points) -> str:
        """Rough height of blood within the scanned head, for when nothing better is known."""
        heights = self.head.points(np.argwhere(self.head.head & self.head.scanned))[:, 2]
        low, high = float(heights.min()), float(heights.max())
        share = (float(points[:, 2].mean()) - low) / max(high - low, 1.0)
        return ("lower", "middle", "upper")[int(np.clip(share * 3, 0, 2))] + " third of the scan"


def find_place(volume: Volume) -> Place:
    """Find plane and fit of a head; never fails, says what is missing instead."""
    head = coarse_head(volume)
    atlas = load_atlas()
    plane = find_midplane(head)
    if plane is None or plane.symmetry < MIN_SYMMETRY:
        return Place(head, None, None, atlas)
    fit = fit_template(head, plane, atlas)
    if fit.good:
        plane = settle_midplane(head, plane, _middle(fit))
    return Place(head, plane, fit, atlas)


def _middle(fit: Fit) -> Midplane:
    """The template's own middle, ``x = 0``, in the patient."""
    row = fit.matrix[0]
    length = float(np.linalg.norm(row[:3]))
    return Midplane(row[:3] / length, -float(row[3]) / length, fit.score)
