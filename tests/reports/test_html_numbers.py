"""Every number on the page is that of results.json, computed here a second time."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ich_cli.domain import file_stem
from ich_cli.reports.html_ import write_report
from tests.reports.html_example import write_run

LABELS = ("any", "EDH", "IPH", "IVH", "SAH", "SDH")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w])")


class Tree(HTMLParser):
    """A page as nested ``[tag, attributes, children]`` lists."""

    VOID = frozenset({"meta", "link", "br", "input", "img", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root: list[Any] = ["root", {}, []]
        self.stack = [self.root]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node: list[Any] = [tag, dict(attrs), []]
        self.stack[-1][2].append(node)
        if tag not in self.VOID:
            self.stack.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1][2].append([tag, dict(attrs), []])

    def handle_endtag(self, tag: str) -> None:
        while len(self.stack) > 1:
            if self.stack.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        self.stack[-1][2].append(data)


def find(node: list[Any], tag: str, **attributes: str) -> list[list[Any]]:
    """All descendants with a tag and attributes (``class_`` must be among the classes)."""
    wanted = {k.rstrip("_"): v for k, v in attributes.items()}
    found = []
    for child in node[2]:
        if isinstance(child, str):
            continue
        classes = (child[1].get("class") or "").split()
        if child[0] == tag and all(
            v in classes if k == "class" else child[1].get(k) == v for k, v in wanted.items()
        ):
            found.append(child)
        found += find(child, tag, **attributes)
    return found


def text(node: Any) -> str:
    return node if isinstance(node, str) else "".join(text(child) for child in node[2])


def cells(row: list[Any]) -> list[str]:
    return [" ".join(text(c).split()) for c in row[2] if not isinstance(c, str)]


def prob(p: float | None) -> str:
    if p is None:
        return "–"
    return "<0.01" if p < 0.005 else ">0.99" if p > 0.995 else format(p, ".2f")


def ml(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "–"
    return "{value:.1f} ({low:.1f}–{high:.1f})".format(**interval)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], Tree]:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, 30, attack=False)
    records = json.loads((folder / "results.json").read_text())
    first = records[0]
    first["measurements"] = {
        "abc2_ml": {
            "value": 23.456,
            "unit": "mL",
            "slice_index": 2,
            "method": "ABC/2",
            "reason": None,
        },
        "midline_shift_mm": {
            "value": 6.25,
            "unit": "mm",
            "slice_index": 3,
            "method": None,
            "reason": None,
        },
        "infratentorial": {
            "value": False,
            "unit": None,
            "slice_index": None,
            "method": None,
            "reason": None,
        },
    }
    page = write_report(records, folder / "report.html", folder).page
    return folder, records, Tree(page.read_text(encoding="utf-8"))


def _rows(tree: Tree) -> dict[str, list[Any]]:
    table = find(tree.root, "table", id="list")[0]
    return {row[1]["data-name"]: row for row in find(find(table, "tbody")[0], "tr")}


def _name(record: dict[str, Any]) -> str:
    return file_stem(record["study_uid"], record["series_uid"], record["series_part"])


def _scan_page(tree: Tree, record: dict[str, Any]) -> list[Any]:
    """The page of one scan, which the report keeps as text until it is opened."""
    (source,) = find(tree.root, "script", id=f"t-{_name(record)}")
    return Tree(text(source)).root


def test_worklist_cells(run: tuple[Path, list[dict[str, Any]], Tree]) -> None:
    _, records, tree = run
    rows = _rows(tree)
    assert len(rows) == len(records)
    for record in records:
        row = cells(rows[_name(record)])
        assert row[2] == prob((record["probs"] or {}).get("any"))
        assert row[3].split() == [s for s in LABELS[1:] if (record["calls"] or {}).get(s)]
        assert row[4] == ml(record["total_ml"])
        assert row[11] == str(record["acquisition"]["n_slices"])
        data = rows[_name(record)][1]
        assert data["data-ml"] == (
            "" if record["total_ml"] is None else str(record["total_ml"]["value"])
        )


def test_counts_by_status(run: tuple[Path, list[dict[str, Any]], Tree]) -> None:
    _, records, tree = run
    counted = {
        b[1]["data-count"]: int(text(b)) for b in find(tree.root, "b") if "data-count" in b[1]
    }
    statuses = [r["status"] for r in records]
    assert counted == {s: statuses.count(s) for s in set(statuses)}


def test_finding_cells_and_the_chart(run: tuple[Path, list[dict[str, Any]], Tree]) -> None:
    _, records, tree = run
    for record in records:
        template = _scan_page(tree, record)
        if record["probs"] is None:
            assert not find(template, "table", class_="findings")
            continue
        rows = [cells(r) for r in find(find(template, "table", class_="findings")[0], "tr")][1:]
        assert rows[0][1:4] == [
            prob(record["probs"]["any"]),
            "yes" if record["calls"]["any"] else "no",
            ml(record["total_ml"]),
        ]
        for row, finding in zip(rows[1:], record["findings"], strict=True):
            key = finding["key_slice"]
            assert row[0] == finding["subtype"]
            assert row[1:4] == [
                prob(finding["prob"]),
                "yes" if finding["call"] else "no",
                ml(finding["ml"]),
            ]
            assert row[7] == ("–" if key is None else str(key + 1))
            shares = sorted(finding["regions"].items(), key=lambda item: -item[1])
            assert row[6] == (
                ", ".join(f"{k.replace('_', ' ')} {v * 100:.0f} %" for k, v in shares) or "–"
            )
        _check_chart(template, record)


def _check_chart(template: list[Any], record: dict[str, Any]) -> None:
    chart = find(template, "svg", class_="zchart")[0]
    n = len(record["slices"])
    for label in LABELS:
        (line,) = find(chart, "polyline", class_=label)
        drawn = np.array([p.split(",") for p in line[1]["points"].split()], float)
        truth = np.array([s["probs"][label] for s in record["slices"]])
        assert np.allclose(drawn[:, 1], 8 + (1 - truth) * (170 - 8 - 26), atol=0.06)
        assert np.allclose(drawn[:, 0], np.linspace(34, 520 - 8, n), atol=0.06)
    stored = json.loads(find(template, "article")[0][1]["data-probs"])
    assert stored == [[s["probs"][label] for label in LABELS] for s in record["slices"]]


def test_measurements(run: tuple[Path, list[dict[str, Any]], Tree]) -> None:
    _, records, tree = run
    template = _scan_page(tree, records[0])
    rows = [cells(r) for r in find(find(template, "table", class_="measurements")[0], "tr")]
    assert rows == [
        ["ABC/2 of the IPH", "23.5 mL", "slice 3; ABC/2"],
        ["midline shift", "6.2 mm", "slice 4"],
        ["infratentorial", "no", ""],
    ]
    assert "shift 6 mm" in cells(_rows(tree)[_name(records[0])])[1]


def test_flags_say_what_they_mean_here(run: tuple[Path, list[dict[str, Any]], Tree]) -> None:
    _, records, tree = run
    (flag,) = find(_scan_page(tree, records[0]), "span", class_="flag")
    assert text(flag) == "uneven spacing: 1.1 to 5.4 mm"


def test_no_number_of_a_scan_is_from_anywhere_else(
    run: tuple[Path, list[dict[str, Any]], Tree],
) -> None:
    """Each number in the words of a scan's page is a rounding of a number of its record."""
    _, records, tree = run
    for record in records:
        template = _scan_page(tree, record)
        for section in find(template, "section"):  # the charts are checked on their own
            section[2] = [c for c in section[2] if isinstance(c, str) or c[0] != "svg"]
        known = _roundings(record)
        # fixed words of the page: the scale bar, and the rank that the worklist gave
        known |= {"50", cells(_rows(tree)[_name(record)])[0]}
        words = re.sub(r"\d{4}-\d\d-\d\d|[0-9a-f]{64}", " ", text(template))
        for uid in (record["key_sop_uid"] or " ", record["series_uid"], record["study_uid"]):
            words = words.replace(uid, " ")
        foreign = set(NUMBER.findall(words)) - known
        assert not foreign, (record["patient_id"], foreign)


