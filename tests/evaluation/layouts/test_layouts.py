"""Each published layout on a small made fixture in its own form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ich_cli.errors import UsageError
from ich_cli.evaluation.layouts import load_labels


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rsna_2019(tmp_path: Path) -> None:
    kinds = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
    rows = [f"ID_aaa_{kind},{int(kind in ('subdural', 'any'))}" for kind in kinds]
    rows += [f"ID_bbb_{kind},0" for kind in kinds]
    rows += rows[:6]  # stage_2_train.csv has a few slices twice
    labels = load_labels(_file(tmp_path / "stage_2_train.csv", "ID,Label\n" + "\n".join(rows)))
    assert labels.layout == "rsna2019"
    assert set(labels.slices) == {"ID_aaa", "ID_bbb"}
    assert labels.slices["ID_aaa"].present == {
        "any": True,
        "EDH": False,
        "IPH": False,
        "IVH": False,
        "SAH": False,
        "SDH": True,
    }
    assert not any(labels.slices["ID_bbb"].present.values())


@pytest.mark.parametrize("text", ['"ID","Label"\n"ID_aaa_any",1\n', "ID;Label\nID_aaa_any;1\n"])
def test_a_layout_is_found_whatever_program_wrote_its_table(tmp_path: Path, text: str) -> None:
    labels = load_labels(_file(tmp_path / "a.csv", text))
    assert labels.layout == "rsna2019"
    assert labels.slices["ID_aaa"].present["any"] is True


def test_rsna_2019_with_a_foreign_id(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2"):
        load_labels(_file(tmp_path / "a.csv", "ID,Label\nID_aaa_contusion,1\n"))


def test_rsna_2019_with_two_labels_for_one_slice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 3: ID_a_any stood there before"):
        load_labels(_file(tmp_path / "a.csv", "ID,Label\nID_a_any,0\nID_a_any,1\n"))


@pytest.mark.parametrize(
    "text", ["id,any,SDH\na,1,0\nb,0,1\n", "ID,Label\nID_b_any,0\nID_b_subdural,1\n"]
)
def test_no_blood_and_yet_blood_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"any is 0 but SDH is 1 for (ID_)?b"):
        load_labels(_file(tmp_path / "a.csv", text))


def test_cq500_takes_the_majority_of_three(tmp_path: Path) -> None:
    columns = [
        "ICH",
        "IPH",
        "IVH",
        "SDH",
        "EDH",
        "SAH",
        "BleedLocation-Left",
        "BleedLocation-Right",
    ]
    header = ["name", "Category"] + [f"R{r}:{c}" for r in (1, 2, 3) for c in columns]
    first = [[1, 1, 0, 0, 0, 0, 1, 0], [1, 1, 0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1, 0, 0]]
    second = [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0, 1]]
    text = ",".join(header) + "\n"
    for name, reads in (("CQ500-CT-0", first), ("CQ500-CT-1", second)):
        text += ",".join([name, "B1", *(str(v) for read in reads for v in read)]) + "\n"
    labels = load_labels(_file(tmp_path / "reads.csv", text))
    assert labels.layout == "cq500"
    bleed = labels.scans["CQ500-CT-0"]
    assert [k for k, v in bleed.present.items() if v] == ["any", "IPH", "SAH"]
    assert bleed.side == "left"
    assert not any(labels.scans["CQ500-CT-1"].present.values())
    assert labels.scans["CQ500-CT-1"].side is None


def test_cq500_who_saw_a_kind_saw_blood(tmp_path: Path) -> None:
    kinds = ("ICH", "IPH", "IVH", "SDH", "EDH", "SAH")
    header = ",".join(["name", *(f"R{r}:{kind}" for r in (1, 2, 3) for kind in kinds)])
    reads = ",".join(["0,1,0,0,0,0", "0,1,0,0,0,0", "0,0,0,0,0,0"])
    labels = load_labels(_file(tmp_path / "reads.csv", f"{header}\nCQ500-CT-0,{reads}\n"))
    assert [k for k, v in labels.scans["CQ500-CT-0"].present.items() if v] == ["any", "IPH"]


def test_cq500_without_its_third_reader(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lacks the column R1:EDH"):
        load_labels(_file(tmp_path / "reads.csv", "name,R1:ICH\nCQ500-CT-0,1\n"))


def test_physionet_ct_ich(tmp_path: Path) -> None:
    header = (
        "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,"
        "Subdural,No_Hemorrhage,Fracture_Yes_No"
    )
    rows = ["49,1,0,0,0,0,0,1,0", "49,2,0,0,0,1,0,0,1", "50,1,0,0,0,0,0,1,0"]
    path = _file(tmp_path / "hemorrhage_diagnosis_raw_ct.csv", "\n".join([header, *rows]) + "\n")
    labels = load_labels(path)
    assert labels.layout == "physionet"
    assert labels.slices["049:2"].present["EDH"] is True
    assert labels.slices["049:1"].present["any"] is False
    assert labels.scans["049"].present["EDH"] is True
    assert labels.scans["050"].present["any"] is False


def _mask(path: Path, array: np.ndarray, spacing: tuple[float, float, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    SimpleITK.WriteImage(image, str(path))


def test_bhsd_masks_give_presence_and_millilitres(tmp_path: Path) -> None:
    labels = np.zeros((4, 10, 10))
    labels[1, 2:4, 2:7] = 2  # IPH, 10 voxels
    labels[2, 2:4, 2:4] = 5  # SDH, 4 voxels
    _mask(tmp_path / "ground truths" / "BHSD_001.nii.gz", labels, (0.5, 0.5, 4.0))
    _mask(tmp_path / "ground truths" / "BHSD_002.nii.gz", labels * 0, (0.5, 0.5, 4.0))
    found = load_labels(tmp_path)
    assert found.layout == "masks"
    truth = found.scans["BHSD_001"]
    assert [k for k, v in truth.present.items() if v] == ["any", "IPH", "SDH"]
    assert truth.ml["IPH"] == pytest.approx(10 * 0.001)
    assert truth.ml["total"] == pytest.approx(14 * 0.001)
    assert found.scans["BHSD_002"].present["any"] is False
    assert [k for k, t in found.slices.items() if t.present["SDH"]] == ["BHSD_001:3"]


def test_binary_masks_leave_the_subtypes_unknown(tmp_path: Path) -> None:
    labels = np.zeros((3, 8, 8))
    labels[1, 2:4, 2:4] = 1
    _mask(tmp_path / "001.nii.gz", labels, (1.0, 1.0, 5.0))
    found = load_labels(tmp_path)
    assert found.scans["001"].present["any"] is True
    assert found.scans["001"].present["EDH"] is None
    assert found.notes


def test_slices_are_counted_as_the_file_counts_them(tmp_path: Path) -> None:
    labels = np.zeros((3, 8, 8))
    labels[0, 2:4, 2:4] = 2
    image = SimpleITK.GetImageFromArray(labels.astype(np.uint8))
    image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, -1))  # first slice of the file is the highest
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii.gz"))
    found = load_labels(tmp_path)
    assert [k for k, t in found.slices.items() if t.present["any"]] == ["a:1"]


def test_a_mask_of_something_else_is_refused(tmp_path: Path) -> None:
    _mask(tmp_path / "a.nii.gz", np.full((2, 4, 4), 9), (1.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="value 9"):
        load_labels(tmp_path)


def test_own_csv_by_scan_with_volume(tmp_path: Path) -> None:
    text = (
        "\ufeffstudy_uid;any;EDH;IPH;IVH;SAH;SDH;ml;side;region\n"
        "1.2;1;0;1;0;0;0;12.5;Left;Basal ganglia\n1.3;0;;;;;;;;\n"
    )
    labels = load_labels(_file(tmp_path / "own.csv", text))
    assert labels.layout == "own_csv"
    truth = labels.scans["1.2"]
    assert (truth.ml["total"], truth.side, truth.region) == (12.5, "left", "basal ganglia")
    assert labels.scans["1.3"].present["SDH"] is False
    assert labels.scans["1.3"].ml["total"] is None


def test_a_decimal_comma_only_where_semicolons_part_the_cells(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path / "own.csv", "id;any;ml;region\na;1;12,5;falx, left\n"))
    assert (labels.scans["a"].ml["total"], labels.scans["a"].region) == (12.5, "falx, left")
    with pytest.raises(UsageError, match="'1,234' is not a number of mL"):
        load_labels(_file(tmp_path / "own.csv", 'id,any,ml\na,1,"1,234"\n'))


def test_a_row_that_stands_there_twice_counts_once(tmp_path: Path) -> None:
    row = "a,1,1,20\n"
    labels = load_labels(_file(tmp_path / "own.csv", "id,any,SDH,ml\n" + row + row))
    assert labels.scans["a"].ml["total"] == 20
    assert labels.notes == ()


def test_rows_of_one_scan_that_differ_are_said_to(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path / "own.csv", "id,any,ml\na,1,20\na,0,\nb,0,\n"))
    assert labels.scans["a"].present["any"] is True
    assert [note.split(";")[0] for note in labels.notes] == ["Ids with several rows that differ: 1"]


def test_two_bleeds_alike_are_two(tmp_path: Path) -> None:
    row = "a,SDH,left,5\n"
    labels = load_labels(_file(tmp_path / "own.csv", "id,subtype,side,ml\n" + row + row))
    assert labels.scans["a"].ml["total"] == 10
    assert labels.notes == ()


def test_own_csv_with_the_initial_of_the_side(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path / "own.csv", "id,any,side\na,1,R\nb,0,\n"))
    assert [truth.side for truth in labels.scans.values()] == ["right", None]


def test_own_csv_by_slice(tmp_path: Path) -> None:
    text = "file,patient,any,edh,iph,ivh,sah,sdh\na/ID_1.dcm,p,1,0,0,0,0,1\n"
    labels = load_labels(_file(tmp_path / "own.csv", text))
    assert labels.slices["ID_1"].present["SDH"] is True


def test_a_row_a_bleed(tmp_path: Path) -> None:
    text = (
        "study,study_uid,series_uid,subtype,side,region,ml\n"
        "a,1,1.1,IPH,left,thalamus,10\na,1,1.1,IVH,right,lateral,5\nb,2,2.1,,,,0\n"
    )
    labels = load_labels(_file(tmp_path / "truth.csv", text))
    truth = labels.scans["1.1"]
    assert [k for k, v in truth.present.items() if v] == ["any", "IPH", "IVH"]
    assert truth.present["EDH"] is False
    assert truth.ml == {"total": 15.0, "IPH": 10.0, "IVH": 5.0}
    assert truth.side == "bilateral"
    assert labels.scans["2.1"].present["any"] is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("name,any\nx,1\n", "no id column"),
        ("study_uid,ml\n1,3\n", "no label column"),
        ("study_uid,any\n,1\n", "line 2: the study_uid cell is empty"),
        ("study_uid,any\n1,2\n", "line 2, column any"),
        ("study_uid,subtype\n1,ICH\n", "unknown subtype"),
        ("study_uid,any,side\n1,1,dorsal\n", "line 2, column side: 'dorsal'"),
    ],
)
def test_own_csv_says_what_it_misses(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_labels(_file(tmp_path / "own.csv", text))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no labels"):
        load_labels(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="without NIfTI masks"):
        load_labels(tmp_path)
    with pytest.raises(UsageError, match="unknown label layout"):
        load_labels(tmp_path, "dicom")
