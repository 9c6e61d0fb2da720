"""What the free text of headers says: contrast, purpose, body part.

Texts are typed by people in many languages, so the words are matched whole and without their
accents, and a word that denies counts before the word it denies.
"""

from __future__ import annotations

import re
import unicodedata

from ich_cli.domain import Instance

_PLAIN = re.compile(
    r"\bW\s*/\s*O\b|\bWO\b|\bWITHOUT\b|\bNON?[\s_-]?(IV[\s_-]?)?(CON|CONT|CONTRAST|ENHANCED)\b"
    r"|\bNCCT\b|\bNECT\b|\bNCHCT\b|\bUNENHANCED\b|\bPLAIN\b|\bNATIVE?\b|\bNATIF\b|\bSIMPLE\b"
    r"|\bPRE[\s_-]?CONTRAST\b|\bOHNE\b|\bSANS\b|\bSIN\b|\bSENZA\b|(?<!\w)C-(?!\w)|(?<!\w)-C(?!\w)"
)
_CONTRAST = re.compile(
    r"\bCTA\b|\bCTV\b|\bCTAC\b|ANGIO|VENOGRA|\bCAROTIDS?\b|\bARTERIAL\b|\bVENOUS\b|CONTRAST"
    r"|\bENHANCED\b|\bCE\b|\bCECT\b|\bCON\b|\bKM\b|\bPOST[\s_-]?CON|\bDELAY(ED)?\b"
    r"|(?<!\w)C\+|(?<!\w)\+C(?!\w)|\bE\+\d"
    r"|ISOVUE|OMNIPAQUE|VISIPAQUE|ULTRAVIST|IOHEXOL|IOPAMIDOL|IOMERON|OPTIRAY|XENETIX"
)
_NO_AGENT = frozenset(
    {"", "-", "0", "C-", "N", "NA", "N/A", "NEG", "NIL", "NO", "NONE", "NON", "NULL", "OFF",
     "OHNE", "PLAIN", "SIN", "SANS", "UNENHANCED", "WITHOUT", "WO", "W/O"}
)  # fmt: skip
_LOCALIZER = re.compile(
    r"\b(SCOUT|SCOUTS|TOPOGRAM|TOPO|SURVIEW|LOCALI[SZ]ERS?|SCANOGRAM|SCANO|PILOT|SCANOSCOPE)\b"
)
_BOLUS = re.compile(
    r"BOLUS|\bTRACKER\b|\bSMART[\s_-]?PREP\b|\b(PRE)?MONITORING\b|\bSURE[\s_-]?START\b|\bTIMING\b"
)
_PERFUSION = re.compile(
    r"PERFUSION|\bPERF\b|\bCTP\b|\bVPCT\b|\bR?CBF\b|\bR?CBV\b|\bMTT\b|\bTTP\b|\bTTD\b|\bTMAX\b"
)
_PROJECTION = re.compile(r"\b(MIP|MINIP|VRT|SSD|VOLUME RENDERING|PROJECTION IMAGE)\b")
_SPECTRAL = re.compile(
    r"\bIODINE?\b|\bVNC\b|\bVIRTUAL\b|\b\d{2,3}\s*KEV\b|\bZ[\s_-]?EFF|\bEFFECTIVE Z\b|ELECTRON DENS"
    r"|\bMONO[\s_-]?E"
)
_MPR = re.compile(r"\b(MPR|REFORMAT(TED|S)?|REFORMATTED|COR|SAG|CORONAL|SAGITTAL)\b")
_DOSE = re.compile(r"\bDOSE\b|\bPATIENT PROTOCOL\b|\bDOSIS\b")
_CAPTURE = re.compile(r"SCREEN\s?SAVE|SCREEN\s?SHOT|SECONDARY CAPTURE|\bSNAPSHOT\b")
_HEAD = re.compile(
    r"\b(HEAD|BRAIN|SKULL|CRANI\w*|CEREBR\w*|NEURO\w*|STROKE|KOPF|SCHAE?DEL\w*|TETE|CRANE|ENCEPH\w*"
    r"|CEREBRO|CABE[CZ]A|HCT|CTH|HEADNECK|HIRN)\b"
)
_OTHER_PART = re.compile(
    r"\b(CHEST|THORAX|LUNGS?|ABD\w*|PELVIS|HEART|CARDIAC|CORONAR\w*|AORTA|LIVER|KIDNEYS?|PANCREAS"
    r"|COLON|[CTL][\s_-]?SPINE|SPINE|CERVICAL|LUMBAR|THORACIC|NECK|SHOULDER|ELBOW|WRIST|HAND|HIP"
    r"|KNEE|ANKLE|FOOT|LEG|ARM|EXTREMITY|UROGRAM|BREAST)\b"
)


