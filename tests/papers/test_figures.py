"""Figure 4: a panel for each way of training; the spread is that of the seeds."""

from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pytest

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.papers.declaration import Measured, read_table
from rppgbench.papers.figures import draw_figures
from rppgbench.papers.rows import line_key

pytestmark = pytest.mark.torch  # the papers' methods are networks

REPORTS = Path(__file__).parents[2] / "reports"
SEEDS = ((10.0, False), (11.0, False), (30.0, True))
FILL = Measured(
    values={"rmse": (17.0, 16.0, 18.0)},
    recordings=12,
    subjects=12,
    expected=12,
    evaluator="li2023",
    origin="here",
    simulated=False,
    seeds={"rmse": SEEDS},
)


def test_the_paper_s_reading_of_figure_4_comes_first() -> None:
    table, lines = read_table(REPORTS / "li2023_figure4.toml")
    first, second = dict.fromkeys(s.panel for s in table.settings)
    assert (first, second) == ("Trained on compressed video", "Trained on uncompressed video")
    protocols = {
        s.panel: read_protocol(toml_files("protocols")[s.protocol]) for s in table.settings
    }
    assert [protocols[panel].train_on for panel in (first, second)] == ["same", "clean"]
    for protocol in protocols.values():
        assert protocol.seeds == list(range(10))
    printed = {line.setting.panel for line in lines if line.printed}
    assert printed == {first}


def test_the_spread_is_the_standard_deviation_over_seeds() -> None:
    table, lines = read_table(REPORTS / "li2023_figure4.toml")
    fills = {line_key(line): FILL for line in lines}
    drawings = list(draw_figures(table, lines, fills, {}))
    assert [d.title.split(":")[0] for d in drawings] == list(
        dict.fromkeys(s.panel for s in table.settings)
    )
    spread = stdev([10.0, 11.0, 30.0])
    for drawing in drawings:
        assert "standard deviations over seeds" in drawing.caption
        assert "seeds whose training collapsed" in drawing.caption
        row = drawing.data.text.splitlines()[1].split(",")
        assert row[:2] == ["Co-rectification", "rate factor 6"]
        low, high = float(row[3]), float(row[4])
        assert low == pytest.approx(17.0 - spread)
        assert high == pytest.approx(17.0 + spread)


def test_one_seed_keeps_the_interval_over_subjects() -> None:
    table, lines = read_table(REPORTS / "li2023_figure4.toml")
    fills = {line_key(line): replace(FILL, seeds={}) for line in lines}
    drawing = next(iter(draw_figures(table, lines, fills, {})))
    assert "standard deviations" not in drawing.caption
    row = drawing.data.text.splitlines()[1].split(",")
    assert (float(row[3]), float(row[4])) == (16.0, 18.0)
