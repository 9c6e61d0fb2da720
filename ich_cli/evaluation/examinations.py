"""One label, several examinations: the truth of which of them is it?

A study may hold a scan and its control hours later, and a patient may have several studies. A
label by study or patient says nothing of which was meant, and blood comes and goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from ich_cli.dicom.moments import beginnings
from ich_cli.evaluation.match import ScanCase
from ich_cli.evaluation.results import ScoredScan


def notes_on_shared_labels(cases: Sequence[ScanCase]) -> tuple[str, ...]:
    """A note where one truth was taken for scans of several examinations; none where not."""
    by_truth: dict[str, list[ScoredScan]] = defaultdict(list)
    for case in cases:
        by_truth[case.truth.id].append(case.scan)
    shared = [scans for scans in by_truth.values() if _examinations(scans) > 1]
    if not shared:
        return ()
    return (
        f"Labels that several examinations share: {len(shared)}, of {sum(map(len, shared))} scans. "
        "Each of these scans was taken to be as its label says, which may be meant of another; "
        "label them by series UID.",
    )


def _examinations(scans: Sequence[ScoredScan]) -> int:
    """How many examinations these scans are of, as far as studies and times tell."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for scan in scans:
        times[scan.study_uid] += [] if scan.acquired is None else [scan.acquired]
    return sum(max(1, len(beginnings(of_study))) for of_study in times.values())
