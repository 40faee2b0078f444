"""Titles of methods in place of the names by which they are called in files and commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.report.costs import Costs
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.inputs import ReportInputs, Scores, Timings

if TYPE_CHECKING:
    import pandas as pd


def unique_titles(methods: Collection[str], titles: Mapping[str, str]) -> dict[str, str]:
    """The title of each method, with the method's name behind it where two titles are the same.

    Args:
        methods: Names of methods.
        titles: The title of each name that has one.

    Returns:
        A title for every name; no two are the same.

    >>> unique_titles(["pos", "pyvhr_pos", "mine"], {"pos": "POS", "pyvhr_pos": "POS"})
    {'pos': 'POS (pos)', 'pyvhr_pos': 'POS (pyvhr_pos)', 'mine': 'mine'}
    """
    shown = {name: titles.get(name, name) for name in methods}
    counts = Counter(shown.values())
    return {
        name: f"{title} ({name})" if counts[title] > 1 and title != name else title
        for name, title in shown.items()
    }


def titled_inputs(inputs: ReportInputs) -> ReportInputs:
    """The inputs with every method by its title; stored estimates are still found."""
    titles = inputs.titles
    if not titles:
        return inputs
    names = {title: name for name, title in titles.items()}

    def estimate(key: EstimateKey) -> Estimate | None:
        return inputs.estimate(replace(key, method=names.get(key.method, key.method)))

    timings = inputs.timings
    return replace(
        inputs,
        scores=tuple(titled_scores(scores, titles) for scores in inputs.scores),
        estimate=estimate,
        baselines=frozenset(titles.get(name, name) for name in inputs.baselines),
        skipped=tuple(
            replace(entry, method=titles.get(entry.method, entry.method))
            for entry in inputs.skipped
        ),
        timings=None if timings is None else titled_timings(timings, titles),
        costs=titled_costs(inputs.costs, titles),
        marks=titled_marks(inputs.marks, titles),
        titles={},
    )


def titled_scores(scores: Scores, titles: Mapping[str, str]) -> Scores:
    """The scores with the titles of methods in their frames.

    Args:
        scores: The scores of one evaluator.
        titles: A title for every name.

    Returns:
        The scores.
    """
    return replace(
        scores,
        windows=_titled_frame(scores.windows, titles),
        summary=_titled_frame(scores.summary, titles),
        groups={group: _titled_frame(frame, titles) for group, frame in scores.groups.items()},
        controls=None if scores.controls is None else _titled_frame(scores.controls, titles),
    )


def titled_marks(marks: DataMarks, titles: Mapping[str, str]) -> DataMarks:
    """The marks with the titles of imported methods.

    Args:
        marks: What is simulated or imported.
        titles: A title for every name.

    Returns:
        The marks.
    """
    imported = {titles.get(name, name): source for name, source in marks.imported.items()}
    return replace(marks, imported=imported)


def titled_timings(timings: Timings, titles: Mapping[str, str]) -> Timings:
    """The computing times with the titles of methods.

    Args:
        timings: The computing times.
        titles: A title for every name.
    """
    methods = {titles.get(name, name): seconds for name, seconds in timings.methods.items()}
    return replace(timings, methods=methods)


def titled_costs(costs: Costs, titles: Mapping[str, str]) -> Costs:
    """The costs with the titles of methods.

    Args:
        costs: What methods cost.
        titles: A title for every name.
    """
    methods = {titles.get(name, name): cost for name, cost in costs.methods.items()}
    return replace(costs, methods=methods)


def _titled_frame(frame: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    if "method" not in frame:
        return frame
    titled = frame.copy()
    titled["method"] = [titles.get(str(name), str(name)) for name in frame["method"]]
    return titled
