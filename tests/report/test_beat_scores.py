"""Beats and heart-rate variability have a table of their own, on the page and in the terminal."""

from dataclasses import replace

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.report.inputs import Scores
from rppgbench.report.summary_text import best_row, spread_words
from rppgbench.report.tables.beat_scores import beat_table
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.table import Table
from rppgbench.report.tables.terminal_table import score_lines

from ..factories.evaluators import evaluator
from ..factories.heart_beats import beats_of_rate, pulse_of_beats, varying_rate
from ..factories.pages import make_page
from ..factories.records import make_estimate


@pytest.fixture(scope="module")
def scores() -> Scores:
    """A good method, a noisy one that has no variability, and a baseline, of six people."""
    estimates, truths = [], {}
    for number in range(6):
        beats_s = beats_of_rate(varying_rate(60.0 + 5 * number), 0.002)
        truths["set", f"p{number}"] = GroundTruth(pulse=pulse_of_beats(beats_s, 60.0, stop_s=65.0))
        wave = pulse_of_beats(beats_s, 30.0, stop_s=65.0).values
        random = np.random.default_rng(number)
        for method, samples in {
            "pos": wave + 0.1 * random.normal(size=len(wave)),
            "green": random.normal(size=len(wave)),
            "constant": np.sin(2 * np.pi * 1.2 * np.arange(len(wave)) / 30),
        }.items():
            name = f"p{number}"
            estimates.append(
                make_estimate(Waveform(samples, 30.0), name, method=method, subject=name)
            )
    windows = score_windows(evaluator("hrv"), estimates, truths)
    return Scores(name="hrv", windows=windows, summary=summarise(windows, resamples=200))


def cells(table: Table, key: str) -> dict[str, str]:
    place = [column.key for column in table.columns].index(key)
    return {str(row.cells[0].text): str(row.cells[place].text) for row in table.rows}


def marks(table: Table, key: str) -> set[str]:
    place = [column.key for column in table.columns].index(key)
    return {str(row.cells[place].mark) for row in table.rows}


def test_the_table_has_errors_beside_floors_with_intervals(scores: Scores) -> None:
    table = beat_table(scores, baselines={"constant"}, expected=6)
    assert table is not None
    assert table.caption == (
        "Beats and heart-rate variability under hrv: 6 recordings of 6 subjects, as the protocol "
        "has it"
    )
    keys = [column.key for column in table.columns]
    assert keys[:3] == ["method", "n_recordings", "coverage"]
    assert keys.index("sdnn_ms_floor") == keys.index("sdnn_ms_error") + 1
    assert "mae" not in keys
    assert cells(table, "beat_f1")["pos"] == "1.000"
    assert float(cells(table, "ibi_floor_ms")["pos"]) < float(cells(table, "ibi_error_ms")["pos"])
    place = keys.index("ibi_error_ms")
    assert all(
        " to " in row.cells[place].interval for row in table.rows if row.cells[0].text == "pos"
    )
    assert marks(table, "ibi_floor_ms") == {""}
    assert "best" in marks(table, "ibi_error_ms")


def test_notes_say_what_a_floor_is_and_which_rows_lack_a_variability(scores: Scores) -> None:
    table = beat_table(scores)
    assert table is not None
    assert table.notes[0].startswith("Every error stands beside its floor")
    assert table.notes[1].startswith(
        "6 of 18 rows have no SDNN error, and count in none: estimate:"
    )
    assert table.notes[-1] == "Not defined for any row: LF error, LF floor."


def test_the_table_of_heart_rates_has_no_column_of_beats(scores: Scores) -> None:
    keys = {column.key for column in method_table(scores).columns}
    assert "mae" in keys
    assert not {key for key in keys if "beat" in key or "_ms" in key}


def test_another_evaluator_has_no_such_table() -> None:
    page = make_page()
    assert beat_table(page.scores[0]) is None
    assert not [line for line in score_lines(page, 120) if "beats and" in line]


@pytest.mark.parametrize("width", [200, 80, 60])
def test_the_terminal_has_a_line_for_each_method_in_every_width(scores: Scores, width: int) -> None:
    page = replace(make_page(), scores=(scores,), baselines=frozenset({"constant"}))
    lines = score_lines(page, width)
    assert max(map(len, lines)) <= width
    at = next(k for k, line in enumerate(lines) if line.startswith("beats and heart-rate"))
    rest = lines[at:]
    assert any("Beat F1" in line for line in rest)
    for method in ("pos", "green", "constant"):
        assert any(line.startswith(method) for line in rest)


def test_only_evaluators_of_one_quantity_are_compared(scores: Scores) -> None:
    windows = scores.windows.copy()
    windows.attrs = {**scores.windows.attrs, "quantity": "respiration rate"}
    breath = Scores(name="respiration", windows=windows, summary=scores.summary)
    page = replace(make_page(), scores=(scores, breath))
    assert [s.name for s in page.comparable_scores] == ["hrv"]
    best = best_row(scores, page)
    assert best is not None
    assert spread_words(page, best) == []
    assert spread_words(replace(page, scores=(scores, scores)), best) == []
    twin = Scores(name="twin", windows=scores.windows, summary=scores.summary)
    assert spread_words(replace(page, scores=(scores, twin)), best)
