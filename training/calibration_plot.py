"""Does a calibrated probability of .7 mean seven slices in ten? Figures and a plot.

    python -m training.calibration_plot NAME --data DATA --work FOLDER

The card's temperature and bias were fitted on the same fold, so this is the best case, not
what another hospital would see.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ich_cli.domain import Interval
from ich_cli.evaluation.calibration import expected_calibration_error, reliability
from ich_cli.evaluation.fit import logit
from ich_cli.evaluation.presence import LabelCases, Resampling, presence
from ich_cli.notice import NOTICE
from training.data.sets import LONE
from training.judging.figures import rounded, show
from training.judging.heldout import Prediction, kept, open_network

BINS = 10


def natural(found: Prediction) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth of any blood, its probability and the patient of each natural lone slice."""
    rows = found.table.source.isin(LONE).to_numpy()
    table = found.table[rows]
    return (table["any"] == 1).to_numpy(), found.probs[rows, 0], table.patient.to_numpy(str)


def calibration_figures(found: Prediction) -> dict:
    """Brier score, intercept and slope with intervals by patient; calibration error without.

    Resampling only ever adds to the calibration error (draws are noisier than the set), so
    that its bootstrap interval can lie above it.
    """
    y, prob, patients = natural(found)
    figures = presence(LabelCases("any", y, prob >= 0.5, prob, patients), Resampling())
    intercept, slope = recalibration(y, prob, patients)
    return {
        "set": "natural slices; temperature and bias were fitted on them",
        "n": len(y),
        "positives": int(y.sum()),
        "brier": show(figures.brier),
        "ece": rounded(expected_calibration_error(y, prob, BINS)),
        "intercept": show(intercept),
        "slope": show(slope),
    }


def recalibration(
    y: np.ndarray, prob: np.ndarray, patients: np.ndarray
) -> tuple[Interval, Interval]:
    """Calibration in the large, and slope (Cox 1958; Van Calster 2019, BMC Med 17:230).

    The intercept is fitted with the slope held at 1: below 0, bleeds are overestimated.
    A slope below 1: the probabilities are too extreme. Errors are robust to clusters.
    """
    import statsmodels.api as sm

    x = logit(prob)
    _, cluster = np.unique(patients, return_inverse=True)
    how = {"cov_type": "cluster", "cov_kwds": {"groups": cluster}}
    family = sm.families.Binomial()
    flat = sm.GLM(y.astype(float), np.ones((len(x), 1)), family, offset=x).fit(**how)
    free = sm.GLM(y.astype(float), np.column_stack([np.ones_like(x), x]), family).fit(**how)
    return _interval(flat, 0), _interval(free, 1)


def _interval(fit: object, k: int) -> Interval:
    low, high = fit.conf_int()[k]
    return Interval(float(fit.params[k]), float(low), float(high))


def draw(path: Path, name: str, found: Prediction) -> None:
    """Observed share with its Wilson interval against mean prediction, and how many there are."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    y, prob, _ = natural(found)
    bins = reliability(y, prob, BINS)
    figures = calibration_figures(found)
    figure, (top, below) = plt.subplots(
        2, 1, figsize=(5, 6), height_ratios=[4, 1], sharex=True, layout="constrained"
    )
    at, seen = [b.mean_predicted for b in bins], [b.observed.value for b in bins]
    reach = [
        [b.observed.value - b.observed.low for b in bins],
        [b.observed.high - b.observed.value for b in bins],
    ]
    top.plot([0, 1], [0, 1], color="0.7", lw=1, ls="--")
    top.errorbar(at, seen, yerr=reach, fmt="o", color="#1f5f8b", ms=5, capsize=3, lw=1)
    for b in bins:
        top.annotate(str(b.n), (b.mean_predicted, b.observed.value), (5, -10), **_SMALL)
    top.set(xlim=(0, 1), ylim=(0, 1), ylabel="share with blood")
    top.set_title(f"{name}: any blood, {len(y)} natural slices of the held-out fold", fontsize=10)
    words = [f"{key} {_cell(figures[key])}" for key in ("brier", "ece", "intercept", "slope")]
    top.text(0.03, 0.97, "\n".join(words), transform=top.transAxes, va="top", fontsize=8)
    below.hist(prob, np.linspace(0, 1, 2 * BINS + 1), color="#9bb7c9")
    below.set(yscale="log", ylabel="slices", xlabel=f"calibrated probability. {NOTICE}")
    figure.savefig(path, dpi=110)
    plt.close(figure)


_SMALL = {"textcoords": "offset points", "fontsize": 7, "color": "0.3"}


def _cell(value: float | list[float | None]) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "{:.3f} ({:.3f} to {:.3f})".format(*(np.nan if v is None else v for v in value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    name = Path(args.model).stem
    path = args.out / f"calibration-{name}.png"
    draw(path, name, kept(open_network(args.model), args.data, args.work))
    print(path)


if __name__ == "__main__":
    main()
