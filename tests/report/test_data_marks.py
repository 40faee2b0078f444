"""What tables, figures and files say of imported predictions."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.factories.pages import Run, make_page

from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.drawing import drawing_style, panels, to_svg
from rppgbench.report.page import report_html
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.latex import to_latex
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.report.tables.text_formats import to_csv, to_markdown

NET = DataMarks(imported={"net": "net.csv, sha256 12ab34cd, format csv; times in s"})
SMALL = Run(["s1", "s2"], ("rest",), ("pos", "chrom"), ("one",), windows=4, folds=1)


@pytest.mark.parametrize("write", [to_markdown, to_latex])
def test_the_caption_of_a_text_names_the_source(write: Callable[[Table], str]) -> None:
    columns = (Column("method", "Method", text=True), metric("mae"))
    rows = (Row((Cell("net"), Cell("1.00", 1.0))),)
    text = write(Table(key="t", caption="Errors", columns=columns, rows=rows, marks=NET))
    assert "IMPORTED, NOT RUN HERE: net from net.csv, sha256 12ab34cd" in text


def test_a_figure_carries_the_mark_within() -> None:
    with drawing_style("k"):
        figure, _ = panels(1, columns=1, width_in=4, panel_height_in=2)
        svg = to_svg(figure, "k", "alt", marks=NET)
    assert "IMPORTED, NOT RUN HERE: net" in svg


def test_the_mark_of_a_figure_leaves_the_legend_and_the_panels_free() -> None:
    many = DataMarks(imported={f"method_with_a_long_name_{n}": "x.csv" for n in range(4)})
    with drawing_style("k"):
        figure, (axes,) = panels(1, columns=1, width_in=6, panel_height_in=2)
        axes.plot([0, 1], label="a curve")
        legend = figure.legend(loc="outside upper left")
        to_svg(figure, "k", "alt", marks=many)
        (mark,) = figure.texts
        bottom_of_mark, extent = mark.get_window_extent().y0, legend.get_window_extent()
        assert extent.y1 <= bottom_of_mark
        assert axes.get_window_extent().y1 <= extent.y0


def test_every_caption_and_file_of_a_page_is_marked() -> None:
    page = make_page(SMALL, simulated=False)
    method = page.scores[0].summary["method"].iloc[0]
    marks = DataMarks(imported={method: "x.csv, sha256 12ab34cd"})
    html = report_html(replace(page, marks=marks))
    mark = f'<strong class="simulated">Imported, not run here</strong> {method} from x.csv'
    captions = re.findall(r"<(?:fig)?caption>.*?</(?:fig)?caption>", html, flags=re.DOTALL)
    assert len(captions) > 5
    assert all(mark in caption for caption in captions)
    by_script = html.count('class="drawn"')  # the comparison of two methods draws its own
    assert html.count('data-drawing="IMPORTED_') == html.count("<figcaption>") - by_script > 0
    assert "<strong>Imported, not run here.</strong>" in html


def test_rows_of_a_file_name_their_own_source() -> None:
    scores = make_page(SMALL, simulated=False).scores[0]
    method = scores.summary["method"].iloc[0]
    table = method_table(scores, marks=DataMarks(imported={method: "x.csv"}))
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert {row["method"]: row["imported"] for row in rows} == {
        str(name): "IMPORTED, NOT RUN HERE: x.csv" if name == method else ""
        for name in scores.summary["method"]
    }
