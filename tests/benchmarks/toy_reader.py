"""A reader without a network, for volumes that are only a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.peer_readers import CLASSES, Answer


@dataclass
class ToyReader:
    """Believes what a volume says of itself."""

    name: str
    key: str = "a"
    seen: list[Any] = field(default_factory=list)

    def read(self, volume: Any) -> Answer:
        """Millilitres and score are the number; called above 5."""
        self.seen.append(volume)
        classes = {name: {"score": float(volume), "ml": 0.0} for name in CLASSES}
        return Answer(float(volume), volume > 5, float(volume), classes, 1.0)
