"""The report in a real browser: opens, sorts, explains, downloads."""

import base64
import csv
import io
import json
import os
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rppgbench.report.inputs import ReportInputs
from rppgbench.report.page import write_report

from ..report_page import METHODS, Run, make_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("chrome"))),
        reason="needs Chromium and chromedriver on the path",
    ),
]

WIDTH, HEIGHT = 1280, 900
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
)


def start(profile: Path, downloads: Path) -> Any:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(shutil.which("chromium") or shutil.which("chrome"))
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
    driver.execute_cdp_cmd("Page.setDownloadBehavior", behaviour)
    return driver


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots stay: the folder that SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    if not named:
        return tmp_path_factory.mktemp("screenshots")
    Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named).resolve()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Any]:
    driver = start(tmp_path_factory.mktemp("profile"), downloads)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return make_page()


@pytest.fixture(scope="module")
def report(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(inputs, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(browser: Any, report: Path) -> Any:
    """The page, freshly opened from disk."""
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(report.as_uri())
    return browser


def test_opens_from_disk_without_an_error_and_asks_for_nothing(opened: Any, report: Path) -> None:
    assert opened.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked - {"data:,"} == {report.as_uri()}
    assert opened.title.startswith("SIMULATED: ")


def rows(browser: Any, table: str, place: int) -> list[str]:
    return browser.execute_script(  # type: ignore[no-any-return]
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".map(row => row.children[arguments[1]].dataset.value)",
        table,
        place,
    )


def heads(browser: Any, table: str) -> list[Any]:
    return browser.find_elements("css selector", f"#{table} thead th")  # type: ignore[no-any-return]


def test_a_click_on_a_heading_sorts_and_says_so(opened: Any, inputs: ReportInputs) -> None:
    table = "scores-default_rule"
    names = [head.text.split("\n")[0] for head in heads(opened, table)]
    mae, r = names.index("MAE"), names.index("r")
    summary = inputs.scores[0].summary
    first = [float(value) for value in rows(opened, table, mae)]
    assert first == sorted(summary["mae"])
    assert heads(opened, table)[mae].get_attribute("aria-sort") == "ascending"

    heads(opened, table)[mae].find_element("css selector", "button").click()
    assert [float(value) for value in rows(opened, table, mae)] == first[::-1]
    assert heads(opened, table)[mae].get_attribute("aria-sort") == "descending"

    heads(opened, table)[r].find_element("css selector", "button").click()
    values = rows(opened, table, r)
    assert values[-1] == ""  # not defined for a constant: last, whichever way
    assert [float(value) for value in values[:-1]] == sorted(summary["r"].dropna())[::-1]
    assert heads(opened, table)[mae].get_attribute("aria-sort") == "none"
    heads(opened, table)[r].find_element("css selector", "button").click()
    assert rows(opened, table, r)[-1] == ""


def test_names_are_sorted_by_the_keyboard_alone(opened: Any, inputs: ReportInputs) -> None:
    from selenium.webdriver.common.keys import Keys

    button = heads(opened, "scores-default_rule")[0].find_element("css selector", "button")
    opened.execute_script("arguments[0].focus()", button)
    for key, expected in (
        (Keys.ENTER, sorted(METHODS)),
        (Keys.SPACE, sorted(METHODS, reverse=True)),
    ):
        opened.switch_to.active_element.send_keys(key)
        assert rows(opened, "scores-default_rule", 0) == expected


def tip(browser: Any) -> str:
    found = browser.find_element("id", "tip")
    return str(found.text) if found.is_displayed() else ""


def detail(inputs: ReportInputs, method: str, key: str) -> str:
    record = inputs.scores[0].summary.set_index("method").loc[method]
    low, high = record[f"{key}_low"], record[f"{key}_high"]
    return (
        f"{key.upper()} {record[key]:.2f} bpm; 95 % interval {low:.2f} to {high:.2f} bpm "
        "over 12 subjects"
    )


def test_pointing_at_a_number_tells_its_interval(opened: Any, inputs: ReportInputs) -> None:
    from selenium.webdriver import ActionChains

    cell = opened.find_element(
        "css selector", "#scores-default_rule tbody tr:nth-child(3) td:nth-child(5)"
    )
    method = rows(opened, "scores-default_rule", 0)[2]
    opened.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", cell
    )
    assert tip(opened) == ""
    ActionChains(opened).move_to_element(cell).perform()
    assert tip(opened) == detail(inputs, method, "rmse")
    head = opened.find_element("css selector", "#scores-default_rule caption")
    ActionChains(opened).move_to_element(head).perform()
    assert tip(opened) == ""


def test_arrow_keys_go_from_number_to_number(opened: Any, inputs: ReportInputs) -> None:
    from selenium.webdriver.common.keys import Keys

    body = opened.find_element("css selector", "#scores-default_rule tbody")
    stops = body.find_elements("css selector", "[tabindex='0']")
    assert len(stops) == 1
    opened.execute_script("arguments[0].focus()", stops[0])
    assert tip(opened).startswith("24 recordings of 12 subjects, 24 expected; 264 windows")
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN):
        opened.switch_to.active_element.send_keys(key)
    second = rows(opened, "scores-default_rule", 0)[1]
    assert tip(opened).startswith(detail(inputs, second, "mae"))
    assert tip(opened).endswith("; second")
    focused = opened.switch_to.active_element
    assert focused.get_attribute("aria-describedby") == "tip"
    assert len(body.find_elements("css selector", "[tabindex='0']")) == 1
    focused.send_keys(Keys.ESCAPE)
    assert tip(opened) == ""


