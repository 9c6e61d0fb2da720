"""The cases that all readers read, each with its truth; a volume is made when it is asked for."""

from __future__ import annotations

import csv
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ich_cli.dicom.discover import discover
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import SUBTYPES, Volume
from training.splits import fold_of

SIMULATED, ONE, NATURAL = "simulated", "rsna_volume", "rsna_scans"


@dataclass(frozen=True)
class Case:
    """``truth`` holds ``any`` and ``subtypes``; also ``ml`` and ``head``, or ``fold``.

    ``make`` can be pickled: another process may make the volume.
    """

    group: str
    name: str
    make: Callable[[], tuple[Volume, dict[str, Any]]]


def clinical(data: Path) -> Iterator[Case]:
    """``rsna_volume`` and all of ``rsna_scans``, with the experts' labels."""
    truth = _labels(data / "rsna_volume_labels.csv")
    yield Case(ONE, ONE, partial(_read, data / ONE, next(iter(truth.values()))))
    for patient, own in _labels(data / NATURAL / "labels.csv").items():
        yield Case(NATURAL, patient, partial(_read, data / NATURAL / patient, own))


def _labels(path: Path) -> dict[str, dict[str, Any]]:
    """By patient: whether any slice bleeds, which subtypes, and the training fold."""
    found: dict[str, set[str]] = defaultdict(set)
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            names = ("any", *(s.value.lower() for s in SUBTYPES))
            found[row["patient"]] |= {name for name in names if row[name] == "1"}
    return {
        patient: {
            "any": "any" in names,
            "subtypes": sorted(n.upper() for n in names - {"any"}),
            "fold": fold_of(patient),
        }
        for patient, names in sorted(found.items())
    }


def _read(folder: Path, truth: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
    candidates = select(discover((folder,)).series).candidates
    if len(candidates) != 1:
        raise ValueError(f"{folder.name}: {len(candidates)} candidate series, not one")
    volume = load_volume(candidates[0].series)
    if not isinstance(volume, Volume):
        raise ValueError(f"{folder.name}: {volume.reason}")
    return volume, truth


def keep(case: Case, folder: Path) -> Case:
    """The same case, its volume stored once made (whole HU): simulating costs more than reading."""
    return replace(case, make=partial(_kept, case, folder / f"{case.name}.pickle"))


def _kept(case: Case, path: Path) -> tuple[Volume, dict[str, Any]]:
    # Kept by field: a volume of an earlier version lacks none that has a default.
    if path.is_file():
        kept, truth = pickle.loads(path.read_bytes())
    else:
        volume, truth = case.make()
        kept = {field.name: getattr(volume, field.name) for field in fields(volume)}
        kept["hu"] = volume.hu.astype(np.int16)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps((kept, truth)))
        part.replace(path)
    return Volume(**{**kept, "hu": kept["hu"].astype(np.float32)}), truth
