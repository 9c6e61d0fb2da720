"""The figures of one label equal those of scikit-learn and of the plain functions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, precision_score, recall_score

from ich_cli.evaluation.calibration import expected_calibration_error
from ich_cli.evaluation.macro import macro
from ich_cli.evaluation.presence import LabelCases, Resampling, presence
from ich_cli.evaluation.proportions import predictive_values, wilson

HOW = Resampling(draws=300, prevalence=0.1)


def _cases(seed: int, n: int = 80, per_patient: int = 1, label: str = "any") -> LabelCases:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    prob = 1 / (1 + np.exp(-rng.normal(np.where(y, 1.0, -1.0), 1.0)))
    patient = np.array([f"p{k // per_patient}" for k in range(n)])
    return LabelCases(label, y, prob >= 0.5, prob, patient)


def test_values_are_those_of_scikit_learn() -> None:
    cases = _cases(0)
    figures = presence(cases, HOW)
    assert figures is not None
    assert cases.prob is not None
    for found, expected in (
        (figures.sensitivity, recall_score(cases.y, cases.call)),
        (figures.ppv, precision_score(cases.y, cases.call)),
        (figures.f1, f1_score(cases.y, cases.call)),
        (figures.brier, brier_score_loss(cases.y, cases.prob)),
        (figures.ece, expected_calibration_error(cases.y, cases.prob)),
    ):
        assert found is not None
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.low <= found.value <= found.high or found is figures.ece


def test_predictive_values_at_a_prevalence() -> None:
    figures = presence(_cases(1), HOW)
    assert figures is not None
    assert figures.sensitivity is not None
    assert figures.specificity is not None
    assert figures.ppv_at is not None
    ppv, _ = predictive_values(figures.sensitivity.value, figures.specificity.value, 0.1)
    assert figures.ppv_at.value == pytest.approx(ppv)
    assert figures.ppv_at.low < figures.ppv_at.value < figures.ppv_at.high


def test_repeated_patients_widen_the_intervals() -> None:
    one = _cases(2)
    copies = LabelCases(
        "any", *(np.repeat(a, 5) for a in (one.y, one.call)), None, np.repeat(one.patient, 5)
    )
    once, many = presence(one, HOW), presence(copies, HOW)
    assert once is not None
    assert many is not None
    assert once.sensitivity is not None
    assert many.sensitivity is not None
    width = once.sensitivity.high - once.sensitivity.low
    assert many.sensitivity.high - many.sensitivity.low == pytest.approx(width, rel=0.35)
    assert many.auc is None


def test_slices_of_one_patient_say_nothing_of_others() -> None:
    cases = _cases(4, per_patient=80)
    figures, average = presence(cases, HOW), macro([cases], HOW)
    assert figures is not None
    assert figures.sensitivity is not None
    assert 0 < figures.sensitivity.value < 1
    assert np.isnan(figures.sensitivity.low)
    assert average is not None
    assert average.auc is not None
    assert np.isnan(average.auc.low)


def test_all_right_is_not_certain_where_patients_repeat() -> None:
    y = np.repeat([True, False, False, False], 5)
    patient = np.repeat(["p1", "p2", "p3", "p4"], 5)
    figures = presence(LabelCases("any", y, y, y * 0.9, patient), HOW)
    assert figures is not None
    assert figures.sensitivity == wilson(1, 1)
    assert figures.specificity == wilson(3, 3)
    assert figures.accuracy == wilson(4, 4)
    assert figures.npv_at is not None
    assert (figures.npv_at.value, np.isnan(figures.npv_at.low)) == (1.0, True)


def test_f1_of_a_label_that_nobody_has_is_not_zero() -> None:
    cases = _cases(5)
    nobody = presence(cases.take(~cases.y), HOW)
    assert nobody is not None
    assert nobody.f1 is None


def test_no_case_no_figures_and_one_class_no_auc() -> None:
    nothing = np.empty(0, bool)
    assert presence(LabelCases("any", nothing, nothing, None, nothing.astype(str)), HOW) is None
    cases = _cases(3)
    only = presence(cases.take(cases.y), HOW)
    assert only is not None
    assert (only.auc, only.specificity, only.ppv_at) == (None, None, None)
    assert only.sensitivity is not None


def test_macro_is_the_mean_over_labels_with_both_classes() -> None:
    groups = [_cases(k, label=label) for k, label in enumerate(("EDH", "IPH"))]
    constant = LabelCases(
        "IVH", np.zeros(80, bool), groups[0].call, groups[0].prob, groups[0].patient
    )
    average = macro([*groups, constant], HOW)
    assert average is not None
    assert average.labels == ("EDH", "IPH")
    assert average.f1 is not None
    expected = np.mean([f1_score(g.y, g.call) for g in groups])
    assert average.f1.value == pytest.approx(expected)
    assert average.auc is not None
    singles = [presence(g, HOW) for g in groups]
    assert average.auc.value == pytest.approx(
        np.mean([f.auc.value for f in singles if f is not None and f.auc is not None])
    )
    assert average.auc.low < average.auc.value < average.auc.high
    assert macro([constant], HOW) is None
