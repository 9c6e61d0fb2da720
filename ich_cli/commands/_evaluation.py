"""What the commands that measure have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ich_cli.evaluation.results import ScoredScan


def hashed_patient() -> Callable[[str], str] | None:
    """This user's pseudonyms of patients; ``None`` where no key was ever made."""
    from ich_cli.pipeline.privacy import KEY_FILE, config_home, load_key, pseudonym

    if not (config_home() / KEY_FILE).is_file():
        return None
    key = load_key()
    return lambda name: pseudonym(name, key)


def slice_thresholds(scans: Sequence[ScoredScan]) -> Mapping[str, float] | None:
    """The slice thresholds of the card that made the results.

    ``None`` where the results name several networks, or none that is installed with the
    same checksum.
    """
    from ich_cli.domain import LABELS
    from ich_cli.errors import ModelError
    from ich_cli.models.card import load_card
    from ich_cli.models.registry import find_card

    used = {(scan.model, scan.model_sha256) for scan in scans if scan.model}
    if len(used) != 1:
        return None
    name, sha256 = used.pop()
    try:
        card = load_card(find_card(name or ""))
    except ModelError:
        return None
    if card.sha256 != sha256:
        return None
    return dict(zip(LABELS, card.thresholds.slice, strict=True))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    from ich_cli.reports.atomic import atomic_text

    with atomic_text(path) as file:
        file.write(text)
