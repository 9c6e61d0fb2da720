"""What is known of the networks at hand, without running them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ich_cli.errors import ModelError
from ich_cli.models.card import AnyCard, Card, load_card
from ich_cli.models.checksum import read_verified
from ich_cli.models.registry import list_cards

MAX_HEADLINES = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One card and the state of its weights.

    Attributes:
        name: What ``--model`` takes.
        path: The card.
        card: Its content, or ``None`` when it is broken.
        size_bytes: Of all its ONNX files that are sound, those of members included.
        problem: Why the network cannot be used; empty when card and weights are sound.
    """

    name: str
    path: Path
    card: AnyCard | None
    size_bytes: int
    problem: str = ""


def take_stock() -> tuple[Entry, ...]:
    """All known networks, by name, with the checksums of their weights compared."""
    return tuple(_look_at(path) for path in list_cards())


def headlines(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """The few figures that a table has room for, such as ``natural slices: AUC 0.95``.

    These are the entries of ``metrics.headline`` where the card has one, else the AUC of
    ``any`` in each test set (``<set>.any.auc`` or ``<set>.auc``), else the single numbers
    at the top level; first come first.
    """
    headline = metrics.get("headline")
    if isinstance(headline, str):
        return (headline,)
    if isinstance(headline, Mapping):
        found = [f"{name} {_short(value)}" for name, value in headline.items()]
        return tuple(found[:MAX_HEADLINES])
    sets = {name: value for name, value in metrics.items() if isinstance(value, Mapping)}
    found = [
        f"{name}: AUC {_short(auc)}"
        for name, figures in sets.items()
        if (auc := _any_auc(figures)) is not None
    ]
    single = (int, float)
    found = found or [f"{k} {_short(v)}" for k, v in metrics.items() if isinstance(v, single)]
    return tuple(found[:MAX_HEADLINES])


def _any_auc(figures: Mapping[str, Any]) -> Any:
    any_blood = figures.get("any")
    return any_blood.get("auc") if isinstance(any_blood, Mapping) else figures.get("auc")


def _short(value: Any) -> str:
    """A figure in few characters; a list of three is a value with its interval."""
    if isinstance(value, (list, tuple)) and len(value) == 3:
        return f"{_short(value[0])} ({_short(value[1])}–{_short(value[2])})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _look_at(path: Path) -> Entry:
    try:
        card = load_card(path)
    except ModelError as error:
        return Entry(path.stem, path, None, 0, str(error))
    files = [file for one in _networks_of(card) for file in _files_of(one)]
    looks = [_weigh(path.with_name(name), sha256) for name, sha256 in files]
    problems = "; ".join(problem for _, problem in looks if problem)
    return Entry(path.stem, path, card, sum(size for size, _ in looks), problems)


def _networks_of(card: AnyCard) -> tuple[Card, ...]:
    """The network of a card, or those of its members."""
    return (card,) if isinstance(card, Card) else card.cards


def _files_of(card: Card) -> list[tuple[str, str]]:
    """Names of the ONNX files of one network, with their checksums."""
    files = [(card.onnx, card.sha256)]
    if card.scan.onnx is not None and card.scan.sha256 is not None:
        files.append((card.scan.onnx, card.scan.sha256))
    return files


def _weigh(path: Path, sha256: str) -> tuple[int, str]:
    """The size of a sound weights file in bytes, or what is wrong with it."""
    try:
        return len(read_verified(path, sha256)), ""
    except ModelError as error:
        return 0, str(error)
