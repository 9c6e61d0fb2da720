"""Each kind is told by all that a network says, and ``any`` by what it says of ``any``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

pytest.importorskip("sklearn", reason="needs the training extra (scikit-learn)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.heldout import Prediction
from training.kinds import fit_matrix, weighed
from training.sources import LABEL_COLUMNS

EDH, IPH, SDH = (LABEL_COLUMNS.index(name) for name in ("edh", "iph", "sdh"))


def answers(n: int = 2000, source: str = "rsna_slices") -> Prediction:
    """A network that takes epidural blood for subdural too, but not the other way round."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.random((n, 6)) < 0.2, columns=list(LABEL_COLUMNS)).astype(int)
    table["source"] = source
    logits = rng.normal(0, 1, (n, 6)) + 4 * table[list(LABEL_COLUMNS)].to_numpy() - 2
    logits[:, SDH] += 4 * table.edh
    return Prediction(table, expit(logits))


def test_what_speaks_for_one_kind_speaks_against_what_is_mistaken_for_it() -> None:
    found = answers()
    matrix = fit_matrix(found)
    assert matrix[SDH, SDH] > 0
    assert matrix[SDH, EDH] < -0.3 * matrix[SDH, SDH]
    assert abs(matrix[SDH, IPH]) < 0.1 * matrix[SDH, SDH]
    np.testing.assert_array_equal(matrix[0], np.eye(6)[0])


def test_weighed_answers_tell_the_mistaken_kind_better() -> None:
    found = answers()
    told = weighed(found, fit_matrix(found))
    epidural = (found.table.edh == 1) & (found.table.sdh == 0)
    subdural = (found.table.sdh == 1) & (found.table.edh == 0)

    def mistaken(probs: np.ndarray) -> float:
        pairs = probs[epidural.to_numpy(), SDH][:, None] >= probs[subdural.to_numpy(), SDH]
        return float(pairs.mean())

    assert mistaken(told.probs) < 0.5 * mistaken(found.probs)
    np.testing.assert_allclose(told.probs[:, 0], found.probs[:, 0], rtol=1e-5)


def test_a_kind_without_examples_keeps_its_own_logit() -> None:
    found = answers()
    found.table["ivh"] = 0
    found.table.loc[:1500, "sah"] = -1
    matrix = fit_matrix(found)
    np.testing.assert_array_equal(matrix[LABEL_COLUMNS.index("ivh")], np.eye(6)[3])
    assert matrix[LABEL_COLUMNS.index("sah"), LABEL_COLUMNS.index("sah")] > 0


def test_sources_that_all_bleed_teach_nothing_of_kinds() -> None:
    np.testing.assert_array_equal(fit_matrix(answers(source="phe_sich")), np.eye(6))
