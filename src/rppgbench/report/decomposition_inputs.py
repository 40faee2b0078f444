"""What the page on different numbers is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rppgbench.evaluation.decomposition import REGION, Decomposition, Endpoint
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.summary_rows import records, row_name, scores_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class DecompositionInputs:
    """What the page is made from.

    `page` holds the scores under every evaluator (the two sides first), baselines, failures and
    provenance; `by` are the columns that name a row of `splits`; `regions` were run.
    """

    page: ReportInputs
    rules: Mapping[str, Evaluator]
    by: tuple[str, ...]
    first: Endpoint
    second: Endpoint
    groups: tuple[str, ...]
    splits: tuple[Decomposition, ...]
    regions: tuple[str, ...]


def scores_on_one_region(inputs: DecompositionInputs) -> tuple[Scores, ...]:
    """The scores of the second side's face region alone, so that a method is one row.

    What has regions of its own stays. The other regions have tables of their own.
    """
    region = inputs.second.region
    one_region = []
    for scores in inputs.page.scores:
        if REGION not in scores.by or not region:
            one_region.append(scores)
            continue
        summary = scores.summary[scores.summary[REGION].isin([region, ""])]
        by = tuple(key for key in scores.by if key != REGION)
        one_region.append(replace(scores, summary=summary, by=by))
    return tuple(one_region)


class Span(NamedTuple):
    """Lowest and highest error of a row in bpm, the evaluators that give them, and the method."""

    low: float
    high: float
    low_rule: str
    high_rule: str
    method: str


def error_spans(inputs: DecompositionInputs) -> dict[str, Span]:
    """How far each row's error reaches over the evaluators; by the row's name."""
    errors: dict[str, dict[str, float]] = {}
    method = {}
    for scores in scores_on_one_region(inputs):
        for record in records(scores.summary):
            if not math.isnan(float(record["mae"])):
                name = row_name(record, scores.by)
                errors.setdefault(name, {})[scores.name] = float(record["mae"])
                method[name] = str(record["method"])
    reach = {}
    for name, values in errors.items():
        low, high = min(values, key=lambda k: values[k]), max(values, key=lambda k: values[k])
        reach[name] = Span(values[low], values[high], low, high, method[name])
    return reach


def errors_frame(inputs: DecompositionInputs) -> pd.DataFrame:
    """All measures of every row under every evaluator."""
    summaries = {scores.name: scores.summary for scores in inputs.page.scores}
    return scores_frame(summaries, marks=inputs.page.marks)


def shares_frame(inputs: DecompositionInputs) -> pd.DataFrame:
    """A row a method and group: its share in bpm, lowest and highest over the orders."""
    import pandas as pd

    rows = []
    for split in inputs.splits:
        row_values: dict[str, Any] = {
            "simulated": inputs.page.marks.simulated,
            "imported": inputs.page.marks.of_method(split.row[inputs.by.index("method")]),
            **dict(zip(inputs.by, split.row, strict=True)),
            "first": inputs.first.label,
            "second": inputs.second.label,
            "first_mae": split.first_bpm,
            "second_mae": split.second_bpm,
        }
        for group in inputs.groups:
            share = split.shares.get(group)
            nan = float("nan")
            values = (share.value, share.low, share.high) if share else (nan, nan, nan)
            share_values = dict(zip(("share_bpm", "share_low", "share_high"), values, strict=True))
            note = "; ".join(split.notes)
            rows.append(
                row_values
                | {"group": group}
                | share_values
                | {"orders": split.orders, "of": split.all_orders, "note": note}
            )
    return pd.DataFrame(rows)
