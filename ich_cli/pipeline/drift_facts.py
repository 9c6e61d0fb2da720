"""Which scans the drift comparison is about, read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ich_cli.pipeline.drift import ScanFacts, Shift, compare
from ich_cli.pipeline.ledger_status import DAY_S, reading

_FACTS = """
SELECT finished,
       status,
       json_extract(record, '$.probs.any'),
       json_extract(record, '$.acquisition.spacing_mm[0]'),
       json_extract(record, '$.acquisition.kvp'),
       json_extract(record, '$.acquisition.manufacturer'),
       json_extract(record, '$.second_reader.tier')
FROM series WHERE record IS NOT NULL AND finished > ?
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """The last days against those before.

    Attributes:
        days: Length of the recent window.
        reference_days: Length of the reference before it; ``None`` is all there is.
        shifts: One comparison each.
    """

    days: float
    reference_days: float | None
    shifts: tuple[Shift, ...]


def drift_of(out: Path, now: float, days: float, reference_days: float | None = None) -> Drift:
    """Compare the scans finished in the last ``days`` with those finished before.

    Raises:
        UsageError: There is no ledger.
        OutputError: It is damaged, or cannot be read.
    """
    begin = now - days * DAY_S
    oldest = 0.0 if reference_days is None else begin - reference_days * DAY_S
    recent: list[ScanFacts] = []
    reference: list[ScanFacts] = []
    with reading(out) as db:
        for finished, *facts in db.execute(_FACTS, (oldest,)):
            (recent if finished > begin else reference).append(ScanFacts(*facts))
    return Drift(days, reference_days, compare(recent, reference))
