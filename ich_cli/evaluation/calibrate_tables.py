"""What a local calibration changed, as a table."""

from __future__ import annotations

from ich_cli.evaluation.calibrate import Current, LocalFit
from ich_cli.evaluation.tables import Cell, Table


def calibration_table(fit: LocalFit, current: Current) -> Table:
    """Old and new temperature and threshold of every label, and what held-out patients say."""
    rows: list[tuple[Cell, ...]] = []
    for k, one in enumerate(fit.labels):
        held = one.held_out
        old, new = (current.scan_temperature[k], one.scan_temperature)
        if current.pool is not None:
            old, new = current.temperature[k], one.temperature
        rows.append(
            (
                *(one.label, one.positives, one.negatives, old, new),
                *(current.scan_threshold[k], one.scan_threshold),
                None if one.ece is None else one.ece[0],
                None if one.ece is None else one.ece[1],
                held.sensitivity if held else None,
                held.specificity if held else None,
                one.reason,
            )
        )
    columns = (
        *("label", "with", "without", "T before", "T after", "threshold before"),
        *("threshold after", "ECE before", "ECE after", "sensitivity", "specificity", "note"),
    )
    note = (
        f"Operating point: {fit.point}. {fit.n_scans} scans of {fit.n_patients} patients, "
        f"{fit.n_slices} labelled slices. Sensitivity and specificity on held-out patients."
    )
    return Table("Local calibration", columns, tuple(rows), note)
