"""The second reader reads one scan. Whatever happens, the scan itself is unharmed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from typing import Any

from ich_cli.domain import Assessment, Reason, SecondOpinion, SlicePrediction, Volume
from ich_cli.mllm.budget import Spent, Tab
from ich_cli.mllm.compare import UNAVAILABLE, compare
from ich_cli.mllm.conversation import Conversation, converse
from ich_cli.mllm.images import Pictures, draw
from ich_cli.mllm.settings import Reader
from ich_cli.mllm.transport import LOOK_UP_S
from ich_cli.mllm.vote import Reading, join_slices, majority, reading


def wanted(assessment: Assessment, reader: Reader) -> bool:
    """Whether this scan is to be asked about at all (``only_uncertain``)."""
    limits = reader.settings.only_uncertain
    return limits is None or limits[0] <= assessment.any_prob <= limits[1]


def read(
    volume: Volume, prediction: SlicePrediction, assessment: Assessment, reader: Reader
) -> SecondOpinion:
    """Ask the second reader about one scan and compare.

    Args:
        volume: The scan; only pixels of the head are used.
        prediction: Says which slices are suspicious; nothing of it is sent.
        assessment: The network's word, for the comparison; nothing of it is sent.
        reader: From :func:`~ich_cli.mllm.settings.build_reader`.

    Returns:
        An opinion, always: what could not be had is ``unavailable`` with its reason.
    """
    with ThreadPoolExecutor(max_workers=1) as worker:
        job = worker.submit(_read, volume, prediction, assessment, reader)
        try:
            # In small waits: one long one would keep Ctrl-C from coming through everywhere.
            while not job.done():
                wait([job], timeout=LOOK_UP_S)
        except BaseException:
            # Ctrl-C: the requests under way are left behind, none is waited for.
            reader.gate.close()
            raise
        error = job.exception()
        if error is None:
            return job.result()
    if not isinstance(error, Exception):
        raise error
    return _unavailable(reader, Reason("unexpected", type(error).__name__), {})


def _read(
    volume: Volume, prediction: SlicePrediction, assessment: Assessment, reader: Reader
) -> SecondOpinion:
    started = time.monotonic()
    pictures = draw(volume, prediction, reader.prompt.images, reader.max_side_px)
    if not pictures.png:
        return _unavailable(reader, Reason("no_head", "no slice shows a head"), {})
    units = _units(reader, pictures)
    per_unit = 1 if reader.prompt.unit == "slice" else len(pictures.slices)
    if reader.settings.dry_run is not None:
        return _dry_run(reader, units, per_unit)
    tab = Tab(reader.budget)
    repeats = _converse_all(reader, tab, units, per_unit)
    word = majority([join_slices([_word(talk) for talk in talks]) for talks in repeats])
    raw = _record(reader, tab.spent, pictures, repeats, time.monotonic() - started)
    if isinstance(word, Reason):
        return _unavailable(reader, word, raw)
    compared = compare(word, assessment)
    raw["subtypes_jaccard"] = compared.subtypes_jaccard
    return SecondOpinion(
        reader=reader.label,
        tier=compared.tier,
        any=word.any,
        subtypes=word.subtypes,
        side=word.side,
        location=" ".join(region.value for region in word.regions) or None,
        ml=word.ml if word.any else None,
        differs=compared.differs,
        raw=raw,
    )


def _units(reader: Reader, pictures: Pictures) -> tuple[tuple[bytes, ...], ...]:
    """The pictures of each conversation."""
    if reader.prompt.unit == "slice":
        return tuple((png,) for png in pictures.png)
    return (pictures.png,)


def _converse_all(
    reader: Reader, tab: Tab, units: Sequence[tuple[bytes, ...]], n_slices: int
) -> list[list[Conversation]]:
    """All conversations, ``[repeat][unit]``, as many at once as the gate allows."""
    with ThreadPoolExecutor(max_workers=reader.settings.concurrency) as pool:
        jobs = [
            [pool.submit(converse, reader, tab, unit, n_slices, repeat) for unit in units]
            for repeat in range(reader.settings.repeat)
        ]
        return [[job.result() for job in row] for row in jobs]


def _word(talk: Conversation) -> Reading | Reason:
    return talk.failure if talk.failure is not None else reading(talk.answers)


def _unavailable(reader: Reader, reason: Reason, raw: dict[str, Any]) -> SecondOpinion:
    return SecondOpinion(reader=reader.label, tier=UNAVAILABLE, reason=str(reason), raw=raw)


def _dry_run(reader: Reader, units: tuple[tuple[bytes, ...], ...], n_slices: int) -> SecondOpinion:
    from ich_cli.mllm.dry_run import write_requests

    folder = reader.settings.dry_run
    if folder is None:
        raise ValueError("no folder for the dry run")
    written = write_requests(reader, folder, units, n_slices)
    reason = Reason("dry_run", f"{len(written.requests)} requests written to {written.folder.name}")
    return _unavailable(reader, reason, {"requests": len(written.requests)})


def _record(
    reader: Reader,
    spent: Spent,
    pictures: Pictures,
    repeats: list[list[Conversation]],
    seconds: float,
) -> dict[str, Any]:
    """Raw answers, tokens, cost and latency for the JSON report."""
    per_slice = reader.prompt.unit == "slice"
    conversations = [
        {
            "repeat": repeat,
            "slices": [pictures.slices[unit]] if per_slice else list(pictures.slices),
            "failure": None if talk.failure is None else str(talk.failure),
            "exchanges": [asdict(exchange) for exchange in talk.exchanges],
        }
        for repeat, talks in enumerate(repeats)
        for unit, talk in enumerate(talks)
    ]
    exchanges = [e for talks in repeats for talk in talks for e in talk.exchanges]
    cost_usd = spent.usd(reader.budget.price)
    return {
        "prompt": {
            "id": reader.prompt.id,
            "version": reader.prompt.version,
            "sha256": reader.prompt.sha256,
        },
        "host": reader.host,
        "model": reader.model,
        "model_answered": sorted({e.model for e in exchanges if e.model}),
        "options_not_taken": list(reader.sampling.dropped),
        "slices": list(pictures.slices),
        **asdict(spent),
        "cost_usd": cost_usd,
        "cost_note": "no price is known for this model" if cost_usd is None else "",
        "seconds": round(seconds, 3),
        "conversations": conversations,
    }
