"""Which scans are simulated: five subtypes in four sizes, and a third without blood.

Heads are label maps that neither the template nor any training saw, each also mirrored.
Everything follows from a case's number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_cases import SIMULATED, Case
from ich_cli.domain import SUBTYPES, Subtype, Volume
from training.anatomy.label_map import held_out
from training.simulation.bleeds import Truth, draw_bleed
from training.simulation.ready import load_head
from training.simulation.scans import simulate

VERSION = 1
"""Part of a case's name; to be raised when its pixels change."""
SIZES_ML = ((0.3, 1.0), (1.0, 5.0), (5.0, 30.0), (30.0, 75.0))
STRIDE = 7
"""Prime to the number of kinds: any first few cases are of many kinds."""
WITHOUT = 10
IN_A_ROW = 5
"""Cases of one head that follow each other: making it ready takes as long as scanning it."""
Kind = tuple[Subtype, tuple[float, float]] | None
KINDS: tuple[Kind, ...] = (*((s, size) for s in SUBTYPES for size in SIZES_ML), *([None] * WITHOUT))


def simulated(data: Path, count: int) -> Iterator[Case]:
    """The first ``count`` cases."""
    for number in range(count):
        yield Case(SIMULATED, f"v{VERSION}-{number:03d}", partial(_make, data, number))


def head_of_case(data: Path, number: int) -> tuple[Path, bool]:
    """Label map of a case, and whether it is mirrored."""
    files = held_out(data / "synthseg_labels")
    which = number // IN_A_ROW % (2 * len(files))
    return files[which // 2], bool(which % 2)


def kind_of_case(number: int) -> Kind:
    """Subtype and range of millilitres of a case, or ``None`` for no blood."""
    return KINDS[number * STRIDE % len(KINDS)]


def _make(data: Path, number: int) -> tuple[Volume, dict[str, Any]]:
    rng = np.random.default_rng([VERSION, number])
    file, mirrored = head_of_case(data, number)
    head, membranes = load_head(file, mirrored)
    kind = kind_of_case(number)
    bleed: Truth | None = None
    if kind is not None:
        low, high = np.log(kind[1])
        bleed = draw_bleed(head, kind[0], float(np.exp(rng.uniform(low, high))), rng)
    made = simulate(head, membranes, bleed, rng)
    truth = {
        "any": bleed is not None,
        "subtypes": [] if bleed is None else [bleed.subtype.value],
        "ml": made.ml,
        "head": f"{file.name}{' mirrored' if mirrored else ''}",
    }
    return made.volume, truth
