"""``ich phantom``: write head phantoms as DICOM, with their truth."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ich_cli.domain import Side, Subtype
from ich_cli.errors import UsageError

if TYPE_CHECKING:
    from ich_cli.phantom.spec import Bleed, PhantomSpec
    from ich_cli.phantom.study import Truth

Choice = TypeVar("Choice", bound=Enum)


def phantom(
    out: Annotated[Path, typer.Argument(help="Folder to write the studies and truth.csv into.")],
    set_name: Annotated[
        str | None, typer.Option("--set", help="A set of studies: demo or mixed.")
    ] = None,
    subtype: Annotated[
        list[str] | None,
        typer.Option("--subtype", "-s", help="EDH, IPH, IVH, SAH or SDH; may be repeated."),
    ] = None,
    ml: Annotated[
        list[float] | None, typer.Option("--ml", help="Millilitres, one for each subtype.")
    ] = None,
    side: Annotated[str, typer.Option(help="left, right or bilateral.")] = "left",
    region: Annotated[str, typer.Option(help="Where, e.g. thalamus; empty for the usual.")] = "",
    n: Annotated[
        int | None,
        typer.Option("--n", min=1, help="How many, with seeds one apart; 1, or a set's six."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    tilt: Annotated[float, typer.Option(help="Gantry tilt in degrees.")] = 0.0,
    spacing: Annotated[
        str, typer.Option(help="Slice spacing in mm; '2.5,5' is fine below and coarse above.")
    ] = "5",
    slices: Annotated[int | None, typer.Option(help="How many; all of the head if left out.")] = (
        None
    ),
    thickness: Annotated[float | None, typer.Option(help="Slice thickness in mm.")] = None,
    matrix: Annotated[int, typer.Option(help="Rows and columns.")] = 256,
    noise: Annotated[float, typer.Option(help="Noise in HU.")] = 3.0,
    kvp: Annotated[float, typer.Option(help="Tube voltage.")] = 120.0,
    kernel: Annotated[str, typer.Option(help="brain or bone.")] = "brain",
    compression: Annotated[
        str,
        typer.Option(help="none, rle, jpeg-ls, jpeg2000, jpeg-lossless or deflated."),
    ] = "none",
    orientation: Annotated[str, typer.Option(help="HFS, FFS or HFP.")] = "HFS",
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Columns run from the patient's left to right.")
    ] = False,
    localizer: Annotated[bool, typer.Option("--localizer", help="Add a scout.")] = False,
    bone_series: Annotated[
        bool, typer.Option("--bone-series", help="Add a bone-kernel series.")
    ] = False,
) -> None:
    """Write analytic head phantoms as DICOM, and truth.csv with what is in them.

    They serve to try out and test: plumbing and geometry, never a claim of accuracy.
    """
    from ich_cli.phantom.spec import Compression, Kernel, Orientation, PhantomSpec
    from ich_cli.phantom.study import set_specs, write_studies

    if set_name and (subtype or ml):
        raise UsageError("--set brings its own bleeds; leave out --subtype and --ml")
    base = PhantomSpec(
        seed=seed,
        bleeds=_bleeds(subtype or [], ml or [], side, region),
        matrix=matrix,
        spacing_mm=_spacing(spacing),
        slices=slices,
        thickness_mm=thickness,
        tilt_deg=tilt,
        noise_hu=noise,
        kernel=_choice(Kernel, kernel, "--kernel"),
        kvp=kvp,
        compression=_choice(Compression, compression, "--compression"),
        orientation=_choice(Orientation, orientation, "--orientation"),
        mirror=mirror,
        localizer=localizer,
        bone_series=bone_series,
    )
    specs = set_specs(set_name, base, n) if set_name else _seeds(base, n or 1)
    truths = write_studies(specs, out, _say)
    files = sum(t.n_files for t in truths)
    typer.echo(f"{len(truths)} studies, {files} files; truth in {out / 'truth.csv'}")


def _say(truth: Truth) -> None:
    """One line a study."""
    bleeds = "; ".join(
        f"{row.subtype} {row.ml:.1f} mL {row.side} {row.region}" for row in truth.rows if row.ml
    )
    typer.echo(f"{truth.folder}  {bleeds or 'normal'}")


def _seeds(base: PhantomSpec, n: int) -> tuple[PhantomSpec, ...]:
    from dataclasses import replace

    return tuple(replace(base, seed=base.seed + i) for i in range(n))


def _choice(kind: type[Choice], word: str, option: str) -> Choice:
    """The member of an enumeration that a word names, in either case."""
    for member in kind:
        if str(member.value).lower() == word.strip().lower():
            return member
    known = ", ".join(str(member.value) for member in kind)
    raise UsageError(f"{option} {word!r} is not known; choose one of: {known}")


def _spacing(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--spacing {text!r}: give millimetres, e.g. 5 or 2.5,5") from None


def _bleeds(subtypes: list[str], ml: list[float], side: str, region: str) -> tuple[Bleed, ...]:
    from ich_cli.phantom.spec import Bleed

    if ml and len(ml) != len(subtypes):
        raise UsageError(f"{len(ml)} --ml for {len(subtypes)} --subtype; give one for each")
    if region and not subtypes:
        raise UsageError("--region needs --subtype")
    amounts: list[float | None] = [*ml] or [None] * len(subtypes)
    kinds = (_choice(Subtype, s, "--subtype") for s in subtypes)
    where = _choice(Side, side, "--side")
    return tuple(
        Bleed(kind, amount, where, region) for kind, amount in zip(kinds, amounts, strict=True)
    )
