"""Paired tests between methods, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.significance import PairedTest, Ranks, paired_tests, ranks
from rppgbench.evaluation.summary import block_scores
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.ranks import rank_figure
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
MIN_DATASETS = 3

Blocks = tuple[str, ...]


def comparison_sections(
    scores: Scores,
    *,
    condition: str = "",
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """Which methods differ, over recordings and, from three data sets on, over data sets.

    Empty with fewer than two methods, or where no two have a recording in common. Methods are
    compared on one face region and `condition`, by default the first that there are; the section
    says which.
    Windows that a method's weights may have seen are left out.

    Args:
        scores: The scores of one evaluator.
        condition: The condition to compare under; by default the first one by name.
        baselines: The methods that are baselines.
        marks: What is simulated or imported.

    Returns:
        One section or none.
    """
    windows, alike_note = alike_windows(scores, condition)
    windows, left_out = without_leaked(windows)
    by_recording = block_scores(windows)
    if len(by_recording) < 2 or not _common(by_recording, 1):
        return ()
    tests = paired_tests(by_recording)
    tables = [_pair_table(tests, scores, baselines, marks=marks)]
    sentences = [*_words(tests, scores.name, baselines), *alike_note, *left_out]
    drawings = []
    for noun, blocks in _ranked(windows, by_recording):
        method_ranks = ranks(blocks, alpha=ALPHA)
        sentences.append(_rank_words(method_ranks, noun))
        key = f"ranks-{noun.replace(' ', '-')}s"
        table = _rank_table(method_ranks, blocks, key, noun, baselines, marks=marks)
        tables.append(table.in_unit(scores.unit))
        if not math.isnan(method_ranks.critical_difference):
            drawings.append(
                rank_figure(method_ranks, noun, scores.name, key=f"{key}-figure", marks=marks)
            )
    return (
        Section(
            key="comparisons",
            title="Which methods differ",
            paragraphs=tuple(sentences),
            tables=tuple(tables),
            drawings=tuple(drawings),
        ),
    )


def alike_windows(scores: Scores, condition: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The windows of one region and condition, and a sentence where there are several.

    Args:
        scores: The scores of one evaluator.
        condition: The condition; where the scores lack it, the first one by name.

    Returns:
        The rows, and the sentence or nothing.
    """
    windows, parts = scores.windows, []
    for key in ("condition", "region"):
        if key not in scores.by:
            continue
        values = sorted(set(windows[key]) - {""})
        first = condition if key == "condition" and condition in values else next(iter(values), "")
        windows = windows[windows[key].isin([first, ""])]
        parts.append(f"the {key} {first}")
    text = f"All methods are compared on {' and '.join(parts)}." if parts else ""
    return windows, ((text,) if text else ())


