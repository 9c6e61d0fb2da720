"""The places that are named, and which kind of place suits which kind of bleed.

The atlas holds four dense maps, because blood displaces what it lies in: an extra-axial
bleed is named by the surface it covers even where it presses into the brain, an
intraparenchymal one by the brain it is in or next to.
"""

from __future__ import annotations

from enum import Enum

from ich_cli.domain import Subtype

LOBES = ("frontal", "parietal", "temporal", "occipital")
_DEEP = ("insula", "putamen", "caudate", "thalamus", "internal capsule", "cerebellum")


def _both(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{side} {name}" for side in ("left", "right") for name in names)


class Kind(str, Enum):
    """The four maps of the atlas."""

    PARENCHYMA = "parenchyma"
    VENTRICLES = "ventricles"
    CSF = "csf"
    SURFACE = "surface"


REGIONS: dict[Kind, tuple[str, ...]] = {
    Kind.PARENCHYMA: (*_both((*(f"{lobe} lobe" for lobe in LOBES), *_DEEP)), "brainstem"),
    Kind.VENTRICLES: (*_both(("lateral ventricle",)), "third ventricle", "fourth ventricle"),
    Kind.CSF: (
        *_both((*(f"{lobe} sulci" for lobe in LOBES), "Sylvian fissure", "posterior fossa")),
        "basal cisterns",
        "interhemispheric fissure",
    ),
    Kind.SURFACE: (
        *_both((*(f"{lobe} convexity" for lobe in LOBES), "tentorium", "posterior fossa")),
        "falx",
    ),
}
"""Names by map; the value in a map is the index here plus one. The putamen includes the
pallidum, the caudate the accumbens, the temporal lobe hippocampus and amygdala."""

INFRATENTORIAL = frozenset(
    {
        "left cerebellum",
        "right cerebellum",
        "brainstem",
        "fourth ventricle",
        "left posterior fossa",
        "right posterior fossa",
    }
)

_KIND_OF: dict[Subtype, Kind] = {
    Subtype.EDH: Kind.SURFACE,
    Subtype.IPH: Kind.PARENCHYMA,
    Subtype.IVH: Kind.VENTRICLES,
    Subtype.SAH: Kind.CSF,
    Subtype.SDH: Kind.SURFACE,
}


def kind_of(subtype: Subtype | None) -> Kind:
    """The map to name a bleed by; blood of no known subtype is named by the brain."""
    return Kind.PARENCHYMA if subtype is None else _KIND_OF[subtype]
