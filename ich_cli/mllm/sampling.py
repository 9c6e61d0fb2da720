"""Temperature, seed and JSON mode: used until a model says that it takes none."""

from __future__ import annotations

import threading
from dataclasses import replace

from ich_cli.mllm.wire import Ask

OPTIONS = ("temperature", "seed", "structured")


class Sampling:
    """The sampling options of a run. What a server rejects is left out from then on."""

    def __init__(self, temperature: float | None, seed: int | None):
        self._temperature = temperature
        self._seed = seed
        self._dropped: set[str] = set()
        self._lock = threading.Lock()

    @property
    def dropped(self) -> tuple[str, ...]:
        """The options that the server did not take."""
        return tuple(sorted(self._dropped))

    def drop(self, option: str) -> bool:
        """Leave an option out from now on; ``False`` when there is no such option."""
        with self._lock:
            known = option in OPTIONS
            if known:
                self._dropped.add(option)
            return known

    def apply(self, ask: Ask, repeat: int) -> Ask:
        """The request with the options that are left; each repeat has a seed of its own."""
        with self._lock:
            gone = set(self._dropped)
        seed = None if self._seed is None or "seed" in gone else self._seed + repeat
        return replace(
            ask,
            temperature=None if "temperature" in gone else self._temperature,
            seed=seed,
            structured="structured" not in gone,
        )
