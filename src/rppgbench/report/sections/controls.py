"""Controls: rows that cannot know the pulse, and the skill of each method above them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rppgbench.core.controls import CONTROLS
from rppgbench.evaluation.paired_differences import MIN_PEOPLE
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.tables.columns import RECORDINGS, Column, metric
from rppgbench.report.tables.scores import LABELS
from rppgbench.report.tables.summary_rows import canonical_order, records
from rppgbench.report.tables.table import Cell, Row, Table

SKILL = Column(
    "skill",
    "Skill",
    unit="bpm",
    better="high",
    about="The mean absolute error of the best control less that of the method, on the same "
    "recordings; the interval is paired, over subjects.",
)
CONTROL_MAE = Column("control_mae", "Its MAE", unit="bpm", better="low")


def control_sections(scores: Scores, *, marks: DataMarks = UNMARKED) -> tuple[Section, ...]:
    """What the table would show without a pulse, and how far each method is above it.

    Args:
        scores: The scores of one evaluator.
        marks: What is simulated or imported.

    Returns:
        One section, or none without controls.
    """
    if scores.controls is None:
        return ()
    used = [CONTROLS[name] for name in CONTROLS if name in {*scores.controls["control"]}]
    meanings = [f"{control.title.capitalize()}: {control.meaning}" for control in used]
    knowing = [control for control in used if control.knows]
    paragraphs = [
        "A control is a row that cannot know the pulse, made from the same recordings and read by "
        "the same evaluator. Skill is the error of the best control less that of the method: a "
        "method whose interval does not lie above zero is not shown to measure a pulse. With fewer "
        f"than {MIN_PEOPLE} people that is not known. The best of several controls is a strict "
        "rival: by chance alone its error is lower than the mean of each.",
        " ".join(meanings),
    ]
    paragraphs += [
        f"{control.title.capitalize()} knows {control.knows}, so it is no rival: it shows how much "
        "of a method's error is about when the rate changes."
        for control in knowing
    ]
    return (
        Section(
            key="controls",
            title="Does it know more than no pulse?",
            paragraphs=tuple(paragraphs),
            tables=tuple(
                make(scores, marks).in_unit(scores.unit) for make in (_skill_table, _control_table)
            ),
        ),
    )


def _skill_table(scores: Scores, marks: DataMarks) -> Table:
    by = list(scores.by)
    rows = []
    for record in records(canonical_order(scores.summary, by)):
        if not record["best_control"]:
            continue
        best = str(record["best_control"])
        title = CONTROLS[best].title if best in CONTROLS else best
        verdict = "not shown" if record["control_note"] else "yes"
        if int(record["n_subjects"]) < MIN_PEOPLE:
            verdict = "not known"
        rows.append(
            Row(
                (
                    *(Cell(str(record[key]), str(record[key])) for key in by),
                    _measure(record, metric("mae")),
                    Cell(title, title),
                    _measure(record, CONTROL_MAE),
                    _measure(record, SKILL),
                    Cell(verdict, verdict),
                )
            )
        )
    headings = tuple(Column(key, LABELS.get(key, key), text=True) for key in by)
    return Table(
        key=f"skill-{scores.name}",
        caption=f"Skill above the best control under {scores.name}",
        columns=(
            *headings,
            metric("mae"),
            Column("best_control", "Best control", text=True),
            CONTROL_MAE,
            SKILL,
            Column("beats", "Beats it", text=True),
        ),
        rows=tuple(rows),
        headers=len(by),
        marks=marks,
    )


def _control_table(scores: Scores, marks: DataMarks) -> Table:
    assert scores.controls is not None
    further = [key for key in scores.by if key not in ("method", "condition")]
    by = ["control", "method", *further]
    rows = []
    for record in records(canonical_order(scores.controls, by)):
        title = CONTROLS[str(record["control"])].title
        count = str(int(record["n_recordings"]))
        rows.append(
            Row(
                (
                    Cell(title, title),
                    Cell(str(record["method"]) or "–", str(record["method"])),
                    *(Cell(str(record[key]), str(record[key])) for key in further),
                    Cell(count, float(count)),
                    _measure(record, metric("mae")),
                    _measure(record, metric("rmse")),
                    _measure(record, metric("r")),
                )
            )
        )
    return Table(
        key=f"controls-{scores.name}",
        caption=f"Rows that cannot know the pulse under {scores.name}",
        columns=(
            Column("control", "Control", text=True),
            Column("method", "Method", text=True),
            *(Column(key, LABELS.get(key, key), text=True) for key in further),
            RECORDINGS,
            metric("mae"),
            metric("rmse"),
            metric("r"),
        ),
        rows=tuple(rows),
        headers=2 + len(further),
        notes=(
            "A method without an answer has the error of the evaluator's farther band edge: a "
            "method that finds no pulse in a photograph is right.",
        ),
        marks=marks,
    )


def _measure(record: Mapping[str, Any], column: Column) -> Cell:
    value = float(record[column.key])
    if math.isnan(value):
        return Cell("–", None)
    low, high = (float(record.get(f"{column.key}_{end}", math.nan)) for end in ("low", "high"))
    known = not (math.isnan(low) or math.isnan(high))
    interval = f"{column.write(low)} to {column.write(high)}" if known else ""
    return Cell(column.write(value), value, interval=interval)
