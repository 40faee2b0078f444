"""The sections on what numbers can bear: in the contents, sorted by a click, on a telephone."""

from pathlib import Path
from typing import Any

import pytest

from ..factories.bearing_sections import KEYS
from .driving import BROWSER, heads, narrowed, rows

pytestmark = BROWSER


@pytest.fixture
def opened(browser: Any, sections: Path) -> Any:
    browser.get(sections.as_uri())
    return browser


@pytest.mark.parametrize("key", KEYS)
def test_the_contents_lead_to_the_section(opened: Any, key: str) -> None:
    (link,) = opened.find_elements("css selector", f"nav a[href='#{key}']")
    title = opened.find_element("css selector", f"#{key} h2").text
    assert link.text == title
    opened.execute_script("arguments[0].click()", link)
    top = opened.execute_script(
        "return document.getElementById(arguments[0]).getBoundingClientRect().top", key
    )
    assert -1 < top < 450


def test_detectable_differences_are_sorted_by_a_click(opened: Any) -> None:
    places = [head.text.splitlines()[0] for head in heads(opened, "power-table")]
    place = places.index("Detectable")
    head = heads(opened, "power-table")[place]
    opened.execute_script("arguments[0].click()", head.find_element("css selector", "button"))
    values = [float(value) for value in rows(opened, "power-table", place)]
    assert len(values) > 2
    assert values in (sorted(values), sorted(values, reverse=True))


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_of_the_sections(browser: Any, sections: Path, width: int) -> None:
    with narrowed(browser, width):
        browser.get(sections.as_uri())
        beyond = browser.execute_script(
            "return arguments[0].flatMap(key => [...document.querySelectorAll("
            "`#${key} > p, #${key} .scroll`)].filter("
            "e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.textContent))",
            list(KEYS),
        )
        assert beyond == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
