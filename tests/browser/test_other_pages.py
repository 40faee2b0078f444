"""The decomposition page and a paper's table in a real browser."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .driving import BROWSER, contrast, fetched, heads, luminance, narrowed, press, rows, shot, tip

pytestmark = BROWSER

TABLES = {"decomposition": "decomposition-errors", "paper": "li2023_figure5"}
WIDE = "decomposition-shares"
FIGURES = {"decomposition": "share-steps", "paper": "labels"}


@pytest.fixture(params=["decomposition", "paper"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path], name: str) -> Any:
    """The page, freshly opened from disk."""
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(pages[name].as_uri())
    return browser


def test_opens_from_disk_without_an_error_and_asks_for_nothing(
    opened: Any, pages: dict[str, Path], name: str
) -> None:
    assert opened.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    requested = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert requested - {"data:,"} == {pages[name].as_uri()}
    assert opened.title.startswith("SIMULATED: ") == (name == "decomposition")


def test_headings_sort_by_click_and_by_key(opened: Any, name: str) -> None:
    from selenium.webdriver.common.keys import Keys

    table = TABLES[name]
    values = rows(opened, table, 0)
    assert len(values) >= 2
    button = heads(opened, table)[0].find_element("css selector", "button")
    button.click()
    assert rows(opened, table, 0) == sorted(values)
    assert heads(opened, table)[0].get_attribute("aria-sort") == "ascending"
    opened.execute_script("arguments[0].focus()", button)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    assert rows(opened, table, 0) == sorted(values, reverse=True)
    assert heads(opened, table)[0].get_attribute("aria-sort") == "descending"


def test_cells_explain_themselves_under_the_pointer_and_by_key(opened: Any, name: str) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    cells = opened.find_elements("css selector", f"#{TABLES[name]} tbody td[data-detail]")
    cell = cells[-1]
    opened.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", cell)
    assert tip(opened) == ""
    ActionChains(opened).move_to_element(cell).perform()
    assert tip(opened) == cell.get_attribute("data-detail")
    head = opened.find_element("css selector", f"#{TABLES[name]} caption")
    ActionChains(opened).move_to_element(head).perform()
    assert tip(opened) == ""
    stop = opened.find_element("css selector", f"#{TABLES[name]} tbody [tabindex='0']")
    opened.execute_script("arguments[0].focus()", stop)
    first = tip(opened)
    assert first == stop.get_attribute("data-detail")
    opened.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    below = opened.switch_to.active_element
    assert below != stop
    assert tip(opened) == below.get_attribute("data-detail")
    below.send_keys(Keys.ESCAPE)
    assert tip(opened) == ""


def test_the_numbers_behind_a_figure_come_down(
    opened: Any, pages: dict[str, Path], downloads: Path, name: str
) -> None:
    press(opened, FIGURES[name], "data (CSV)")
    press(opened, FIGURES[name], "picture (SVG)")
    prefix = "SIMULATED_" if name == "decomposition" else ""
    button = opened.find_element("css selector", f"#{FIGURES[name]} [data-file]")
    files = json.loads(opened.find_element("id", "files").get_attribute("textContent"))
    file, text = files[button.get_attribute("data-file")]
    assert file.startswith(prefix)
    got = list(csv.DictReader(io.StringIO(fetched(downloads, file))))
    assert got == list(csv.DictReader(io.StringIO(text)))
    if name == "decomposition":
        written = pd.read_csv(pages[name].with_name("decomposition_shares.csv"))
        shares = [float(row["share_bpm"]) for row in got]
        assert shares == pytest.approx(written["share_bpm"].tolist(), rel=1e-5, abs=1e-9)
    else:
        errors = [float(row["2SR (bpm)"]) - float(row["reference_bpm"]) for row in got]
        assert errors == pytest.approx([3.0] * len(errors), abs=0.1)  # as it was made
    picture = fetched(downloads, f"{prefix}{FIGURES[name]}.svg")
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


def test_an_explanation_covers_no_name_of_a_row(opened: Any, name: str) -> None:
    from selenium.webdriver import ActionChains

    table = f"#{TABLES[name]}"
    for cell in opened.find_elements("css selector", f"{table} tbody td[data-detail]")[:3]:
        opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        ActionChains(opened).move_to_element(cell).perform()
        assert tip(opened)
        covered = opened.execute_script(
            "const box = e => e.getBoundingClientRect(), t = box(document.getElementById('tip'));"
            "return [...document.querySelectorAll(arguments[0])].map(box).filter(n => t.left <"
            " n.right && n.left < t.right && t.top < n.bottom && n.top < t.bottom).length",
            f"{table} tbody th",
        )
        assert covered == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_in_light_and_dark(opened: Any, name: str, scheme: str, folder: Path) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    paper, *inks = opened.execute_script(
        "const of = (e, p) => getComputedStyle(e)[p];"
        "const one = s => document.querySelector(s);"
        "const inks = ['body', '.note', '.over', 'thead button', 'tbody th', 'tbody td small',"
        " 'tr.printed td'].map(one).filter(e => e).map(e => of(e, 'color'));"
        "const text = of(one(arguments[0] + ' svg text'), 'fill');"
        "return [of(document.body, 'backgroundColor'), ...inks, text]",
        f"#{FIGURES[name]}",
    )
    assert (luminance(paper) > 0.9) == (scheme == "light")
    for ink in inks:  # WCAG 2.2, 1.4.3
        assert contrast(paper, ink) >= 4.5
    shot(opened, folder / f"{name}-{scheme}.png", "header")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_nothing_sticks_out_on_a_telephone(opened: Any) -> None:
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    width = opened.execute_script("return document.documentElement.scrollWidth")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 390


def test_what_is_cut_says_so_and_is_reached_by_keyboard(
    browser: Any, pages: dict[str, Path]
) -> None:
    box = f"#{WIDE} .scroll"
    for width, cut in ((400, True), (1280, False)):
        with narrowed(browser, width):
            browser.get(pages["decomposition"].as_uri())
            region = browser.find_element("css selector", box)
            assert (region.get_attribute("tabindex") == "0") == cut
            hint = region.find_element("xpath", "preceding-sibling::p[@class='sideways']")
            assert hint.is_displayed() == cut


@pytest.mark.parametrize("kind", ["report", "joint", "decomposition", "paper"])
def test_buttons_and_regions_have_names_of_their_own(
    browser: Any, pages: dict[str, Path], report: Path, kind: str
) -> None:
    browser.get((pages | {"report": report})[kind].as_uri())
    for names in browser.execute_script(
        "const texts = [...document.querySelectorAll('.files button')].map(b => b.textContent);"
        "const labels = [...document.querySelectorAll('.scroll')].map(b => b.ariaLabel);"
        "return [texts, labels]"
    ):
        assert len(names) > 1
        assert len(set(names)) == len(names)


def test_names_of_rows_stay_in_sight_while_a_wide_table_scrolls(
    browser: Any, pages: dict[str, Path]
) -> None:
    browser.get(pages["decomposition"].as_uri())
    table = f"#{WIDE}"
    screen = {"width": 400, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    box = browser.find_element("css selector", f"{table} .scroll")
    assert browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", box)
    browser.execute_script("arguments[0].scrollLeft = 60", box)
    left = browser.execute_script(
        "const l = e => e.getBoundingClientRect().left;"
        "return l(document.querySelector(arguments[0])) - l(arguments[1])",
        f"{table} tbody th",
        box,
    )
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert abs(left) <= 1


def test_the_index_of_tables_breaks_no_word_and_fits_its_window(
    browser: Any, tmp_path: Path
) -> None:
    from rppgbench.papers.declaration import read_table
    from rppgbench.papers.page import PaperPage, index_html

    table, _ = read_table(Path(__file__).parents[2] / "reports" / "qian2024_table1.toml")
    page = PaperPage(
        name="one", table=table, lines=(), fills={}, simulated=None, drawings=(), command=""
    )
    files = dict.fromkeys(("html", "latex", "markdown", "csv"), "one")
    index = tmp_path / "index.html"
    index.write_text(index_html([(page, files)], "bench table --all"))
    with narrowed(browser, 1280):
        browser.get(index.as_uri())
        region = browser.find_element("css selector", ".scroll")
        assert region.get_property("scrollWidth") <= region.get_property("clientWidth")
        title = browser.find_element("css selector", "tbody th a")
        longest_word = max(table.title.split(), key=len)
        browser.execute_script("arguments[0].textContent = arguments[1]", title, longest_word)
        assert len(browser.execute_script("return arguments[0].getClientRects()", title)) == 1
