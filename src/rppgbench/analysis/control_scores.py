"""Controls in a report: their rows, and the skill of each method above the best of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.diagnostics import baseline_methods
from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.controls import CONTROLS, INPUT_CONTROLS
from rppgbench.evaluation.controls import CONTROL, score_controls
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.paired_differences import MIN_PEOPLE
from rppgbench.evaluation.skill import Skill, skill_above
from rppgbench.evaluation.summary import summarise
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import format_bpm
from rppgbench.report.tables.summary_rows import records

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000
NOT_SCORED = {"best_control": "", "control_mae": math.nan, "skill": math.nan}
NOT_SCORED |= {"skill_low": math.nan, "skill_high": math.nan, "control_note": ""}


def declared_controls(stored: StoredResults) -> list[str]:
    """The controls of the protocol, and those whose estimates are stored, in the order of all."""
    names = {*stored.manifest["protocol"].get("controls", ())}
    names |= {estimate.condition for estimate in stored.control_estimates}
    return [name for name in CONTROLS if name in names]


def with_controls(scores: Scores, rule: Evaluator, stored: StoredResults) -> Scores:
    """The scores with the rows of the controls, and with the skill of each method.

    Args:
        scores: The scores of the methods under one evaluator.
        rule: The evaluator.
        stored: The results folder.

    Returns:
        The scores; their summary has the columns best_control, control_mae, skill (the error of the
        best control less that of the method), skill_low, skill_high and control_note, which says
        where a method is not shown to beat its controls. Unchanged without controls.
    """
    names = declared_controls(stored)
    if not names:
        return scores
    baselines = baseline_methods(stored.manifest["methods"])
    regions = {*scores.windows["region"]}
    tested = [e for e in stored.estimates if e.method not in baselines and e.region in regions]
    inputs = [e for e in stored.control_estimates if e.region in regions]
    windows = score_controls(rule, names, tested, inputs, stored.ground_truths)
    windows = windows[windows["reference_bpm"].notna()] if len(windows) else windows
    if not len(windows):
        return scores
    of_input = windows[CONTROL].isin(INPUT_CONTROLS)
    windows = windows.assign(
        condition=windows["condition"].mask(of_input, _untouched(stored.manifest["protocol"]))
    )
    windows.attrs = scores.windows.attrs
    skills = [
        _skill_columns(_skill(record, scores, windows, baselines))
        for record in records(scores.summary)
    ]
    summary = scores.summary.assign(**{key: [skill[key] for skill in skills] for key in NOT_SCORED})
    summary.attrs = scores.summary.attrs
    further = [key for key in scores.by if key not in ("method", "condition")]
    by = [CONTROL, "method", *further]
    controls = summarise(windows, by=by, expected=None, resamples=RESAMPLES)
    return replace(scores, summary=summary, controls=controls)


def missing_control_lines(scores: Scores, stored: StoredResults) -> tuple[str, ...]:
    """A line on the controls that were asked for and have no row; none where all have one.

    Args:
        scores: The scores under one evaluator, with their controls.
        stored: The results folder.
    """
    shown = set() if scores.controls is None else {*scores.controls[CONTROL]}
    missing = [name for name in declared_controls(stored) if name not in shown]
    if not missing:
        return ()
    return (
        f"no row under {scores.name} of the controls {', '.join(missing)}: an exchange of people "
        "needs two people of a data set with a reference, every control a scored window",
    )


def _untouched(protocol: Mapping[str, Any]) -> str:
    """The name of the condition of the videos as they are, from which input controls are made."""
    names = [str(c["name"]) for c in protocol["conditions"] if c["kind"] == "none"]
    return names[0] if names else "none"


def _skill(
    record: Mapping[str, Any],
    scores: Scores,
    windows: pd.DataFrame,
    baselines: Collection[str],
) -> Skill | None:
    """The skill of a row of the table above the best of its controls and of the baselines."""
    method = str(record["method"])
    if method in baselines or record.get("leaked"):
        return None
    measured = _of_row(scores.windows, record, scores.by)
    rivals = {}
    candidates = windows[windows["method"].isin([method, ""])]
    for (control, of_method), rows in candidates.groupby([CONTROL, "method"], sort=True):
        if not CONTROLS[str(control)].knows:
            rivals[str(control)] = _of_row(rows, {**record, "method": of_method}, scores.by)
    for name in sorted(baselines):
        rivals[name] = _of_row(scores.windows, {**record, "method": name}, scores.by)
    for rows in (measured, *rivals.values()):
        rows.attrs = scores.windows.attrs
    return skill_above(measured, {name: rows for name, rows in rivals.items() if len(rows)})


def _of_row(windows: pd.DataFrame, record: Mapping[str, Any], by: Sequence[str]) -> pd.DataFrame:
    """The windows of a row; those of a control without a condition are of every condition."""
    for key in by:
        values = [record[key], ""] if key == "condition" else [record[key]]
        windows = windows[windows[key].isin(values)]
    return windows.copy()


def _skill_columns(skill: Skill | None) -> dict[str, Any]:
    if skill is None:
        return dict(NOT_SCORED)
    return {
        "best_control": skill.control,
        "control_mae": skill.control_mae_bpm,
        "skill": skill.value_bpm,
        "skill_low": skill.low_bpm,
        "skill_high": skill.high_bpm,
        "control_note": "" if skill.is_shown else _note(skill),
    }


def _note(skill: Skill) -> str:
    """Why a method is marked, in words."""
    title = CONTROLS[skill.control].title if skill.control in CONTROLS else skill.control
    error = f"{title} ({format_bpm(skill.control_mae_bpm)} bpm)"
    if skill.has_too_few_people:
        return (
            f"not known whether it beats the control {error}: fewer than {MIN_PEOPLE} people "
            f"({skill.people})"
        )
    return (
        f"not shown to beat the control {error}: skill {skill.value_bpm:.2f} bpm, 95 % interval "
        f"{skill.low_bpm:.2f} to {skill.high_bpm:.2f}"
    )


def control_rows(scores: Sequence[Scores]) -> pd.DataFrame | None:
    """The rows of controls.csv: one for each evaluator and control, and method where it is of one.

    Args:
        scores: The scores of each evaluator.

    Returns:
        The rows; None without controls.
    """
    import pandas as pd

    parts = []
    for each in scores:
        if each.controls is not None:
            frame = each.controls.copy()
            frame.insert(0, "evaluator", each.name)
            frame["knows"] = [CONTROLS[name].knows for name in frame[CONTROL]]
            parts.append(frame)
    return pd.concat(parts, ignore_index=True) if parts else None
