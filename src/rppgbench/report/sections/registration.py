"""What was registered before the run, what became of it, and every deviation."""

import math
from collections.abc import Sequence

from rppgbench.core.registration import Deviation, Registration
from rppgbench.evaluation.hypotheses import Outcome
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

OUTCOMES = (
    Column("hypothesis", "Hypothesis", text=True, about="A lower mean absolute error, in bpm."),
    Column("difference", "Difference", unit="bpm", about="Error of the first less the second."),
    Column("interval", "Interval", unit="bpm", text=True),
    Column("people", "People", decimals=0),
    Column("verdict", "Verdict", text=True),
)
DEVIATIONS = (
    Column("subject", "What", text=True),
    Column("registered", "Registered", text=True),
    Column("here", "Here", text=True),
)


def registration_sections(
    registration: Registration,
    outcomes: Sequence[Outcome],
    deviations: Sequence[Deviation],
    *,
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """The hypotheses of a registration with their outcomes, and all deviations from it.

    Args:
        registration: What was registered.
        outcomes: What became of each hypothesis.
        deviations: Everything that is not as it was registered.
        marks: What is simulated or imported.

    Returns:
        One section.
    """
    tables = [_outcome_table(registration, outcomes, marks)] if outcomes else []
    if deviations:
        tables.append(_deviation_table(deviations, marks))
    return (
        Section(
            key="registration",
            title="What was registered",
            paragraphs=registration_lines(registration, outcomes, deviations),
            tables=tuple(tables),
        ),
    )


def registration_lines(
    registration: Registration, outcomes: Sequence[Outcome], deviations: Sequence[Deviation]
) -> tuple[str, ...]:
    """Sentences on a registration, its deviations and its hypotheses.

    Args:
        registration: What was registered.
        outcomes: What became of each hypothesis.
        deviations: Everything that is not as it was registered.
    """
    count = pluralise(len(deviations), "deviation")
    kept = f"There are {count}." if len(deviations) > 1 else f"There is {count}."
    lines = [
        f"Registered on {registration.registered} under {registration.id}. "
        + (kept if deviations else "Nothing deviates from it."),
    ]
    if outcomes:
        level = f"{100 * outcomes[0].confidence:.4g} %"
        together = ", so that all hold at once with 95 %" if len(outcomes) > 1 else ""
        lines.append(
            f"Hypotheses are tested under {registration.evaluator}, by the paired "
            f"difference of people. Level of each interval: {level}{together}. All other "
            "comparisons of this page are exploratory."
        )
    elif registration.hypotheses:
        lines.append(
            "The registered hypotheses are not tested: this page does not score under "
            f"{registration.evaluator}. Add --evaluator {registration.evaluator}."
        )
    else:
        lines.append("No hypothesis was registered: all comparisons of this page are exploratory.")
    lines.append(
        "The id is the SHA-256 of the registration. That it is older than the results is shown by "
        "its publication, not by its own time."
    )
    return tuple(lines)


def _outcome_table(
    registration: Registration, outcomes: Sequence[Outcome], marks: DataMarks
) -> Table:
    rows = []
    for outcome in outcomes:
        interval = f"{format_bpm(outcome.low_bpm)} to {format_bpm(outcome.high_bpm)}"
        interval = "–" if math.isnan(outcome.low_bpm) else interval
        rows.append(
            Row(
                (
                    Cell(str(outcome.hypothesis), str(outcome.hypothesis)),
                    Cell(format_bpm(outcome.difference_bpm), _known(outcome.difference_bpm)),
                    Cell(interval, _known(outcome.low_bpm)),
                    Cell(str(outcome.people), float(outcome.people)),
                    Cell(outcome.verdict, outcome.verdict),
                )
            )
        )
    return Table(
        key="registered-hypotheses",
        caption=f"Registered hypotheses under {registration.evaluator}",
        columns=OUTCOMES,
        rows=tuple(rows),
        marks=marks,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _deviation_table(deviations: Sequence[Deviation], marks: DataMarks) -> Table:
    return Table(
        key="deviations",
        caption="Deviations from the registration",
        columns=DEVIATIONS,
        rows=tuple(
            Row(tuple(Cell(text, text) for text in (d.subject, d.registered, d.here)))
            for d in deviations
        ),
        marks=marks,
    )
