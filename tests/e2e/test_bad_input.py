"""Bad input: one line that says what, where and what to do; the right exit code; no debris."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Command, Done, Output
from tests.networks import write_bright_network


def one_line(done: Done, *words: str) -> None:
    """The message is a single line, holds the words, and is no traceback."""
    lines = [line for line in done.err.splitlines() if line.startswith("ich: ")]
    assert len(lines) == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in lines[0]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_missing_folder(ich: Command, model: Path, tmp_path: Path, out: Path):
    done = ich("scan", tmp_path / "nowhere", "--model", model, "--out", out)
    assert done.code == 2
    one_line(done, "nowhere", "correct the path")
    assert not out.exists()


def test_empty_folder(ich: Command, model: Path, tmp_path: Path, out: Path):
    (tmp_path / "in").mkdir()
    done = ich("scan", tmp_path / "in", "--model", model, "--out", out)
    assert done.code == 4
    assert "No head CT was found: there are no files." in done.out
    assert Output(out).run["files"] == {"seen": 0, "used": 0, "skipped": {}}
    assert Output(out).records == []


def test_no_dicom(ich: Command, model: Path, tmp_path: Path, out: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no DICOM here")
    (tmp_path / "in" / "letter.txt").write_text("nor here")
    (tmp_path / "in" / "empty").touch()
    done = ich("scan", tmp_path / "in", "--model", model, "--out", out)
    assert done.code == 4
    assert "No head CT was found. 3 files: 2 not_dicom, 1 empty_file\n" in done.out
    assert Output(out).run["files"] == {
        "seen": 3,
        "used": 0,
        "skipped": {"empty_file": 1, "not_dicom": 2},
    }


def test_nothing_found_does_not_wipe_earlier_results(
    ich: Command, studies: Path, model: Path, tmp_path: Path, out: Path
):
    """An export share that is not mounted today must not cost yesterday's results."""
    ich("scan", studies / "normal", "--model", model, "--out", out)
    before = Output(out).records
    (tmp_path / "unmounted").mkdir()
    assert ich("scan", tmp_path / "unmounted", "--model", model, "--out", out).code == 4
    assert Output(out).records == before
    assert len(before) == 1


def test_unknown_model(ich: Command, studies: Path, out: Path):
    done = ich("scan", studies, "--model", "resnett", "--out", out)
    assert done.code == 2
    one_line(done, "resnett")
    assert not out.exists()


def test_weights_folder_that_is_not_there(
    ich: Command, studies: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    """A mistyped mount must not run the shipped network of the same name."""
    monkeypatch.setenv("ICH_WEIGHTS", "/nowhere")
    done = ich("scan", studies, "--model", "resnet", "--out", out)
    assert done.code == 2
    one_line(done, "ICH_WEIGHTS", "/nowhere")
    assert not out.exists()


def test_broken_card(ich: Command, studies: Path, tmp_path: Path, out: Path):
    card = write_bright_network(tmp_path / "weights")
    fields = yaml.safe_load(card.read_text())
    del fields["input"]["windows"]
    card.write_text(yaml.safe_dump(fields))
    done = ich("scan", studies, "--model", card, "--out", out)
    assert done.code == 2
    one_line(done, "bright.yaml", "input.windows", "correct the model card")
    assert not out.exists()


def test_checksum_mismatch(ich: Command, studies: Path, tmp_path: Path, out: Path):
    card = write_bright_network(tmp_path / "weights")
    weights = card.with_suffix(".onnx")
    weights.write_bytes(weights.read_bytes() + b"\0")
    done = ich("scan", studies, "--model", card, "--out", out)
    assert done.code == 2
    one_line(done, "bright.onnx", "sha256")
    assert not out.exists()


def test_device_that_is_not_there(ich: Command, studies: Path, model: Path, out: Path):
    done = ich("scan", studies, "--model", model, "--out", out, "--device", "cuda:77")
    assert done.code == 6
    one_line(done, "cuda")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "gpu"), ("device", "flag --device", "auto, cpu, cuda or cuda:N")),
        (("--batch", "0"), ("batch", "flag --batch")),
        (("--format", "xlsx"), ("xlsx", "csv, html, json, jsonl")),
        (("--masks", "mhd"), ("masks", "nifti")),
        (("--config", "absent.yaml"), ("absent.yaml",)),
        (("--mllm", "oracle"), ("oracle", "openai")),
    ],
)
def test_impossible_options(
    ich: Command, studies: Path, model: Path, out: Path, arguments: tuple[str, ...],
    words: tuple[str, ...],
):  # fmt: skip
    done = ich("scan", studies, "--model", model, "--out", out, *arguments)
    assert done.code == 2
    one_line(done, *words)
    assert not out.exists()


def test_output_is_a_file(ich: Command, studies: Path, model: Path, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    done = ich("scan", studies, "--model", model, "--out", tmp_path / "file")
    assert done.code == 1
    one_line(done, "file", "--out")
    assert (tmp_path / "file").read_text() == "mine"


def test_output_is_locked_by_another_run(ich: Command, studies: Path, model: Path, out: Path):
    from ich_cli.pipeline.lock import hold

    with hold(out):
        done = ich("scan", studies, "--model", model, "--out", out)
    assert done.code == 5
    one_line(done, "lock")
    assert "results.csv" not in names(out)


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_full_disk(studies: Path, model: Path, out: Path):
    """A limit on file sizes ends writes as a full disk does: with an error, half-way."""

    def fill_up() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (56 * 1024, 56 * 1024))

    done = subprocess.run(
        command("scan", studies, "--model", model, "--out", out),
        capture_output=True,
        text=True,
        preexec_fn=fill_up,
        env={**os.environ, "HOME": str(out.parent)},
        timeout=300,
    )
    assert done.returncode == 1
    one_line(Done(1, done.stdout, done.stderr), "cannot write", "free space")
    assert not [name for name in names(out) if name.startswith(".ich-")]
    for path in out.glob("results.*"):
        assert path.read_bytes()[-1:] in {b"", b"\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_finishes_the_scan_in_hand_and_the_reports(
    ich: Command, studies: Path, model: Path, out: Path
):
    arguments = ("scan", studies, "--model", model, "--out", out)
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for_first_row(out / "results.jsonl", process)
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert "Stopped early (signal SIGINT)" in shown
    output = Output(out)
    assert output.run["stopped"] == "signal SIGINT"
    assert 1 <= len(output.records) < 3
    assert len(output.rows) == len(output.lines) == len(output.records)
    assert ich(*arguments).code == 0
    assert len(output.records) == 3


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ich_cli", *(str(a) for a in arguments)]


def wait_for_first_row(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.02)
    raise AssertionError("no row was written")
