"""Every kind of page on paper: nothing is cut, and headings stay with their rows."""

from pathlib import Path
from typing import Any

import pytest

from .driving import BROWSER, narrowed

pytestmark = BROWSER

SHEET_PX = 703
"""Width of the text on A4: 210 mm less margins of 12 mm, at 96 pixels an inch."""

KINDS = (
    *("report", "sections", "joint", "decomposition", "paper", "atlas"),
    *("leaderboard", "leaderboard-table", "leaderboard-results"),
)


@pytest.fixture(params=KINDS)
def printed(browser: Any, files: dict[str, Path], request: pytest.FixtureRequest) -> Any:
    """A page as it is laid out on paper, every part open."""
    with narrowed(browser, SHEET_PX, media="print"):
        browser.get(files[request.param].as_uri())
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        yield browser


def test_nothing_is_cut_at_the_edge_of_the_sheet(printed: Any) -> None:
    beyond = printed.execute_script(
        "return [...document.querySelectorAll('table, figure, p, pre')].filter(e =>"
        " e.checkVisibility() && e.getBoundingClientRect().right > arguments[0] + 1)"
        ".map(e => `${e.textContent.slice(0, 60)}: ${e.getBoundingClientRect().right}`)",
        SHEET_PX,
    )
    assert beyond == []


def test_headings_are_text_that_every_sheet_repeats(printed: Any) -> None:
    """Chromium repeats the texts of a heading on the next sheet, and leaves out its buttons."""
    display = printed.execute_script(
        "const of = (e, p) => getComputedStyle(e)[p];"
        "return [...document.querySelectorAll('thead')].map(h => [of(h, 'display'),"
        " of(h, 'breakInside'), ...[...h.querySelectorAll('button')].map(b => of(b, 'display'))])"
    )
    assert display
    for head, inside, *buttons in display:
        assert (head, inside) == ("table-header-group", "avoid")
        assert set(buttons) <= {"contents"}


def test_what_only_a_screen_needs_is_not_printed(printed: Any) -> None:
    shown = printed.execute_script(
        "return [...document.querySelectorAll('nav, .files, .sideways, .search, .skip')]"
        ".filter(e => e.checkVisibility()).length"
    )
    assert shown == 0
