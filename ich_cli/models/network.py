"""A network ready to run: its card, its sessions, and ``predict``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np

from ich_cli.domain import FloatArray, SlicePrediction
from ich_cli.errors import DeviceError, UsageError
from ich_cli.models.calibration import calibrate, sigmoid
from ich_cli.models.card import Card
from ich_cli.models.checksum import read_verified
from ich_cli.models.edges import Edges
from ich_cli.models.forward import Forward, Outputs, join
from ich_cli.models.neighbours import lean_on_neighbours
from ich_cli.models.preprocess import clean, neighbour_step, seen_hu, tensors
from ich_cli.models.resample import Box
from ich_cli.models.restore import SoftMasks, restore_heat
from ich_cli.models.scanhead import MIN_SLICES, ScanHead
from ich_cli.models.session import CUDA, Precision, open_session, parse_device, precision_of
from ich_cli.models.slabs import average_slabs, plan_slabs

SMALLEST_SIDE = 16
"""Pixels; an image with a shorter side is no CT slice."""


@dataclass(frozen=True, slots=True)
class Network:
    """Call :meth:`open`, then :meth:`predict` for as many volumes as you like.

    Attributes:
        card: What the network is.
        card_path: Where its card lies.
        forward: The slice network.
        head: The sequence network of a card with ``scan.method: head``.
        batch: Slices in one forward pass.
    """

    card: Card
    card_path: Path
    forward: Forward
    head: ScanHead | None
    batch: int

    @classmethod
    def open(
        cls,
        card: Card,
        card_path: Path,
        *,
        device: str = "auto",
        threads: int | None = None,
        batch: int | None = None,
        precision: Precision = "auto",
    ) -> Network:
        """Check and open the network of a card; see :func:`ich_cli.models.model.load_model`.

        Args:
            card: What the network is.
            card_path: Where its card lies, with the weights beside it.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            threads: Intra-op threads on the CPU; ``None`` lets ONNX Runtime choose.
            batch: Slices in one forward pass; ``None`` takes the card's. A network that
                was exported for one batch only keeps it.
            precision: See :func:`~ich_cli.models.session.open_session`.

        Raises:
            ModelError: Weights are missing, broken, or not what the card promises.
            DeviceError: The device that was asked for is not there.
            UsageError: An argument has an impossible value.
        """
        if batch is not None and batch < 1:
            raise UsageError(f"batch must be at least 1, not {batch}")
        forward = _open_forward(card, card_path, device, threads, precision)
        head = None
        if card.scan.method == "head":
            head = ScanHead.load(card, card_path, forward.feature_width, threads)
        return cls(card, card_path, forward, head, forward.fixed_batch or batch or card.batch)

    @property
    def provider(self) -> str:
        """The ONNX Runtime provider that really runs the network."""
        return str(self.forward.session.get_providers()[0])

    @property
    def precision(self) -> str:
        """The number format in which the network computes, ``fp32`` or ``fp16``."""
        return precision_of(self.forward.session)

    def predict(
        self,
        hu: FloatArray,
        spacing_mm: tuple[float, float, float],
        *,
        lazy_masks: bool = False,
    ) -> SlicePrediction:
        """Read a volume, or a single slice of one.

        Args:
            hu: ``(z, y, x)`` Hounsfield units, z ≥ 1; padding and values that are no
                numbers count as air.
            spacing_mm: ``(z, y, x)``.
            lazy_masks: Give the masks as :class:`~ich_cli.models.restore.SoftMasks`, which
                are restored slice by slice when they are read, and not as one array.

        Returns:
            Calibrated probabilities for each slice and, where the network has them, masks
            on the grid of ``hu``.

        Raises:
            ValueError: Shape or spacing cannot be those of a CT volume.
            NotFiniteError: The network gave values that are not numbers.
        """
        hu = np.asarray(hu)
        spacing = _checked_spacing(hu, spacing_mm)
        slabs = plan_slabs(len(hu), spacing[0], self.card.average_to_mm)
        seen = hu if len(slabs) == len(hu) else average_slabs(clean(hu), slabs)
        boxes, found, edges = self._read(seen, (slabs.spacing_mm, *spacing[1:]))

        logits, scan_probs = found.logits, None
        if self.head is not None and found.features is not None and len(slabs) >= MIN_SLICES:
            scan_probs, logits = self.head.read(found.features)
        elif self.card.scan.neighbours:
            step = neighbour_step(slabs.spacing_mm, self.card.input)
            logits = lean_on_neighbours(logits, step, self.card.scan.neighbours)
        of_slice, size = slabs.of_slice, (hu.shape[1], hu.shape[2])
        masks = heat = None
        if found.mask is not None:
            lazy = SoftMasks(sigmoid(found.mask), boxes, of_slice, size, edges)
            # Lazy masks are read like an array; their type says so to those who read them.
            masks = cast(FloatArray, lazy) if lazy_masks else np.asarray(lazy)
        if found.cam is not None:
            heat = restore_heat(found.cam[:, 0], boxes, of_slice, size)
        probs = calibrate(logits, self.card.calibration)[list(of_slice)]
        return SlicePrediction(probs=probs, masks=masks, heat=heat, scan_probs=scan_probs)

    def _read(
        self, hu: FloatArray, spacing_mm: tuple[float, float, float]
    ) -> tuple[list[Box], Outputs, Edges | None]:
        """Run the slice network over a stack, batch by batch."""
        boxes: list[Box] = []
        parts: list[Outputs] = []
        shown: list[FloatArray] = []
        feed = tensors(hu, spacing_mm, self.card.input)
        while chunk := list(islice(feed, self.batch)):
            boxes += [box for box, _ in chunk]
            parts.append(self.forward.run([tensor for _, tensor in chunk]))
            if self.card.mask_edges_mm is not None:
                shown += [seen_hu(tensor, self.card.input) for _, tensor in chunk]
        reach_mm = self.card.mask_edges_mm
        edges = None if reach_mm is None else Edges.of(shown, boxes, spacing_mm[2], reach_mm)
        return boxes, join(parts), edges


def _open_forward(
    card: Card, card_path: Path, device: str, threads: int | None, precision: Precision
) -> Forward:
    """The slice network on the device; on CUDA only after it has really run there."""
    onnx = card_path.with_name(card.onnx)
    content = read_verified(onnx, card.sha256)

    def on(chosen: str) -> Forward:
        session = open_session(
            content, label=str(onnx), device=chosen, threads=threads, precision=precision
        )
        return Forward.check(session, card, card_path)

    forward = on(device)
    if forward.session.get_providers()[0] == CUDA:
        # A session opens even where cuDNN is missing or the GPU is too old.
        try:
            forward.try_out()
        except DeviceError:
            if parse_device(device).kind == "cuda":
                raise
            return on("cpu")
    return forward


def _checked_spacing(
    hu: FloatArray, spacing_mm: tuple[float, float, float]
) -> tuple[float, float, float]:
    """The spacing as floats, after a look at the volume that it belongs to."""
    if hu.ndim != 3:
        raise ValueError(f"hu must be (z, y, x), not an array of {hu.ndim} axes")
    if hu.dtype.kind not in "iuf":
        raise ValueError(f"hu must hold real numbers, not {hu.dtype}")
    if hu.shape[0] < 1 or min(hu.shape[1:]) < SMALLEST_SIDE:
        raise ValueError(f"hu of shape {hu.shape} has no slice of at least {SMALLEST_SIDE} pixels")
    spacing = tuple(float(mm) for mm in spacing_mm)
    if len(spacing) != 3 or not all(np.isfinite(mm) and mm > 0 for mm in spacing):
        raise ValueError(f"spacing_mm must be three positive numbers (z, y, x), not {spacing_mm}")
    return spacing[0], spacing[1], spacing[2]
