from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.dicom.decode import Pixels, decode
from ich_cli.dicom.discover import discover
from ich_cli.dicom.hu import Hounsfield, to_hounsfield
from ich_cli.dicom.plausibility import judge_pixels
from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Volume
from tests.dicom.ct_files import series

SHAPE, PIXEL_MM, STEP_MM = (28, 160, 160), 1.5, 5.0


def volume_of(hu: np.ndarray, pixel_mm: float = PIXEL_MM, step_mm: float = STEP_MM) -> Volume:
    return Volume(
        hu=hu.astype(np.float32),
        spacing_mm=(step_mm, pixel_mm, pixel_mm),
        slice_mm=np.full(len(hu), step_mm, np.float32),
        positions_mm=np.zeros((len(hu), 3)),
        affine=np.eye(4),
        sop_uids=("",) * len(hu),
    )


def made_head(noise: float = 3.0, seed: int = 0) -> np.ndarray:
    """An ellipsoid of brain in a shell of bone in a layer of skin, and a sagittal sinus."""
    z, y, x = np.meshgrid(*(np.arange(n) - n / 2 for n in SHAPE), indexing="ij")
    radius = np.sqrt((z * STEP_MM / 75) ** 2 + (y * PIXEL_MM / 88) ** 2 + (x * PIXEL_MM / 70) ** 2)
    hu = np.full(SHAPE, -1000.0)
    hu[radius < 1.16] = 40
    hu[radius < 1.08] = 900
    hu[radius < 1.0] = 32
    sinus = (radius < 1.0) & (radius > 0.9) & (np.abs(x * PIXEL_MM) < 8) & (y > 0)
    hu[sinus] = 55
    return hu + np.random.default_rng(seed).normal(0, noise, SHAPE)


def verdict(hu: np.ndarray, **header) -> str | None:
    reason = judge_pixels(volume_of(hu), series("a", **header))
    return reason.code if reason else None


def test_a_series_asked_for_by_uid_passes_by_its_header_and_not_by_its_pixels():
    rules = SelectionRules(series_uid=("a",))
    (asked,) = select([series("a", kernel="H70h")], rules).candidates
    refused = judge_pixels(volume_of(made_head(noise=30)), asked.series)
    assert refused is not None
    assert refused.code == "bone_kernel"
    assert judge_pixels(volume_of(made_head()), asked.series) is None


def test_a_head_passes():
    assert verdict(made_head()) is None


def test_a_head_with_blood_passes():
    head = made_head()
    head[10:16, 60:90, 50:75] = 72
    assert verdict(head) is None


def test_a_head_whose_air_was_clipped_passes():
    assert verdict(np.maximum(made_head(), -200)) is None


def test_a_picture_exported_in_a_brain_window_is_no_measurement():
    assert verdict(np.clip(made_head(), 0, 80)) == "implausible_hu"


def test_a_craniectomy_passes():
    head = made_head()
    head[:, 50:110, :52] = np.where(head[:, 50:110, :52] > 300, 35, head[:, 50:110, :52])
    assert verdict(head) is None


def test_bright_veins_are_contrast():
    head = made_head()
    head[(head > 50) & (head < 70)] = 140
    sinus = ndimage.binary_opening((head > 130) & (head < 150))
    assert sinus.any()
    assert verdict(head) == "contrast"


def test_the_noise_of_a_bone_kernel_is_noticed_unless_the_header_names_a_soft_one():
    assert verdict(made_head(noise=30)) == "bone_kernel"
    assert verdict(made_head(noise=30), kernel="H30s") is None


def test_thin_slices_may_be_noisier():
    thin = replace(volume_of(made_head(noise=20)), slice_thickness_mm=0.75)
    assert judge_pixels(thin, series("a")) is None


@pytest.mark.parametrize(
    ("body", "wanted"),
    [(np.full(SHAPE, -1000.0), "not_a_head"), (np.full(SHAPE, 40.0), "implausible_hu")],
)
def test_nothing_and_a_picture_without_air_are_no_head(body, wanted):
    assert verdict(body) == wanted


