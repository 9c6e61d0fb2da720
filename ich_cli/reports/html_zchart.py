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

    floor, ends = HEIGHT - BOTTOM, f'y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
    parts = [
        f'<svg class="zchart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" data-left="{LEFT}" '
        f'data-step="{step:.4f}" data-n="{n}" '
        f'aria-label="Probability of each label by slice, {n} slices from base to vertex">'
    ]
    for tick in (0.0, 0.5, 1.0):
        row = f'y1="{y(tick):.1f}" y2="{y(tick):.1f}"'
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" {row}/>')
        parts.append(_text(LEFT - 5, y(tick) + 4, f"{tick:g}", "end"))
    parts += [_text(x(i), floor + 14, str(i + 1)) for i in sorted({0, (n - 1) // 2, n - 1})]
    parts.append(_text(WIDTH / 2, HEIGHT - 1, "slice, base to vertex"))
    for column in reversed(range(len(LABELS))):
        for run in _runs([row[column] for row in probs]):
            points = [(x(i), y(p)) for i, p in run]
            parts.append(_line(points, LABELS[column]))
    if key_slice is not None:
        where = f'x1="{x(key_slice):.1f}" x2="{x(key_slice):.1f}" {ends}'
        parts.append(f'<line class="key" {where}><title>key slice {key_slice + 1}</title></line>')
    parts.append(f'<line class="cursor" x1="0" x2="0" {ends}/></svg>')
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _line(points: Sequence[tuple[float, float]], label: str) -> str:
    """A line through the points, or a dot where there is only one."""
    if len(points) == 1:
        (x, y), *_ = points
        return f'<circle class="dot {label}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="line {label}" points="{path}"/>'


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