def _roundings(value: Any, key: str = "") -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_roundings(v, k) for k, v in value.items()), set())
    if isinstance(value, list):
        return set().union(*(_roundings(v, key) for v in value), set())
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, str):
        return set(NUMBER.findall(value))
    numbers = {format(value, f".{d}f") for d in (0, 1, 2)} | {f"{value * 100:.0f}"}
    numbers |= {str(abs(round(value)))}
    if key in ("key_slice", "slice_index"):
        numbers.add(str(value + 1))
    return numbers | {"0.01", "0.99", "30"}


def test_evaluation_cells_are_those_of_the_results(
    run: tuple[Path, list[dict[str, Any]], Tree],
) -> None:
    folder, records, tree = run
    with (folder / "labels.csv").open() as file:
        truth = {row["study_uid"]: row for row in csv.DictReader(file)}
    read = [r for r in records if r["probs"]]
    page = find(tree.root, "main", id="evaluation")[0]
    tables = [[cells(r) for r in find(t, "tr")] for t in find(page, "table", class_="figures")]
    presence = next(t for t in tables if t[0][:2] == ["label", "n"])
    by_label = {row[0]: dict(zip(presence[0], row, strict=True)) for row in presence[1:]}
    for label in LABELS:
        y = np.array([int(truth[r["study_uid"]][label]) for r in read])
        p = np.array([r["probs"][label] for r in read])
        call = np.array([r["calls"][label] for r in read])
        row = by_label[label]
        assert row["n"] == str(len(y))
        assert row["positive"] == str(y.sum())
        assert row["AUC"].split(" ")[0] == f"{roc_auc_score(y, p):.3f}"
        assert row["sensitivity"].split(" ")[0] == f"{call[y == 1].mean():.3f}"
        assert row["specificity"].split(" ")[0] == f"{1 - call[y == 0].mean():.3f}"
        assert row["Brier"].split(" ")[0] == f"{np.mean((p - y) ** 2):.3f}"
    volume = next(t for t in tables if t[0][0] == "volume")
    pairs = [
        (r["total_ml"]["value"], float(truth[r["study_uid"]]["ml"]))
        for r in read
        if float(truth[r["study_uid"]]["ml"]) > 0
    ]
    errors = np.subtract(*np.array(pairs).T)
    assert volume[1][1] == str(len(pairs))
    assert volume[1][2].split(" ")[0] == f"{errors.mean():.2f}"
    assert volume[1][5] == f"{np.abs(errors).mean():.2f}"
    bland = next(f for f in find(page, "figure") if "Bland" in text(f))
    assert len(find(bland, "circle")) == len(pairs)
