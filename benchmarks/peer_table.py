"""The tables of ``benchmarks/peer.md``, from the rows of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.peer_readers import CLASSES
from ich_cli.domain import SUBTYPES
from ich_cli.evaluation.agreement import mcnemar
from ich_cli.evaluation.bootstrap import clustered_bootstrap
from ich_cli.evaluation.discrimination import (
    delong_interval,
    delong_test,
    sensitivity_at_specificity,
)
from ich_cli.evaluation.proportions import confusion
from ich_cli.evaluation.tables import Cell, Table
from ich_cli.evaluation.volume_agreement import bland_altman, concordance

Row = dict[str, Any]
BLAST = "blast"
SIZES_ML = ((0.0, 1.0), (1.0, 5.0), (5.0, 30.0), (30.0, 1000.0))


def by_reader(rows: Sequence[Row], group: str) -> dict[str, list[Row]]:
    """Answers of one group on the cases that every reader has read, in the same order."""
    own = [r for r in rows if r["group"] == group]
    readers = list(dict.fromkeys(r["reader"] for r in rows))
    answers = {name: {r["case"]: r for r in own if r["reader"] == name} for name in readers}
    shared = sorted(set.intersection(*(set(a) for a in answers.values()))) if answers else []
    return {name: [a[case] for case in shared] for name, a in answers.items()}


def detection(title: str, answers: dict[str, list[Row]]) -> Table:
    """AUC and calls of whole scans."""
    columns = ("reader", "scans", "with blood", "AUC", "sensitivity", "specificity",
               "sensitivity at specificity .90")  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for name, own in answers.items():
        y, score = truth(own), np.array([r["score"] for r in own])
        calls = confusion(y, [r["call"] for r in own])
        auc = _defined(lambda y=y, s=score: delong_interval(y, s))
        at = clustered_bootstrap(
            lambda i, y=y, s=score: sensitivity_at_specificity(y[i], s[i], 0.9), heads(own)
        )
        rows.append((name, len(own), int(y.sum()), auc, calls.sensitivity, calls.specificity, at))
    return Table(title, columns, tuple(rows))


def against_blast(title: str, answers: dict[str, list[Row]]) -> Table:
    """DeLong's test of the AUCs and McNemar's of the calls, each network against BLAST-CT."""
    columns = ("reader", "AUC less BLAST-CT's", "p", "only it right", "only BLAST-CT right", "p ")
    rows: list[tuple[Cell, ...]] = []
    peer = answers.get(BLAST, [])
    for name, own in answers.items():
        if name == BLAST or not peer:
            continue
        y = truth(own)
        gap = _defined(lambda o=own, y=y: delong_test(y, _scores(o), _scores(peer)))
        test = mcnemar(y == _calls(own), y == _calls(peer))
        auc = (None, None) if gap is None else (gap.difference, gap.p)
        rows.append((name, *auc, test.only_a_right, test.only_b_right, test.p))
    return Table(title, columns, tuple(rows))


def found_by_kind(answers: dict[str, list[Row]]) -> Table:
    """Scans called, by subtype and by size."""
    rows: list[tuple[Cell, ...]] = []
    for title, chosen in (*_subtypes(), *_sizes()):
        part = {name: [r for r in own if chosen(r)] for name, own in answers.items()}
        counts = [f"{int(_calls(p).sum())} of {len(p)}" for p in part.values()]
        rows.append((title, *counts))
    return Table("Bleeding scans that are called", ("scans", *answers), tuple(rows))


def classes(answers: dict[str, list[Row]]) -> Table:
    """AUC of each class that BLAST-CT knows, over all simulated scans."""
    rows: list[tuple[Cell, ...]] = []
    for name, subtypes in CLASSES.items():
        known = {s.value for s in subtypes}
        cells: list[Cell] = []
        for own in answers.values():
            y = np.array([bool(known & set(r["truth"]["subtypes"])) for r in own])
            score = [r["classes"][name]["score"] for r in own]
            cells.append(_defined(lambda y=y, s=score: delong_interval(y, s)))
        rows.append((name, *cells))
    return Table("Class of the bleed, AUC", ("class", *answers), tuple(rows))


def volumes(answers: dict[str, list[Row]]) -> Table:
    """Millilitres of bleeding scans; a scan that is not called counts as 0 mL."""
    columns = ("scans", "reader", "n", "CCC", "bias mL", "lower limit", "upper limit")
    rows: list[tuple[Cell, ...]] = []
    for title, chosen in (("all", _bleeds), *_subtypes(), *_sizes()):
        for name, own in answers.items():
            part = [r for r in own if chosen(r)]
            got, true = [r["ml"] for r in part], [r["truth"]["ml"] for r in part]
            limits = _defined(lambda g=got, t=true: bland_altman(g, t))
            ends = (limits.bias, limits.lower.value, limits.upper.value) if limits else (None,) * 3
            ccc = _defined(lambda g=got, t=true: concordance(g, t))
            rows.append((title, name, len(part), ccc, *ends))
    note = "Bleeding scans only; one that a reader does not call counts as 0 mL."
    return Table("Millilitres", columns, tuple(rows), note=note, digits=2)


def one_scan(answers: dict[str, list[Row]]) -> Table:
    """What each reader says of the one large scan."""
    rows: list[tuple[Cell, ...]] = []
    for name, own in answers.items():
        for r in own:
            ml = [r["classes"][c]["ml"] for c in CLASSES]
            rows.append((name, bool(r["call"]), float(r["ml"]), *ml))
    columns = ("reader", "called", "mL", *(f"{c} mL" for c in CLASSES))
    return Table("`rsna_volume`", columns, tuple(rows), digits=1)


def each_scan(answers: dict[str, list[Row]]) -> Table:
    """Truth and calls of every natural scan; a call with its millilitres."""
    rows: list[tuple[Cell, ...]] = []
    for same in zip(*answers.values(), strict=True):
        known = same[0]["truth"]
        said = [
            f"{r.get('more', {}).get('status', 'positive' if r['call'] else 'negative')}"
            + (f", {r['ml']:.1f} mL" if r["call"] else "")
            for r in same
        ]
        kinds = " ".join(known["subtypes"]) if known["any"] else "none"
        rows.append((same[0]["case"], int(known["fold"]), kinds, *said))
    return Table("`rsna_scans`, one by one", ("scan", "fold", "truth", *answers), tuple(rows))


def timing(seconds: dict[str, float]) -> Table:
    """CPU seconds as ratios of BLAST-CT's."""
    peer = seconds.get(BLAST)
    rows = tuple((name, None if not peer else s / peer) for name, s in seconds.items())
    return Table("CPU time, `rsna_volume`", ("reader", "÷ BLAST-CT"), rows, digits=2)


