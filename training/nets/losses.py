"""What a sample teaches: slice labels, known mask pixels, and boxes as "somewhere here"."""

from __future__ import annotations

import torch
from torch.nn import functional as F

SPOT_PIXELS = 10.0
"""A bleed without an outline must light up at least about so many pixels somewhere."""

BLOOD_WEIGHT = 3.0
"""Blood is rare: a pixel of it counts as three without."""

LABEL_WEIGHT = torch.tensor([2.0, 1.0, 1.0, 1.0, 1.0, 1.0]) / 7.0


def total(out: dict[str, torch.Tensor], batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The parts of the loss; their sum is under ``"total"``. A plain classifier has one."""
    parts = {"label": slice_loss(out["logits"], batch["labels"])}
    if "mask" in out:
        parts |= {
            "pooled": 0.5 * slice_loss(out["pooled"], batch["labels"]),
            "mask": 2.0 * pixel_loss(out["mask"], batch["mask"], batch["known"]),
            "dice": 0.6 * dice_loss(out["mask"], batch["mask"], batch["known"]),
            "box": 0.1 * box_loss(out["mask"], batch["boxes"]),
            "spot": 0.1 * spot_loss(out["mask"], batch),
        }
    parts["total"] = torch.stack(list(parts.values())).sum()
    return parts


def slice_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Weighted BCE over the labels that are known (≥ 0)."""
    known = (labels >= 0).float() * LABEL_WEIGHT.to(labels)
    raw = F.binary_cross_entropy_with_logits(logits, labels.clamp(0, 1), reduction="none")
    return (raw * known).sum() / labels.shape[0]


def pixel_loss(mask: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    raw = F.binary_cross_entropy_with_logits(mask, truth, reduction="none")
    return (raw * known * (1 + (BLOOD_WEIGHT - 1) * truth)).sum() / known.sum().clamp(min=1.0)


def dice_loss(mask: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Soft Dice over what is known, only where there is blood in it."""
    drawn = (truth * known).sum((2, 3)) > 0.5
    if not drawn.any():
        return mask.new_zeros(())
    p = torch.sigmoid(mask) * known
    overlap = 2 * (p * truth).sum((2, 3)) + 1.0
    both = p.sum((2, 3)) + (truth * known).sum((2, 3)) + 1.0
    return ((1 - overlap / both) * known.amax((2, 3)))[drawn].sum() / mask.shape[0]


def box_loss(mask: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Inside a box the smooth maximum of the mask must say blood."""
    inside = boxes > 0.5
    boxed = inside.flatten(2).any(-1)
    if not boxed.any():
        return mask.new_zeros(())
    sharp = torch.where(inside, mask, mask.new_full((), -30.0)).flatten(2)
    area = inside.flatten(2).sum(-1).clamp(min=1)
    best = torch.logsumexp(sharp, -1) - (0.03 * area).clamp(min=1).log()
    return F.softplus(-best)[boxed].sum() / mask.shape[0]


def spot_loss(mask: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """A slice said to bleed, with neither outline nor box: some spot of it must be blood."""
    told = (batch["boxes"] + batch["known"] * batch["mask"]).flatten(2).amax(-1) > 0.5
    alone = (batch["labels"] > 0.5) & ~told
    if not alone.any():
        return mask.new_zeros(())
    best = torch.logsumexp(mask.flatten(2), -1) - torch.tensor(SPOT_PIXELS).log()
    return F.softplus(-best)[alone].sum() / mask.shape[0]
