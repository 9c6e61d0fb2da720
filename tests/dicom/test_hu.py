from __future__ import annotations

import numpy as np
import pytest

from ich_cli.dicom.decode import Pixels
from ich_cli.dicom.enhanced import Frame
from ich_cli.dicom.hu import Hounsfield, to_hounsfield
from ich_cli.domain import Reason

HEAD = np.full((1, 40, 40), -1000, np.int16)
HEAD[0, 10:30, 10:30] = 35
HEAD[0, 10, 10:30] = 900


def scaled(pixels: Pixels) -> Hounsfield:
    result = to_hounsfield(pixels)
    assert isinstance(result, Hounsfield), result
    return result


def test_slope_and_intercept_are_applied():
    result = scaled(Pixels(np.array([[[0, 512, 1024]]], np.uint16), slope=2.0, intercept=-1024.0))
    assert result.hu.dtype == np.float32
    assert result.hu[0, 0].tolist() == [-1024, 0, 1024]


def test_a_slope_that_is_absent_is_one():
    assert scaled(Pixels(HEAD, None, -24.0)).hu[0, 20, 20] == 11


@pytest.mark.parametrize(
    "pixels",
    [
        Pixels(HEAD, 0.0, -1024.0),
        Pixels(HEAD, 0.0, None),
        Pixels(HEAD, 1.0, -1024.0, frames=(Frame(slope=0.0, intercept=-1024.0),)),
    ],
)
def test_a_slope_of_0_is_not_taken_for_1(pixels):
    reason = to_hounsfield(pixels)
    assert reason == Reason("no_rescale", "a RescaleSlope of 0 makes all values one")


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, ">i2", ">u2", np.int32])
def test_the_integer_type_makes_no_difference(dtype):
    result = scaled(Pixels((HEAD + 1024).astype(dtype), 1.0, -1024.0))
    np.testing.assert_array_equal(result.hu, HEAD)
    assert result.flags == frozenset()


def test_declared_padding_becomes_air_even_at_a_plausible_value():
    stored = (HEAD + 1024).astype(np.int16)
    stored[0, :2] = 63
    result = scaled(Pixels(stored, 1.0, -1024.0, padding=(60, 63)))
    assert (result.hu[0, :2] == -1024).all()
    assert result.flags == {"padding_masked"}


def test_padding_of_0_in_a_file_of_hu_takes_no_fluid_for_air():
    stored = HEAD.copy()
    stored[0, :2] = 0
    stored[0, 20, 20] = 0
    result = scaled(Pixels(stored, 1.0, 0.0, padding=(0, 0)))
    assert (result.hu[0, :2] == -1024).all()
    assert result.hu[0, 20, 20] == 0


def test_undeclared_padding_is_recognised():
    stored = HEAD.copy()
    stored[0, :2] = -3024
    result = scaled(Pixels(stored, 1.0, 0.0))
    assert (result.hu[0, :2] == -1024).all()
    assert result.flags == {"padding_masked"}


def test_impossible_values_are_clamped_and_flagged():
    stored = HEAD.astype(np.int32)
    stored[0, 15, 15] = 20_000
    result = scaled(Pixels(stored, 1.0, 0.0))
    assert result.hu.max() == 3071
    assert result.flags == {"hu_clamped"}


def test_without_a_rescale_nothing_is_guessed():
    reason = to_hounsfield(Pixels((HEAD + 1024).astype(np.uint16)))
    assert isinstance(reason, Reason)
    assert reason.code == "no_rescale"


def test_signed_values_with_air_at_minus_thousand_are_hounsfield_units():
    result = scaled(Pixels(HEAD))
    np.testing.assert_array_equal(result.hu, HEAD)
    assert result.flags == {"rescale_assumed"}


def test_coarse_grey_levels_cannot_show_blood():
    reason = to_hounsfield(Pixels(HEAD.astype(np.uint8), 32.0, -4047.0))
    assert isinstance(reason, Reason)
    assert reason.code == "coarse_hu"


def test_monochrome1_only_turns_the_display():
    """The standard: the rescale gives HU, the photometric interpretation the picture."""
    result = scaled(Pixels((HEAD + 1024).astype(np.uint16), 1.0, -1024.0, inverted=True))
    np.testing.assert_array_equal(result.hu, HEAD)


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint16, 12), (np.int16, 16), (np.uint16, 16)])
def test_monochrome1_with_turned_pixels_is_turned_back(dtype, bits):
    """Converters exist that invert the pixels and leave the rescale alone."""
    top = -1 if dtype is np.int16 else (1 << bits) - 1
    stored = (top - (HEAD.astype(np.int32) + 1024)).astype(dtype)
    result = scaled(Pixels(stored, 1.0, -1024.0, inverted=True, bits_stored=bits))
    np.testing.assert_array_equal(result.hu, HEAD)
    assert "monochrome1_inverted" in result.flags


@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values_called_unsigned_are_unwrapped(bits):
    """As in some scans of the RSNA 2019 set: air is at the top of the scale, not below zero."""
    stored = (HEAD.astype(np.int32) % (1 << bits)).astype(np.uint16)
    result = scaled(Pixels(stored, 1.0, 0.0, bits_stored=bits))
    np.testing.assert_array_equal(result.hu, HEAD)
    assert result.flags == {"negatives_unwrapped"}


def test_unsigned_values_that_end_at_water_stay_as_they_are():
    stored = HEAD.clip(0).astype(np.uint16)
    result = scaled(Pixels(stored, 1.0, 0.0, bits_stored=12))
    np.testing.assert_array_equal(result.hu, HEAD.clip(0))
    assert result.flags == frozenset()


def test_frames_have_their_own_rescale():
    stored = np.array([[[1024]], [[2048]]], np.uint16)
    frames = (Frame(slope=1.0, intercept=-1024.0), Frame(slope=0.5, intercept=-1024.0))
    assert scaled(Pixels(stored, frames=frames)).hu.ravel().tolist() == [0, 0]