def truth(rows: Sequence[Row]) -> Any:
    """``(n,)`` whether each scan bleeds."""
    return np.array([r["truth"]["any"] for r in rows], bool)


def heads(rows: Sequence[Row]) -> list[str]:
    """``(n,)`` whose head each scan shows; a mirrored head is the same."""
    return [str(r["truth"].get("head", r["case"])).split(" ")[0] for r in rows]


def _subtypes() -> list[tuple[str, Callable[[Row], bool]]]:
    return [(s.value, lambda r, v=s.value: v in r["truth"]["subtypes"]) for s in SUBTYPES]


def _sizes() -> list[tuple[str, Callable[[Row], bool]]]:
    names = ("< 1 mL", "1–5 mL", "5–30 mL", "> 30 mL")
    return [
        (name, lambda r, a=low, b=high: _bleeds(r) and a <= r["truth"]["ml"] < b)
        for name, (low, high) in zip(names, SIZES_ML, strict=True)
    ]


def _bleeds(row: Row) -> bool:
    return bool(row["truth"]["any"])


def _scores(rows: Sequence[Row]) -> Any:
    return np.array([r["score"] for r in rows], float)


def _calls(rows: Sequence[Row]) -> Any:
    return np.array([r["call"] for r in rows], bool)


def _defined(figure: Callable[[], Any]) -> Any:
    try:
        return figure()
    except ValueError:
        return None
