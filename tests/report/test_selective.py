"""The sections on confidence and on groups."""

import numpy as np
import pandas as pd

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
    curves, levels = section.tables
    assert [row.cells[0].text for row in curves.rows] == ["knows", "blind"]
    assert curves.rows[0].cells[-1].text == "1.00"
    counts = [int(cell.below.split(",")[0]) for cell in levels.rows[0].cells[1:] if cell.below]
    assert sum(counts) == 40
    (drawing,) = section.drawings
    assert "knows" in drawing.alt
    assert len(drawing.data.text.splitlines()) == 1 + 2 * 40


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
