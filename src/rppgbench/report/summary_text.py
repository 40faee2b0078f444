"""The result in sentences, as a reader would tell it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.columns import COVERAGE, format_bpm
from rppgbench.report.tables.highlights import row_kind
from rppgbench.report.tables.scores import method_table
from rppgbench.report.tables.summary_rows import (
    canonical_order,
    count_sample,
    describe_sample,
    records,
    row_name,
)
from rppgbench.system.plural import pluralise

_COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
_NAMED = 3


def sample_mismatch(page: ReportInputs) -> str:
    """A sentence where some table's n is not the protocol's, or an empty string."""
    expected = page.protocol.expected
    names_by_sample: dict[tuple[int, int], list[str]] = {}
    for scores in page.scores:
        counted = count_sample(scores)
        if expected is not None and counted[0] != expected:
            names_by_sample.setdefault(counted, []).append(scores.name)
    parts = [
        f"{recordings} recordings of {subjects} subjects were scored under {', '.join(names)}"
        for (recordings, subjects), names in names_by_sample.items()
    ]
    return f"The protocol has {expected} recordings; {'; '.join(parts)}" if parts else ""


def sample_line(page: ReportInputs) -> str:
    """How many recordings were scored, beside the protocol's number, for a terminal."""
    if not page.scores or page.scores[0].summary.empty:
        return "n: nothing was scored; no estimate is stored"
    default = page.scores[0]
    text = f"n: {describe_sample(default, page.protocol.expected)}"
    text += f" (scored under {default.name})"
    present = int(default.summary.get("n_present", default.summary["n_expected"]).max())
    scored = count_sample(default)[0]
    if scored < present:
        text += (
            f"; {pluralise(present - scored, 'recording')} here without a scored window (no usable "
            "reference, unreadable, or shorter than a window)"
        )
    return text


def best_row(scores: Scores, page: ReportInputs) -> Mapping[str, Any] | None:
    """The row of the summary that the table marks as best by mean absolute error.

    With a single row that can be ranked it is that one; None where there is none.

    Args:
        scores: The scores of one evaluator.
        page: The inputs of the report, for the baselines.

    Returns:
        The row, by the name of the column; None where no row can be ranked.
    """
    table = method_table(scores, baselines=page.baselines)
    place = [column.key for column in table.columns].index("mae")
    rows = records(canonical_order(scores.summary, scores.by))
    for record, row in zip(rows, table.rows, strict=True):
        if row.cells[place].mark == "best":
            return record
    ranked = ranked_rows(scores, page)
    return ranked[0] if len(ranked) == 1 else None


def what_was_run(page: ReportInputs, default: Scores) -> str:
    """How many methods were run on how many recordings.

    Args:
        page: The inputs of the report.
        default: The scores under the default evaluator.

    Returns:
        A sentence.
    """
    methods = default.summary["method"].nunique()
    number = _COUNTS[methods] if methods < len(_COUNTS) else str(methods)
    noun = "method was" if methods == 1 else "methods were"
    data = "simulated recordings" if page.marks.simulated else "recordings"
    sample = describe_sample(default, page.protocol.expected)
    verb = "scored" if page.marks.imported else "run"
    return f"{number} {noun} {verb} on {sample.replace('recordings', data, 1)}."