def fetched(downloads: Path, name: str) -> str:
    path = downloads / name
    for _ in range(100):
        if path.exists() and not list(downloads.glob("*.crdownload")):
            return path.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(
        f"{name} did not come; there is {sorted(p.name for p in downloads.iterdir())}"
    )


def press(browser: Any, inside: str, label: str) -> None:
    for button in browser.find_elements("css selector", f"#{inside} .files button"):
        if button.text == label:
            browser.execute_script("arguments[0].click()", button)
            return
    raise AssertionError(f"no button {label!r} in {inside}")


def test_a_table_comes_as_csv_markdown_and_latex(
    opened: Any, downloads: Path, inputs: ReportInputs
) -> None:
    for label in ("CSV", "Markdown", "LaTeX"):
        press(opened, "scores-default_rule", label)
    name = "SIMULATED_scores-default_rule"
    table = list(csv.DictReader(io.StringIO(fetched(downloads, f"{name}.csv"))))
    truth = inputs.scores[0].summary.set_index("method")["mae"]
    assert {row["method"]: float(row["mae"]) for row in table} == truth.to_dict()
    assert "**SIMULATED DATA. " in fetched(downloads, f"{name}.md")
    assert r"\toprule" in fetched(downloads, f"{name}.tex")


def test_a_figure_comes_as_data_and_as_a_picture(
    opened: Any, downloads: Path, inputs: ReportInputs
) -> None:
    press(opened, "scatter", "data (CSV)")
    press(opened, "scatter", "picture (SVG)")
    table = list(
        csv.DictReader(io.StringIO(fetched(downloads, "SIMULATED_windows-default_rule.csv")))
    )
    windows = inputs.scores[0].windows
    assert len(table) == len(windows) / len(METHODS)
    picture = fetched(downloads, "SIMULATED_scatter.svg")
    assert "var(" not in picture
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


def test_every_file_of_the_page_comes_with_its_name(opened: Any) -> None:
    missing = opened.execute_script(
        "const files = JSON.parse(document.getElementById('files').textContent);"
        "return [...document.querySelectorAll('[data-file]')]"
        ".filter(b => !(files[b.dataset.file] || ['', ''])[1]).length"
    )
    assert missing == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_looked_at_and_read_in_light_and_dark(
    opened: Any, scheme: str, folder: Path
) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    colours = opened.execute_script(
        "const of = (s, p) => getComputedStyle(document.querySelector(s))[p];"
        "return [of('body', 'backgroundColor'), of('body', 'color'), of('.note', 'color'),"
        " of('#scatter svg text', 'fill'), of('.simulated', 'color'), of('nav a', 'color')]"
    )
    paper, *inks = [luminance(colour) for colour in colours]
    assert (paper > 0.9) == (scheme == "light")
    for ink in inks:  # WCAG 2.2, 1.4.3: at least 4.5 to 1
        assert (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) >= 4.5
    for name, target in (("top", "header"), ("scores", "#scores"), ("figures", "#scatter")):
        shot(opened, folder / f"report-{name}-{scheme}.png", target)
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def shot(browser: Any, path: Path, target: str) -> None:
    top = browser.execute_script(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY", target
    )
    clip = {"x": 0, "y": max(0, top - 16), "width": WIDTH, "height": HEIGHT, "scale": 1}
    taken = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    path.write_bytes(base64.b64decode(taken["data"]))
    assert path.stat().st_size > 10_000


def test_nothing_sticks_out_on_a_telephone(opened: Any, folder: Path) -> None:
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    width = opened.execute_script("return document.documentElement.scrollWidth")
    taken = opened.execute_cdp_cmd("Page.captureScreenshot", {})
    (folder / "report-telephone.png").write_bytes(base64.b64decode(taken["data"]))
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 390


def test_prints_with_every_part_open(opened: Any) -> None:
    closed = "return document.querySelectorAll('details:not([open])').length"
    assert opened.execute_script(closed) > 0
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert opened.execute_script(closed) == 0
    opened.execute_script("dispatchEvent(new Event('afterprint'))")
    assert opened.execute_script(closed) > 0
    printed = opened.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_a_page_of_2378_recordings_and_15_methods_is_small_and_quick(
    browser: Any, tmp_path: Path
) -> None:
    methods = (*METHODS, *(f"network_{number}" for number in range(6)))
    subjects = [f"p{number:04d}" for number in range(1189)]
    inputs = make_page(Run(subjects, methods=methods, windows=3, folds=5))
    assert inputs.scores[0].windows["recording"].nunique() == 2378
    began = time.process_time()
    path = write_report(inputs, tmp_path / "large.html")
    assert time.process_time() - began < 60
    assert path.stat().st_size < 15e6
    browser.get_log("browser")
    loads_ms = []
    for _ in range(3):  # the quickest: other work on the machine only adds
        browser.get(path.as_uri())
        loads_ms.append(
            browser.execute_script(
                "return performance.getEntriesByType('navigation')[0].loadEventEnd"
            )
        )
    assert 0 < min(loads_ms) < 2000
    assert browser.get_log("browser") == []
