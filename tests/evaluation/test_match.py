"""Results find their truth, and what has no partner is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ich_cli.evaluation.labels import LabelSet, Truth, complete
from ich_cli.evaluation.match import match
from ich_cli.evaluation.readers import case_id
from ich_cli.evaluation.results import ScoredScan, load_results
from tests.evaluation.simulated import simulate, unread, write_results

YES, NO = complete({"IPH": True}), complete({"any": False})


def _scans(tmp_path: Path, n: int = 3) -> tuple[ScoredScan, ...]:
    return load_results(write_results(simulate(n), tmp_path / "results.json"))


def test_by_series_study_or_patient(tmp_path: Path) -> None:
    scans = _scans(tmp_path)
    truths = {"1.2.3.0.1": Truth("1.2.3.0.1", YES), "1.2.3.1": Truth("1.2.3.1", NO)}
    truths["PATIENT-2"] = Truth("PATIENT-2", NO)
    matched = match(scans, LabelSet("own_csv", scans=truths))
    assert [case.truth.id for case in matched.scans] == ["1.2.3.0.1", "1.2.3.1", "PATIENT-2"]
    assert (matched.unlabelled, matched.unscanned) == ((), ())


def test_by_pseudonym(tmp_path: Path) -> None:
    truths = {"MRN 7": Truth("MRN 7", YES)}
    matched = match(
        _scans(tmp_path), LabelSet("own_csv", scans=truths), lambda name: f"patient {name[-1:]}"
    )
    assert matched.scans == ()
    matched = match(_scans(tmp_path), LabelSet("own_csv", scans=truths), lambda _: "patient 1")
    assert [case.scan.patient for case in matched.scans] == ["patient 1"]


def test_a_scan_is_negative_only_if_every_slice_is(tmp_path: Path) -> None:
    first, second, third = _scans(tmp_path)
    slices = {s.sop_uid: Truth(s.sop_uid, NO) for s in first.slices}
    slices |= {s.sop_uid: Truth(s.sop_uid, NO) for s in second.slices[:-1]}
    slices |= {third.slices[2].sop_uid: Truth(third.slices[2].sop_uid, YES)}
    matched = match((first, second, third), LabelSet("rsna2019", slices=slices))
    assert [case.truth.present["any"] for case in matched.scans] == [False, None, True]
    assert len(matched.slices) == 6 + 5 + 1


def test_an_unread_scan_is_found_by_the_labels_of_its_slices(tmp_path: Path) -> None:
    lost = unread()
    scans = load_results(write_results([lost], tmp_path / "results.json"))
    truths = {lost.slices[0]: Truth(lost.slices[0], YES)}
    matched = match(scans, LabelSet("rsna2019", slices=truths))
    assert [case.truth.present["any"] for case in matched.scans] == [True]
    assert (matched.slices, matched.unlabelled, matched.unscanned) == ((), (), ())


def test_what_finds_no_partner(tmp_path: Path) -> None:
    matched = match(_scans(tmp_path), LabelSet("own_csv", scans={"9.9": Truth("9.9", YES)}))
    assert len(matched.unlabelled) == 3
    assert [truth.id for truth in matched.unscanned] == ["9.9"]


def test_series_of_one_name_in_two_studies_are_two_cases(tmp_path: Path) -> None:
    """As the files of a data set are that calls every patient's volume alike."""
    first, second, _ = _scans(tmp_path)
    assert case_id(replace(first, series_uid="ct")) != case_id(replace(second, series_uid="ct"))
