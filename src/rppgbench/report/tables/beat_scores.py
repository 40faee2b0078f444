"""The scores of beats and heart-rate variability as a table of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import BAND_EDGE, BEAT_METRICS
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.summary_rows import describe_sample
from rppgbench.report.tables.table import Table
from rppgbench.system.plural import pluralise

READING = (
    "Every error stands beside its floor: the error of a clean pulse with the beats of the "
    "reference, sampled as the frames and as the sensor are. What lies above the floor is noise."
)


def beat_table(
    scores: Scores,
    *,
    baselines: Collection[str] = (),
    expected: int | None = None,
    marks: DataMarks = UNMARKED,
) -> Table | None:
    """Beats and heart-rate variability of every row of the summary, in the order of the main table.

    Args:
        scores: The scores of one evaluator.
        baselines: The methods that are baselines; they are not ranked.
        expected: The protocol's number of recordings, None where it is open.
        marks: What is simulated or imported.

    Returns:
        The table; None where the evaluator reads no beats of estimates.
    """
    if "beat_f1" not in scores.summary:
        return None
    table = method_table(
        scores, measures=BEAT_METRICS, baselines=baselines, expected=expected, marks=marks
    )
    empty = [note for note in table.notes if note.startswith("Not defined for any row")]
    return replace(
        table.without_columns({BAND_EDGE.key}),
        key=f"beats-{scores.name}",
        caption=f"Beats and heart-rate variability under {scores.name}: "
        f"{describe_sample(scores, expected)}",
        notes=(READING, *_lacking(scores), *empty),
    )


def _lacking(scores: Scores) -> list[str]:
    """How many windows lack a variability, and the most frequent reasons."""
    windows = scores.windows
    scored = windows[windows["reference_bpm"].notna()]
    lacking = scored[scored["sdnn_ms_error"].isna()]
    if lacking.empty:
        return []
    reasons = lacking["variability_reason"].where(
        lacking["variability_reason"] != "", "no estimate"
    )
    shown = "; ".join(f"{text} ({count})" for text, count in reasons.value_counts()[:3].items())
    return [
        f"{len(lacking)} of {pluralise(len(scored), 'row')} have no SDNN error, and count in none: "
        f"{shown}."
    ]
