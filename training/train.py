"""Train one network; resumable, and bounded by minutes or steps rather than by epochs.

python -m training.train vit --cache CACHE --run RUN --size 224 --minutes 40
python -m training.train vit --cache CACHE --run RUN2 --size 308 --minutes 70 --init RUN/last.pt
python -m training.train vit --bank BANK --cache CACHE --run RUN --size 280 --steps 1500
torchrun --nproc-per-node 8 -m training.train resnet50 --cache CACHE --into RUN --steps 60000

The same command goes on where it was stopped. Under ``torchrun`` each process draws
``--batch`` samples a step of its own, and gradients are averaged.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.bank import Bank
from training.nets import losses
from training.nets.build import ARCHITECTURES, MEAN, STD, layer_rates, make
from training.nets.checkpoint import Run
from training.nets.team import Team
from training.samples.augment import Batch, augment, generator_on
from training.samples.dataset import Samples
from training.splits import HOLDOUT

EMA = 0.997
"""Share of the averaged network that a step leaves as it was."""

LARGEST_GRADIENT = 2.0
SAVED_EVERY_S = 240


class Stream(IterableDataset):
    """Samples for ever, others in each worker of each process."""

    def __init__(self, samples: Samples, *seed: int) -> None:
        self.samples, self.seed = samples, seed

    def __iter__(self):
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        worker = get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        while True:
            yield self.samples.draw(rng)


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    team = Team.join()
    bank = Bank(args.bank, team.device) if args.bank else None
    train(args, team, bank)
    team.part()


def train(args: argparse.Namespace, team: Team, bank: Bank | None) -> nn.Module:
    """Train as the arguments say, checkpoint as it goes; the averaged network."""
    _check_source(args, bank)
    args.run.mkdir(parents=True, exist_ok=True)
    device = team.device
    torch.manual_seed(args.seed)
    model = make(args.arch, args.size, args.frozen, args.init, args.start).to(device)
    if args.arch in ("resnet", "resnet50"):
        model = model.to(memory_format=torch.channels_last)
    ema = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(
        layer_rates(model, args.rate), weight_decay=0.05, fused=device.type == "cuda"
    )
    for group in optimiser.param_groups:
        group["peak"] = group["lr"]
    checkpoint = args.run / "last.pt"
    run = Run(args.arch, args.size, args.start, model, ema, optimiser)
    spent, step = run.resume(checkpoint) if checkpoint.exists() else (0.0, 0)
    if team.leads and step:
        print(json.dumps({"goes on from step": step, "minutes": round(spent / 60, 1)}), flush=True)
    shared = team.share(model, partly_frozen=args.frozen > 0)
    torch.manual_seed(args.seed + 1000 * team.rank + step)
    batches = _batches(args, team, bank, step)
    moves = generator_on(device, args.seed, step, team.rank, 1)
    begin = time.monotonic() - spent
    saved = time.monotonic()
    running: dict[str, float] = {}
    while (progress := _progress(args, team, spent, step)) < 1.0:
        batch = augment(next(batches), model.size, model.mask_size, moves)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * _pace(step, args.warm, progress)
        parts = _learn(shared, batch, optimiser)
        step += 1
        _average(ema, model, min(EMA, (1 + step) / (10 + step)))
        spent = time.monotonic() - begin
        if not team.leads:
            continue
        if step % 20 == 0:
            for name, value in ((name, float(part)) for name, part in parts.items()):
                running[name] = 0.7 * running.get(name, value) + 0.3 * value
            shown = {k: round(v, 4) for k, v in running.items()}
            print(json.dumps({"step": step, "minutes": round(spent / 60, 1), **shown}), flush=True)
        if time.monotonic() - saved > SAVED_EVERY_S:
            run.save(checkpoint, spent, step)
            saved = time.monotonic()
    if team.leads:
        run.save(checkpoint, spent, step)
    return ema


def _pace(step: int, warm: int, progress: float) -> float:
    """Learning rate by its peak: a rise over ``warm`` steps, then half a cosine to a fiftieth."""
    return min(1.0, (step + 1) / warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def _learn(model: nn.Module, batch: Batch, optimiser: torch.optim.Optimizer) -> Batch:
    """One step; the parts of its loss."""
    model.train()
    with torch.autocast(batch["image"].device.type, torch.bfloat16):
        out = model((batch["image"] - MEAN) / STD)
    parts = losses.total(out, batch)
    optimiser.zero_grad()
    parts["total"].backward()
    nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
    optimiser.step()
    return {name: part.detach() for name, part in parts.items()}


def _check_source(args: argparse.Namespace, bank: Bank | None) -> None:
    """Refuse what the source of samples could not heed."""
    if bank is None and args.without:
        raise SystemExit("--without chooses among the samples of a --bank; give one")
    if bank is not None and (args.teacher or args.outlines):
        raise SystemExit("a --bank is taught already: give --teacher and --outlines to its making")


def _batches(args: argparse.Namespace, team: Team, bank: Bank | None, step: int) -> Iterator[Batch]:
    """Prepared samples for ever: from the bank, else made by worker processes as they go."""
    if bank is not None:
        allowed = bank.allowed(args.holdout, args.without)
        draws = generator_on(team.device, args.seed, step, team.rank)
        while True:
            yield bank.draw(allowed, args.batch, draws)
    samples = Samples(args.cache, args.holdout, args.teacher, args.outlines)
    for batch in _loader(Stream(samples, args.seed, step, team.rank), args, team.device):
        yield {name: part.to(team.device, non_blocking=True) for name, part in batch.items()}


def _progress(args: argparse.Namespace, team: Team, spent: float, step: int) -> float:
    """0…1 of the way, by steps where their number is given, else by seconds spent."""
    return step / args.steps if args.steps else team.agreed(spent) / (args.minutes * 60)


def _loader(stream: Stream, args: argparse.Namespace, device: torch.device) -> DataLoader:
    return DataLoader(
        stream,
        args.batch,
        num_workers=args.workers,
        prefetch_factor=4 if args.workers else None,
        pin_memory=device.type == "cuda",
    )


@torch.no_grad()
def _average(ema: nn.Module, model: nn.Module, keep: float) -> None:
    old, new = list(ema.parameters()), list(model.parameters())
    torch._foreach_lerp_(old, new, 1 - keep)
    for mine, theirs in zip(ema.buffers(), model.buffers(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - keep)
        else:
            mine.copy_(theirs)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("--cache", type=Path, required=True)
    # torchrun takes --run, even of its script, for an ambiguous option of its own.
    parser.add_argument("--run", "--into", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=None, help="stop after these, not by minutes")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=None)
    parser.add_argument(
        "--frozen", type=int, default=0, help="lower transformer blocks kept as they are"
    )
    parser.add_argument(
        "--init", type=Path, default=None, help="start from another run's checkpoint"
    )
    parser.add_argument(
        "--start",
        default=None,
        help="resnet50, vit_b16: a file of weights, or ct (resnet50), random when not given; "
        "resnet, vit: random instead of their pretrained weights",
    )
    parser.add_argument("--warm", type=int, default=None, help="steps of rising learning rate")
    parser.add_argument(
        "--holdout",
        type=int,
        nargs="*",
        default=[HOLDOUT],
        help="folds left out; none trains on all",
    )
    parser.add_argument("--bank", type=Path, default=None, help="of training.bank")
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        help="sources, pools or mimics of the bank that are left out",
    )
    parser.add_argument("--teacher", type=Path, nargs="*", default=[], help="of training.teach")
    parser.add_argument("--outlines", type=Path, default=None, help="of training.outline")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args(words)
    args.warm = args.warm or (60 if args.init is None else 20)
    return args


if __name__ == "__main__":
    main()
