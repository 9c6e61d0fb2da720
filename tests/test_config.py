"""Settings: flags win over the environment, that over the file, that over the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ich_cli.config import Resolved, Settings, find_file, read_file, resolve
from ich_cli.errors import UsageError


def settled(
    flags: dict[str, Any] | None = None, file: Path | None = None, **environ: str
) -> Resolved:
    return resolve(flags or {}, config=file, environ=environ)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ich.yaml"
    path.write_text("model: vit\nthreads: 2\nbatch: 3\nformat: [csv]\n")
    return path


def test_without_anything_the_defaults_apply():
    resolved = settled()
    assert resolved.settings == Settings()
    assert set(resolved.sources.values()) == {"default"}


def test_each_layer_wins_over_the_one_below(file: Path):
    resolved = settled({"batch": 5}, file, ICH_THREADS="4", ICH_BATCH="4")
    settings = resolved.settings
    assert (settings.model, settings.threads, settings.batch) == ("vit", 4, 5)
    assert resolved.sources["model"] == str(file)
    assert resolved.sources["threads"] == "environment ICH_THREADS"
    assert resolved.sources["batch"] == "flag --batch"
    assert resolved.sources["device"] == "default"


def test_a_flag_that_was_not_given_changes_nothing(file: Path):
    assert settled({"model": None, "include": []}, file).settings.model == "vit"


@pytest.mark.parametrize("given", ["csv,json", ["csv", "json"], ["csv,json"], " csv , json "])
def test_lists_may_be_written_with_commas(given: Any):
    assert settled({"format": given}).settings.format == ("csv", "json")


def test_environment_values_are_converted():
    settings = settled(ICH_KEEP_PHI="1", ICH_BATCH="7", ICH_ONLY_UNCERTAIN="0.2,0.8").settings
    assert (settings.keep_phi, settings.batch) == (True, 7)
    assert settings.only_uncertain == (0.2, 0.8)


def test_variables_that_are_no_settings_are_left_alone():
    assert settled(ICH_WEIGHTS="/w", ICH_MLLM_API_KEY="k", ICH_SOMETHING="x").settings == Settings()


def test_paths_in_the_file_are_beside_the_file(tmp_path: Path):
    path = tmp_path / "ich.yaml"
    path.write_text("out: results\nlog-file: /var/log/ich.log\nmodel: vit\nprompt: mine.yaml\n")
    settings = settled(file=path).settings
    assert settings.out == tmp_path / "results"
    assert settings.log_file == Path("/var/log/ich.log")
    assert settings.prompt == str(tmp_path / "mine.yaml")
    assert settings.model == "vit"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle: vit", "did you mean 'model'"),
        ("zzz: 1", "config show"),
        ("- a\n- b", "mapping"),
        ("a: [", "line"),
        ("a: b: c", "line 1"),
        ("[" * 5000, "not valid YAML"),
        ("model: \x00", "not valid YAML"),
        ("batch: many", "batch"),
        ("device: gpu", "auto, cpu, cuda"),
        ("only_uncertain: [0.9]", "give two probabilities"),
        ("watch: {setle: 9}", "watch.setle = 9"),
        ("watch: {settle: -1}", "watch.settle = -1"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, text: str, words: str):
    path = tmp_path / "ich.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        settled(file=path)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_file_is_fine(tmp_path: Path):
    (tmp_path / "ich.yaml").write_text("# nothing yet\n")
    assert read_file(tmp_path / "ich.yaml") == {}


def test_a_named_file_must_be_there(tmp_path: Path):
    with pytest.raises(UsageError, match="no configuration file"):
        settled(file=tmp_path / "absent.yaml")


def test_files_are_looked_for_here_and_then_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    home = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    assert find_file(None, home) is None
    (tmp_path / "home" / "ich").mkdir(parents=True)
    (tmp_path / "home" / "ich" / "ich.yaml").touch()
    assert find_file(None, home) == tmp_path / "home" / "ich" / "ich.yaml"
    Path("ich.yaml").touch()
    assert find_file(None, home) == Path("ich.yaml")


def test_facts_are_plain_json():
    facts = settled({"out": Path("x")}).facts()
    assert facts["out"] == {"value": "x", "source": "flag --out"}
    assert facts["format"]["value"] == ["csv", "json", "jsonl"]
