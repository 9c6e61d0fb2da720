"""The page in a real browser: sort, filter, open, scroll; nothing leaves, nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ich_cli.notice import NOTICE
from ich_cli.reports.html_ import write_report
from tests.reports.browser import Watched, opened, wait_until
from tests.reports.html_example import ATTACK, write_run

N = 24


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return write_report(write_run(folder, N), folder / "report.html", folder).page


@pytest.fixture(scope="module")
def kept(chromium_browser: Any, page_path: Path) -> Iterator[Watched]:
    with opened(chromium_browser, page_path) as watched:
        yield watched


@pytest.fixture
def watched(kept: Watched, page_path: Path) -> Iterator[Watched]:
    kept.page.goto("about:blank")
    kept.page.goto(page_path.as_uri())
    yield kept
    assert kept.outside(page_path) == [], "a request left the page"
    assert kept.console == []


def _column(page: Any, key: str) -> list[str]:
    script = """key => {
      const at = [...document.querySelectorAll('#list th')].findIndex(th => th.dataset.key === key);
      return [...document.querySelectorAll('#list tbody tr:not([hidden])')]
        .map(row => row.cells[at].innerText.trim());
    }"""
    cells: list[str] = page.evaluate(script, key)
    return cells


def _canvas(page: Any, selector: str = "canvas.slice") -> list[int]:
    """Grey values of the middle row of a canvas."""
    values: list[int] = page.evaluate(
        """selector => {
          const c = document.querySelector(selector), copy = new OffscreenCanvas(c.width, 1);
          const context = copy.getContext('2d', {willReadFrequently: true});
          context.drawImage(c, 0, -(c.height / 2 | 0));
          return [...context.getImageData(0, 0, c.width, 1).data];
        }""",
        selector,
    )
    return values


def _open_first(page: Any) -> None:
    page.click("#list tbody tr a")
    page.wait_for_selector("article[data-ready]")


def test_most_urgent_first(watched: Watched) -> None:
    status = _column(watched.page, "status")
    kinds = [words.split("\n")[0].split(" ≥")[0] for words in status]
    assert kinds == sorted(kinds, key=["positive", "not analysable gap", "negative"].index)
    assert len(status) == N + 1


def test_sort_by_a_column_both_ways_with_unknown_last(watched: Watched) -> None:
    page = watched.page
    page.click("th[data-key=any] button")
    cells = _column(page, "any")
    assert cells[-1] == "–"
    falling = [float(c) for c in cells[:-1]]
    assert falling == sorted(falling, reverse=True)
    page.click("th[data-key=any] button")
    cells = _column(page, "any")
    assert cells[-1] == "–"
    rising = [float(c) for c in cells[:-1]]
    assert rising == sorted(rising)
    assert page.get_attribute("th[data-key=any]", "aria-sort") == "ascending"


def test_filters_narrow_and_clear(watched: Watched) -> None:
    page = watched.page
    page.select_option("[name=status]", "positive")
    positive = len(_column(page, "status"))
    assert 0 < positive < N
    page.fill("[name=ml]", "30")
    large = [float(c.split(" ")[0]) for c in _column(page, "ml")]
    assert large
    assert all(ml >= 30 for ml in large)
    page.fill("[name=ml]", "")
    page.select_option("[name=subtype]", "IPH")
    assert set(_column(page, "subtypes")) == {"IPH"}
    page.select_option("[name=side]", "left")
    assert set(_column(page, "side")) == {"left"}
    page.click("#filters [type=reset]")
    page.select_option("[name=tier]", "disagree")
    assert set(_column(page, "tier")) == {"disagree"}
    page.click("#filters [type=reset]")
    page.fill("[name=text]", "patient 900")
    assert page.inner_text("#shown") == f"1 of {N + 1} scans"
    page.click("#filters [type=reset]")
    wait_until(page, f"document.querySelector('#shown').textContent.startsWith('{N + 1} ')")


def test_open_a_scan_and_scroll_its_slices(watched: Watched) -> None:
    page = watched.page
    _open_first(page)
    assert page.inner_text(".where") == "Slice 4 of 6, key slice"
    at_key = _canvas(page)
    page.keyboard.press("Home")
    assert page.inner_text(".where") == "Slice 1 of 6"
    assert _canvas(page) != at_key
    page.keyboard.press("ArrowUp")
    assert page.inner_text(".where") == "Slice 2 of 6"
    page.keyboard.press("End")
    page.mouse.move(300, 400)
    page.mouse.wheel(0, 100)
    wait_until(page, "document.querySelector('.where').textContent === 'Slice 5 of 6'")
    page.keyboard.press("g")
    assert _canvas(page) == at_key
    box = page.locator("canvas.montage").bounding_box()
    page.locator("canvas.montage").click(position={"x": box["width"] / 2, "y": 20})
    assert page.inner_text(".where") == "Slice 2 of 6"


def test_an_open_scan_fits_a_narrow_screen(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 400, "height": 900})
    try:
        _open_first(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 400
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})


def test_windows_and_overlay_change_the_picture(watched: Watched) -> None:
    page = watched.page
    page.fill("[name=text]", "2024")
    page.click("#list tbody tr[data-subtypes=EDH] a")
    page.wait_for_selector("article[data-ready]")
    with_overlay = _canvas(page)
    page.keyboard.press("o")
    plain = _canvas(page)
    coloured = [
        k for k in range(0, len(plain), 4) if abs(with_overlay[k] - with_overlay[k + 1]) > 30
    ]
    assert coloured
    assert all(abs(plain[k] - plain[k + 1]) <= 3 for k in range(0, len(plain), 4))
    page.keyboard.press("4")
    bone = _canvas(page)
    middle = len(plain) // 2 // 4 * 4
    assert plain[middle] == pytest.approx(255 * 35 / 80, abs=25)
    assert bone[middle] < 30
    assert page.get_attribute("[data-width='1400']", "aria-pressed") == "true"


def test_the_page_is_usable_from_the_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("article[data-ready]")
    assert page.inner_text(".crumbs b") == "2"
    page.keyboard.press("j")
    wait_until(page, "document.querySelector('.crumbs b').textContent === '3'")
    page.keyboard.press("Escape")
    assert page.is_visible("#worklist")
    assert page.evaluate("document.activeElement.closest('tr').dataset.rank") == "3"
    page.go_back()
    page.wait_for_selector("article[data-ready]")
    page.keyboard.press("/")
    page.keyboard.type("2024")
    assert page.is_visible("#worklist")
    assert page.input_value("[name=text]") == "2024"


def test_headers_are_text_and_never_run(watched: Watched) -> None:
    page = watched.page
    row = page.locator("#list tbody tr", has_text="<script>window.hacked = 1</script>")
    assert row.locator("td.id").inner_text() == ATTACK
    row.locator("a").click()
    page.wait_for_selector("article[data-ready]")
    assert ATTACK in page.inner_text("h1 .who")
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("#scan img, #list img").count() == 0


def test_the_disclaimer_stays_in_sight(watched: Watched) -> None:
    page = watched.page
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(100)
    box = page.locator(".disclaimer").bounding_box()
    assert page.inner_text(".disclaimer") == NOTICE
    assert 0 <= box["y"] < 900
    _open_first(page)
    assert page.is_visible(".disclaimer")
    page.emulate_media(media="print")
    assert page.is_visible(".foot")
    page.emulate_media(media="screen")


def test_dark_is_dark_and_print_is_light(watched: Watched) -> None:
    page = watched.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.keyboard.press("d")
    dark = page.evaluate(ground)
    assert light == "rgb(251, 251, 250)"
    assert dark == "rgb(12, 14, 16)"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")


def test_a_printed_page_is_whole_and_in_the_colours_of_paper(watched: Watched) -> None:
    page = watched.page
    colours = "[...document.querySelectorAll('.chip, .alert')].map(e => getComputedStyle(e).color)"
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1047, "height": 700})  # A4 across, less its margins
    try:
        on_paper = page.evaluate(colours)
        page.keyboard.press("d")
        assert page.evaluate(colours) == on_paper
        for target in ("#worklist", "#evaluation"):
            page.evaluate("hash => { location.hash = hash; }", target)
            page.wait_for_selector(target)
            assert page.evaluate("document.documentElement.scrollWidth") == 1047
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})
        page.emulate_media(media="screen")


def test_what_is_printed_of_a_scan_says_which_it_is(watched: Watched) -> None:
    page = watched.page
    _open_first(page)
    assert not page.is_visible(".provenance table")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.is_visible(".provenance table")


def test_the_evaluation_scrolls_by_the_arrow_keys(watched: Watched) -> None:
    page = watched.page
    page.click("nav a[href='#evaluation']")
    # A key that is pressed before the page has changed is lost.
    for _ in range(100):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(50)
        if page.evaluate("scrollY > 0"):
            break
    assert page.evaluate("scrollY > 0")


def test_the_run_fits_a_narrow_screen(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 900})
    try:
        page.click("nav a[href='#run']")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})


def test_controls_have_names(watched: Watched) -> None:
    page = watched.page
    _open_first(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, a, canvas, svg')].filter(e =>
          !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length"""
    )
    assert nameless == 0


