"""``benchmarks/peer.md``: what was compared, the tables, and what they do not say."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import peer_table as tables
from benchmarks.blast_reader import CALL_ML
from benchmarks.peer_cases import NATURAL, ONE, SIMULATED
from ich_cli.evaluation.tables import to_markdown
from training.splits import HOLDOUT

TEXT = f"""# Beside a peer: BLAST-CT

Made by `python -m benchmarks.peer`. BLAST-CT v1 (Monteiro 2020, Lancet Digital Health 2:e314;
Apache-2.0) is one of the twelve networks of the published ensemble, in an implementation of our
own that takes the published checkpoint unchanged. It was made for trauma and knows three kinds
of blood: intraparenchymal, intraventricular, and extra-axial, which stands for EDH, SDH and SAH.

* **Same scans, each reader as it is used.** `resnet` and `vit` as `ich scan` runs them, with the
  thresholds of their cards. BLAST-CT: the most probable class of each voxel of a 1 mm grid;
  its score is the millilitres of blood that it predicts, and it calls a scan from {CALL_ML:g} mL
  on, which is our choice. It reads the cranial cavity and 8 mm around it. Its input runs with z
  towards the vertex: turned over, it loses most of the bleed of `rsna_volume`; left and right or
  front and back make little difference.
* **Simulated scans** (`training/simulation/scans.py`): six label maps that neither the template
  nor any training saw, as they are and mirrored; one bleed of exactly known millilitres or none.
  There is no mass effect, no second bleed, no motion and no metal. Scans of one head share its
  anatomy, so intervals that take scans as independent are somewhat too narrow.
* **Natural scans** (`rsna_scans`): our networks were trained on four of five folds of them
  (`training/splits.py`), BLAST-CT on none; fold {HOLDOUT} alone is fair to both, and small.
* Proportions with Wilson intervals, AUC with DeLong's, CCC with Lin's, bias with a t-interval,
  sensitivity at a given specificity with a bootstrap of heads.

Research use only; not a medical device.
"""


def page(rows: Sequence[tables.Row], seconds: dict[str, float], keys: dict[str, str]) -> str:
    """The whole page.

    Args:
        rows: Answers, one reader's answer on one case each.
        seconds: CPU seconds of each reader on one scan, taken in one run.
        keys: What identifies each reader's weights.
    """
    made, natural = tables.by_reader(rows, SIMULATED), tables.by_reader(rows, NATURAL)
    unseen = {n: [r for r in own if r["truth"]["fold"] == HOLDOUT] for n, own in natural.items()}
    parts = [
        tables.detection("Simulated scans", made),
        tables.against_blast("Simulated scans, against BLAST-CT", made),
        tables.found_by_kind(made),
        tables.classes(made),
        tables.volumes(made),
        tables.one_scan(tables.by_reader(rows, ONE)),
        tables.detection("`rsna_scans`, all", natural),
        tables.against_blast("`rsna_scans`, against BLAST-CT", natural),
        tables.detection(f"`rsna_scans`, fold {HOLDOUT} alone", unseen),
        tables.each_scan(natural),
        tables.timing(seconds),
    ]
    read = ", ".join(f"`{name}` {key}" for name, key in keys.items())
    return "\n".join([TEXT, f"Weights: {read}.", "", *map(to_markdown, parts)])
