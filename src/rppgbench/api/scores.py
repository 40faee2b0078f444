"""Scores of waveforms in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.api.heart_rate import load_evaluator
from rppgbench.api.waveform_inputs import Estimates, References, paired_inputs
from rppgbench.evaluation import scores as scoring

if TYPE_CHECKING:
    import pandas as pd


def score(
    estimates: Estimates,
    references: References | None = None,
    *,
    evaluators: Sequence[str] = ("beats_tukey",),
    subjects: Mapping[str, str] | None = None,
    resamples: int = 2000,
) -> pd.DataFrame:
    """Score waveforms against references under the rules of several evaluators.

    Args:
        estimates: the pulse of each recording by name; or for each method such a mapping; or a
            table with the columns recording, time_s and value, and method if there are several; or
            a file or folder of predictions, as `import_predictions` takes it.
        references: the reference of each recording by name: a pulse (`Waveform` or `Signal`), or a
            `GroundTruth` with a pulse and a device's heart rate; or a table with recording, time_s
            and value (a pulse); or a file or folder of references; None for those in the file of
            the estimates. Times are on the clock of the estimates.
        evaluators: names of rules, as `bench list evaluators` shows them.
        subjects: the subject of each recording. Intervals resample subjects. Without it, each
            recording is a subject of its own.
        resamples: bootstrap resamples for the intervals; 0 leaves the intervals NaN.

    Returns:
        One row for each evaluator and method, with the columns of a results table: mae, mae_low,
        mae_high, rmse, r, coverage, n_recordings and others. Scores of predictions in a file have
        the column imported, which says so with the source and its digest.

    Raises:
        BenchError: an evaluator is unknown, a recording of the estimates has no reference, or the
            other way round.

    Examples:
        >>> import rppgbench as rb
        >>> t = np.arange(900) / 30.0
        >>> pulses = {name: rb.Waveform(np.sin(2 * np.pi * hz * t), 30.0)
        ...           for name, hz in [("a", 1.0), ("b", 1.5)]}
        >>> table = rb.score(pulses, pulses, evaluators=["beats_tukey", "toolbox_2023"])
        >>> table["mae"].round(1).tolist()
        [0.0, 0.0]
    """
    import pandas as pd

    tables = []
    rules = {name: load_evaluator(name) for name in evaluators}
    inputs = paired_inputs(estimates, references, subjects)
    for name, rule in rules.items():
        windows = scoring.score_windows(rule, inputs.rows, inputs.truths)
        table = scoring.summarise(windows, resamples=resamples)
        table.insert(0, "evaluator", name)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    if inputs.mark:
        whole["imported"] = inputs.mark
    return whole


def score_windows(
    estimates: Estimates,
    references: References | None = None,
    *,
    evaluator: str = "beats_tukey",
    subjects: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The windows behind `score`: one row for each method, recording and window.

    Args:
        estimates: as `score` takes them.
        references: as `score` takes them.
        evaluator: the rule.
        subjects: as `score` takes them.

    Returns:
        The columns method, recording, subject, window, start_s, duration_s, reference_bpm,
        estimate_bpm, missing, error_bpm, snr_db, confidence (that of the waveform, where it has
        one), reason and those of the evaluator.

    Raises:
        BenchError: as `score`.
    """
    rule = load_evaluator(evaluator)
    inputs = paired_inputs(estimates, references, subjects)
    return scoring.score_windows(rule, inputs.rows, inputs.truths)


def paired_tests(windows: pd.DataFrame, *, measure: str = "mae") -> pd.DataFrame:
    """Test for every pair of methods whether one has smaller errors: Wilcoxon's signed-rank test.

    The blocks are the recordings that both methods have. Holm's method corrects for the number of
    pairs.

    Args:
        windows: the rows of `score_windows`, of at least two methods.
        measure: what is compared in each recording, such as "mae" (in bpm).

    Returns:
        One row for each pair: first, second, n (recordings), difference (mean of first less
        second), p, p_holm. p and p_holm are NaN where there is nothing to test.

    Raises:
        BenchError: the measure is unknown.

    Examples:
        >>> import rppgbench as rb
        >>> wave = lambda hz: rb.Waveform(np.sin(2 * np.pi * hz * np.arange(900) / 30.0), 30.0)
        >>> good, bad = {"a": wave(1.0), "b": wave(1.5)}, {"a": wave(1.1), "b": wave(1.7)}
        >>> windows = rb.score_windows({"good": good, "bad": bad}, good)
        >>> rb.paired_tests(windows)[["first", "second", "n", "p_holm"]].values.tolist()
        [['bad', 'good', 2, 0.5]]
    """
    from dataclasses import asdict, fields

    import pandas as pd

    from rppgbench.evaluation.significance import PairedTest
    from rppgbench.evaluation.significance import paired_tests as test_pairs
    from rppgbench.evaluation.summary import block_scores

    columns = [field.name for field in fields(PairedTest)]
    tests = test_pairs(block_scores(windows, measure))
    return pd.DataFrame([asdict(test) for test in tests], columns=columns)


def decompose(
    estimates: Estimates,
    references: References | None = None,
    *,
    first: str,
    second: str,
    subjects: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Split the difference of the error under two evaluators into groups of settings.

    The share of a group is its Shapley value (`rppgbench.evaluation.shapley`). The shares add up
    to the difference.

    Args:
        estimates: as `score` takes them.
        references: as `score` takes them.
        first: the evaluator that the difference starts from.
        second: the evaluator that it leads to.
        subjects: as `score` takes them.

    Returns:
        One row for each method and group of settings that differs: method, group, share_bpm,
        low_bpm and high_bpm (the least and largest share of any order of the groups), first_bpm and
        second_bpm (the mean absolute errors), notes. A method whose difference cannot be split has
        one row with an empty group and the reason in notes.

    Raises:
        BenchError: as `score`.

    Examples:
        >>> import rppgbench as rb
        >>> wave = lambda hz: rb.Waveform(np.sin(2 * np.pi * hz * np.arange(900) / 30.0), 30.0)
        >>> parts = rb.decompose({"a": wave(1.13)}, {"a": wave(1.0)},
        ...                      first="toolbox_2023", second="li2023")
        >>> row = parts.iloc[0]
        >>> bool(np.isclose(parts["share_bpm"].sum(), row["second_bpm"] - row["first_bpm"]))
        True
    """
    import pandas as pd

    from rppgbench.evaluation.decomposition import Endpoint
    from rppgbench.evaluation.decomposition import decompose as decompose_rows

    inputs = paired_inputs(estimates, references, subjects)
    splits = decompose_rows(
        Endpoint(first, load_evaluator(first)),
        Endpoint(second, load_evaluator(second)),
        lambda rule: scoring.score_windows(rule, inputs.rows, inputs.truths),
    )
    table = []
    for split in splits:
        shared = {
            "first_bpm": split.first_bpm,
            "second_bpm": split.second_bpm,
            "notes": "; ".join(split.notes),
        }
        shares = [(group, s.value, s.low, s.high) for group, s in split.shares.items()]
        for group, value, low, high in shares or [("", np.nan, np.nan, np.nan)]:
            part = {"group": group, "share_bpm": value, "low_bpm": low, "high_bpm": high}
            table.append({"method": split.row[0], **part, **shared})
    return pd.DataFrame(table)
