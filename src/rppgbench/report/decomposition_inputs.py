"""What the page on different numbers is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rppgbench.evaluation.decomposition import REGION, Decomposition, Endpoint
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.tables.columns import metric
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
    found = []
    for one in inputs.page.scores:
        if REGION not in one.by or not region:
            found.append(one)
            continue
        own = one.summary[one.summary[REGION].isin([region, ""])]
        by = tuple(key for key in one.by if key != REGION)
        found.append(replace(one, summary=own, by=by))
    return tuple(found)


class Span(NamedTuple):
    """Lowest and highest error of a row in bpm, the evaluators that give them, and the method."""

    low: float
    high: float
    low_rule: str
    high_rule: str
    method: str


def error_spans(inputs: DecompositionInputs) -> dict[str, Span]:
    """How far each row's error reaches over the evaluators; by the row's name."""
    found: dict[str, dict[str, float]] = {}
    method = {}
    for one in scores_on_one_region(inputs):
        for record in records(one.summary):
            if not math.isnan(float(record["mae"])):
                name = row_name(record, one.by)
                found.setdefault(name, {})[one.name] = float(record["mae"])
                method[name] = str(record["method"])
    reach = {}
    for name, values in found.items():
        low, high = min(values, key=lambda k: values[k]), max(values, key=lambda k: values[k])
        reach[name] = Span(values[low], values[high], low, high, method[name])
    return reach


def format_bpm(value: float) -> str:
    """An error as all tables and sentences of the page write it."""
    return metric("mae").write(value)


def errors_frame(inputs: DecompositionInputs) -> pd.DataFrame:
    """All measures of every row under every evaluator."""
    summaries = {one.name: one.summary for one in inputs.page.scores}
    return scores_frame(summaries, simulated=inputs.page.simulated)


def shares_frame(inputs: DecompositionInputs) -> pd.DataFrame:
    """A row a method and group: its share in bpm, lowest and highest over the orders."""
    import pandas as pd

    rows = []
    for one in inputs.splits:
        shown: dict[str, Any] = {
            "simulated": inputs.page.simulated,
            **dict(zip(inputs.by, one.row, strict=True)),
            "first": inputs.first.label,
            "second": inputs.second.label,
            "first_mae": one.first_bpm,
            "second_mae": one.second_bpm,
        }
        for group in inputs.groups:
            share = one.shares.get(group)
            nan = float("nan")
            values = (share.value, share.low, share.high) if share else (nan, nan, nan)
            named = dict(zip(("share_bpm", "share_low", "share_high"), values, strict=True))
            note = "; ".join(one.notes)
            rows.append(
                shown
                | {"group": group}
                | named
                | {"orders": one.orders, "of": one.all_orders, "note": note}
            )
    return pd.DataFrame(rows)
