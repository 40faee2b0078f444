"""The leaderboard of a hundred bundles in a real browser: search, filter, sort, keyboard, sizes."""

import json
from pathlib import Path
from typing import Any

import pytest

from .driving import BROWSER, contrast, heads, luminance, rows, shot

pytestmark = BROWSER

RANKED, UNRANKED, ALL = "ranked-rows", "unranked-rows", "all-rows"


def table_page(site: Path) -> Path:
    (page,) = site.glob("made_up-01234567-*.html")
    return page


@pytest.fixture
def opened(browser: Any, site: Path) -> Any:
    """The larger table, freshly opened from disk."""
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(table_page(site).as_uri())
    return browser


def visible(browser: Any, table: str) -> list[str]:
    """The methods of the rows that are shown."""
    return browser.execute_script(  # type: ignore[no-any-return]
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".filter(row => row.checkVisibility()).map(row => row.children[0].dataset.value)",
        table,
    )


def search(browser: Any, table: str) -> Any:
    return browser.find_element("css selector", f"form[data-table={table}] input")


def status(browser: Any, table: str) -> str:
    return str(browser.find_element("css selector", f"form[data-table={table}] output").text)


def test_opens_from_disk_without_an_error_and_asks_for_nothing(opened: Any, site: Path) -> None:
    assert opened.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked - {"data:,"} == {table_page(site).as_uri()}
    assert opened.title.startswith("SIMULATED: ")


def test_every_page_leads_to_the_others(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    links = browser.find_elements("css selector", "#tables tbody a")
    assert len(links) == 2
    links[0].click()
    assert browser.current_url == table_page(site).as_uri()
    browser.find_element("link text", "All results and their history").click()
    assert browser.current_url == (site / "results.html").as_uri()
    assert len(visible(browser, ALL)) == 100


def test_what_nobody_made_again_stands_apart(opened: Any) -> None:
    """Of 75 bundles 50 have a record; the imported ones among them have no rank."""
    ranked, unranked = visible(opened, RANKED), visible(opened, UNRANKED)
    assert (len(ranked), len(unranked)) == (46, 29)
    assert len(heads(opened, UNRANKED)) < len(heads(opened, RANKED))
    names = [head.text.split("\n")[0] for head in heads(opened, UNRANKED)]
    assert "Rank" not in names
    assert unranked == sorted(unranked)


def test_a_search_shows_the_rows_that_hold_all_words(opened: Any) -> None:
    field = search(opened, RANKED)
    field.send_keys("METHOD_02 marsh")
    assert set(visible(opened, RANKED)) == {"method_02"}
    assert status(opened, RANKED) == f"{len(visible(opened, RANKED))} of 46 rows"
    assert len(visible(opened, UNRANKED)) == 29
    field.clear()
    field.send_keys("no such words")
    assert visible(opened, RANKED) == []
    assert status(opened, RANKED) == "0 of 46 rows"


def test_a_filter_and_a_search_hold_together(browser: Any, site: Path) -> None:
    from selenium.webdriver.support.select import Select

    browser.get((site / "results.html").as_uri())
    form = browser.find_element("css selector", f"form[data-table={ALL}]")
    choice = Select(form.find_element("css selector", "select[data-column=Status]"))
    assert [one.text for one in choice.options] == [
        "all",
        "imported",
        "re-derived",
        "self-reported",
    ]
    choice.select_by_visible_text("imported")
    assert len(visible(browser, ALL)) == 10
    search(browser, ALL).send_keys("method_09")
    assert set(visible(browser, ALL)) == {"method_09"}
    choice.select_by_visible_text("all")
    assert len(visible(browser, ALL)) == 4


def test_headings_sort_with_the_pointer_and_by_key(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    names = [head.text.split("\n")[0].strip() for head in heads(opened, RANKED)]
    mae = names.index("MAE")
    assert heads(opened, RANKED)[names.index("Rank")].get_attribute("aria-sort") == "ascending"
    button = heads(opened, RANKED)[mae].find_element("css selector", "button")
    button.click()
    values = [float(value) for value in rows(opened, RANKED, mae)]
    assert values == sorted(values)
    assert heads(opened, RANKED)[mae].get_attribute("aria-sort") == "ascending"
    opened.execute_script("arguments[0].focus()", button)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    assert [float(value) for value in rows(opened, RANKED, mae)] == values[::-1]
    assert heads(opened, RANKED)[mae].get_attribute("aria-sort") == "descending"


def test_the_keyboard_reaches_everything_in_its_order(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.execute_script("document.activeElement.blur()")
    seen = []
    for _ in range(8):
        opened.switch_to.active_element.send_keys(Keys.TAB)
        active = opened.switch_to.active_element
        seen.append(active.get_attribute("type") or active.text or active.get_attribute("role"))
    assert seen[0] == "To the content"
    assert seen[1:3] == ["Tables", "All results and their history"]
    assert "search" in seen
    assert "submit" not in seen
    field = search(opened, RANKED)
    field.send_keys("method_03", Keys.ENTER)
    assert opened.current_url.endswith(".html")  # a form sends nothing
    assert set(visible(opened, RANKED)) == {"method_03"}


def test_whatever_is_used_has_a_name(browser: Any, site: Path) -> None:
    """Fields have labels, buttons words, tables captions, regions that scroll a name and a stop."""
    for page in sorted(site.glob("*.html")):
        browser.get(page.as_uri())
        nameless = browser.execute_script(
            "const named = e => (e.labels && e.labels.length) || e.textContent.trim();"
            "const fields = [...document.querySelectorAll('input, select, button, a')];"
            "const tables = [...document.querySelectorAll('table')];"
            "const regions = [...document.querySelectorAll('.scroll')];"
            "return [...fields.filter(e => !named(e)), ...tables.filter(t => !t.caption),"
            " ...regions.filter(r => !r.ariaLabel || r.tabIndex !== 0)].map(e => e.outerHTML)"
        )
        assert nameless == []
        assert browser.execute_script("return document.documentElement.lang") == "en"
        assert len(browser.find_elements("css selector", "h1")) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_in_light_and_dark(opened: Any, scheme: str, folder: Path) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    paper, *inks = opened.execute_script(
        "const of = (e, p) => getComputedStyle(e)[p];"
        "const inks = ['body', '.lead', '.over', '.search label', '.search input', 'thead button',"
        " 'tbody th', 'tbody td small', '.tag', '.banner strong', 'nav a']"
        ".map(s => document.querySelector(s)).map(e => of(e, 'color'));"
        "return [of(document.body, 'backgroundColor'), ...inks]"
    )
    assert (luminance(paper) > 0.9) == (scheme == "light")
    for ink in inks:  # WCAG 2.2, 1.4.3
        assert contrast(paper, ink) >= 4.5
    shot(opened, folder / f"leaderboard-{scheme}.png", "header")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out(browser: Any, site: Path, width: int) -> None:
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        for page in sorted(site.glob("*.html")):
            browser.get(page.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
