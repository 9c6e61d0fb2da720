"""A folder that studies arrive in, and a watcher for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ich_cli.config import resolve
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.stop import Stop
from ich_cli.pipeline.watch_service import WatchService
from ich_cli.pipeline.watch_settings import WatchSettings

SETTLE_S = 0.4
IDLE_S = 0.8


class Ward:
    """A folder that studies arrive in, and a watcher for it."""

    def __init__(self, root: Path, card: Path) -> None:
        self.inbox, self.out, self._card = root / "in", root / "out", card
        self.inbox.mkdir()
        self.warnings: list[str] = []
        self.scanned = 0

    @contextmanager
    def watched(self, **settings: Any) -> Iterator[WatchService]:
        resolved = resolve({"model": str(self._card), "out": self.out, "threads": 1})
        assembly = assemble((self.inbox,), resolved, command=("ich",))
        watch = WatchSettings(**{"settle": SETTLE_S, **settings})
        service = WatchService((assembly, watch), Stop(), warn=self.warnings.append)
        with service.running([self.inbox]):
            yield service
            self.scanned = service._watcher.studies_done

    def watch(self, **settings: Any) -> list[dict[str, Any]]:
        with self.watched(**settings) as service:
            service.run(lambda: None, IDLE_S)
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads((self.out / "results.json").read_text())
        lines = (self.out / "results.jsonl").read_text().splitlines()
        assert sorted(map(json.dumps, rows)) == sorted(json.dumps(json.loads(x)) for x in lines)
        return rows

    def statuses(self) -> list[str]:
        return sorted(row["status"] for row in self.rows())


def put(folder: Path, slices: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in slices.items():
        (folder / name).write_bytes(data)


def part(slices: dict[str, bytes], start: int, stop: int | None = None) -> dict[str, bytes]:
    return dict(sorted(slices.items())[start:stop])
