"""Plots of an evaluation as inline SVG: a small square of axes and four things drawn in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

SIZE = 300
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40


class Axes:
    """A square plot; ``x`` and ``y`` turn data into pixels."""

    def __init__(
        self,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        x_label: str,
        y_label: str,
        description: str,
    ) -> None:
        self.x_range, self.y_range = x_range, y_range
        self.parts = [
            f'<svg class="plot" viewBox="0 0 {SIZE} {SIZE}" role="img" '
            f'aria-label="{escape(description)}">',
            f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{SIZE - LEFT - RIGHT}" '
            f'height="{SIZE - TOP - BOTTOM}"/>',
        ]
        for value in _ticks(*x_range):
            self.text(self.x(value), SIZE - BOTTOM + 14, f"{value:g}")
        for value in _ticks(*y_range):
            self.text(LEFT - 5, self.y(value) + 4, f"{value:g}", anchor="end")
        self.text((LEFT + SIZE - RIGHT) / 2, SIZE - 6, x_label)
        middle = (TOP + SIZE - BOTTOM) / 2
        self.parts.append(
            f'<text class="label" x="12" y="{middle:.1f}" text-anchor="middle" '
            f'transform="rotate(-90 12 {middle:.1f})">{escape(y_label)}</text>'
        )

    def x(self, value: float) -> float:
        """Pixel column of a value."""
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (SIZE - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixel row of a value."""
        low, high = self.y_range
        return SIZE - BOTTOM - (value - low) / (high - low) * (SIZE - TOP - BOTTOM)

    def text(self, x: float, y: float, words: str, *, anchor: str = "middle") -> None:
        """Write words at a pixel."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def line(self, points: Sequence[tuple[float, float]], css: str, title: str = "") -> None:
        """Draw a line through data points."""
        path = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)
        self.parts.append(f'<polyline class="{css}" points="{path}">{_title(title)}</polyline>')

    def dot(self, x: float, y: float, css: str, title: str = "", radius: float = 3) -> None:
        """Draw a point."""
        self.parts.append(
            f'<circle class="{css}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}">'
            f"{_title(title)}</circle>"
        )

    def svg(self) -> str:
        """The finished element."""
        return "".join([*self.parts, "</svg>"])


def roc_svg(figures: Sequence[Mapping[str, Any]]) -> str:
    """ROC curves of all labels in one plot."""
    summary = ", ".join(f"{f['label']} {f['auc']['value']:.3f}" for f in figures)
    axes = Axes((0, 1), (0, 1), "1 − specificity", "sensitivity", f"ROC curves, AUC: {summary}")
    axes.line([(0, 0), (1, 1)], "guide")
    for figure in figures:
        css = f"line {_class(figure['label'])}"
        axes.line(figure["points"], css, f"{figure['label']}: AUC {figure['auc']['value']:.3f}")
    return axes.svg()


def reliability_svg(figure: Mapping[str, Any]) -> str:
    """Observed share against predicted probability, with Wilson bars; area shows the count."""
    axes = Axes(
        (0, 1),
        (0, 1),
        "predicted probability",
        "observed share",
        f"Reliability of {figure['label']}, calibration error {figure['ece']:.3f}",
    )
    axes.line([(0, 0), (1, 1)], "guide")
    bins = figure["bins"]
    largest = max((b["n"] for b in bins), default=1)
    for one in bins:
        x, observed = one["mean_predicted"], one["observed"]
        axes.line([(x, observed["low"]), (x, observed["high"])], "bar")
        words = f"{one['low']:g}–{one['high']:g}: {observed['value']:.2f} of {one['n']}"
        axes.dot(x, observed["value"], "point", words, 2.5 + 5 * (one["n"] / largest) ** 0.5)
    return axes.svg()


def bland_altman_svg(figure: Mapping[str, Any]) -> str:
    """Difference against mean in mL, with bias and limits of agreement."""
    points, summary = figure["points"], figure["summary"]
    limits = [summary[name]["value"] for name in ("lower", "bias", "upper")]
    highest = max((p[0] for p in points), default=1.0) or 1.0
    reach = max([abs(p[1]) for p in points] + [abs(v) for v in limits] + [1.0]) * 1.1
    axes = Axes(
        (0, highest * 1.05),
        (-reach, reach),
        "mean of both, mL",
        "measured − true, mL",
        f"Bland-Altman plot of {figure['label']}: bias {limits[1]:.2f} mL, "
        f"limits {limits[0]:.2f} to {limits[2]:.2f} mL, n = {summary['n']}",
    )
    for value, css in zip(limits, ("limit", "bias", "limit"), strict=True):
        axes.line([(0, value), (highest * 1.05, value)], css, f"{value:.2f} mL")
    for x, y in points:
        axes.dot(x, y, "point", f"{y:+.1f} mL at {x:.1f} mL")
    return axes.svg()


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round values in a range."""
    span = high - low
    step = 10.0 ** len(str(int(span))) / 10 if span >= 1 else 0.25
    while span / step > 6:
        step *= 2
    while span / step < 3:
        step /= 2
    first = int(low / step) - 1
    ticks = [round(k * step, 6) for k in range(first, first + 20)]
    return [t for t in ticks if low - 1e-9 <= t <= high + 1e-9]


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _class(label: str) -> str:
    return "".join(c for c in label if c.isalnum())
