"""What a lower error costs: computing time, operations, parameters, look-ahead, energy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rppgbench.report.costs import Costs, MethodCost, RunEnergy
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.cost import COST, ERROR, cost_table
from rppgbench.report.inputs import Scores, Section, Timings
from rppgbench.report.method_titles import titled_marks
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table

MEASURED_APART = "Delay, processor time and energy: by bench speed, at 30 frames a second, on {}."
NOT_COUNTED = "not counted"
WHOLE = "whole recording"

PARAGRAPHS = (
    "Computing is the time of the method itself for a minute of video on the machine of the run, "
    "by the clock, so another program beside the run lengthens it. The look-ahead is the longest "
    "time that a sample of the pulse waits for later frames where the method computes while frames "
    "arrive. Following the face adds about 0.6 s at 30 frames a second, and computing adds what "
    "bench speed --only latency measures.",
    "An operation (FLOP) is one addition or multiplication, so a multiply-add counts two. PyTorch "
    "counts those of matrix products, convolutions and attention alone: each number is a lower "
    "bound. No tool counts those of methods that compute with NumPy. A training counts the first "
    "step of each stage times its steps.",
    "Energy is read from the counters of the processors. They count the whole machine, with what "
    "other programs take, and no GPU. Without counters no energy is stated.",
)

COST_COLUMNS = (
    Column("seconds", "Computing", unit="s a minute", better="low"),
    Column("parameters", "Parameters", better="low"),
    Column("operations", "Operations a minute", better="low"),
    Column("training", "Operations of a training", better="low"),
    Column("training_time", "Training", unit="s", better="low"),
    Column("training_energy", "Energy of a training", unit="kJ", better="low"),
    Column("look_ahead", "Look-ahead", unit="s", better="low"),
    Column("delay", "Delay", unit="s", better="low"),
    Column("processor", "Processor time", unit="s a minute", better="low"),
    Column("energy", "Energy", unit="J a minute", better="low"),
)

COLUMNS_OF = {
    "training_joules": "training_energy",
    "delay_s": "delay",
    "processor_s_per_minute": "processor",
    "joules_per_minute": "energy",
}
"""Columns that are shown where a method has a value."""


def cost_sections(
    scores: Scores,
    timings: Timings,
    costs: Costs,
    titles: Mapping[str, str] = MappingProxyType({}),
    *,
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """A row for each method, the cheapest first, with what it costs beside its error.

    Args:
        scores: The scores of one evaluator.
        timings: The computing times.
        costs: What methods cost beside them; a method that is not there has no row.
        titles: What the page calls each method.
        marks: What is simulated or imported.

    Returns:
        One section; none where no method has an error and a computing time.
    """
    rows = []
    for record in cost_table(scores, timings).to_dict("records"):
        method = str(record["method"])
        if method in costs.methods:
            title, cost = titles.get(method, method), costs.methods[method]
            rows.append(Row(tuple(_cells(title, record[ERROR], record[COST], cost))))
    table = Table(
        key="costs",
        caption=f"Costs and errors under {scores.name}",
        columns=(
            Column("method", "Method", text=True),
            Column("mae", "MAE", unit=scores.unit, better="low"),
            *COST_COLUMNS,
        ),
        rows=tuple(rows),
        notes=(
            *(energy_line(run) for run in costs.runs),
            *([MEASURED_APART.format(costs.measured_on)] if costs.measured_on else []),
        ),
        marks=titled_marks(marks, titles),
    )
    table = table.without_columns(
        {
            column
            for name, column in COLUMNS_OF.items()
            if all(getattr(cost, name) is None for cost in costs.methods.values())
        }
    )
    if not rows:
        return ()
    return (
        Section(
            key="lower-error",
            title="What does a lower error cost?",
            paragraphs=PARAGRAPHS,
            tables=(table,),
        ),
    )


def _cells(method: str, error_bpm: float, seconds: float, cost: MethodCost) -> list[Cell]:
    look_ahead = (
        Cell(WHOLE, detail="a sample needs the whole recording")
        if cost.look_ahead_s is None
        else Cell(f"{cost.look_ahead_s:.2f}", cost.look_ahead_s)
    )
    return [
        Cell(method, method),
        Cell(format_bpm(error_bpm), error_bpm),
        Cell(f"{seconds:.3g}", seconds),
        Cell("–") if cost.parameters is None else Cell(f"{cost.parameters:,}", cost.parameters),
        _count(cost.flop_per_minute, cost.not_counted),
        _count(cost.flop_per_training, cost.not_counted if cost.parameters else ""),
        _number(cost.training_s),
        _number(None if cost.training_joules is None else cost.training_joules / 1000),
        look_ahead,
        _number(cost.delay_s),
        _number(cost.processor_s_per_minute),
        _number(cost.joules_per_minute),
    ]


def _count(flop: float | None, reason: str) -> Cell:
    """A count of operations; without one the reason, or a dash where there is none."""
    if flop is not None:
        return Cell(format_flop(flop), flop)
    return Cell(NOT_COUNTED if reason else "–", detail=reason)


def _number(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(f"{value:,.3g}", value)


def format_flop(flop: float) -> str:
    """A number of operations with three digits and the prefix of its unit.

    >>> format_flop(6_888_960), format_flop(19.13e9), format_flop(9.99999e11), format_flop(0)
    ('6.89 MFLOP', '19.1 GFLOP', '1.00 TFLOP', '0 FLOP')
    """
    prefix = ""
    for larger in ("k", "M", "G", "T", "P", "E"):
        if float(f"{flop:.3g}") < 1000:
            break
        flop, prefix = flop / 1000, larger
    digits = f"{flop:#.3g}".rstrip(".") if prefix else f"{flop:.0f}"
    return f"{digits} {prefix}FLOP"


def energy_line(run: RunEnergy) -> str:
    """The energy of the machine while a run lasted, or why it is not known.

    >>> energy_line(RunEnergy(began="12:00", seconds=90.0, joules=4000.0, processor_share=0.5))
    'Run of 12:00: the processors of the machine took 4.0 kJ in 90 s, for all programs together; \
the run had 50 % of their processor time.'
    >>> energy_line(RunEnergy(began="12:00", seconds=90.0, joules=None, reason="no counters"))
    'Run of 12:00: energy is not known: no counters.'
    """
    if run.joules is None:
        return f"Run of {run.began}: energy is not known: {run.reason}."
    share = (
        ""
        if run.processor_share is None
        else f"; the run had {100 * run.processor_share:.0f} % of their processor time"
    )
    return (
        f"Run of {run.began}: the processors of the machine took {run.joules / 1000:.1f} kJ in "
        f"{run.seconds:.0f} s, for all programs together{share}."
    )