def without_leaked(windows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The windows that no method's weights have seen, and a sentence where there are others."""
    if "leaked" not in windows or not (windows["leaked"] != "").any():
        return windows, ()
    leaked = windows[windows["leaked"] != ""]
    leaked_methods = ", ".join(
        f"{method} on {', '.join(sorted(set(part['leaked'])))}"
        for method, part in leaked.groupby("method")
    )
    text = f"Left out, for its weights were learned on what is tested: {leaked_methods}."
    return windows[windows["leaked"] == ""], (text,)


def _common(blocks: Mapping[str, Array], min_blocks: int) -> bool:
    """Whether at least so many blocks have a score of every method."""
    table = np.stack(list(blocks.values()))
    return int(np.isfinite(table).all(axis=0).sum()) >= min_blocks


def _ranked(
    windows: pd.DataFrame, by_recording: Mapping[str, Array]
) -> list[tuple[str, Mapping[str, Array]]]:
    kinds = [("recording", by_recording)]
    if windows["dataset"].nunique() >= MIN_DATASETS:
        kinds.append(("data set", block_scores(windows, block=("dataset",))))
    return [(noun, blocks) for noun, blocks in kinds if len(blocks) > 2 and _common(blocks, 2)]


def _words(tests: list[PairedTest], evaluator: str, baselines: Collection[str]) -> list[str]:
    significant = [test for test in tests if test.p_holm < ALPHA]
    without_baselines = [
        test for test in significant if not {test.first, test.second} & set(baselines)
    ]
    count = f"{len(significant)} of {pluralise(len(tests), 'pair')}"
    text = (
        f"Pairs of methods are compared on the same recordings, by the mean absolute error of each "
        f"under {evaluator}: Wilcoxon's signed-rank test, corrected for the number of pairs by "
        f"Holm's procedure. At the 5 % level {count} differ"
    )
    if set(baselines) & {name for test in tests for name in (test.first, test.second)}:
        text += f", {len(without_baselines)} of them between two methods that use the video"
    return [
        f"{text}.",
        "A recording counts once, however many windows it has; recordings of one subject count as "
        "independent, so with several recordings per subject the p-values are too small.",
    ]


def _rank_words(result: Ranks, noun: str) -> str:
    text = (
        f"Over {pluralise(result.n, noun)} that all {len(result.methods)} methods have, Friedman's "
    )
    if math.isnan(result.p):
        return f"{text}test has too few blocks."
    verdict = (
        "the methods differ"
        if result.p < ALPHA
        else "no difference between the methods is significant"
    )
    return (
        f"{text}test: {verdict} (p {format_p(result.p)}). By Nemenyi's test two methods differ "
        f"where their mean ranks lie more than {result.critical_difference:.2f} apart."
    )


def _pair_table(
    tests: list[PairedTest], scores: Scores, baselines: Collection[str], *, marks: DataMarks
) -> Table:
    mae, unit = metric("mae"), scores.unit
    rows = []
    for test in sorted(tests, key=_pair_order):
        better = test.first if test.difference < 0 else test.second
        verdict = "no difference shown"
        if test.p_holm < ALPHA:
            verdict = f"{better} is better"
        elif math.isnan(test.p_holm):
            verdict = "nothing to test"
        detail = f"{test.first} less {test.second}: {mae.write(test.difference)} {unit}"
        cells = (
            Cell(test.first, test.first),
            Cell(test.second, test.second),
            Cell(str(test.n), float(test.n)),
            Cell(mae.write(test.difference), _known(test.difference), detail=detail),
            Cell(format_p(test.p), _known(test.p)),
            Cell(format_p(test.p_holm), _known(test.p_holm)),
            Cell(verdict, verdict),
        )
        rows.append(Row(cells, "baseline" if {test.first, test.second} & set(baselines) else ""))
    columns = (
        Column("first", "First", text=True),
        Column("second", "Second", text=True),
        Column("n", "n", decimals=0, about="Recordings that both methods have."),
        Column("difference", "Difference", unit=unit, about="Mean of first less second."),
        Column("p", "p", about="Wilcoxon's signed-rank test, two-sided."),
        Column("p_holm", "p (Holm)", about="After Holm's correction over all pairs."),
        Column("verdict", "Verdict at 5 %", text=True),
    )
    return Table(
        key="pairs",
        caption=f"Pairs of methods under {scores.name}",
        columns=columns,
        rows=tuple(rows),
        headers=2,
        notes=(),
        marks=marks,
    )


def _pair_order(test: PairedTest) -> tuple[object, ...]:
    """Pairs that cannot be tested last; of equal p the larger difference first, then by name."""
    untested = math.isnan(test.p_holm)
    p_holm = 0.0 if untested else test.p_holm
    larger = 0.0 if math.isnan(test.difference) else -abs(test.difference)
    return untested, p_holm, larger, test.first, test.second


def _rank_table(
    method_ranks: Ranks,
    blocks: Mapping[str, Array],
    key: str,
    noun: str,
    baselines: Collection[str],
    *,
    marks: DataMarks,
) -> Table:
    mae = metric("mae")
    shared = np.isfinite(np.stack(list(blocks.values()))).all(axis=0)
    rows = []
    for k in np.argsort(method_ranks.mean_rank, kind="stable"):
        name = method_ranks.methods[k]
        alike = [clique for clique in method_ranks.cliques if name in clique]
        tied = list(dict.fromkeys(m for clique in alike for m in clique if m != name))
        other_names = ", ".join(tied) or "none"
        mean = float(blocks[name][shared].mean())
        rows.append(
            Row(
                (
                    Cell(name, name),
                    Cell(f"{method_ranks.mean_rank[k]:.2f}", float(method_ranks.mean_rank[k])),
                    Cell(mae.write(mean), mean),
                    Cell(other_names, other_names),
                ),
                "baseline" if name in baselines else "",
            )
        )
    columns = (
        Column("method", "Method", text=True),
        Column("mean_rank", "Mean rank", about=f"1 is the lowest error of a {noun}."),
        Column("mean_mae", "Mean of the MAE", unit="bpm", about=f"Over each {noun} that all have."),
        Column("alike", "No significant difference from (Nemenyi)", text=True),
    )
    caption = f"Mean ranks over {pluralise(method_ranks.n, noun)}"
    return Table(key=key, caption=caption, columns=columns, rows=tuple(rows), marks=marks)


def format_p(value: float) -> str:
    """A p-value as it is printed.

    >>> format_p(0.00002), format_p(0.0314), format_p(float("nan"))
    ('< 0.001', '0.031', '–')
    """
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
