"""One process, or several under ``torchrun``: one a GPU, with gradients averaged."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Team:
    """``rank`` of ``size`` processes; rank 0 speaks and writes for all."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def join(cls) -> Team:
        """Take the place that ``torchrun`` gives in the environment, or work alone."""
        size, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        device = torch.device("cpu")
        if torch.cuda.is_available():
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(device)
            torch.backends.cudnn.benchmark = True
        if size > 1:
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(rank, size, device)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, model: nn.Module, *, partly_frozen: bool = False) -> nn.Module:
        """The module whose backward pass averages gradients over the team.

        Batch norm sees the whole team's batch where the device can (CUDA).
        """
        if self.size == 1:
            return model
        if self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return nn.parallel.DistributedDataParallel(
            model,
            device_ids=[self.device.index] if self.device.type == "cuda" else None,
            find_unused_parameters=partly_frozen,
        )

    def agreed(self, value: float) -> float:
        """Rank 0's value, everywhere: clocks differ, and all must stop at the same step."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, 0)
        return float(shared)

    def part(self) -> None:
        """Wait for the others (rank 0 may be writing), then leave."""
        if self.size > 1:
            distributed.barrier()
            distributed.destroy_process_group()
