"""How each measure is written: label, unit, decimals, direction."""

import math
from dataclasses import dataclass
from typing import Literal

Better = Literal["", "low", "high"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `key` names it in CSV; `scale` is what the stored value is multiplied by before it is written
    with `decimals`; `better` says which way is good, "" where neither is. `about` is one sentence
    for a reader who points at the heading. `text` marks a column of words.
    """

    key: str
    label: str
    unit: str = ""
    decimals: int = 2
    better: Better = ""
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
        shown = f"{value * self.scale:.{self.decimals}f}"
        if float(shown) == 0:
            shown = shown.lstrip("-")
        return shown.replace("-", "−")


METRICS = (
    Column(
        "mae",
        "MAE",
        "bpm",
        better="low",
        about="Mean absolute error of the heart rate; a missing estimate costs what the evaluator "
        "declares.",
    ),
    Column("rmse", "RMSE", "bpm", better="low", about="Root of the mean squared error."),
    Column(
        "std",
        "Std",
        "bpm",
        better="low",
        about="Standard deviation of the signed error about its mean.",
    ),
    Column(
        "mape",
        "MAPE",
        "%",
        better="low",
        about="Mean absolute error in percent of the reference heart rate.",
    ),
    Column("r", "r", better="high", about="Pearson's correlation of estimate and reference."),
    Column(
        "snr_db",
        "SNR",
        "dB",
        decimals=1,
        better="high",
        about="Power at the reference heart rate and its harmonic over the rest of the band.",
    ),
    Column(
        "within_5_bpm",
        "≤ 5 bpm",
        "%",
        decimals=1,
        better="high",
        scale=100.0,
        about="Share of estimates within 5 bpm of the reference.",
    ),
    Column(
        "within_10_percent",
        "≤ 10 %",
        "%",
        decimals=1,
        better="high",
        scale=100.0,
        about="Share of estimates within 10 percent of the reference.",
    ),
)
"""The measures of a summary frame, in the order of the table."""

COVERAGE = Column(
    "coverage",
    "Coverage",
    "%",
    decimals=1,
    scale=100.0,
    about="Estimates that exist over estimates that are expected.",
)

RECORDINGS = Column(
    "n_recordings", "n", decimals=0, about="Recordings scored; “of” gives the number expected."
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
