"""Where networks are found: shipped weights, the folders of ``ICH_WEIGHTS``, or a path."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from ich_cli.errors import ModelError, UsageError

CARD_SUFFIXES = (".yaml", ".yml")
_PACKAGE = Path(__file__).resolve().parents[1]


def weight_folders() -> tuple[Path, ...]:
    """Folders that are searched, first come first: ``ICH_WEIGHTS``, then the shipped ones.

    Raises:
        UsageError: ``ICH_WEIGHTS`` names what is no folder; a shipped network of the same name
            must not be taken for the one that was meant.
    """
    own = [Path(p).expanduser() for p in os.environ.get("ICH_WEIGHTS", "").split(os.pathsep) if p]
    for folder in own:
        if not folder.is_dir():
            raise UsageError(f"ICH_WEIGHTS names {folder}, which is no folder; correct or unset it")
    shipped = [_PACKAGE / "_weights"]
    if (_PACKAGE.parent / "pyproject.toml").is_file():  # a source tree, not site-packages
        shipped.append(_PACKAGE.parent / "weights")
    return (*own, *(folder for folder in shipped if folder.is_dir()))


def list_cards() -> tuple[Path, ...]:
    """The cards of all known networks, by name; the first folder that has a name wins.

    Raises:
        UsageError: ``ICH_WEIGHTS`` names what is no folder.
    """
    found: dict[str, Path] = {}
    for folder in weight_folders():
        for path in sorted(folder.iterdir()):
            if path.suffix in CARD_SUFFIXES and path.is_file():
                found.setdefault(path.stem, path)
    return tuple(found[name] for name in sorted(found))


def find_card(name: str) -> Path:
    """The card of a network, by name or by the path of its card or ONNX file.

    Raises:
        ModelError: No such network; the message lists those that are known.
        UsageError: ``ICH_WEIGHTS``, where it is asked, names what is no folder.
    """
    path = Path(name).expanduser()
    if path.suffix in CARD_SUFFIXES or path.suffix == ".onnx" or len(path.parts) > 1:
        return _card_at(path)
    known = {card.stem: card for card in list_cards()}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    names = ", ".join(known) or "none; put cards into a folder and name it in ICH_WEIGHTS"
    raise ModelError(f"unknown model {name!r}.{guess} Known models: {names}")


def _card_at(path: Path) -> Path:
    if path.suffix == ".onnx":
        for suffix in CARD_SUFFIXES:
            card = path.with_suffix(suffix)
            if card.is_file():
                return card
        raise ModelError(
            f"{path}: no model card beside it; write {path.with_suffix('.yaml').name}, "
            "which says how to feed the network"
        )
    if not path.is_file():
        raise ModelError(f"{path}: no such model card; see 'ich models' for the known names")
    return path
