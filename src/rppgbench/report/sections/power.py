"""How small a difference of two methods the people of a run can show."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rppgbench.evaluation.pair_power import WANTED_BPM, PairPower, pair_powers
from rppgbench.evaluation.paired_differences import MIN_PEOPLE, mean_absolute_error
from rppgbench.evaluation.power import ALPHA, POWER
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Scores, Section, quantity_of
from rppgbench.report.sections.comparison import alike_windows, without_leaked
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table

if TYPE_CHECKING:
    import pandas as pd


def _columns(unit: str) -> tuple[Column, ...]:
    """The columns of the table, for rates in a unit."""
    about = (
        f"The smallest true difference that these people find with a chance of {100 * POWER:g} %."
    )
    wanted = f"{WANTED_BPM:g} {unit}"
    return (
        Column("method", "Method", text=True),
        Column(
            "difference", "Difference", unit=unit, about="Its error less that of the best method."
        ),
        Column("people", "People", decimals=0, about="People with an error of both methods."),
        Column("sd", "SD", unit=unit, about="Standard deviation of the differences of people."),
        Column("detectable", "Detectable", unit=unit, about=about),
        Column(
            "needed",
            f"People for {wanted}",
            decimals=0,
            about=f"People who find a true difference of {wanted} with that chance.",
        ),
    )


def power_sections(
    scores: Scores,
    *,
    condition: str = "",
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """The smallest detectable difference of each method and the best one, and the people it takes.

    Args:
        scores: The scores of one evaluator.
        condition: The condition to compare under; by default the first one by name.
        baselines: The methods that are baselines; none of them is the best method.
        marks: What is simulated or imported.

    Returns:
        One section; none where no method has a pair. Leaked rows are left out. With fewer than
        `MIN_PEOPLE` people it has a reason in place of numbers.
    """
    windows, alike_note = alike_windows(scores, condition)
    windows, left_out = without_leaked(windows)
    best = _best_method(windows, baselines)
    pairs = pair_powers(windows, beside=best) if best else []
    if not pairs:
        return ()
    known = [pair for pair in pairs if pair.people >= MIN_PEOPLE]
    tables = (_table(known, best, baselines, scores, marks).in_unit(scores.unit),) if known else ()
    return (
        Section(
            key="power",
            title="How small a difference could this run see?",
            paragraphs=(
                *(_meaning(best, quantity_of(windows), scores.name) if known else ()),
                *_few_people(pairs, best),
                *alike_note,
                *left_out,
            ),
            tables=tables,
        ),
    )


def _best_method(windows: pd.DataFrame, baselines: Collection[str]) -> str:
    """The method with the lowest mean absolute error; "" where no method has one."""
    errors = {}
    for method, rows in windows.groupby("method", sort=True):
        rows.attrs = windows.attrs
        error = mean_absolute_error(rows)
        if method not in baselines and math.isfinite(error):
            errors[str(method)] = error
    return min(errors, key=lambda method: errors[method]) if errors else ""


def _meaning(best: str, quantity: str, evaluator: str) -> tuple[str, ...]:
    return (
        f"Each method stands beside {best}, which has the lowest error: the mean absolute error of "
        f"each person's {quantity} under {evaluator}, person by person. A true difference counts "
        f"as found where the paired t test at {_percent(ALPHA)} rejects that there is none. The "
        f"detectable difference is found with a chance of {_percent(POWER)} by the people at hand, "
        "if people differ as they do here. A smaller difference may be real, but this run cannot "
        "show it.",
        "The command bench power gives the same numbers for every pair, for another difference and "
        "for a planned number of people.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _few_people(pairs: Sequence[PairPower], best: str) -> tuple[str, ...]:
    few = [pair for pair in pairs if pair.people < MIN_PEOPLE]
    if not few:
        return ()
    other_methods = ", ".join(_other(pair, best) for pair in few)
    most = max(pair.people for pair in few)
    count = f"{most} person has" if most == 1 else f"{most} people have"
    return (
        f"No number for {other_methods} beside {best}: {count} an error of both. So few say too "
        f"little of how people differ; {MIN_PEOPLE} are needed.",
    )


def _table(
    pairs: Sequence[PairPower],
    best: str,
    baselines: Collection[str],
    scores: Scores,
    marks: DataMarks,
) -> Table:
    rows = [
        Row(_cells(pair, best), "baseline" if _other(pair, best) in baselines else "")
        for pair in sorted(pairs, key=lambda pair: abs(pair.difference))
    ]
    return Table(
        key="power-table",
        caption=f"Detectable differences from {best} under {scores.name}",
        columns=_columns(scores.unit),
        rows=tuple(rows),
        marks=marks,
    )


def _cells(pair: PairPower, best: str) -> tuple[Cell, ...]:
    """The cells of a pair; differences are those of the other method less the best."""
    other = _other(pair, best)
    difference, low, high = pair.difference, pair.low, pair.high
    if pair.first == best:
        difference, low, high = -difference, -high, -low
    needed = "over a million" if pair.needed is None else f"{pair.needed}"
    return (
        Cell(other, other),
        Cell(
            format_bpm(difference),
            difference,
            interval=f"{format_bpm(low)} to {format_bpm(high)}",
            detail=f"{other} less {best}: {format_bpm(difference)}",
        ),
        Cell(str(pair.people), float(pair.people)),
        Cell(format_bpm(pair.sd), pair.sd),
        Cell(format_bpm(pair.detectable), pair.detectable),
        Cell(needed, None if pair.needed is None else float(pair.needed)),
    )


def _other(pair: PairPower, best: str) -> str:
    return pair.second if pair.first == best else pair.first
