from __future__ import annotations

from pathlib import Path

import pytest

from tests.quick import write_copies, write_quick_network, write_templates


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of the quick network."""
    return write_quick_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Phantoms to copy: normal, bleeding, normal."""
    return write_templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def studies(tmp_path: Path, templates: list[Path]) -> Path:
    """A folder of four studies, of which the second one bleeds."""
    write_copies(templates, tmp_path / "in", 4)
    return tmp_path / "in"
