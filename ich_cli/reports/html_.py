"""``report.html``: worklist, scans, evaluation and run in one file that needs no network.

Everything that came from a header goes through Jinja's autoescape; the page's content
security policy lets nothing run but the page's own script and lets nothing be fetched.
Pictures are inside the file, or, when they are many, in scripts beside it that the page
loads scan by scan (``split``), which also works from a file share.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ich_cli.domain import LABELS, SUBTYPES
from ich_cli.errors import UsageError
from ich_cli.notice import NOTICE
from ich_cli.reports.atomic import atomic_text, make_folder
from ich_cli.reports.html_evaluation import FILE as EVALUATION_FILE
from ich_cli.reports.html_evaluation import EvaluationPage, evaluation_page
from ich_cli.reports.html_rows import STATUS_ORDER, STATUS_WORDS, URGENCY, Row, worklist
from ich_cli.reports.html_run import run_lines
from ich_cli.reports.html_scan import scan_page
from ich_cli.reports.slice_images import StoredImages, find_images

FILENAME = "report.html"
PARTS_SUFFIX = "_images"
EMBED_LIMIT_BYTES = 60_000_000
"""Pictures above this are put beside the page even where that was not asked for."""

TEMPLATES = Path(__file__).parent / "html"


@dataclass(frozen=True, slots=True)
class Written:
    """What was made: the page, the folder of pictures beside it, and how many have pictures."""

    page: Path
    parts: Path | None
    scans: int
    with_images: int


def write_html(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write the page of a run beside its other results, with what lies there.

    Args:
        records: Objects as :func:`ich_cli.reports.record.to_record` makes them.
        path: The page; pictures, ``run.json`` and ``evaluation.json`` are looked for in
            its folder.

    Raises:
        OutputError: The page cannot be written.
    """
    write_report(list(records), path, path.parent)


def write_report(
    records: Sequence[Mapping[str, Any]],
    path: Path,
    out: Path,
    *,
    split: bool = False,
    evaluation: Path | None = None,
) -> Written:
    """Write the page.

    Args:
        records: All of a run.
        path: The page.
        out: Output folder of the run: pictures, ``run.json``, ``evaluation.json``.
        split: Put the pictures beside the page.
        evaluation: An ``evaluation.json`` elsewhere.

    Raises:
        OutputError: The page cannot be written.
        UsageError: The evaluation is no evaluation.
    """
    stored = find_images(out)
    rows = worklist(records)
    images = {row.name: stored[row.name] for row, _ in rows if row.name in stored}
    split = split or sum(one.size_bytes for one in images.values()) > EMBED_LIMIT_BYTES
    parts = path.with_name(path.stem + PARTS_SUFFIX) if split and images else None
    if parts is not None:
        _write_parts(images, parts)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = _environment().get_template("report.html.j2")
    stream = page.stream(
        notice=NOTICE,
        policy=_policy(script, split=parts is not None),
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=script,
        rows=[row for row, _ in rows],
        pages=(scan_page(row, record, has_images=row.name in images) for row, record in rows),
        images={} if parts else images,
        embedded=_embedded,
        parts=None if parts is None else parts.name,
        statuses=[(s, STATUS_WORDS[s]) for s in STATUS_ORDER],
        counts=_counts([row for row, _ in rows]),
        subtypes=[s.value for s in SUBTYPES],
        labels=LABELS,
        tiers=sorted({row.tier for row, _ in rows if row.tier}),
        sides=sorted({row.side for row, _ in rows if row.side}),
        urgency=URGENCY,
        evaluation=_evaluation(evaluation, out),
        run=run_lines(out / "run.json"),
    )
    with atomic_text(path) as file:
        for chunk in stream:
            file.write(chunk)
    return Written(path, parts, len(rows), len(images))


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(script: str, *, split: bool) -> str:
    """Content security policy: the one script by its hash, nothing from anywhere else."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()
    beside = " 'self' file:" if split else ""
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'{beside}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _embedded(images: StoredImages) -> str:
    """Pictures and their cutting plan as JSON without any character that HTML knows."""
    content = {"meta": dict(images.meta), "slices": _base64(images.slices), "labels": None}
    if images.labels is not None:
        content["labels"] = _base64(images.labels)
    text = json.dumps(content, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _write_parts(images: Mapping[str, StoredImages], folder: Path) -> None:
    """One script a scan; those that are newer than the pictures they hold are left alone."""
    make_folder(folder)
    for name, one in images.items():
        part = folder / f"{name}.js"
        if part.is_file() and part.stat().st_mtime_ns > one.meta_path.stat().st_mtime_ns:
            continue
        with atomic_text(part) as file:
            file.write(f"ichImages({json.dumps(name)},{_embedded(one)});\n")


def _counts(rows: Sequence[Row]) -> list[tuple[str, str, int]]:
    """(status, its words, how many) of those that occur."""
    counts = [(s, STATUS_WORDS[s], sum(r.status == s for r in rows)) for s in STATUS_ORDER]
    return [one for one in counts if one[2]]


def _evaluation(path: Path | None, out: Path) -> EvaluationPage | None:
    if path is not None:
        return evaluation_page(path)
    beside = out / EVALUATION_FILE
    try:
        return evaluation_page(beside) if beside.is_file() else None
    except UsageError:
        # a torn evaluation must not cost the page of a run that was not asked to show it
        return None
