"""The RSNA 2019 layout becomes stacks of true neighbours, whatever lies in the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.rsna_layout import SIDE, disc, write_labels, write_slice
from training.data.rsna2019 import (
    LABEL_FILE,
    find_files,
    group,
    read_header,
    read_hu,
    read_labels,
    read_stack,
)
from training.miniature import choose, lay_out, read_rows
from training.splits import fold_of

CLEAN, SUBDURAL = (0, 0, 0, 0, 0), (0, 0, 0, 0, 1)


def stacks(folder: Path) -> list[list[str]]:
    headers = [read_header(path) for path in sorted(folder.rglob("*.dcm"))]
    return [[h.name for h in stack] for stack in group(h for h in headers if h)]


def test_labels_are_in_our_order_and_repeated_rows_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / LABEL_FILE
    write_labels(path, {"ID_1": SUBDURAL, "ID_2": CLEAN})
    path.write_text(path.read_text() + "ID_1_subdural,1\n")
    labels = read_labels(path)
    assert labels["ID_1"].tolist() == [1, 0, 0, 0, 0, 1]
    assert labels["ID_2"].tolist() == [0] * 6


def test_an_image_with_a_row_missing_is_unknown_there_not_zero(tmp_path: Path) -> None:
    path = tmp_path / LABEL_FILE
    path.write_text("ID,Label\nID_1_any,1\n")
    assert read_labels(path)["ID_1"].tolist() == [1, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("row", ["ID_1_fracture,1", "ID_1_any", "nonsense"])
def test_a_row_that_is_no_label_is_named_with_its_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / LABEL_FILE
    path.write_text(f"ID,Label\nID_1_any,1\n{row}\n")
    with pytest.raises(SystemExit, match=r"line 3: not an image's label"):
        read_labels(path)


def test_a_folder_without_the_table_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"DATA must hold stage_2_train\.csv"):
        read_labels(tmp_path / LABEL_FILE)


def test_files_without_labels_are_left_out(tmp_path: Path) -> None:
    write_slice(tmp_path / "stage_2_train", "ID_1", 0)
    write_slice(tmp_path / "stage_2_test", "ID_9", 0)
    assert [p.stem for p in find_files(tmp_path, {"ID_1": np.zeros(6)})] == ["ID_1"]


def test_slices_are_ordered_base_to_vertex_by_position_alone(tmp_path: Path) -> None:
    for name, z in (("ID_3", 0), ("ID_1", 10), ("ID_2", 5)):
        write_slice(tmp_path, name, z)
    assert stacks(tmp_path) == [["ID_3", "ID_2", "ID_1"]]


def test_the_order_is_the_same_for_slices_that_are_turned_over(tmp_path: Path) -> None:
    for name, z in (("ID_3", 0), ("ID_1", 10), ("ID_2", 5)):
        write_slice(tmp_path, name, z, orientation=(-1, 0, 0, 0, 1, 0))
    assert stacks(tmp_path) == [["ID_3", "ID_2", "ID_1"]]


def test_patients_series_and_matrices_are_kept_apart(tmp_path: Path) -> None:
    write_slice(tmp_path, "ID_1", 0)
    write_slice(tmp_path, "ID_2", 5, patient="ID_b")
    write_slice(tmp_path, "ID_3", 5, series="1.2.9")
    write_slice(tmp_path, "ID_4", 5, hu=np.zeros((32, 32)))
    write_slice(tmp_path, "ID_5", 5)
    assert sorted(stacks(tmp_path)) == [["ID_1", "ID_5"], ["ID_2"], ["ID_3"], ["ID_4"]]


def test_a_second_slice_at_one_place_is_no_neighbour(tmp_path: Path) -> None:
    for name, z in (("ID_1", 0), ("ID_2", 5), ("ID_3", 5), ("ID_4", 10)):
        write_slice(tmp_path, name, z)
    assert stacks(tmp_path) == [["ID_1", "ID_2", "ID_4"], ["ID_3"]]


def test_a_wide_gap_ends_a_stack(tmp_path: Path) -> None:
    for name, z in (("ID_1", 0), ("ID_2", 5), ("ID_3", 30), ("ID_4", 35)):
        write_slice(tmp_path, name, z)
    assert stacks(tmp_path) == [["ID_1", "ID_2"], ["ID_3", "ID_4"]]


def test_a_slice_without_a_position_stands_alone(tmp_path: Path) -> None:
    for name, z in (("ID_1", 0), ("ID_2", None), ("ID_3", None)):
        write_slice(tmp_path, name, z)
    assert sorted(stacks(tmp_path)) == [["ID_1"], ["ID_2"], ["ID_3"]]


def test_thin_slices_are_averaged_and_keep_every_label(tmp_path: Path) -> None:
    paths = [
        write_slice(tmp_path, f"ID_{k}", 1.25 * k, hu=disc(20.0 + 10 * (k % 4))) for k in range(8)
    ]
    headers = group(h for path in paths if (h := read_header(path)))[0]
    labels = {f"ID_{k}": np.array([k == 5, 0, 0, 0, 0, k == 5], np.int8) for k in range(8)}
    stack, spacing, lost = read_stack(headers, labels)
    assert not lost
    assert spacing == pytest.approx(5.0)
    assert [item.labels[5] for item in stack.slices] == [0, 1]
    assert stack.slices[0].hu[SIDE // 2, SIDE // 2] == pytest.approx(35.0)


def test_signed_values_that_were_stored_unsigned_are_unwrapped(tmp_path: Path) -> None:
    header = read_header(write_slice(tmp_path, "ID_1", 0, intercept=0))
    assert header is not None
    hu = read_hu(header)
    assert hu is not None
    assert hu[0, 0] == 0  # air, clipped; wrapped it would shine like bone
    assert hu[SIDE // 2, SIDE // 2] == 40


def test_a_file_cut_short_is_left_out_of_its_stack(tmp_path: Path) -> None:
    paths = [write_slice(tmp_path, f"ID_{k}", 5 * k) for k in range(3)]
    paths[1].write_bytes(paths[1].read_bytes()[:-2000])
    headers = group(h for path in paths if (h := read_header(path)))[0]
    stack, _, lost = read_stack(headers, {f"ID_{k}": np.zeros(6, np.int8) for k in range(3)})
    assert [item.name for item in stack.slices] == ["ID_0", "ID_2"]
    assert lost == ["ID_1"]


def test_what_is_no_dicom_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "ID_1.dcm").write_bytes(b"not DICOM at all" * 20)
    assert read_header(tmp_path / "ID_1.dcm") is None


@pytest.mark.data
def test_real_scans_in_that_layout_come_out_in_their_known_order(
    shared_data: Path, tmp_path: Path
) -> None:
    scans = shared_data / "rsna_scans"
    rows = read_rows(scans)
    chosen = choose(rows, 2)
    lay_out(scans, tmp_path, chosen)
    labels = read_labels(tmp_path / LABEL_FILE)
    headers = [h for path in find_files(tmp_path, labels) if (h := read_header(path))]
    found = group(headers)
    assert {h.patient for h in headers} == set(chosen)
    for patient in chosen:
        mine = sorted((r for r in rows if r["patient"] == patient), key=lambda r: int(r["index"]))
        (stack,) = [s for s in found if s[0].patient == patient]
        assert [h.name for h in stack] == [Path(r["file"]).stem for r in mine]
        assert [int(labels[h.name][0]) for h in stack] == [int(r["any"]) for r in mine]
        assert len({fold_of(h.patient) for h in stack}) == 1
