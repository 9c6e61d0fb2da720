"""A result as JSON: complete, plain, and honest about what is unknown."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from ich_cli.domain import Reason, Status
from ich_cli.reports.record import RecordContext, account_files, to_record
from tests.reports.examples import HASHED, failed, negative, positive, series


def test_holds_only_plain_json_values():
    text = json.dumps(to_record(positive(), HASHED), allow_nan=False)
    assert json.loads(text) == to_record(positive(), HASHED)


def test_patient_is_hashed_unless_phi_is_kept():
    assert to_record(positive(), HASHED)["patient_id"] == "hash-of-3"
    assert to_record(positive(), RecordContext(pseudonym=None))["patient_id"] == "P-1"


def test_no_patient_id_stays_unknown():
    nameless = replace(positive(), series=series(3, patient_id=None))
    assert to_record(nameless, HASHED)["patient_id"] is None


def test_a_scan_that_was_not_read_has_a_reason_and_no_numbers():
    record = to_record(failed(), HASHED)
    assert record["status"] == "failed"
    assert record["reason"] == {"code": "cannot_decode", "detail": "JPEG 2000"}
    for name in ("probs", "calls", "total_ml", "side", "location", "key_slice", "key_sop_uid"):
        assert record[name] is None, name
    assert record["slices"] == []
    assert record["findings"] == []


def test_a_scan_that_was_not_read_still_names_its_instances():
    expected = [one.sop_uid for one in failed().series.instances]
    assert to_record(failed(), HASHED)["unread_sop_uids"] == expected
    assert "unread_sop_uids" not in to_record(positive(), HASHED)


def test_a_negative_scan_has_probabilities_but_no_millilitres():
    record = to_record(negative(), HASHED)
    assert record["probs"]["any"] == 0.02
    assert record["calls"] == dict.fromkeys(("any", "EDH", "IPH", "IVH", "SAH", "SDH"), False)
    assert record["total_ml"] is None


def test_key_slice_is_named_by_its_instance():
    record = to_record(positive(), HASHED)
    assert record["key_sop_uid"] == record["slices"][1]["sop_uid"] == "1.2.3.4.1"


def test_slices_carry_their_place_and_probabilities():
    third = to_record(positive(), HASHED)["slices"][2]
    assert third["position_mm"] == [0.0, 0.0, 10.0]
    assert third["probs"] == dict.fromkeys(("any", "EDH", "IPH", "IVH", "SAH", "SDH"), 0.25)


def test_a_probability_that_is_no_number_is_unknown():
    odd = replace(positive(), slice_probs=np.full((3, 6), np.nan, np.float32))
    assert to_record(odd, HASHED)["slices"][0]["probs"]["any"] is None


def test_flags_of_volume_and_assessment_are_joined_once():
    assert to_record(positive(), HASHED)["flags"] == ["no_midplane", "tilt"]


def test_what_a_flag_means_is_told_in_numbers():
    notes = (
        Reason("gap", "10.0 mm between slices 3 and 4"),
        Reason("gap", "12.0 mm between 7 and 8"),
    )
    record = to_record(replace(positive(), notes=notes), HASHED)
    assert record["flag_details"] == {
        "gap": "10.0 mm between slices 3 and 4; 12.0 mm between 7 and 8"
    }


def test_measurements_keep_why_they_are_empty():
    assert to_record(positive(), HASHED)["measurements"]["abc2_ml"] == {
        "value": None,
        "unit": "mL",
        "slice_index": None,
        "method": None,
        "reason": "not compact",
    }


def test_seconds_are_the_sum_of_the_stages():
    assert to_record(positive(), HASHED)["seconds"] == 3.0


def test_every_file_of_the_series_is_used_or_has_a_reason():
    used, skipped = account_files(positive())
    assert len(used) == 2
    assert list(skipped.values()) == ["same_place"]
    assert to_record(positive(), HASHED)["files"] == {"used": 2, "skipped": {"same_place": 1}}


def test_files_of_an_unread_series_share_its_reason():
    assert to_record(failed(), HASHED)["files"] == {"used": 0, "skipped": {"cannot_decode": 2}}


def test_files_that_nobody_mentions_are_not_forgotten():
    forgetful = replace(positive(), skipped=(), used=())
    assert to_record(forgetful, HASHED)["files"]["skipped"] == {"not_in_volume": 3}


def test_no_status_is_lost():
    statuses = {to_record(r, HASHED)["status"] for r in (positive(), negative(), failed())}
    assert statuses <= {s.value for s in Status}
