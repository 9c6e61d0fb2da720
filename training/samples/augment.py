"""Prepared samples turned, shifted and given another scanner's look, a batch at a time.

Runs where the network runs: on a GPU thousands of samples a second, on a CPU beside the
network. Input are samples of :mod:`training.samples.dataset`, output is what
:mod:`training.nets.losses` takes: ``image`` ``(n, 3, s, s)`` 0…1, ``mask``, ``known`` and
``boxes`` ``(n, 6, m, m)``.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from training.data.crop import CONTEXT

LABELS = 6
BLUR_RADIUS = 4
Batch = dict[str, torch.Tensor]


def augment(batch: Batch, size: int, mask_size: int, generator: torch.Generator) -> Batch:
    """Another view of each sample; ``generator`` lives on the batch's device."""
    grids = _random_moves(len(batch["labels"]), batch["labels"].device, generator)
    image = _moved(batch["image"].float() * (80.0 / 255.0), grids, 2 * size)
    image = look(F.avg_pool2d(image, 2), generator)
    layers = torch.cat([unpack(batch[name]) for name in ("mask", "known", "boxes")], 1)
    moved = _moved(layers, grids, mask_size)
    mask, known, boxes = moved.split(LABELS, 1)
    return {
        "image": image,
        "labels": batch["labels"],
        "mask": mask,
        "known": known * batch["weight"][:, :, None, None],
        "boxes": boxes,
    }


def unpack(bits: torch.Tensor) -> torch.Tensor:
    """``(n, y, x)`` uint8 with bit *k* for label *k* → ``(n, 6, y, x)`` 0 or 1."""
    places = torch.arange(LABELS, device=bits.device, dtype=torch.uint8).view(1, -1, 1, 1)
    return ((bits[:, None] >> places) & 1).float()


def _random_moves(n: int, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    """``(n, 2, 3)`` maps from the view to the picture: turn, scale, shift and mirror."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, device=device, generator=generator)

    def normal(spread: float) -> torch.Tensor:
        return spread * torch.randn(n, device=device, generator=generator)

    wild = uniform(0, 1) < 0.06
    turn = torch.deg2rad(torch.where(wild, uniform(-110, 110), uniform(-22, 22)))
    zoom, stretch = CONTEXT * normal(0.07).exp(), normal(0.03).exp()
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    across, down = 1 / (zoom * stretch), stretch / zoom
    cos, sin = turn.cos(), turn.sin()
    back = torch.stack(
        [
            torch.stack([cos * across * mirror, sin * across * mirror], 1),
            torch.stack([-sin * down, cos * down], 1),
        ],
        1,
    )
    shift = 2 * torch.stack([normal(0.02), normal(0.02)], 1)
    return torch.cat([back, -back @ shift[:, :, None]], 2)


def _moved(pictures: torch.Tensor, moves: torch.Tensor, side: int) -> torch.Tensor:
    n, channels = pictures.shape[:2]
    grid = F.affine_grid(moves, [n, channels, side, side], align_corners=False)
    return F.grid_sample(pictures, grid, align_corners=False)


def look(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Neighbours, HU shift, gain, window, blur, noise; HU 0…80 → 0…1."""
    n, device = len(image), image.device

    def uniform(low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        values = torch.rand(n, 1, 1, 1, device=device, generator=generator)
        return low + (high - low) * values

    def normal(spread: float) -> torch.Tensor:
        return spread * torch.randn(n, 1, 1, 1, device=device, generator=generator)

    image = _other_neighbours(image, uniform().flatten())
    head = image > 1
    changed = uniform() < 0.7
    image = torch.where(changed, image * uniform(0.9, 1.1) + normal(2.0) * head, image)
    bent = (image / 80.0).clamp(0, 1) ** normal(0.12).exp() * 80.0
    image = torch.where(uniform() < 0.25, bent, image)
    softer = _blurred(image, uniform(0.4, 1.1).flatten() * image.shape[-1] / 308)
    image = torch.where(uniform() < 0.25, softer, image)
    noise = torch.randn(image.shape, device=device, generator=generator)
    coarse = _blurred(noise, torch.full((n,), 0.8, device=device)) * 2.0
    noise = torch.where(uniform() < 0.5, coarse, noise) * uniform(0.5, 4.5)
    image = torch.where(uniform() < 0.35, image + noise * head, image)
    image = torch.where(_patches(image.shape, generator, device) & (uniform() < 0.1), 0.0, image)
    return image.clamp(0, 80) / 80.0


def _other_neighbours(image: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """A third sees no neighbours, half of the others see them in the other order."""
    order = torch.tensor([[1, 1, 1], [2, 1, 0], [0, 1, 2]], device=image.device)
    kind = (chance >= 0.35).long() + (chance >= 0.675).long()
    chosen = order[kind][:, :, None, None].expand(-1, -1, *image.shape[2:])
    return image.gather(1, chosen)


def _blurred(image: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Gaussian blur of ``(n, c, y, x)`` by ``(n,)`` pixels."""
    n, channels, rows, cols = image.shape
    away = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=image.device)
    kernel = torch.exp(-0.5 * (away / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = image.reshape(1, n * channels, rows, cols)
    for shape, pad in (
        ((-1, 1, 1, away.numel()), (0, BLUR_RADIUS)),
        ((-1, 1, away.numel(), 1), (BLUR_RADIUS, 0)),
    ):
        flat = F.conv2d(flat, kernel.view(shape), padding=pad, groups=n * channels)
    return flat.view(image.shape)


def _patches(shape: torch.Size, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """``(n, 1, y, x)`` bool: one rectangle of a twelfth to a quarter of each side."""
    inside = []
    for side in shape[2:]:
        corner, length = torch.rand(2, shape[0], 1, device=device, generator=generator)
        length = 1 / 12 + length * (1 / 4 - 1 / 12)
        place = (torch.arange(side, device=device) + 0.5) / side
        inside.append((place >= corner) & (place < corner + length))
    return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]


def generator_on(device: torch.device, *seed: int) -> torch.Generator:
    """A generator for :func:`augment`, of several numbers that name the run."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**62)
    return torch.Generator(device).manual_seed(mixed)
