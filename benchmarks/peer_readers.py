"""The readers that are compared: our networks as ``ich scan`` runs them, and BLAST-CT.

All answer in the same words: a score and a call for the scan, and for the three classes
that BLAST-CT knows a score and millilitres. Its extra-axial class is EDH, SDH and SAH.

A reader that is sent to another process is opened there by its path. What only one reader
needs is imported by that reader: BLAST-CT needs neither ONNX Runtime nor SimpleITK, ours
no PyTorch.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import ich_cli
from ich_cli.domain import Subtype, Volume

if TYPE_CHECKING:
    from ich_cli.models.model import Model

CLASSES: dict[str, tuple[Subtype, ...]] = {
    "iph": (Subtype.IPH,),
    "extra_axial": (Subtype.EDH, Subtype.SDH, Subtype.SAH),
    "ivh": (Subtype.IVH,),
}


@dataclass(frozen=True)
class Answer:
    """What a reader says of a scan; ``ml`` is 0 where it calls no blood.

    Attributes:
        score: Rises with the belief that there is blood; no common scale among readers.
        call: At the reader's own operating point.
        ml: Millilitres of all blood.
        classes: Score and millilitres by name of ``CLASSES``.
        seconds: CPU time.
        more: What only this reader says.
    """

    score: float
    call: bool
    ml: float
    classes: dict[str, dict[str, float]]
    seconds: float
    more: dict[str, Any] = field(default_factory=dict)


class Reader(Protocol):
    """``key`` changes whenever the reader's answers may."""

    name: str
    key: str

    def read(self, volume: Volume) -> Answer:
        """Read one scan."""
        ...


@dataclass(frozen=True)
class Ours:
    """A network of ours with its card's thresholds."""

    name: str
    network: Model

    @classmethod
    def load(cls, name: str) -> Ours:
        """Open by registry name or path, on one CPU thread."""
        return cls(Path(name).stem, ich_cli.load_model(name, device="cpu", threads=1))

    @property
    def key(self) -> str:
        """Weights and card: thresholds are part of an answer."""
        card = self.network.card
        return f"{card.sha256[:16]}-{card.fingerprint[:8]}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, (Ours, str(self.network.card_path))

    def read(self, volume: Volume) -> Answer:
        """Predict and assess, as the pipeline does."""
        from ich_cli.findings.assess import assess

        start = time.process_time()
        prediction = self.network.predict(volume.hu, volume.spacing_mm, lazy_masks=True)
        found = assess(volume, prediction, self.network.card)
        seconds = time.process_time() - start
        by_subtype = {one.subtype: one for one in found.findings}
        ml = {s: one.ml.value if one.ml else 0.0 for s, one in by_subtype.items()}
        classes = {
            name: {
                "score": max(by_subtype[s].prob for s in subtypes),
                "ml": sum(ml[s] for s in subtypes),
            }
            for name, subtypes in CLASSES.items()
        }
        more = {"status": found.status.value, "subtype_ml": {s.value: v for s, v in ml.items()}}
        total = found.total_ml.value if found.total_ml else 0.0
        return Answer(found.any_prob, found.any_call, total, classes, seconds, more)


@dataclass(frozen=True)
class Blast:
    """BLAST-CT v1; needs the ``train`` extra for PyTorch."""

    name: str
    key: str
    checkpoint: Path
    network: Any

    @classmethod
    def load(cls, checkpoint: Path | str) -> Blast:
        """Open a checkpoint, on one CPU thread."""
        import torch

        from benchmarks import blast_ct

        torch.set_num_threads(1)
        path = Path(checkpoint)
        key = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return cls("blast", key, path, blast_ct.halve(blast_ct.load(path)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, (Blast, str(self.checkpoint))

    def read(self, volume: Volume) -> Answer:
        """The predicted millilitres are also the score."""
        from benchmarks.blast_reader import BLOOD, CALL_ML, read

        found = read(self.network, volume)
        ml, classes = found.blood_ml, {n: {"score": found.ml[n], "ml": found.ml[n]} for n in BLOOD}
        more = {"oedema_ml": found.ml["oedema"]}
        return Answer(ml, ml >= CALL_ML, ml, classes, found.seconds, more)


@lru_cache
def _open(kind: type[Ours] | type[Blast], path: str) -> Ours | Blast:
    """Once a process: a reader comes with every case that it is to read."""
    return kind.load(path)
