"""A real browser, driven: what the tests of pages share."""

import base64
import importlib.metadata
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("chrome"))),
        reason="needs Chromium and chromedriver on the path",
    ),
]
"""The marks of every test that needs a browser."""

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


def rows(browser: Any, table: str, place: int) -> list[str]:
    return browser.execute_script(  # type: ignore[no-any-return]
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".map(row => row.children[arguments[1]].dataset.value)",
        table,
        place,
    )


def heads(browser: Any, table: str) -> list[Any]:
    return browser.find_elements("css selector", f"#{table} thead th")  # type: ignore[no-any-return]


def tip(browser: Any) -> str:
    result = browser.find_element("id", "tip")
    return str(result.text) if result.is_displayed() else ""


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
        if button.text.startswith(label):
            browser.execute_script("arguments[0].click()", button)
            return
    raise AssertionError(f"no button {label!r} in {inside}")


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    """Contrast of two colours (WCAG 2.2, 1.4.3): 1 to 21."""
    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


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


@contextmanager
def narrowed(
    browser: Any, width: int, *, media: str = "screen", scheme: str = "light"
) -> Iterator[None]:
    """A window of so many pixels, in light or dark, on the screen or as in print."""
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@cache
def axe_source() -> str:
    """axe-core's script, as a package of Python carries it."""
    files = importlib.metadata.files("axe-playwright-python") or []
    (script,) = [file for file in files if file.name == "axe.min.js"]
    return script.read_text(encoding="utf-8")


def accessibility_faults(browser: Any) -> list[str]:
    """What axe-core finds on the open page by all its rules: rule, element, what to mend."""
    browser.set_script_timeout(120)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.execute_script(axe_source())
    found = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations.flatMap("
        "v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`))))"
    )
    return [str(fault) for fault in found]
