"""What measured values say of printed ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from rppgbench.papers.declaration import (
    COVERED,
    MARGINS,
    Interval,
    Line,
    Measured,
    NotRun,
    PaperTable,
)
from rppgbench.report.tables.columns import metric

VerdictWord = Literal[
    "reproduced",
    "better",
    "worse",
    "within the interval, n unknown",
    "outside the interval, n unknown",
    "estimates missing",
    "not comparable",
    "imported",
]

NOT_RUN_HERE = "not run by us"
NOT_RUN = "not run"
FAILED = "failed"
WORDS = (*get_args(VerdictWord), FAILED, NOT_RUN, NOT_RUN_HERE)
"""What can be said of a printed value, in the order of the index."""

VERDICT_RULE = (
    "Verdicts: reproduced, if the 95 % interval of what we measured covers the printed value, or "
    "the two differ by less than the declared margin ({margins}); else better or worse, by the "
    "measure's direction; within or outside the interval, n unknown, where the paper does not say "
    "the n of the printed value; estimates missing, where some windows have no estimate: both "
    "readings are then judged, missing estimates at their declared cost and covered windows only; "
    "not comparable, where n, split, training or evaluator are other than the printed value's; "
    "imported, where the predictions are of another tool; failed, where the run of the row "
    "failed; not run, where nothing is stored. Without missing estimates both readings are one."
)


@dataclass(frozen=True)
class Verdict:
    """A word, and the reason for it."""

    word: VerdictWord
    why: str


def judge(
    printed: float,
    measured: Interval,
    *,
    margin: float,
    lower_is_better: bool,
    obstacles: Sequence[str] = (),
) -> Verdict:
    """What a measured value with its interval says of a printed one, by the stated rule.

    Args:
        printed: The printed value.
        measured: The measured value with the ends of its interval; NaN where there is none.
        margin: Difference below which both values count as equal.
        lower_is_better: Direction of the measure.
        obstacles: Reasons why the two values are not comparable.

    Returns:
        The verdict with its reason.

    >>> judge(5.19, (5.8, 5.1, 6.6), margin=0.5, lower_is_better=True)
    Verdict(word='reproduced', why='the interval covers 5.19')
    >>> judge(5.19, (5.6, 5.5, 5.7), margin=0.5, lower_is_better=True).why
    'differs by 0.41, less than 0.5'
    >>> judge(5.19, (9.0, 8.0, 10.0), margin=0.5, lower_is_better=True).word
    'worse'
    >>> judge(5.19, (5.2, 5.1, 5.3), margin=0.5, lower_is_better=True, obstacles=["another n"])
    Verdict(word='not comparable', why='another n')
    """
    value, low, high = measured
    if obstacles:
        return Verdict("not comparable", "; ".join(obstacles))
    if math.isnan(value):
        return Verdict("not comparable", "the measure is not defined here")
    if low <= printed <= high:
        return Verdict("reproduced", f"the interval covers {printed:g}")
    difference = abs(value - printed)
    if difference < margin:
        return Verdict("reproduced", f"differs by {difference:.2g}, less than {margin:g}")
    lower = value < printed
    side = f"{difference:.3g} {'below' if lower else 'above'} the printed value, which is outside"
    reach = "the interval" if not math.isnan(low) else f"the margin of {margin:g} (no interval)"
    return Verdict("better" if lower == lower_is_better else "worse", f"{side} {reach}")


def judge_line(value: float, measure: str, fill: Measured) -> Verdict:
    """The verdict on a printed value by everything that is known of the measured one.

    Args:
        value: The printed value.
        measure: The measure.
        fill: What was measured.

    Returns:
        The verdict with its reason. It says which reading it judges where estimates are missing.
    """
    if fill.imported:
        return Verdict("imported", f"predictions of another tool: {fill.imported}")
    if fill.obstacles:
        return judge(
            value, fill.values[measure], margin=0.0, lower_is_better=True, obstacles=fill.obstacles
        )

    def compare(measured: Interval) -> Verdict:
        return judge(
            value,
            measured,
            margin=MARGINS[measure],
            lower_is_better=metric(measure).better == "low",
        )

    verdict = compare(fill.values[measure])
    covered = fill.reading(COVERED)
    if covered is not None:
        other = compare(covered.values[measure])
        return Verdict(
            "estimates missing",
            f"{_percent(fill.coverage)} of the windows have an estimate; missing estimates at "
            f"their declared cost: {verdict.word}; covered windows only: {other.word}",
        )
    if verdict.word == "not comparable" or fill.n_printed:
        return verdict
    within = verdict.word == "reproduced"
    side = "" if within else f"{verdict.word}: "
    return Verdict(
        "within the interval, n unknown" if within else "outside the interval, n unknown",
        f"{side}{verdict.why}; the paper does not say its n, ours is {fill.recordings}",
    )


def verdicts(table: PaperTable, line: Line, fill: Measured | NotRun) -> dict[str, Verdict]:
    """The verdict on each printed value of a line; none where nothing was measured.

    Simulated results have none, wherever they are handed in.

    Args:
        table: The declaration.
        line: The line of the table.
        fill: What was measured of the line.

    Returns:
        The verdict by the paper's name of the measure.
    """
    if isinstance(fill, NotRun) or fill.simulated or not line.method.method:
        return {}
    return {
        name: judge_line(value.number, table.measures[name], fill)
        for name, value in line.printed.items()
    }


def verdict_rule(measures: Mapping[str, str]) -> str:
    """The rule of the verdicts with the margins of a table's measures."""
    margins = ", ".join(
        f"{name} {MARGINS[measure]:g}" + (f" {unit}" if (unit := metric(measure).unit) else "")
        for name, measure in measures.items()
    )
    return VERDICT_RULE.format(margins=margins)


def _percent(share: float) -> str:
    """A share in per cent that is never rounded to the whole.

    >>> _percent(0.98765), _percent(0.99999)
    ('98.8 %', '99.9 %')
    """
    return f"{min(100 * share, 99.9):.1f} %"
