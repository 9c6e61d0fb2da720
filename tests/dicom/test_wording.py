from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from ich_cli.dicom import wording
from tests.dicom.ct_files import instance


@pytest.mark.parametrize("agent", ["C-", "NONE", "none", "No", "", None, "WITHOUT", "N/A", "ORAL"])
def test_an_agent_that_means_none_is_plain(agent):
    assert wording.contrast(instance(contrast_agent=agent)) is None


@pytest.mark.parametrize(
    "agent", ["ISOVUE300/100", "Omnipaque 350", "C+", "APPLIED", "YES", "80 ml"]
)
def test_any_other_agent_is_contrast(agent):
    assert wording.contrast(instance(contrast_agent=agent)) == "ContrastBolusAgent"


@pytest.mark.parametrize(
    "name",
    ["CTA Head 0.75", "Angio Neck/Head", "HEAD C+", "Head +C 5mm", "Post Contrast", "CT VENOGRAM",
     "Brain with contrast", "Schädel KM", "Carotids", "e+1", "HEAD ENHANCED"],
)  # fmt: skip
def test_names_of_contrast_series(name):
    assert wording.contrast(instance(series_description=name)) is not None


@pytest.mark.parametrize(
    "name",
    ["Head W/O", "HEAD WO CONTRAST", "Brain without contrast", "Non-contrast head", "NCCT", "Plain",
     "5/5mm Plain", "Schädel nativ", "C- HEAD", "Unenhanced", "Head noncon 5.0", "Cranio native",
     "PRE CONTRAST", "Head 5.0 H30s", "Conebeam head", "Second look", None],
)  # fmt: skip
def test_names_of_plain_series(name):
    assert wording.contrast(instance(series_description=name)) is None


def test_a_plain_name_outweighs_an_agent_written_into_the_whole_study():
    item = instance(series_description="Head plain", contrast_agent="ULTRAVIST")
    assert wording.contrast(item) is None


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        (wording.is_localizer, {"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}),
        (wording.is_localizer, {"series_description": "Topogram 0.6 T20s"}),
        (wording.is_localizer, {"series_description": "SCOUT"}),
        (
            wording.is_bolus_tracking,
            {"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON")},
        ),
        (wording.is_bolus_tracking, {"series_description": "Premonitoring"}),
        (wording.is_bolus_tracking, {"series_description": "Locator_Bolus"}),
        (wording.is_perfusion, {"image_type": ("DERIVED", "PRIMARY", "PERFUSION", "RCBF")}),
        (wording.is_perfusion, {"series_description": "CBF map"}),
        (wording.is_projection, {"image_type": ("DERIVED", "SECONDARY", "AXIAL", "MIP")}),
        (wording.is_projection, {"series_description": "COR MIP"}),
        (wording.is_mpr, {"image_type": ("DERIVED", "SECONDARY", "MPR")}),
        (wording.is_mpr, {"image_type": ("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE")}),
        (wording.is_dose_report, {"series_description": "Dose Report"}),
        (wording.is_dose_report, {"series_description": "Patient Protocol"}),
        (wording.is_capture, {"image_type": ("DERIVED", "SECONDARY", "SCREEN SAVE")}),
        (wording.is_spectral, {"tags": {"RescaleType": "Z_EFF"}}),
        (wording.is_spectral, {"series_description": "MonoE 40 keV"}),
    ],
)
def test_purposes_are_told_by_their_words(check, changes):
    assert check(instance(**changes))
    assert not check(instance(series_description="Head routine 5.0"))


@pytest.mark.parametrize("text", ["CHEST", "HELICAL CHEST", "ABDOMEN", "C-SPINE", "Knee", "NECK"])
def test_other_body_parts(text):
    assert wording.other_body_part(instance(body_part=text))


@pytest.mark.parametrize("text", ["HEAD", "BRAIN", "HEADNECK", "HEAD AND NECK", "", "SKULL", None])
def test_the_head_is_no_other_body_part(text):
    assert wording.other_body_part(instance(body_part=text)) is None


@pytest.mark.parametrize(
    "name", ["Schädel nativ", "Schädelbasis", "TÊTE SANS IV", "Crânio", "cabeça"]
)
def test_the_head_is_known_with_its_accents_in_a_scan_of_the_whole_body(name):
    composed = instance(study_description="Polytrauma Thorax Abdomen", series_description=name)
    assert wording.other_body_part(composed) is None
    decomposed = replace(composed, series_description=unicodedata.normalize("NFD", name))
    assert wording.other_body_part(decomposed) is None


def test_a_head_series_under_a_chest_label_stays_a_head():
    item = instance(body_part="CHEST", series_description="Head 5.0 H30s")
    assert wording.other_body_part(item) is None
    assert wording.names_head(item)


@pytest.mark.parametrize(
    ("name", "body_part", "told"),
    [
        ("C-Spine 2.0", "HEAD", True),
        ("5.0 H31s", "CHEST", True),
        ("5.0 H31s", "HEAD", False),
        ("Head/Neck 5.0", "NECK", False),
        ("Schädel 5.0", "NECK", False),
        (None, None, False),
    ],
)
def test_the_name_of_a_series_outweighs_the_body_part_of_the_protocol(name, body_part, told):
    item = instance(series_description=name, body_part=body_part, study_description="Head")
    assert wording.names_other_part(item) is told
