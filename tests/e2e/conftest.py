"""Runs the real command on phantom studies with a real, tiny network."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ich_cli.cli import main
from ich_cli.domain import Side, Subtype
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import write_studies
from tests.networks import write_bright_network

STUDIES = (
    PhantomSpec(seed=1, matrix=128, name="normal"),
    PhantomSpec(
        seed=2, matrix=128, name="iph", bleeds=(Bleed(Subtype.IPH, 40.0, Side.LEFT),),
        bone_series=True, localizer=True,
    ),
    PhantomSpec(
        seed=3, matrix=128, name="edh", bleeds=(Bleed(Subtype.EDH, 60.0, Side.RIGHT),),
        tilt_deg=12.0,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Output:
    """What a scan wrote."""

    folder: Path

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "results.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def records(self) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = json.loads((self.folder / "results.json").read_text())
        return content

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = (self.folder / "results.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def run(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return content


Command = Callable[..., Done]


@pytest.fixture
def ich(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run ``ich`` with arguments, in this process."""

    def run(*args: object) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        shown = capfd.readouterr()
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return run


def _once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """Make a folder once for all test workers: whoever is first puts it in place whole."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    shared = tmp_path_factory.getbasetemp().parent / f"{name}-{session}"
    if not shared.exists():
        own = tmp_path_factory.mktemp(name)
        make(own)
        try:
            own.rename(shared)
        except OSError:
            shutil.rmtree(own)
    return shared


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three phantom studies: normal, a left IPH of 40 mL, a right EDH of 60 mL."""
    return _once(tmp_path_factory, "studies", lambda out: write_studies(STUDIES, out))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a network that finds bright voxels inside the skull."""
    return _once(tmp_path_factory, "model", write_bright_network) / "bright.yaml"


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory, studies: Path, model: Path) -> Output:
    """The three studies, scanned once; not to be changed."""
    from ich_cli.config import resolve
    from ich_cli.pipeline.assemble import assemble
    from ich_cli.pipeline.run import run

    def scan(out: Path) -> None:
        flags = {"model": str(model), "out": out, "threads": 1}
        parts = assemble((studies,), resolve(flags, environ={}), command=("ich", "scan"))
        run(parts.request, parts.network, parts.options)

    return Output(_once(tmp_path_factory, "scanned", scan))
