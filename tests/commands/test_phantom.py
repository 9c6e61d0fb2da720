"""``ich phantom`` as it is typed."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app

APP = build_app("phantom")
SMALL = ("--matrix", "64", "--spacing", "10")


def ich_phantom(*arguments: object) -> Any:
    return CliRunner().invoke(APP, ["phantom", *(str(a) for a in arguments)])


def test_writes_a_study_and_its_truth(tmp_path: Path) -> None:
    done = ich_phantom(
        tmp_path, *SMALL, "--subtype", "iph", "--ml", "20", "--side", "right", "--seed", "4"
    )
    assert done.exit_code == 0, done.output
    assert "IPH 20" in done.output
    assert "right" in done.output
    with (tmp_path / "truth.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["subtype"], row["side"], row["region"]) == ("IPH", "right", "basal_ganglia")
    assert float(row["ml"]) == pytest.approx(20, rel=0.05)
    assert len(list((tmp_path / "iph_0004" / "axial").glob("*.dcm"))) == int(row["n_slices"])


def test_writes_as_many_as_asked_with_seeds_one_apart(tmp_path: Path) -> None:
    done = ich_phantom(tmp_path, *SMALL, "--n", "3", "--seed", "7", "--slices", "2")
    assert done.exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == [
        "normal_0007",
        "normal_0008",
        "normal_0009",
    ]


def test_one_study_of_a_set_is_one(tmp_path: Path) -> None:
    done = ich_phantom(tmp_path, *SMALL, "--set", "mixed", "--n", "1", "--slices", "2")
    assert done.exit_code == 0
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["normal_0000"]


def test_all_options_at_once(tmp_path: Path) -> None:
    done = ich_phantom(
        tmp_path, "--matrix", "64", "--spacing", "5,10", "--tilt", "9", "--compression", "rle",
        "--orientation", "hfp", "--mirror", "--noise", "2", "--kernel", "bone", "--kvp", "100",
        "--localizer", "--bone-series", "--thickness", "4",
    )  # fmt: skip
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--subtype", "XYZ"), "EDH"),
        (("--subtype", "SDH", "--side", "up"), "left"),
        (("--subtype", "SDH", "--side", "midline"), "left"),
        (("--subtype", "SDH", "--region", "thalamus"), "falx"),
        (("--subtype", "SDH", "--ml", "5000"), "300"),
        (("--subtype", "SDH", "--ml", "5", "--ml", "6"), "one for each"),
        (("--region", "thalamus"), "--subtype"),
        (("--spacing", "thick"), "millimetres"),
        (("--compression", "gif"), "jpeg-ls"),
        (("--orientation", "upside"), "HFS"),
        (("--set", "party"), "demo"),
        (("--set", "demo", "--subtype", "IPH"), "--set"),
        (("--set", "demo", "--n", "2"), "six"),
        (("--matrix", "7"), "matrix"),
        (("--tilt", "80"), "tilt"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = ich_phantom(tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_made_is_one_line_and_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ich_phantom(tmp_path / "file" / "out", *SMALL)
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "choose another folder" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission_is_one_line_and_code_1(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        done = ich_phantom(tmp_path / "out", *SMALL)
    finally:
        tmp_path.chmod(0o700)
    assert done.exit_code == 1
    assert "error:" in done.stderr


def test_too_much_blood_is_code_2_and_says_how_much_there_is_room_for(tmp_path: Path) -> None:
    done = ich_phantom(tmp_path, *SMALL, "--subtype", "IPH", "--region", "brainstem", "--ml", "250")
    assert done.exit_code == 2
    assert "room for" in done.stderr
