"""The result in sentences, as a reader would tell it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.columns import COVERAGE, metric
from rppgbench.report.tables.highlights import row_kind
from rppgbench.report.tables.scores import (
    describe_band_edge,
    describe_reference,
    describe_region,
    method_table,
)
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


def summary_text(page: ReportInputs) -> list[str]:
    """What was run on what n, which method is best and by how much, and what did not go well."""
    if not page.scores:
        return ["Nothing was scored: no estimate is stored."]
    default = page.scores[0]
    if default.summary.empty:
        return [f"Nothing was scored under {default.name}: no estimate is stored."]
    sentences = [_what_was_run(page, default), *describe_region(default)]
    best = best_row(default, page)
    if best is not None:
        sentences += _best_words(page, default, best)
        if len(page.scores) > 1:
            sentences += _spread_words(page, best)
    sentences += _shortfall_words(page, default)
    for scores in page.scores:
        sentences += describe_reference(scores) + describe_band_edge(scores)
    return sentences


def key_numbers(page: ReportInputs) -> list[tuple[str, str, str]]:
    """The few numbers at the head of the page: label, value, and a line beneath it."""
    if not page.scores or page.scores[0].summary.empty:
        return []
    default = page.scores[0]
    numbers = []
    best = best_row(default, page)
    if best is not None:
        numbers.append(("Lowest error", row_name(best, default.by), f"under {default.name}"))
        interval = _interval(best)
        numbers.append(
            (
                "Mean absolute error",
                f"{_bpm(best['mae'])} bpm",
                f"95 % interval {interval}" if interval else "",
            )
        )
    baseline = _baseline_row(page, default)
    if baseline is not None:
        numbers.append(("Baseline", f"{_bpm(baseline['mae'])} bpm", row_name(baseline, default.by)))
    recordings, subjects = count_sample(default)
    expected = page.protocol.expected
    below = f"of {subjects} {'subject' if subjects == 1 else 'subjects'}"
    if expected is not None and expected != recordings:
        below += f"; the protocol has {expected}"
    numbers.append(("Recordings", str(recordings), below))
    return numbers


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
    ranked = [
        record
        for record in rows
        if not row_kind(record, page.baselines) and not math.isnan(float(record["mae"]))
    ]
    return ranked[0] if len(ranked) == 1 else None


def _what_was_run(page: ReportInputs, default: Scores) -> str:
    methods = default.summary["method"].nunique()
    number = _COUNTS[methods] if methods < len(_COUNTS) else str(methods)
    noun = "method was" if methods == 1 else "methods were"
    data = "simulated recordings" if page.marks.simulated else "recordings"
    sample = describe_sample(default, page.protocol.expected)
    verb = "scored" if page.marks.imported else "run"
    return f"{number} {noun} {verb} on {sample.replace('recordings', data, 1)}."


def _best_words(page: ReportInputs, default: Scores, best: Mapping[str, Any]) -> list[str]:
    name = row_name(best, default.by)
    interval = _interval(best)
    single_row = len(default.summary) == 1
    measure = "a mean absolute error of" if single_row else "the lowest mean absolute error:"
    text = f"Under {default.name}, {page.role}, {name} has {measure} {_bpm(best['mae'])} bpm"
    text += f" (95 % interval {interval} over subjects)." if interval else "."
    sentences = [text]
    rivals = [
        record
        for record in records(canonical_order(default.summary, default.by))
        if not row_kind(record, page.baselines)
        and row_name(record, default.by) != name
        and not math.isnan(float(record["mae"]))
    ]
    if rivals:
        second = rivals[0]
        text = f"Next is {row_name(second, default.by)} with {_bpm(second['mae'])} bpm"
        high, low = float(best.get("mae_high", math.nan)), float(second.get("mae_low", math.nan))
        if not (math.isnan(high) or math.isnan(low)):
            text += "; the two intervals overlap" if low <= high else "; the intervals are apart"
        sentences.append(text + ".")
    baseline = _baseline_row(page, default)
    if baseline is not None:
        worse = [r for r in [best, *rivals] if float(r["mae"]) >= float(baseline["mae"])]
        text = (
            f"The baseline, {row_name(baseline, default.by)}, which learns nothing from the video, "
            f"has {_bpm(baseline['mae'])} bpm"
        )
        if worse:
            names = ", ".join(row_name(record, default.by) for record in worse)
            text += f": {names} {'does' if len(worse) == 1 else 'do'} not beat it"
        sentences.append(text + ".")
    return sentences


def _spread_words(page: ReportInputs, best: Mapping[str, Any]) -> list[str]:
    default = page.scores[0]
    name = row_name(best, default.by)
    errors: dict[str, float] = {}
    winners: dict[str, str] = {}
    for scores in page.scores:
        for record in records(scores.summary):
            if row_name(record, scores.by) == name and not math.isnan(float(record["mae"])):
                errors[scores.name] = float(record["mae"])
        winner = best_row(scores, page)
        if winner is not None:
            winners[scores.name] = row_name(winner, scores.by)
    if len(errors) < 2:
        return []
    low, high = min(errors, key=lambda k: errors[k]), max(errors, key=lambda k: errors[k])
    text = f"The same waveforms of {name} score {_bpm(errors[low])} bpm under "
    if _bpm(errors[low]) == _bpm(errors[high]):
        sentences = [f"{text}every evaluator."]
    else:
        more = f"{_bpm(errors[high])} bpm under {high}: the rules alone make the difference"
        sentences = [f"{text}{low} and {more}."]
    rules_by_winner: dict[str, list[str]] = {}
    for rule, first in winners.items():
        if first != name:
            rules_by_winner.setdefault(first, []).append(rule)
    other_winners = [
        f"{first} under {' and '.join(rules)}" for first, rules in rules_by_winner.items()
    ]
    if other_winners:
        sentences.append(f"The best method changes with the evaluator: {', '.join(other_winners)}.")
    elif len(winners) == len(page.scores) and len(default.summary) > 1:
        sentences.append(f"It is best under all {len(page.scores)} evaluators.")
    return sentences


def _shortfall_words(page: ReportInputs, default: Scores) -> list[str]:
    sentences = []
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
        sentences.append(f"Estimates are missing for {incomplete}{more}.")
    if page.skipped:
        n_failed = len({(item.dataset, item.recording) for item in page.skipped})
        noun = "recording" if n_failed == 1 else "recordings"
        sentences.append(
            f"{n_failed} {noun} failed in part or whole; each is listed with its reason."
        )
    return sentences


def _baseline_row(page: ReportInputs, scores: Scores) -> Mapping[str, Any] | None:
    rows = [
        record
        for record in records(canonical_order(scores.summary, scores.by))
        if record.get("method") in page.baselines and not math.isnan(float(record["mae"]))
    ]
    return rows[0] if rows else None


def _interval(record: Mapping[str, Any]) -> str:
    low, high = float(record.get("mae_low", math.nan)), float(record.get("mae_high", math.nan))
    return "" if math.isnan(low) or math.isnan(high) else f"{_bpm(low)} to {_bpm(high)} bpm"


def _bpm(value: float) -> str:
    return metric("mae").write(float(value))
