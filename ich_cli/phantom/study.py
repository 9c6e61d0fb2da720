"""Write phantom studies: one, or a set of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ich_cli.domain import Side, Subtype
from ich_cli.errors import OutputError, UsageError
from ich_cli.phantom.dicom import SeriesIds, axial_datasets, localizer_dataset, save, series_ids
from ich_cli.phantom.head import HeadPhantom, make_head
from ich_cli.phantom.spec import Bleed, Kernel, PhantomSpec
from ich_cli.phantom.truth import TruthRow, write_truth


@dataclass(frozen=True, slots=True)
class Truth:
    """What was written.

    Attributes:
        folder: The study's folder.
        study_uid: Its Study Instance UID.
        series_uid: The soft-kernel axial series.
        rows: The lines of truth.csv.
        n_files: DICOM files written, all series.
    """

    folder: Path
    study_uid: str
    series_uid: str
    rows: tuple[TruthRow, ...]
    n_files: int


def write_study(spec: PhantomSpec, folder: Path) -> Truth:
    """Write one study into ``folder / spec.folder``; truth.csv is the caller's to write.

    Raises:
        UsageError: A bleed does not fit.
        OutputError: A file cannot be written.
    """
    head = make_head(spec)
    name = "Head bone" if spec.kernel is Kernel.BONE else "Head brain"
    main = series_ids(spec, 2, f"{name} {head.spacing_mm[0]:.1f}")
    home = folder / spec.folder
    count = _write_series(head, spec, main, home / "axial")
    if spec.localizer:
        scout = _folder(home / "localizer")
        ds = localizer_dataset(head.hu, head.grid, spec, series_ids(spec, 1, "Scout"))
        save(ds, scout / "0001.dcm", spec.compression)
        count += 1
    if spec.bone_series:
        sharp = replace(spec, kernel=Kernel.BONE)
        ids = series_ids(spec, 3, f"Head bone {head.spacing_mm[0]:.1f}")
        count += _write_series(make_head(sharp), sharp, ids, home / "bone")
    rows = _rows(spec, head, main)
    return Truth(home, main.study_uid, main.series_uid, rows, count)


def write_set(
    name: str,
    folder: Path,
    base: PhantomSpec | None = None,
    *,
    count: int | None = None,
    on_study: Callable[[Truth], None] | None = None,
) -> tuple[Truth, ...]:
    """Write a set of studies and their truth.csv.

    Args:
        name: One of ``SETS``.
        folder: Where.
        base: Settings of all studies but their bleeds.
        count: Number of studies, for sets that go on for ever; six when not given.
        on_study: Called after each study.
    """
    return write_studies(set_specs(name, base or PhantomSpec(), count), folder, on_study)


def write_studies(
    specs: Sequence[PhantomSpec], folder: Path, on_study: Callable[[Truth], None] | None = None
) -> tuple[Truth, ...]:
    """Write studies one after another, and one truth.csv beside them."""
    _folder(folder)
    truths = []
    for spec in specs:
        truths.append(write_study(spec, folder))
        if on_study:
            on_study(truths[-1])
    write_truth([row for truth in truths for row in truth.rows], folder)
    return tuple(truths)


_KINDS: tuple[tuple[Subtype, Side, str], ...] = (
    (Subtype.EDH, Side.RIGHT, "temporal"),
    (Subtype.IPH, Side.LEFT, "basal_ganglia"),
    (Subtype.IVH, Side.BILATERAL, "lateral"),
    (Subtype.SAH, Side.LEFT, "sylvian"),
    (Subtype.SDH, Side.RIGHT, "convexity"),
)
SETS: dict[str, str] = {
    "demo": "a normal head and one of each subtype; the first with a scout and a bone series",
    "mixed": "as many as asked for, normal heads and all subtypes in turn",
}


def set_specs(name: str, base: PhantomSpec, count: int | None = None) -> tuple[PhantomSpec, ...]:
    """The studies of a set, as many as ``count`` where it goes on for ever.

    Raises:
        UsageError: There is no such set, or it has a number of studies of its own.
    """
    if name not in SETS:
        raise UsageError(f"no phantom set {name!r}; choose one of: {', '.join(SETS)}")
    if name == "demo" and count is not None:
        raise UsageError("the set demo is always six studies; choose mixed to say how many")
    return tuple(_nth(name, base, index) for index in range(count or 6))


def _nth(name: str, base: PhantomSpec, index: int) -> PhantomSpec:
    turn, kind = divmod(index, 6)
    spec = replace(base, seed=base.seed + index)
    if kind == 0:
        first = name == "demo"
        spec = replace(spec, bleeds=(), localizer=first, bone_series=first)
    else:
        subtype, side, region = _KINDS[kind - 1]
        if turn % 2 and side is not Side.BILATERAL:
            side = Side.LEFT if side is Side.RIGHT else Side.RIGHT
        spec = replace(spec, bleeds=(Bleed(subtype, side=side, region=region),))
    if name == "demo":
        kinds = spec.bleeds[0].subtype.value.lower() if spec.bleeds else "normal"
        return replace(spec, name=f"{index + 1}_{kinds}")
    return replace(spec, name="")


def _write_series(head: HeadPhantom, spec: PhantomSpec, ids: SeriesIds, folder: Path) -> int:
    _folder(folder)
    number = 0
    for number, ds in enumerate(axial_datasets(head.hu, head.grid, spec, ids), start=1):
        save(ds, folder / f"{number:04d}.dcm", spec.compression)
    return number


def _rows(spec: PhantomSpec, head: HeadPhantom, ids: SeriesIds) -> tuple[TruthRow, ...]:
    return tuple(
        TruthRow(
            study=spec.folder,
            study_uid=ids.study_uid,
            series_uid=ids.series_uid,
            subtype=subtype,
            side=side,
            region=region,
            ml=round(left + right, 3),
            left_ml=round(left, 3),
            right_ml=round(right, 3),
            n_slices=head.grid.n,
            spacing_z_mm=round(head.spacing_mm[0], 4),
            tilt_deg=spec.tilt_deg,
            compression=spec.compression.value,
            seed=spec.seed,
        )
        for subtype, side, region, left, right in _facts(spec, head)
    )


def _facts(spec: PhantomSpec, head: HeadPhantom) -> Iterator[tuple[str, str, str, float, float]]:
    if not spec.bleeds:
        yield "", "", "", 0.0, 0.0
    for bleed, (left, right) in zip(spec.bleeds, head.side_ml, strict=True):
        yield bleed.subtype.value, bleed.side.value, bleed.place, left, right


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot make {path}: {reason}; choose another folder") from error
    return path
