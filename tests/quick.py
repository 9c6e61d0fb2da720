"""Many studies in little time: a very small network, and copies of a few phantoms.

The copies differ in their UIDs and their patient; pixels are those of the phantom they are
a copy of, so the right answer is known for each.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from pydicom import dcmread

from ich_cli.domain import LABELS, Subtype
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import write_study

SIZE = 64
EMPTY_SERIES = "2.25.77"
_UID = re.compile(rb"(1\.2\.826\.0\.1\.3680043\.8\.498\.\d{30})\d{6}")
_PATIENT = re.compile(rb"PHANTOM-\d{6}")


def write_quick_network(folder: Path, **changes: Any) -> Path:
    """A classifier of a few operations that finds bright voxels away from bone.

    Returns:
        The path of its card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = _network().SerializeToString(deterministic=True)
    (folder / "quick.onnx").write_bytes(weights)
    card = {
        "schema": 1,
        "name": "quick",
        "version": "1",
        "onnx": "quick.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": "Apache-2.0",
        "intended_use": "tests of the plumbing; knows no anatomy",
        "input": {"size": SIZE, "crop": "head", "windows": [[62.0, 24.0], [300.0, 200.0]]},
        "outputs": {"logits": "logits"},
        "thresholds": {"scan": 0.5},
        "scan": {"method": "rank", "rank": 4},
        **changes,
    }
    path = folder / "quick.yaml"
    path.write_text(yaml.safe_dump(card, sort_keys=False), encoding="utf-8")
    return path


def write_templates(folder: Path) -> list[Path]:
    """A few phantoms to copy: without and with blood; folders with one series each."""
    specs = [
        PhantomSpec(seed=1, matrix=64, spacing_mm=(8.0,)),
        PhantomSpec(seed=2, matrix=64, spacing_mm=(8.0,), bleeds=(Bleed(Subtype.IPH, 60.0),)),
        PhantomSpec(seed=3, matrix=64, spacing_mm=(8.0,)),
    ]
    return [write_study(spec, folder).folder / "axial" for spec in specs]


def slices_of(template: Path, number: int) -> dict[str, bytes]:
    """The files of copy ``number`` of a phantom, by name."""
    return {
        path.name: _PATIENT.sub(b"PHANTOM-%06d" % number, _UID.sub(rb"\g<1>%06d" % number, data))
        for path in sorted(template.iterdir())
        if (data := path.read_bytes())
    }


def write_copies(templates: list[Path], folder: Path, count: int) -> list[Path]:
    """Write ``count`` studies, each in a folder of its own; every third one bleeds."""
    studies = []
    for number in range(count):
        study = folder / f"study-{number:04d}"
        study.mkdir(parents=True)
        for name, data in slices_of(templates[number % len(templates)], number).items():
            (study / name).write_bytes(data)
        studies.append(study)
    return studies


def write_empty_series(head: Path, folder: Path, spacing_mm: float) -> None:
    """A series of the same study, preferred for its one slice more, that shows only air."""
    files = sorted(head.rglob("*.dcm"))
    highest = max(float(dcmread(path).ImagePositionPatient[2]) for path in files)
    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate([*files, files[-1]]):
        dataset = dcmread(path)
        if number == len(files):
            dataset.ImagePositionPatient[2] = highest + spacing_mm
        dataset.PixelData = bytes(len(dataset.PixelData))
        dataset.SeriesInstanceUID = EMPTY_SERIES
        dataset.SOPInstanceUID = f"{EMPTY_SERIES}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"empty{number}.dcm")


def _network() -> onnx.ModelProto:
    def number(name: str, value: object) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    def index(name: str, value: int | list[int]) -> onnx.TensorProto:
        return numpy_helper.from_array(np.atleast_1d(np.asarray(value, np.int64)), name)

    bias = np.where([label in ("any", "IPH") for label in LABELS], -9.0, -60.0)
    node = helper.make_node
    nodes = [
        node("Slice", ["image", "0", "1", "1"], ["blood"]),
        node("Slice", ["image", "1", "2", "1"], ["bone"]),
        node("AveragePool", ["blood"], ["smooth"], kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        node("MaxPool", ["bone"], ["near"], kernel_shape=[9, 9], pads=[4, 4, 4, 4]),
        node("Mul", ["smooth", "steep"], ["signal"]),
        node("Mul", ["near", "veto"], ["against"]),
        node("Sub", ["signal", "against"], ["net"]),
        node("ReduceMax", ["net", "plane"], ["most"], keepdims=0),
        node("Add", ["most", "bias"], ["logits"]),
    ]
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "quick",
        [helper.make_tensor_value_info("image", kind, ["n", 2, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", kind, ["n", 6])],
        [
            *(index(str(k), k) for k in range(3)),
            index("plane", [2, 3]),
            number("steep", 18.0),
            number("veto", 90.0),
            number("bias", bias),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model
