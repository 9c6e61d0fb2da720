"""Which cases a comparison is made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ich_cli.errors import UsageError

SHARE = 0.10
PROTOCOLS = ("patients", "slices10")


def draw_cases(
    cases: Sequence[str], patients: Mapping[str, str], protocol: str, seed: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases of a protocol, and warnings on what that means.

    ``patients`` takes every case, with intervals by patient. ``slices10`` draws one tenth of
    the slices at random, as arXiv 2505.09252 did.

    Args:
        cases: Slice (or scan) ids.
        patients: Patient of each case.
        protocol: One of ``PROTOCOLS``.
        seed: Of the draw.

    Raises:
        UsageError: No such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"unknown protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    if protocol == "patients":
        return tuple(cases), ()
    ordered = sorted(cases)
    count = max(1, round(SHARE * len(ordered)))
    chosen = np.random.default_rng(seed).choice(len(ordered), count, replace=False)
    drawn = tuple(ordered[k] for k in sorted(chosen.tolist()))
    rest = set(ordered) - set(drawn)
    split = {patients[c] for c in drawn} & {patients[c] for c in rest}
    warning = (
        f"slices10 drew {count} of {len(ordered)} slices without regard to patients: slices of "
        f"{len(split)} of {len({patients[c] for c in drawn})} drawn patients fall on both sides. "
        "A network trained or tuned on the rest has seen these patients, and its figures are "
        "too good. Prefer the default, by patient."
    )
    return drawn, (warning,)
