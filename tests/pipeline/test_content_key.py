from __future__ import annotations

import dataclasses
import random
import zipfile
from pathlib import Path

from ich_cli.domain import FileRef, Series
from ich_cli.pipeline.content_key import content_key, recipe_of

from .series import RECIPE, make_series


def test_order_and_place_of_the_files_do_not_matter(tmp_path: Path) -> None:
    series = make_series(tmp_path / "a", slices=9)
    moved = make_series(tmp_path / "elsewhere" / "b", slices=9)
    shuffled = list(moved.instances)
    random.Random(1).shuffle(shuffled)
    other = dataclasses.replace(moved, instances=tuple(shuffled))
    assert content_key(series, RECIPE) == content_key(other, RECIPE)


def test_a_late_slice_is_another_content_of_the_same_identity(tmp_path: Path) -> None:
    before = content_key(make_series(tmp_path, slices=4), RECIPE)
    after = content_key(make_series(tmp_path, slices=5), RECIPE)
    assert before.digest != after.digest
    assert before.identity == after.identity
    assert before.uid_set < after.uid_set


def test_a_file_that_has_grown_since_is_another_content(tmp_path: Path) -> None:
    series = make_series(tmp_path)
    before = content_key(series, RECIPE)
    series.first.file.path.write_bytes(b"x" * 5000)
    after = content_key(series, RECIPE)
    assert before.digest != after.digest
    assert before.uids == after.uids


def test_a_file_that_has_gone_does_not_raise(tmp_path: Path) -> None:
    series = make_series(tmp_path)
    before = content_key(series, RECIPE)
    series.first.file.path.unlink()
    assert content_key(series, RECIPE).digest != before.digest


def test_a_slice_that_is_there_twice_counts_twice(tmp_path: Path) -> None:
    series = make_series(tmp_path)
    doubled = Series("1.2", "1.2.3", 0, (*series.instances, series.first))
    assert content_key(doubled, RECIPE).digest != content_key(series, RECIPE).digest


def test_model_and_settings_count_and_the_order_of_settings_does_not(tmp_path: Path) -> None:
    series = make_series(tmp_path)
    recipes = [
        recipe_of("aa", {"a": 1, "b": 2}),
        recipe_of("bb", {"a": 1, "b": 2}),
        recipe_of("aa", {"a": 1, "b": 3}),
    ]
    assert len({content_key(series, recipe).digest for recipe in recipes}) == 3
    assert recipe_of("aa", {"b": 2, "a": 1}) == recipes[0]


def test_members_of_an_archive_are_known_by_their_own_size(tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    series = make_series(tmp_path / "x")
    inside = Series(
        "1.2",
        "1.2.3",
        0,
        tuple(
            dataclasses.replace(i, file=FileRef(path, i.file.path.name)) for i in series.instances
        ),
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for instance in series.instances:
            archive.write(instance.file.path, instance.file.path.name)
    assert content_key(inside, RECIPE) == content_key(series, RECIPE)
