"""How a measure is written: label, unit, decimals, direction."""

import math
import re
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

from rppgbench.evaluation import metrics
from rppgbench.evaluation.evaluator import EDGE_BPM, RESPIRATION_EDGE_BPM
from rppgbench.evaluation.metric_record import Metric

Direction = Literal["", "low", "high"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `key` names it in CSV; `scale` is what the stored value is multiplied by before it is written
    with `decimals`; `better` says which way is good, "" where neither is. `about` is one sentence
    for a reader who points at the heading. `text` marks a column of words.
    """

    key: str
    label: str
    _: KW_ONLY
    unit: str = ""
    decimals: int = 2
    better: Direction = ""
    scale: float = 1.0
    about: str = ""
    text: bool = False

    def write(self, value: float) -> str:
        """The value as the table shows it, with a true minus sign; a dash where there is none.

        >>> Column("snr_db", "SNR", decimals=1).write(-3.14), Column("r", "r").write(float("nan"))
        ('−3.1', '–')
        """
        if math.isnan(value):
            return "–"
        text = f"{value * self.scale:.{self.decimals}f}"
        if float(text) == 0:
            text = text.lstrip("-")
        return text.replace("-", "−")


def metric_column(metric: Metric) -> Column:
    """The column of a table that shows a metric."""
    return Column(
        key=metric.name,
        label=metric.label,
        unit="%" if metric.percent else metric.unit,
        decimals=metric.decimals,
        better="low" if metric.better == "lower" else "high",
        scale=100.0 if metric.percent else 1.0,
        about=metric.definition,
    )


METRICS = tuple(
    metric_column(metric)
    for metric in sorted(metrics.METRICS.values(), key=lambda metric: metric.place)
)
"""The measures that a summary may hold, in the order of the table."""

PAGE_METRICS = tuple(
    column
    for column in METRICS
    if metrics.METRICS[column.key].on_page and metrics.METRICS[column.key].group == "rates"
)
"""Those of heart rates that the table of a page shows."""

BEAT_METRICS = tuple(
    replace(column, better="") if "floor" in column.key else column
    for column in METRICS
    if metrics.METRICS[column.key].group == "beats"
)
"""Those of beats and heart-rate variability, which have a table of their own.

A floor is no merit of a method: none is best.
"""

COVERAGE = Column(
    "coverage",
    "Coverage",
    unit="%",
    decimals=1,
    scale=100.0,
    about="Recordings with an estimate over test recordings that are here; below it, where lower, "
    "the share of windows that have one.",
)

BAND_EDGE = Column(
    "n_band_edge",
    "At band edge",
    decimals=0,
    about="Scored windows whose true rate lies outside the evaluator's band, or within "
    f"{EDGE_BPM:g} bpm of its edge ({RESPIRATION_EDGE_BPM:g} of respiration). The rule reads a "
    "rate beyond its band as one within.",
)

RECORDINGS = Column(
    "n_recordings",
    "n",
    decimals=0,
    about="Recordings scored; “of” gives the number that the protocol expects.",
)


def metric(key: str) -> Column:
    """The column of one measure; KeyError names one that is not known.

    >>> metric("mae").unit
    'bpm'
    """
    for column in METRICS:
        if column.key == key:
            return column
    raise KeyError(f"no measure {key!r}; known: {', '.join(c.key for c in METRICS)}")


def in_unit(column: Column, unit: str) -> Column:
    """The column with the unit of a quantity in place of "bpm" in its heading and description.

    Args:
        column: The column of a measure of heart rates.
        unit: The unit of the quantity.

    Returns:
        The column; one that does not name bpm is as it was.

    >>> in_unit(metric("mae"), "breaths/min").unit, in_unit(metric("r"), "breaths/min").unit
    ('breaths/min', '')
    """
    label, about, new_unit = (
        re.sub(r"\bbpm\b", unit, text) for text in (column.label, column.about, column.unit)
    )
    return replace(column, label=label, about=about, unit=new_unit)


def format_bpm(value: float) -> str:
    """An error in bpm as tables and sentences write it.

    >>> format_bpm(1.234)
    '1.23'
    """
    return metric("mae").write(float(value))
