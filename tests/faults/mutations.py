"""Ways to damage a DICOM file, drawn by hypothesis so that a failure shrinks to its cause."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import strategies as st

Mutation = Callable[[bytes], bytes]


def at(data: bytes, where: float) -> int:
    return min(int(where * len(data)), max(0, len(data) - 1))


def put(data: bytes, start: int, new: bytes) -> bytes:
    return data[:start] + new + data[start + len(new) :]


def overwrite(where: float, new: bytes) -> Mutation:
    return lambda data: put(data, at(data, where), new)


def truncate(where: float) -> Mutation:
    return lambda data: data[: at(data, where)]


def cut_out(where: float, count: int) -> Mutation:
    return lambda data: data[: at(data, where)] + data[at(data, where) + count :]


def repeat(where: float, count: int) -> Mutation:
    def mutate(data: bytes) -> bytes:
        start = at(data, where)
        return data[:start] + data[start : start + count] * 3 + data[start + count :]

    return mutate


def zero(where: float, count: int) -> Mutation:
    return lambda data: put(data, at(data, where), bytes(min(count, len(data) - at(data, where))))


def set_element(tag: tuple[int, int], value: bytes) -> Mutation:
    """Change the value of an explicit little-endian element where it is, keeping its length."""
    key = struct.pack("<HH", *tag)

    def mutate(data: bytes) -> bytes:
        found = data.find(key)
        if found < 0:
            return data
        length = struct.unpack_from("<H", data, found + 6)[0] if found + 8 <= len(data) else 0
        return put(data, found + 8, value[:length].ljust(min(length, 64), b" "))

    return mutate


def set_length(tag: tuple[int, int], length: int) -> Mutation:
    """Make an element claim another length."""
    key = struct.pack("<HH", *tag)

    def mutate(data: bytes) -> bytes:
        found = data.find(key)
        if found < 0:
            return data
        long = data[found + 4 : found + 6] in (b"OW", b"OB", b"SQ", b"UN", b"UT")
        packed = struct.pack("<I", length) if long else struct.pack("<H", length & 0xFFFF)
        return put(data, found + (8 if long else 6), packed)

    return mutate


ROWS, COLUMNS, FRAMES = (0x0028, 0x0010), (0x0028, 0x0011), (0x0028, 0x0008)
SAMPLES, ALLOCATED, STORED = (0x0028, 0x0002), (0x0028, 0x0100), (0x0028, 0x0101)
PIXELS, SYNTAX, POSITION = (0x7FE0, 0x0010), (0x0002, 0x0010), (0x0020, 0x0032)
ORIENTATION, SPACING, SLOPE = (0x0020, 0x0037), (0x0028, 0x0030), (0x0028, 0x1053)

_where = st.floats(0, 1)
_tags = st.sampled_from(
    [ROWS, COLUMNS, FRAMES, SAMPLES, ALLOCATED, STORED, PIXELS, SYNTAX, POSITION, ORIENTATION]
)
_numbers = st.sampled_from(
    [b"\0\0", b"\1\0", b"\xff\xff", b"\xff\x7f", b"\0\x80", b"\x10\0", b"\x0f\0"]
)
_texts = st.sampled_from(
    [
        b"nan\\nan\\nan",
        b"1e308\\1e308\\1e308",
        b"-1\\-1",
        b"0\\0\\0\\0\\0\\0",
        b"\\\\\\",
        b"",
        b"9" * 60,
    ]
)
_syntaxes = st.sampled_from(
    [
        b"1.2.840.10008.1.2",
        b"1.2.840.10008.1.2.2",
        b"1.2.840.10008.1.2.1.99",
        b"1.2.840.10008.1.2.5",
        b"1.2.840.10008.1.2.4.50",
        b"1.2.840.10008.1.2.4.70",
        b"1.2.840.10008.1.2.4.80",
        b"1.2.840.10008.1.2.4.90",
        b"1.2.840.10008.1.2.4.201",
        b"1.2.840.10008.1.2.4.100",
    ]
)

mutation: st.SearchStrategy[Mutation] = st.one_of(
    st.builds(overwrite, _where, st.binary(min_size=1, max_size=8)),
    st.builds(truncate, _where),
    st.builds(cut_out, _where, st.integers(1, 200)),
    st.builds(repeat, _where, st.integers(1, 400)),
    st.builds(zero, _where, st.integers(1, 2000)),
    st.builds(set_element, st.sampled_from([ROWS, COLUMNS, SAMPLES, ALLOCATED, STORED]), _numbers),
    st.builds(
        set_element, st.sampled_from([POSITION, ORIENTATION, SPACING, SLOPE, FRAMES]), _texts
    ),
    st.builds(set_element, st.just(SYNTAX), _syntaxes),
    st.builds(set_length, _tags, st.sampled_from([0, 1, 7, 0xFFFE, 0xFFFFFFFF, 0x7FFFFFFF])),
)
"""One damage; several are applied one after the other."""


def apply(mutations: list[Mutation], data: bytes) -> bytes:
    for mutate in mutations:
        data = mutate(data)
    return data
