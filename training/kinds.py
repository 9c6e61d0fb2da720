"""What all that a network says of a slice tells of each kind: the matrix of a card's calibration.

Kinds attend and exclude one another, and a network mistakes one for the other in its own
way. A logistic regression of each subtype on all six logits, of slices that the network
never saw, makes use of that. ``any`` stays its own: it gained nothing (``training/RESULTS.md``).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.calibration import logits
from training.heldout import Prediction
from training.sources import LABEL_COLUMNS

STRENGTH = 0.01
"""Inverse of the ridge on standardised logits; .003 to .1 do much the same."""
UNTOLD = ("phe_sich",)
"""Sources without a slice that is known not to bleed."""


def fit_matrix(found: Prediction) -> np.ndarray:
    """``(6, 6)``: row *k* gives the weights of all six raw logits in that of label *k*.

    ``found`` has uncalibrated probabilities. A kind that it lacks, or has everywhere, keeps
    its own logit, as ``any`` does. The intercept is left to the bias that is fitted after.
    """
    matrix = np.eye(len(LABEL_COLUMNS))
    told = ~found.table.source.isin(UNTOLD).to_numpy()
    for k, name in enumerate(LABEL_COLUMNS[1:], start=1):
        chosen = told & (found.table[name] >= 0).to_numpy()
        truth = found.table[name].to_numpy()[chosen]
        if len(np.unique(truth)) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000))
        model.fit(logits(found.probs[chosen]), truth)
        matrix[k] = model[-1].coef_[0] / model[0].scale_
    return matrix.round(4)


def weighed(found: Prediction, matrix: np.ndarray) -> Prediction:
    """The same slices, their uncalibrated probabilities by ``matrix``."""
    return Prediction(found.table, expit(logits(found.probs) @ matrix.T))
