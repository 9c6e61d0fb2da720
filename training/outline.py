"""Outlines for slices that nobody outlined, drawn by networks and held to the slice's labels.

    python -m training.outline CACHE OUT.npz RUNS/v3/last.pt RUNS/r3/last.pt

The mask logits of all networks are averaged and centred on ``SHY``. Clearly above it is
blood, clearly below is not, and between them nothing is claimed. Only labels that the slice
is known to have get blood at all.

OUT holds for each slice ``(2, 224, 224)`` uint8: bits of blood, bits of what is claimed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from scipy.special import logit

from training.data.crop import CONTEXT, MASK_SIDE
from training.data.pictures import open_pictures
from training.data.sources import LABEL_COLUMNS
from training.nets.build import MEAN, STD, make
from training.nets.team import Team
from training.splits import HOLDOUT
from training.validate import central

UNSURE = 0.6
"""Logits around the threshold where nothing is claimed."""

EDH = LABEL_COLUMNS.index("edh")
SMALLEST = 6
"""Pixels of the cached masks; less is no outline."""

SHY = 0.25
"""Where blood begins: networks that see little blood say less than half of it."""


def claims(centred: np.ndarray, bleeds: np.ndarray) -> np.ndarray | None:
    """Bits of blood and of what is claimed.

    Args:
        centred: ``(6, y, x)`` mask logits minus the threshold's.
        bleeds: ``(6,)`` bool: the labels that may have blood here.

    Returns:
        ``(2, y, x)`` uint8, or None where no label shows any blood.
    """
    blood = (centred > UNSURE) & bleeds[:, None, None]
    blood[0] = blood.any(0)
    if blood.sum((1, 2)).max() < SMALLEST:
        return None
    shown = blood.any((1, 2))
    sure = (np.abs(centred) > UNSURE) & (shown & bleeds)[:, None, None]
    sure[0] |= blood[0]
    return _bits(blood, sure)


def confine(claim: np.ndarray, boxes: list[list[float]]) -> np.ndarray | None:
    """Blood outside a person's boxes of its label is no longer claimed.

    Epidural blood counts in boxes alone: without them networks see it in sinuses and falx.

    Args:
        claim: Bits as from :func:`claims`.
        boxes: ``[label, x0, y0, x1, y1]`` in fractions of the picture.

    Returns:
        The same, confined; None where no blood is left.
    """
    layers = ((claim[:, None] >> np.arange(6, dtype=np.uint8)[None, :, None, None]) & 1) == 1
    blood, sure = layers[0].copy(), layers[1].copy()
    side = claim.shape[-1]
    inside = np.zeros_like(blood)
    for k, x0, y0, x1, y1 in boxes:
        rows = slice(max(0, round(y0 * side)), round(y1 * side))
        inside[int(k), rows, max(0, round(x0 * side)) : round(x1 * side)] = True
    for k in range(1, 6):
        if inside[k].any() or k == EDH:
            sure[k] &= ~(blood[k] & ~inside[k])
            blood[k] &= inside[k]
    kept = blood[1:].any(0)
    sure[0] &= ~(blood[0] & ~kept)
    blood[0] = kept
    return _bits(blood, sure) if kept.sum() >= SMALLEST else None


def _bits(*layers: np.ndarray) -> np.ndarray:
    """Each ``(6, y, x)`` bool as ``(y, x)`` uint8 with bit *k* for label *k*, stacked."""
    return np.stack([np.packbits(one, axis=0, bitorder="little")[0] for one in layers])


@torch.no_grad()
def draw(cache: Path, checkpoints: list[Path], holdout: list[int]) -> dict[str, np.ndarray]:
    """Outlines of every slice with blood and without a drawn mask, by key."""
    table = pd.read_csv(cache / "index.csv")
    drawn = np.load(cache / "masks.npz").files
    chosen = (table["any"] == 1) & ~table.fold.isin(holdout) & ~table.key.isin(drawn)
    table = table[chosen].reset_index(drop=True)
    bleeds = table[list(LABEL_COLUMNS)].to_numpy() == 1
    nets = [_net(path) for path in checkpoints]
    picture = open_pictures(cache, table)
    out = {}
    for start in range(0, len(table), 8):
        rows = table.iloc[start : start + 8]
        pictures = [picture(row) for _, row in rows.iterrows()]
        centred = np.mean([_centred(net, pictures) for net in nets], 0)
        for place, key in enumerate(rows.key):
            found = claims(centred[place], bleeds[start + place])
            found = None if found is None else confine(found, json.loads(rows.boxes.iloc[place]))
            if found is not None:
                out[key] = found
    return out


def _net(path: Path) -> torch.nn.Module:
    state = torch.load(path, weights_only=True, map_location="cpu")
    return make(state["arch"], state["size"], init=path).eval().to(Team.join().device)


def _centred(net: torch.nn.Module, pictures: list[np.ndarray]) -> np.ndarray:
    """``(n, 6, 224, 224)`` on the frame of the cached masks, which is wider than the head."""
    images = np.stack([central(picture, net.size) for picture in pictures])
    device = next(net.parameters()).device
    with torch.autocast(device.type, torch.bfloat16):
        masks = net((torch.from_numpy(images).to(device) - MEAN) / STD)["mask"]
    margin = round(MASK_SIDE * (1 - 1 / CONTEXT) / 2)
    side = MASK_SIDE - 2 * margin
    out = np.full((len(masks), 6, MASK_SIDE, MASK_SIDE), -9.0, np.float32)
    for one, mask in zip(out, masks.float().cpu().numpy(), strict=True):
        inner = cv2.resize(mask.transpose(1, 2, 0), (side, side), interpolation=cv2.INTER_LINEAR)
        one[:, margin : margin + side, margin : margin + side] = inner.transpose(2, 0, 1)
    return out - logit(SHY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--holdout", type=int, nargs="*", default=[HOLDOUT])
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = draw(args.cache, args.checkpoints, args.holdout)
    np.savez_compressed(args.out, **found)
    print(f"{len(found)} slices outlined")


if __name__ == "__main__":
    main()
