"""Two methods compared recording by recording: by pointer, by keyboard, with filters."""

from pathlib import Path
from typing import Any

import pytest

from rppgbench.report.inputs import ReportInputs
from rppgbench.report.recording_comparison import RecordingComparison, compare_recordings

from .driving import BROWSER

pytestmark = BROWSER


@pytest.fixture
def opened(browser: Any, report: Path) -> Any:
    browser.get_log("browser")
    browser.get(report.as_uri())
    return browser


@pytest.fixture(scope="module")
def comparison(inputs: ReportInputs) -> RecordingComparison:
    found = compare_recordings(inputs)
    assert found is not None
    return found


def text(browser: Any, part: str) -> str:
    return str(browser.find_element("id", f"comparison-{part}").get_attribute("textContent"))


def marks(browser: Any, part: str) -> list[Any]:
    return browser.find_elements("css selector", f"#comparison-{part} [data-row]:not(.band)")  # type: ignore[no-any-return]


def choose(browser: Any, field: str, option: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("css selector", f"#choice [name={field}]")).select_by_visible_text(
        option
    )


def differences(comparison: RecordingComparison, first: str, second: str) -> list[float]:
    a, b = (comparison.errors[comparison.names.index(name)] for name in (first, second))
    return sorted(x - y for x, y in zip(a, b, strict=True))


def table_differences(browser: Any) -> list[float]:
    return browser.execute_script(  # type: ignore[no-any-return]
        "return [...document.querySelectorAll('#comparison-rows tbody tr')]"
        ".map(row => Number(row.lastChild.dataset.value))"
    )


def test_two_methods_are_chosen_and_every_recording_is_shown(
    opened: Any, comparison: RecordingComparison
) -> None:
    choose(opened, "first", "green")
    choose(opened, "second", "constant")
    expected = differences(comparison, "green", "constant")
    assert table_differences(opened) == pytest.approx(expected, abs=0.002)
    assert len(marks(opened, "scatter")) == len(marks(opened, "differences")) == 24
    better = sum(value < 0 for value in expected)
    assert f"green is better on {better}, constant on {24 - better}" in text(opened, "count")
    heads = opened.find_elements("css selector", "#comparison-rows th button span:first-child")
    assert [head.get_attribute("textContent") for head in heads[3:5]] == ["green", "constant"]
    assert opened.get_log("browser") == []


def test_a_click_on_a_point_a_bar_or_a_row_shows_the_waveforms(opened: Any) -> None:
    shown = set()
    for part, number in (("scatter", 5), ("differences", 9), ("rows", 14)):
        mark = opened.find_element("css selector", f"#comparison-{part} [data-row='{number}']")
        opened.execute_script(
            "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", mark
        )
        row = opened.find_element("css selector", f"#comparison-rows [data-row='{number}'] th")
        assert text(opened, "chosen").startswith(row.get_attribute("textContent"))
        paths = opened.find_elements("css selector", "#comparison-waveforms path")
        drawn = [path.get_attribute("d") for path in paths]
        assert len(drawn) == 4  # estimate and reference of both
        assert all(len(line) > 1000 for line in drawn)
        shown.add(drawn[1])
    assert len(shown) == 3


def test_the_arrow_keys_go_from_recording_to_recording(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    slider = opened.find_element("css selector", "#choice [name=recording]")
    opened.execute_script("arguments[0].focus()", slider)
    for key, number in ((Keys.ARROW_RIGHT, 1), (Keys.ARROW_RIGHT, 2), (Keys.END, 23)):
        slider.send_keys(key)
        row = opened.find_element("css selector", f"#comparison-rows [data-row='{number}'] th")
        name = row.get_attribute("textContent")
        assert text(opened, "chosen").startswith(name)
        assert slider.get_attribute("aria-valuetext").startswith(f"{name}: pos ")


def test_words_and_a_scenario_filter(opened: Any) -> None:
    choose(opened, "scenario", "rest")
    assert len(marks(opened, "scatter")) == 12
    opened.find_element("css selector", "#choice [name=words]").send_keys("S03")
    assert len(marks(opened, "scatter")) == 1
    assert text(opened, "chosen").startswith("made_up/s03-rest")
    opened.find_element("css selector", "#choice [name=words]").send_keys(" nothing")
    assert text(opened, "count") == "No recording fits."
    assert marks(opened, "scatter") == []
    assert opened.get_log("browser") == []