def test_an_abdomen_is_no_head():
    _, y, x = np.meshgrid(*(np.arange(n) - n / 2 for n in SHAPE), indexing="ij")
    radius = np.hypot(y * PIXEL_MM / 90, x * PIXEL_MM / 115)
    hu = np.where(radius < 1, np.where(radius < 0.85, 45.0, -100.0), -1000.0)
    hu[np.hypot(y - 35, x) < 15] = 500
    assert verdict(hu) == "not_a_head"


def test_a_few_slices_of_head_are_too_little():
    assert verdict(made_head()[12:17]) == "too_little_coverage"


def test_a_pure_phantom_of_water_in_a_ring_beyond_a_heads_size_is_no_head():
    _, y, x = np.meshgrid(*(np.arange(n) - n / 2 for n in SHAPE), indexing="ij")
    radius = np.hypot(y, x) * PIXEL_MM
    hu = np.where(radius < 118, 0.0, -1000.0)
    hu[(radius > 112) & (radius < 118)] = 900
    assert verdict(hu) == "not_a_head"


def test_a_scan_of_many_slices_is_judged_the_same():
    many = np.repeat(made_head(noise=0), 8, axis=0) + np.random.default_rng(0).normal(
        0, 4, (SHAPE[0] * 8, *SHAPE[1:])
    )
    assert judge_pixels(volume_of(many, step_mm=STEP_MM / 8), series("a")) is None


@pytest.mark.parametrize("folder", ["ID_462abff7", "ID_d278c67b", "ID_134bd130", "ID_4942f4e0"])
def test_real_heads_pass(shared_data, folder):
    """Those with shunts, clips, wide ventricles and the most noise."""
    passes(shared_data / "rsna_scans" / folder)


def test_the_reference_volume_passes(shared_data):
    passes(shared_data / "rsna_volume")


def passes(folder: Path) -> None:
    (found,) = discover([folder]).series
    volume = load_volume(found)
    assert isinstance(volume, Volume)
    assert judge_pixels(volume, found) is None


@pytest.mark.parametrize(
    ("file", "pixel_mm", "wanted"),
    [
        ("chest_encodings/original.dcm", 0.675781, "not_a_head"),
        ("no_extension/CT1_J2KR", 0.661468, "not_a_head"),
        ("no_extension/CT2_J2KR", 0.468, "contrast"),
        ("other_ct/neck_bad_sequence_jpeg_lossless.dcm", 0.287109, None),
        ("other_ct/no_preamble_retired_class.dcm", 0.384766, None),
        ("other_ct/pancreas_vr_un_j2k.dcm", 0.859375, "not_a_head"),
        ("tilted/1.dcm", 0.41797, "not_a_head"),
    ],
)
def test_stacks_made_of_real_slices_are_told(shared_data, file, pixel_mm, wanted):
    """One slice, twenty times: a neck and a spine fill their picture, so any reason will do."""
    pixels = decode(FileRef(shared_data / "dicom_edge" / file))
    assert isinstance(pixels, Pixels)
    scaled = to_hounsfield(pixels)
    assert isinstance(scaled, Hounsfield)
    reason = judge_pixels(volume_of(np.repeat(scaled.hu, 20, axis=0), pixel_mm), series("a"))
    assert reason is not None
    assert wanted is None or reason.code == wanted


@pytest.mark.parametrize("file", ["head_ct/693_UNCR.dcm", "other_ct/contrast_dash.dcm"])
def test_stacks_made_of_plain_head_slices_pass(shared_data, file):
    pixels = decode(FileRef(shared_data / "dicom_edge" / file))
    assert isinstance(pixels, Pixels)
    scaled = to_hounsfield(pixels)
    assert isinstance(scaled, Hounsfield)
    volume = volume_of(np.repeat(scaled.hu, 20, axis=0), 0.47)
    assert judge_pixels(volume, series("a")) is None
