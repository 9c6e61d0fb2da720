"""Files written for one scan while its pixels are at hand: pictures, masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ich_cli.deidentify.blank import blanked
from ich_cli.domain import Assessment, Series, SlicePrediction, Volume
from ich_cli.reports.atomic import make_folder
from ich_cli.reports.montage import write_montage
from ich_cli.reports.preview import write_preview
from ich_cli.reports.slice_images import SliceImages
from ich_cli.reports.volumes import VolumeFormat, write_label_volume


@dataclass(frozen=True)
class Scanned:
    """All that is known of one scan before its pixels are let go.

    ``labels`` is ``(z, y, x)``, one label a voxel, as measured; ``None`` where nothing was
    called.
    """

    series: Series
    volume: Volume
    prediction: SlicePrediction
    assessment: Assessment
    labels: NDArray[np.uint8] | None

    @property
    def name(self) -> str:
        """For file names: no UID, no patient, the same in every run."""
        return self.series.file_stem

    def pictured(self, keep_text: bool) -> Volume:
        """The volume to draw: as it is, or without the text that is burned into it."""
        return self.volume if keep_text else self._without_text

    @cached_property
    def _without_text(self) -> Volume:
        return blanked(self.volume)


MASKS = "masks"
"""Folder of the label volumes, in the output folder."""

WriteArtefact = Callable[[Scanned], "str | None"]
"""Writes a file for one scan; returns its name relative to the output folder."""


def slice_images(out: Path, keep_text: bool = False) -> WriteArtefact:
    """Small pictures of all slices, for the HTML report."""

    def write(scanned: Scanned) -> str:
        home = SliceImages(out).write(
            scanned.name,
            scanned.pictured(keep_text),
            scanned.labels,
            scanned.prediction.heat,
            scanned.assessment.key_slice,
        )
        return home.relative_to(out).as_posix()

    return write


def previews(out: Path, keep_text: bool = False) -> WriteArtefact:
    """The key slice with outlines, as PNG."""

    def write(scanned: Scanned) -> str:
        path = _folder(out, "previews") / f"{scanned.name}.png"
        write_preview(scanned.pictured(keep_text), scanned.labels, scanned.assessment, path)
        return path.relative_to(out).as_posix()

    return write


def montages(out: Path, keep_text: bool = False) -> WriteArtefact:
    """All slices at a glance, as PNG."""

    def write(scanned: Scanned) -> str:
        path = _folder(out, "previews") / f"{scanned.name}_montage.png"
        write_montage(scanned.pictured(keep_text), scanned.labels, scanned.assessment, path)
        return path.relative_to(out).as_posix()

    return write


def label_volumes(out: Path, kind: VolumeFormat) -> WriteArtefact:
    """The labels in the patient's geometry, as NIfTI or NRRD."""

    def write(scanned: Scanned) -> str:
        stem = _folder(out, MASKS) / scanned.name
        path = write_label_volume(scanned.volume, scanned.labels, stem, kind)
        return path.relative_to(out).as_posix()

    return write


def _folder(out: Path, name: str) -> Path:
    folder = out / name
    make_folder(folder)
    return folder
