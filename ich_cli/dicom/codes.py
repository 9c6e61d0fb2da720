"""The stable words for why a file or series is not used, and what each means."""

from __future__ import annotations

from enum import Enum

from ich_cli.domain import Reason


class Code(str, Enum):
    """Words to count by; they appear in the results and never change their meaning."""

    # files
    EMPTY_FILE = "empty_file"
    UNREADABLE = "unreadable"
    UNREADABLE_FOLDER = "unreadable_folder"
    NOT_A_FILE = "not_a_file"
    BROKEN_LINK = "broken_link"
    SYMLINK_LOOP = "symlink_loop"
    FOLDER_SEEN = "folder_seen"
    OWN_OUTPUT = "own_output"
    NOT_DICOM = "not_dicom"
    DICOMDIR = "dicomdir"
    BROKEN_HEADER = "broken_header"
    NOT_IMAGE = "not_image"
    TOO_LARGE = "too_large"
    DUPLICATE_INSTANCE = "duplicate_instance"
    # archives
    BROKEN_ARCHIVE = "broken_archive"
    UNSAFE_PATH = "unsafe_path"
    ARCHIVE_RATIO = "archive_ratio"
    ARCHIVE_MEMBERS = "archive_members"
    ENCRYPTED = "encrypted"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    NESTED_ARCHIVE = "nested_archive"
    UNPACK_FIRST = "unpack_first"
    # series, by header
    NOT_CT = "not_ct"
    SECONDARY_CAPTURE = "secondary_capture"
    DOSE_REPORT = "dose_report"
    LOCALIZER = "localizer"
    BOLUS_TRACKING = "bolus_tracking"
    PERFUSION = "perfusion"
    PROJECTION = "projection"
    SPECTRAL = "spectral"
    MPR = "mpr"
    NO_GEOMETRY = "no_geometry"
    NOT_AXIAL = "not_axial"
    ONE_POSITION = "one_position"
    OTHER_BODY_PART = "other_body_part"
    CONTRAST = "contrast"
    BONE_KERNEL = "bone_kernel"
    KVP = "kvp"
    TOO_FEW_SLICES = "too_few_slices"
    TOO_LITTLE_COVERAGE = "too_little_coverage"
    NOT_PREFERRED = "not_preferred"
    EXCLUDED = "excluded"
    NOT_INCLUDED = "not_included"
    # series, by pixels
    CANNOT_DECODE = "cannot_decode"
    TRUNCATED = "truncated"
    INCOMPLETE = "incomplete"
    NO_RESCALE = "no_rescale"
    COARSE_HU = "coarse_hu"
    GAP = "gap"
    MIXED_ORIENTATION = "mixed_orientation"
    MIXED_MATRIX = "mixed_matrix"
    SAME_PLACE = "same_place"
    NOT_A_HEAD = "not_a_head"
    IMPLAUSIBLE_HU = "implausible_hu"


def because(code: Code, detail: str = "") -> Reason:
    """Make a :class:`~ich_cli.domain.Reason` of a code and a detail free of patient data."""
    return Reason(code.value, detail)
