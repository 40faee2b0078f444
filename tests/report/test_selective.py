"""The sections on confidence and on groups."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.evaluation.calibration import BINS
from rppgbench.report.sections.group_gaps import group_gap_sections
from rppgbench.report.sections.selective import selective_sections


def windows(count: int = 40) -> pd.DataFrame:
    """Two methods; the confidence of the first knows of its errors."""
    rng = np.random.default_rng(1)
    errors = rng.exponential(5, count)
    tables = [
        pd.DataFrame(
            {
                "dataset": "set",
                "subject": [f"p{k % 10}" for k in range(count)],
                "recording": [f"p{k % 10}" for k in range(count)],
                "seed": 0,
                "method": method,
                "skin_tone": ["II" if k % 2 else "VI" for k in range(count)],
                "light": "",
                "scenario": "still",
                "reference_bpm": 70.0,
                "error_bpm": errors,
                "confidence_db": confidence,
            }
        )
        for method, confidence in (("knows", 10 - errors), ("blind", rng.normal(3, 3, count)))
    ]
    return pd.concat(tables, ignore_index=True)


def test_methods_are_ordered_by_the_area_and_levels_stand_beside() -> None:
    (section,) = selective_sections(windows(), "li2023")
    curves, levels, calibration = section.tables
    assert [row.cells[0].text for row in curves.rows] == ["knows", "blind"]
    assert curves.rows[0].cells[-1].text == "1.00"
    assert "confidence" not in [column.key for column in curves.columns]
    assert [row.cells[2].text for row in calibration.rows] == ["fitted on other people"] * 2
    counts = [int(cell.below.split(",")[0]) for cell in levels.rows[0].cells[1:] if cell.below]
    assert sum(counts) == 40
    drawing, reliability = section.drawings
    assert "knows" in drawing.alt
    assert len(drawing.data.text.splitlines()) == 1 + 2 * 40
    assert len(reliability.data.text.splitlines()) == 1 + 2 * BINS


def with_own(values: np.ndarray) -> pd.DataFrame:
    """The windows of two methods; the second, `blind`, gives a confidence of its own."""
    table = windows()
    table["confidence"] = np.nan
    table.loc[table["method"] == "blind", "confidence"] = values
    return table


def test_a_confidence_of_the_method_stands_beside_that_of_the_snr() -> None:
    """On the same windows: the own confidence of `blind` is the order of its errors."""
    errors = windows().query("method == 'blind'")["error_bpm"].to_numpy()
    (section,) = selective_sections(with_own(np.exp(-errors / 5)), "li2023")
    curves, levels, calibration = section.tables
    names = [(row.cells[0].text, row.cells[1].text) for row in curves.rows]
    own = curves.rows[names.index(("blind", "the method's own"))].cells
    snr = curves.rows[names.index(("blind", "SNR and agreement"))].cells
    keys = [column.key for column in curves.columns]
    assert own[keys.index("mae_100")].text == snr[keys.index("mae_100")].text
    assert own[keys.index("skill")].text == "1.00"
    difference = own[keys.index("area_difference")]
    assert isinstance(difference.value, float)
    assert difference.value < 0
    assert difference.interval
    assert snr[keys.index("area_difference")].text == "–"
    assert [row.cells[0].text for row in levels.rows].count("blind") == 1
    bases = [row.cells[2].text for row in calibration.rows if "own" in row.cells[1].text]
    assert bases == ["as stated", "fitted on other people"]
    assert any(
        "blind: the confidence that the method itself gives" in text for text in section.paragraphs
    )
    assert "blind, its own" in section.drawings[0].alt


def test_a_confidence_that_is_always_1_claims_too_much_and_orders_nothing() -> None:
    (section,) = selective_sections(with_own(np.ones(40)), "li2023")
    curves, _, calibration = section.tables
    keys = [column.key for column in curves.columns]
    (own,) = (row.cells for row in curves.rows if "own" in row.cells[1].text)
    assert own[keys.index("skill")].text == "0.00"
    assert len({own[keys.index(f"mae_{share}")].text for share in (100, 90, 70, 50)}) == 1
    (stated,) = (row.cells for row in calibration.rows if row.cells[2].text == "as stated")
    names = [column.key for column in calibration.columns]
    correct, error = (stated[names.index(name)].value for name in ("correct", "calibration_error"))
    assert error == pytest.approx(1 - correct)  # type: ignore[operator]


def test_heart_rates_without_a_waveform_have_the_source_s_confidence_alone() -> None:
    table = with_own(np.linspace(0, 1, 40)).query("method == 'blind'").copy()
    table["confidence_db"] = np.nan
    (section,) = selective_sections(table, "li2023")
    assert [t.key for t in section.tables] == ["risk-coverage-table", "calibration"]
    assert section.paragraphs[0].startswith("Heart rates without a waveform have no")
    assert [row.cells[1].text for row in section.tables[0].rows] == ["the method's own"]


def test_one_person_has_no_fit_and_no_interval() -> None:
    table = with_own(np.linspace(0, 1, 40)).assign(subject="p0")
    (section,) = selective_sections(table, "li2023")
    (row,) = section.tables[-1].rows
    assert row.cells[2].text == "as stated"
    assert row.cells[-1].interval == ""


def test_baselines_and_few_windows_have_no_curve() -> None:
    assert selective_sections(windows(), "li2023", baselines={"knows", "blind"}) == ()
    assert selective_sections(windows(12), "li2023") == ()


def test_groups_have_a_table_where_there_are_two() -> None:
    (section,) = group_gap_sections(windows(), "li2023", margin_bpm=5.0)
    (table,) = section.tables
    assert [column.key for column in table.columns] == ["method", "II", "VI"]
    first, second = table.rows[0].cells[1:]
    assert first.value == -second.value  # type: ignore[operator]
    assert first.below in {"not worse", "undecided"}
    assert "5 bpm" in section.paragraphs[0]
    assert group_gap_sections(windows().assign(skin_tone=""), "li2023", margin_bpm=5.0) == ()


def test_groups_of_too_few_people_have_no_section() -> None:
    table = windows()
    alone = table["subject"] == table["subject"].iloc[0]
    table["skin_tone"] = alone.map({True: "dark", False: "light"})
    assert group_gap_sections(table, "li2023", margin_bpm=5.0) == ()


def test_rates_of_respiration_have_neither_section() -> None:
    """The levels, the 5 bpm of a correct rate and the margin are those of heart rates."""
    table = windows()
    table.attrs["quantity"] = "respiration rate"
    assert selective_sections(table, "respiration") == ()
    assert group_gap_sections(table, "respiration", margin_bpm=5.0) == ()


def test_leaked_rows_are_left_out_and_named() -> None:
    table = windows()
    table["leaked"] = ["PURE" if method == "knows" else "" for method in table["method"]]
    (selective,) = selective_sections(table, "li2023")
    (gaps,) = group_gap_sections(table, "li2023", margin_bpm=5.0)
    for section in (selective, gaps):
        assert [row.cells[0].text for row in section.tables[0].rows] == ["blind"]
        assert "knows on PURE" in section.paragraphs[-1]