def spread_words(page: ReportInputs, best: Mapping[str, Any]) -> list[str]:
    """What the other evaluators make of the best row, and which rows they call best.

    Args:
        page: The inputs of the report.
        best: The best row under the default evaluator.

    Returns:
        Sentences; none where fewer than two evaluators scored the row.
    """
    default = page.scores[0]
    name = row_name(best, default.by)
    errors: dict[str, float] = {}
    winners: dict[str, str] = {}
    for scores in page.comparable_scores:
        for record in records(scores.summary):
            if row_name(record, scores.by) == name and not math.isnan(float(record["mae"])):
                errors[scores.name] = float(record["mae"])
        winner = best_row(scores, page)
        if winner is not None:
            winners[scores.name] = row_name(winner, scores.by)
    if len(errors) < 2:
        return []
    low, high = min(errors, key=lambda k: errors[k]), max(errors, key=lambda k: errors[k])
    text = f"The same waveforms of {name} score {format_bpm(errors[low])} {default.unit} under "
    if format_bpm(errors[low]) == format_bpm(errors[high]):
        sentences = [f"{text}every evaluator."]
    else:
        more = f"{format_bpm(errors[high])} {default.unit} under {high}"
        sentences = [f"{text}{low} and {more}: the rules alone make the difference."]
    rules_by_winner: dict[str, list[str]] = {}
    for rule, first in winners.items():
        if first != name:
            rules_by_winner.setdefault(first, []).append(rule)
    other_winners = [
        f"{first} under {' and '.join(rules)}" for first, rules in rules_by_winner.items()
    ]
    if other_winners:
        sentences.append(f"The best method changes with the evaluator: {', '.join(other_winners)}.")
    elif len(winners) == len(page.comparable_scores) and len(default.summary) > 1:
        sentences.append(f"It is best under all {len(winners)} evaluators.")
    return sentences


def left_out_words(page: ReportInputs, default: Scores) -> tuple[str, ...]:
    """What has no score or no estimate, each with its reason.

    Args:
        page: The inputs of the report.
        default: The scores under the default evaluator.

    Returns:
        Sentences; one that says so where nothing was left out.
    """
    sentences = []
    mismatch = sample_mismatch(page)
    if mismatch:
        sentences.append(f"{mismatch}.")
    sentences += _skipped_words(page)
    windows = {
        row_name(record, default.by): float(record.get("window_coverage", record["coverage"]))
        for record in records(default.summary)
        if int(record["n_windows"])
    }
    if not windows:
        sentences.append("No recording has a reference here: nothing is scored.")
    short = sorted((share, name) for name, share in windows.items() if share < 1)
    if short:
        incomplete = ", ".join(
            f"{name} ({COVERAGE.write(share)} % of windows covered)"
            for share, name in short[:_NAMED]
        )
        more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
        sentences.append(f"Estimates are missing for {incomplete}{more}; they count as errors.")
    return tuple(sentences) or ("Nothing: every recording has an estimate of every method.",)


def _skipped_words(page: ReportInputs) -> list[str]:
    """How many recordings failed for which reason; the first reasons in words."""
    names_by_reason: dict[tuple[str, str], list[str]] = {}
    for entry in page.skipped:
        name = "/".join(filter(None, (entry.dataset, entry.recording)))
        names_by_reason.setdefault((entry.method, entry.reason), []).append(name)
    sentences = []
    for (method, reason), names in list(names_by_reason.items())[:_NAMED]:
        who = names[0] if len(names) == 1 else pluralise(len(names), "recording")
        for_method = f" for {method}" if method else ""
        sentences.append(f"{who} failed{for_method}: {reason.rstrip('.')}.")
    further = len(names_by_reason) - _NAMED
    if further > 0:
        sentences.append(f"{pluralise(further, 'more reason')} under failures and warnings.")
    return sentences


def ranked_rows(scores: Scores, page: ReportInputs) -> list[Mapping[str, Any]]:
    """The rows that may be called best, the lowest error first: no baseline and no leaked row.

    Args:
        scores: The scores of one evaluator.
        page: The inputs of the report, for the baselines.

    Returns:
        Rows of the summary that have an error.
    """
    return [
        record
        for record in records(canonical_order(scores.summary, scores.by))
        if not row_kind(record, page.baselines) and not math.isnan(float(record["mae"]))
    ]


def format_interval(record: Mapping[str, Any], unit: str) -> str:
    """The 95 % interval of a row's mean absolute error; empty where there is none.

    Args:
        record: The row of a summary.
        unit: The unit of the error.
    """
    low, high = float(record.get("mae_low", math.nan)), float(record.get("mae_high", math.nan))
    return (
        ""
        if math.isnan(low) or math.isnan(high)
        else f"{format_bpm(low)} to {format_bpm(high)} {unit}"
    )