def test_the_evaluation_page_has_its_plots(watched: Watched) -> None:
    page = watched.page
    page.click("nav a[href='#evaluation']")
    page.wait_for_selector("#worklist", state="hidden")
    assert page.locator("#evaluation svg.plot").count() == 3
    assert page.locator("#evaluation table.confusion").count() == 6


def test_words_without_end_stay_on_the_page(tmp_path: Path, chromium_browser: Any) -> None:
    records = write_run(tmp_path, 3, images=False)
    for record in records:
        record["patient_id"] = "\u202e" + "P" * 200
        record["second_reader"] = {"reader": "R" * 200, "tier": "agree", "location": "L" * 200}
    page_path = write_report(records, tmp_path / "report.html", tmp_path).page
    with opened(chromium_browser, page_path) as watched:
        watched.page.set_viewport_size({"width": 390, "height": 900})
        _open_first(watched.page)
        assert watched.page.evaluate("document.documentElement.scrollWidth") == 390


def test_pictures_beside_the_page_load_when_a_scan_is_opened(
    tmp_path: Path, chromium_browser: Any
) -> None:
    records = write_run(tmp_path, 3)
    written = write_report(records, tmp_path / "report.html", tmp_path, split=True)
    assert written.parts is not None
    with opened(chromium_browser, written.page) as watched:
        assert watched.outside(written.page) == []
        _open_first(watched.page)
        assert watched.page.inner_text(".where").startswith("Slice 4 of 6")
        assert len(watched.outside(written.page)) == 1
        assert watched.outside(written.page, written.parts) == []
        assert watched.console == []


def test_pictures_that_are_gone_cost_only_the_pictures(
    tmp_path: Path, chromium_browser: Any
) -> None:
    records = write_run(tmp_path, 3)
    written = write_report(records, tmp_path / "report.html", tmp_path, split=True)
    assert written.parts is not None
    for part in written.parts.iterdir():
        part.unlink()
    with opened(chromium_browser, written.page) as watched:
        _open_first(watched.page)
        assert "are gone" in watched.page.inner_text(".viewer")
        assert watched.page.locator("table.findings").count() == 1
