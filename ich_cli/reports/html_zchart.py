"""Probabilities along the head as an inline SVG: one line a label, base left, vertex right."""

from __future__ import annotations

from collections.abc import Sequence

from ich_cli.domain import LABELS

WIDTH, HEIGHT = 520, 170
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 26


def probability_chart(probs: Sequence[Sequence[float | None]], key_slice: int | None = None) -> str:
    """Draw ``(z, 6)`` probabilities in the order of ``LABELS``.

    A slice whose probability is unknown breaks the line. The element of class ``cursor``
    is moved by the page's script; ``data-left`` and ``data-step`` say how.
    """
    n = len(probs)
    step = (WIDTH - LEFT - RIGHT) / max(n - 1, 1)
    plot_height = HEIGHT - TOP - BOTTOM

    def x(index: float) -> float:
        return LEFT + index * step

    def y(prob: float) -> float:
        return TOP + (1 - prob) * plot_height

    parts = [
        f'<svg class="zchart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" data-left="{LEFT}" '
        f'data-step="{step:.4f}" data-n="{n}" '
        f'aria-label="Probability of each label by slice, {n} slices from base to vertex">'
    ]
    for tick in (0.0, 0.5, 1.0):
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        )
        parts.append(
            f'<text x="{LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for index in sorted({0, (n - 1) // 2, n - 1}):
        parts.append(
            f'<text x="{x(index):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{index + 1}</text>'
        )
    parts.append(
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 1}" text-anchor="middle">slice, base to vertex</text>'
    )
    for column in reversed(range(len(LABELS))):
        label = LABELS[column]
        for run in _runs([row[column] for row in probs]):
            points = " ".join(f"{x(i):.1f},{y(p):.1f}" for i, p in run)
            shape = "polyline" if len(run) > 1 else "dot"
            if shape == "polyline":
                parts.append(f'<polyline class="line {label}" points="{points}"/>')
            else:
                parts.append(
                    f'<circle class="dot {label}" cx="{x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="3"/>'
                )
    if key_slice is not None:
        parts.append(
            f'<line class="key" x1="{x(key_slice):.1f}" x2="{x(key_slice):.1f}" y1="{TOP}" '
            f'y2="{HEIGHT - BOTTOM}"><title>key slice {key_slice + 1}</title></line>'
        )
    parts.append(f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/></svg>')
    return "".join(parts)


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Stretches of known values with their indices."""
    runs: list[list[tuple[int, float]]] = []
    open_run = False
    for index, value in enumerate(values):
        if value is None:
            open_run = False
            continue
        if not open_run:
            runs.append([])
            open_run = True
        runs[-1].append((index, value))
    return runs
