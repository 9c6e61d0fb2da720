"""Packages import one way: ``ich_cli`` ← ``training`` ← ``benchmarks``, and nothing in a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "ich_cli": {"ich_cli"},
    "training": {"ich_cli", "training"},
    # The soak run feeds `ich watch` with the small network of the tests.
    "benchmarks": {"ich_cli", "training", "benchmarks", "tests"},
}
OURS = {*MAY_IMPORT, "tests"}
PARTS = ("anatomy", "data", "judging", "nets", "samples", "simulation")
"""Packages of ``training``; what stands beside them are the steps that are run."""


def modules(package: str) -> dict[str, Path]:
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Everything of ours that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not used here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_before_it(package: str) -> None:
    wrong = {
        name: other
        for name, path in modules(package).items()
        for other in imports(path)
        if other.split(".")[0] not in MAY_IMPORT[package]
    }
    assert not wrong


def test_the_parts_of_training_import_none_of_its_steps() -> None:
    own = modules("training")
    steps = {name for name in own if name.count(".") == 1 and name.split(".")[1] not in PARTS}
    steps -= {"training.splits"}
    assert "training.train" in steps
    wrong = {
        name: other
        for name, path in own.items()
        if name.split(".")[1:2] and name.split(".")[1] in PARTS
        for other in imports(path)
        if ".".join(other.split(".")[:2]) in steps
    }
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    everything = {name: path for package in MAY_IMPORT for name, path in modules(package).items()}
    graph = {}
    for name, path in everything.items():
        # ``from a.b import c``: of the module a.b.c where there is one, else of a.b.
        targets = (t if t in everything else t.rpartition(".")[0] for t in imports(path))
        graph[name] = {target for target in targets if target in everything} - {name}
    assert len(list(TopologicalSorter(graph).static_order())) == len(everything)
