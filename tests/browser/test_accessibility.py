"""axe-core finds nothing on any kind of page: wide, narrow, light, dark, in print."""

from pathlib import Path
from typing import Any

import pytest

from .driving import BROWSER, accessibility_faults, narrowed

pytestmark = BROWSER

WIDTHS = (1280, 400)
LOOKS = {
    "light": ("screen", "light"),
    "dark": ("screen", "dark"),
    "print": ("print", "light"),
}
KINDS = (
    *("report", "sections", "joint", "decomposition", "paper", "atlas"),
    *("leaderboard", "leaderboard-table", "leaderboard-results"),
)


def test_every_kind_of_page_is_looked_at(files: dict[str, Path]) -> None:
    assert set(files) == set(KINDS)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(
    browser: Any, files: dict[str, Path], kind: str, look: str, width: int
) -> None:
    media, scheme = LOOKS[look]
    with narrowed(browser, width, media=media, scheme=scheme):
        browser.get(files[kind].as_uri())
        assert accessibility_faults(browser) == []


def test_a_fault_is_found(browser: Any, tmp_path: Path) -> None:
    """The search itself works: a picture without a text and a faint one are found."""
    page = tmp_path / "faulty.html"
    page.write_text(
        "<!DOCTYPE html><html lang='en'><title>x</title><main><h1>x</h1>"
        "<img src='data:,'><p style='color:#ccc'>faint</p></main></html>"
    )
    browser.get(page.as_uri())
    assert {fault.split(":")[0] for fault in accessibility_faults(browser)} == {
        "image-alt",
        "color-contrast",
    }
