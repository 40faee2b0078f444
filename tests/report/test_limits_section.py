"""The section on what the noise of each video permits."""

import math

from rppgbench.evaluation.recording_limit import RecordingLimit, without_limit
from rppgbench.report.sections import limits as module
from rppgbench.report.sections.limits import limit_sections

TITLES = {"pos": "POS", "green": "GREEN", "constant": "Constant"}


def made(name: str, limit_bpm: float, **rmse_bpm: float) -> RecordingLimit:
    return RecordingLimit(
        dataset="set",
        recording=name,
        windows=5,
        limit_bpm=limit_bpm,
        efficient_bpm=math.nan,
        noise=(0.001, 0.001, 0.001),
        strength=3.0,
        rmse_bpm=rmse_bpm,
    )


LIMITS = [
    made("a", 0.1, pos=0.4, green=3.0, constant=9.0),
    made("b", 0.2, pos=0.3, green=5.0, constant=9.0),
    made("c", 0.5, pos=4.0, green=math.nan, constant=9.0),
]


def test_methods_stand_beside_the_limit_by_median_ratio_and_share() -> None:
    (section,) = limit_sections(
        LIMITS, "li2023", region="skin", titles=TITLES, baselines={"constant"}
    )
    by_method, by_recording = section.tables
    assert [[cell.text for cell in row.cells] for row in by_method.rows] == [
        ["POS", "0.40", "0.20", "4.0", "33", "3"],
        ["GREEN", "4.00", "0.15", "27.5", "0", "2"],
    ]
    assert "POS: 0.40 bpm, limit 0.20 (medians of 3 recordings)" in section.paragraphs[1]
    assert [[cell.text for cell in row.cells] for row in by_recording.rows] == [
        ["c", "5", "0.50", "4.00", "–"],
        ["a", "5", "0.10", "0.40", "3.00"],
        ["b", "5", "0.20", "0.30", "5.00"],
    ]


def test_recordings_without_a_limit_are_counted_with_reasons() -> None:
    without = [without_limit("set", str(k), "no reference") for k in range(2)]
    without += [without_limit("set", f"x{k}", f"reason {k}") for k in range(4)]
    (section,) = limit_sections([*LIMITS, *without], "r", region="skin", titles={})
    assert section.paragraphs[-1] == (
        "No limit for 6 of 9 recordings: no reference (2); reason 0 (1); reason 1 (1); "
        "2 more reasons in limits.csv."
    )


def test_without_any_limit_there_are_reasons_and_no_table() -> None:
    (section,) = limit_sections(
        [without_limit("set", "a", "no colours")], "r", region="skin", titles={}
    )
    assert section.tables == ()
    assert section.paragraphs == ("No limit for 1 of 1 recording: no colours (1).",)
    assert limit_sections([], "r", region="skin", titles={}) == ()


def test_the_table_of_recordings_is_bounded_and_says_so() -> None:
    many = [made(f"r{k}", 0.1, **{f"m{m}": 1.0 + m + k for m in range(15)}) for k in range(500)]
    (section,) = limit_sections(many, "r", region="skin", titles={})
    by_method, by_recording = section.tables
    assert len(by_method.rows) == 15
    assert len(by_recording.rows) == module.MOST_RECORDINGS
    assert len(by_recording.columns) == 3 + module.MOST_METHODS
    assert by_recording.rows[0].cells[0].text == "r499"  # the farthest above its limit
    assert by_recording.notes == (
        "Shown are 100 of 500 recordings and 8 of 15 methods; limits.csv has all.",
    )


def test_recordings_of_several_data_sets_bear_its_name() -> None:
    other = RecordingLimit(**{**vars(LIMITS[0]), "dataset": "other"})
    (section,) = limit_sections([other, *LIMITS], "r", region="skin", titles={})
    names = {row.cells[0].text for row in section.tables[1].rows}
    assert names == {"other/a", "set/a", "set/b", "set/c"}
