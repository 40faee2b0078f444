"""A paper's table as lines of a terminal, and as plain values."""

from __future__ import annotations

from typing import Any

from rppgbench.papers.page import PaperPage
from rppgbench.papers.verdicts import WORDS
from rppgbench.report.tables.table import Cell, Table
from rppgbench.report.tables.terminal_table import ASCII, fit_columns
from rppgbench.system.text_wrapping import wrapped

VERDICT = "Verdict"


def paper_lines(page: PaperPage, width: int) -> list[str]:
    """Printed beside measured values, a line for each row, and how many values have which verdict.

    Args:
        page: The page of the table.
        width: Columns of the terminal.
    """
    model = page.model()
    measures = list(page.table.measures)
    headings = {"Method": "method", "Setting": "setting"}
    texts = _texts_by_column(model)
    names = {heading: texts[key] for heading, key in headings.items() if key in texts}
    values = {name: _pairs(texts, page.table.measures[name]) for name in measures}
    simulated = {
        f"SIMULATED {name}": texts[key]
        for name in measures
        if (key := f"{page.table.measures[name]}_simulated") in texts
    }
    values |= {**simulated, "n": texts["n"]}
    values[VERDICT] = [_first_words(text) for text in texts["verdict"]]
    dropped_first = [*reversed(measures[1:]), "n", *reversed(list(simulated)[1:])]
    title = f"{page.table.title} (printed / measured)"
    counts = page.counts()
    verdict_counts = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
    return [
        *wrapped(": ".join(filter(None, (model.marks.short, title))).translate(ASCII), width),
        *fit_columns(names, values, width, dropped_first=dropped_first, left_aligned=[VERDICT]),
        *wrapped(f"printed values: {verdict_counts}", width),
    ]


def paper_object(page: PaperPage) -> dict[str, Any]:
    """The JSON object of a table.

    Args:
        page: The page of the table.

    Returns:
        `name`, `title`, `source`, `simulated`, `verdicts` (how many printed values have which) and
        `rows`: for each column its number or text, and for an interval a text of its own.
    """
    model = page.model()
    return {
        "name": page.name,
        "title": page.table.title,
        "source": page.table.source,
        "simulated": model.marks.simulated,
        "verdicts": dict(page.counts()),
        "rows": [_row_object(model, row.cells) for row in model.rows],
    }


def _row_object(model: Table, cells: tuple[Cell, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column, cell in zip(model.columns, cells, strict=True):
        values[column.key] = cell.text if column.text else cell.value
        if cell.interval:
            values[f"{column.key}_interval"] = cell.interval
    return values


def _texts_by_column(model: Table) -> dict[str, list[str]]:
    """The texts of each column, by its key, in signs that every terminal has."""
    return {
        column.key: [row.cells[place].text.translate(ASCII) for row in model.rows]
        for place, column in enumerate(model.columns)
    }


def _pairs(texts: dict[str, list[str]], measure: str) -> list[str]:
    """The printed and the measured values of a measure."""
    both = zip(texts[f"{measure}_printed"], texts[f"{measure}_measured"], strict=True)
    return [f"{printed} / {measured}" for printed, measured in both]


def _first_words(verdict: str) -> str:
    """A verdict without what follows a colon or stands in brackets.

    >>> _first_words("not run: protocol vipl5fold"), _first_words("not comparable (another n)")
    ('not run', 'not comparable')
    """
    return verdict.split(": ", maxsplit=1)[0].split(" (", maxsplit=1)[0]
