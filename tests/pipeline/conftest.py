from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.ward import Ward
from tests.quick import write_quick_network, write_templates


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of the quick network."""
    return write_quick_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Phantoms to copy: normal, bleeding, normal."""
    return write_templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def ward(tmp_path: Path, card: Path) -> Ward:
    return Ward(tmp_path, card)
