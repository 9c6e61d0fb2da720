"""What the user may change about the selection of series."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from ich_cli.domain import Series


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """Overrides of the selection; the defaults pick the best plain head CT of each examination.

    Attributes:
        all_series: Take every series that can be analysed, bone kernels and other body parts
            by header included, not only the best of each examination.
        series_uid: Take exactly these series, whatever their headers say; refused are still
            those that are no CT images at all, and those whose pixels the network was not made
            for, see :mod:`ich_cli.dicom.plausibility`.
        include: Shell patterns (``*head*``, case ignored; a word without wildcards matches
            anywhere); only series whose description, study description or protocol matches.
        exclude: Patterns of series to leave out.
        min_slices: Fewer are no head.
        min_coverage_mm: From the first slice to the last.
        kvp_range: Tube voltages at which the network has seen blood.
        max_axial_deg: How far the planes may lean from axial; a gantry tilts up to 30°.
    """

    all_series: bool = False
    series_uid: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_slices: int = 8
    min_coverage_mm: float = 60.0
    kvp_range: tuple[float, float] = (70.0, 150.0)
    max_axial_deg: float = 40.0

    def includes(self, series: Series) -> bool:
        """Whether the include patterns let the series pass."""
        return not self.include or any(_matches(pattern, series) for pattern in self.include)

    def excludes(self, series: Series) -> bool:
        """Whether an exclude pattern holds the series back."""
        return any(_matches(pattern, series) for pattern in self.exclude)


def _matches(pattern: str, series: Series) -> bool:
    glob = pattern.casefold()
    if not any(sign in glob for sign in "*?["):
        glob = f"*{glob}*"
    first = series.first
    return any(
        text is not None and fnmatchcase(text.casefold(), glob)
        for text in (first.series_description, first.study_description, first.protocol_name)
    )
