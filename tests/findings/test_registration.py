"""The template finds its place on heads however they lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ich_cli.findings.atlas import load_atlas
from ich_cli.findings.coarse import BRAIN_WINDOW, HEAD_WINDOW, STEP_MM, CoarseHead
from ich_cli.findings.midline import Midplane
from ich_cli.findings.regions import REGIONS, Kind, kind_of
from ich_cli.findings.registration import fit_template

ATLAS = load_atlas()


def turned_template(
    turn: tuple[float, float, float], size: float, low_mm: float = -90.0, high_mm: float = 100.0
) -> tuple[CoarseHead, np.ndarray]:
    """The template's own head, turned and stretched, cut at two heights."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix().T / size
    matrix[:3, 3] = (0.0, 4.0, -6.0)
    shape = (56, 68, 58)
    origin = np.array([-114.0, -134.0, -104.0])
    grid = np.indices(shape).reshape(3, -1).T
    points = origin + STEP_MM * grid[:, ::-1]
    there = points @ matrix[:3, :3].T + matrix[:3, 3]
    where = ((there - ATLAS.origin_mm) / ATLAS.head_step_mm)[:, ::-1].T
    images = [
        ndimage.map_coordinates(image, where, order=1, cval=window[0]).reshape(shape)
        for image, window in ((ATLAS.head, HEAD_WINDOW), (ATLAS.brain, BRAIN_WINDOW))
    ]
    heights = origin[2] + STEP_MM * np.arange(shape[0])
    scanned = np.zeros(shape, bool)
    scanned[(heights >= low_mm) & (heights <= high_mm)] = True
    head = (images[0] > -120) & scanned
    return CoarseHead(
        np.where(head, images[0], HEAD_WINDOW[0]).astype(np.float32),
        np.where(head, images[1], BRAIN_WINDOW[0]).astype(np.float32),
        scanned,
        head,
        origin,
    ), matrix


def plane_of(matrix: np.ndarray) -> Midplane:
    length = float(np.linalg.norm(matrix[0, :3]))
    return Midplane(matrix[0, :3] / length, -matrix[0, 3] / length, 1.0)


@pytest.mark.parametrize(
    ("turn", "size", "low_mm", "high_mm"),
    [
        ((0, 0, 0), 1.0, -90, 100),
        ((18, 6, -12), 1.08, -90, 100),
        ((-15, -5, 20), 0.93, -90, 100),
        ((10, 0, 5), 1.0, -20, 100),
        ((5, 0, 0), 1.0, -90, 40),
    ],
    ids=["as it is", "turned, larger", "turned, smaller", "no base", "no vertex"],
)
def test_places_are_found_to_a_few_millimetres(turn, size, low_mm, high_mm) -> None:
    head, true = turned_template(turn, size, low_mm, high_mm)
    fit = fit_template(head, plane_of(true), ATLAS)
    assert fit.good
    inner = head.points(np.argwhere(head.head & (head.brain > 25))[::200])
    expected = inner @ true[:3, :3].T + true[:3, 3]
    assert np.linalg.norm(fit.to_template(inner) - expected, axis=1).mean() < 4.0


def test_what_is_no_head_gets_no_names() -> None:
    head, true = turned_template((0, 0, 0), 1.0)
    box = np.zeros(head.hu.shape, bool)
    box[10:45, 15:50, 12:46] = True
    fake = CoarseHead(
        np.where(box, 40.0, HEAD_WINDOW[0]).astype(np.float32),
        np.where(box, 40.0, 0.0).astype(np.float32),
        head.scanned,
        box,
        head.origin_mm,
    )
    assert not fit_template(fake, plane_of(true), ATLAS).good


def test_two_slices_are_too_little_to_name_places() -> None:
    head, true = turned_template((0, 0, 0), 1.0, 8.0, 16.0)
    assert not fit_template(head, plane_of(true), ATLAS).good


def test_the_atlas_is_symmetric_and_its_sides_are_lps() -> None:
    for kind in Kind:
        names = ["", *REGIONS[kind]]
        grid = ATLAS.maps[kind]
        assert grid.max() <= len(REGIONS[kind])
        # Borders of even steps may fall either way.
        mirrored = np.array(
            [
                names.index(
                    name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
                )
                for name in names
            ]
        )[grid[:, :, ::-1]]
        assert np.mean((mirrored == grid)[grid > 0]) > 0.97
        for number, name in enumerate(names):
            if name.startswith("left"):
                x = ATLAS.origin_mm[0] + ATLAS.step_mm * np.argwhere(grid == number)[:, 2]
                assert np.mean(x > 0) > 0.9, name


@pytest.mark.parametrize(
    ("place", "point"),
    [
        ("left putamen", (25, -2, 0)),
        ("right thalamus", (-11, 18, 8)),
        ("left caudate", (13, -12, 12)),
        ("brainstem", (0, 28, -32)),
        ("right cerebellum", (-25, 62, -38)),
        ("left frontal lobe", (30, -45, 20)),
        ("right parietal lobe", (-35, 50, 45)),
        ("left temporal lobe", (52, 20, -18)),
        ("right occipital lobe", (-18, 88, 5)),
    ],
)
def test_known_places_have_their_names(place, point) -> None:
    number = ATLAS.names_at(Kind.PARENCHYMA, np.array([point], float))[0]
    assert REGIONS[Kind.PARENCHYMA][number - 1] == place


def test_untyped_blood_is_named_by_the_brain() -> None:
    assert kind_of(None) is Kind.PARENCHYMA