def is_plain_name(item: Instance) -> bool:
    """Whether the series' own name says that no contrast was given."""
    return bool(_PLAIN.search(_upper(item.series_description)))


def contrast(item: Instance) -> str | None:
    """Why the header says that contrast was given; ``None`` when it does not.

    The name of the series outweighs ContrastBolusAgent, which some scanners write into every
    series of a study; study and protocol names speak for the study and are not asked.
    """
    if is_plain_name(item):
        return None
    agent = _upper(item.contrast_agent).strip(" .;")
    if agent not in _NO_AGENT and not _PLAIN.search(agent) and "ORAL" not in agent:
        return "ContrastBolusAgent"
    if found := _CONTRAST.search(_upper(item.series_description)):
        return f"series name says {found[0].strip()}"
    return None


def is_localizer(item: Instance) -> bool:
    """A projection for planning."""
    return "LOCALIZER" in item.image_type or bool(_LOCALIZER.search(_series_text(item)))


def is_bolus_tracking(item: Instance) -> bool:
    """Repeated slices at one place that watch the contrast arrive."""
    by_type = any(word.endswith("MON") for word in item.image_type)
    return by_type or bool(_BOLUS.search(_series_text(item)))


def is_perfusion(item: Instance) -> bool:
    """A perfusion run or a map made from one."""
    return bool(_PERFUSION.search(f"{_types(item)} {_series_text(item)}"))


def is_projection(item: Instance) -> bool:
    """A picture rendered from a volume, such as a maximum intensity projection."""
    return bool(_PROJECTION.search(f"{_types(item)} {_series_text(item)}"))


def is_spectral(item: Instance) -> bool:
    """A map of something else than Hounsfield units, or of one photon energy."""
    rescale = _upper(item.tags.get("RescaleType")).strip()
    other_unit = rescale not in {"", "HU", "US", "HOUNSFIELD"}
    return other_unit or bool(_SPECTRAL.search(_series_text(item)))


def is_mpr(item: Instance) -> bool:
    """Reformatted from another series."""
    return bool(_MPR.search(_types(item)))


def is_dose_report(item: Instance) -> bool:
    """A picture of a dose table, unless it is a slice of a stack."""
    return bool(_DOSE.search(_series_text(item)))


def is_capture(item: Instance) -> bool:
    """A screenshot."""
    return bool(_CAPTURE.search(f"{_types(item)} {_series_text(item)}"))


def names_head(item: Instance) -> bool:
    """Whether any text speaks of the head."""
    return bool(_HEAD.search(_all_text(item)))


def names_other_part(item: Instance) -> bool:
    """Whether the series' own name is that of another part of the body.

    The body part is asked where the name tells nothing: it is often that of the whole protocol.
    """
    for text in (_series_text(item), _upper(item.body_part)):
        if _HEAD.search(text):
            return False
        if _OTHER_PART.search(text):
            return True
    return False


def other_body_part(item: Instance) -> str | None:
    """Another part of the body that the texts name, when none names the head."""
    text = _all_text(item)
    found = _OTHER_PART.search(text)
    return None if found is None or _HEAD.search(text) else found[0]


def _upper(text: str | None) -> str:
    """Capitals without accents: ``Schädel`` and ``TÊTE`` become ``SCHADEL`` and ``TETE``."""
    parts = unicodedata.normalize("NFD", (text or "").upper().replace("_", " "))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _types(item: Instance) -> str:
    frames = item.tags.get("FrameTypes", "").replace("\\", " ")
    return f"{' '.join(item.image_type)} {frames}".replace("_", " ")


def _series_text(item: Instance) -> str:
    return _upper(item.series_description)


def _all_text(item: Instance) -> str:
    texts = (item.body_part, item.series_description, item.study_description, item.protocol_name)
    return " ".join(_upper(text) for text in texts)
