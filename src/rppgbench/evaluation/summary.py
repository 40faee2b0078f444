"""Summaries of scored windows, with intervals over subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.canonical_order import ordered_items, ordered_rows
from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bootstrap
from rppgbench.evaluation.metric_record import Metric
from rppgbench.evaluation.metric_sums import Rows, row_terms
from rppgbench.evaluation.metrics import (
    METRICS,
    TERMS,
    mae_covered_from_sums,
    mape_covered_from_sums,
    named_sums,
)
from rppgbench.evaluation.paired_differences import MIN_PEOPLE
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

Pooling = Literal["rows", "recordings"]
Codes = NDArray[np.int64]


def summarise(
    windows: pd.DataFrame,
    *,
    by: Sequence[str] = ("method",),
    expected: Mapping[Any, int] | int | None = None,
    resamples: int = 2000,
    seed: int = 0,
    pooling: Pooling | None = None,
) -> pd.DataFrame:
    """Metrics of groups of windows with intervals, one row a group.

    Groups, rows and subjects are put into canonical order first
    (`rppgbench.core.canonical_order`), so the order of the rows of `windows` changes no number.
    Metrics are computed per seed and averaged; the intervals are of that mean.

    Args:
        windows: The rows of `score_windows`.
        by: The columns to group by.
        expected: The number of recordings that every group should have, or a mapping from the
            group's value (a tuple where `by` has several columns) to this number; a group of the
            mapping without any row has a row in the summary too. None takes the recordings of
            the windows.
        resamples: Resamples of the bootstrap; 0 leaves the intervals NaN.
        seed: Seed of the resamples.
        pooling: "rows" pools all windows, "recordings" averages the metrics of recordings. None
            takes what the evaluator of the windows declares.

    Returns:
        A frame with these columns:

        - those of `by`;
        - n_subjects, n_recordings, n_windows: scored ones, that is with a reference;
        - n_expected: recordings expected;
        - n_unscored: windows without a reference;
        - n_band_edge: scored windows whose reference lies outside the evaluator's band or at its
          edge, where the windows have this column;
        - coverage: recordings with an estimate over those expected;
        - window_coverage: scored windows with an estimate over scored windows;
        - n_seeds;
        - for every metric NAME: NAME, NAME_low and NAME_high (BCa 95 % over subjects); for MAE and
          RMSE the standard deviation over seeds, NAME_seed_std;
        - mae_covered, mape_covered: MAE and MAPE over the windows that have an estimate;
        - max_error: the largest absolute error of a scored window, in bpm; it has no interval,
          because resamples cannot exceed it;
        - interval_note: why there is no interval, or that it rests on few subjects;
        - leaked, training, rule_note, where the windows have them (`mark_leaks`, the training's
          note, `mark_rule_notes`): the distinct notes of the group.

    Raises:
        BenchError: `by` is empty or names a column that the windows lack.
    """
    import pandas as pd

    unknown = [name for name in by if name not in windows]
    if unknown or not by:
        raise BenchError(
            f"summary: no column {unknown[0] if unknown else ''!r} to group by; "
            f"known: {', '.join(windows.columns)}"
        )
    windows = ordered_rows(windows)
    pooling = pooling or windows.attrs.get("pooling", "rows")
    metrics = [m for m in METRICS.values() if not m.optional or m.column in windows]
    groups = {
        value if isinstance(value, tuple) else (value,): group
        for value, group in windows.groupby(list(by), dropna=False)
    }
    if isinstance(expected, Mapping):
        keys = [value if isinstance(value, tuple) else (value,) for value in expected]
        absent = [key for key in keys if key not in groups]
        groups = ordered_items(groups | dict.fromkeys(absent, windows.iloc[:0]))
    rows = []
    for key, group in groups.items():
        summary = _summarise_group(
            group,
            metrics,
            pooling=pooling,
            expected=_expected(expected, key),
            resamples=resamples,
            seed=seed,
        )
        rows.append({**dict(zip(by, key, strict=True)), **summary})
    table = pd.DataFrame(rows)
    table.attrs = {**windows.attrs, "pooling": pooling, "resamples": resamples, "seed": seed}
    return table


def block_scores(
    windows: pd.DataFrame,
    metric: str = "mae",
    *,
    of: str = "method",
    block: Sequence[str] = ("dataset", "recording"),
) -> dict[str, Array]:
    """One score a block for every method: the input of `paired_tests` and `ranks`.

    Args:
        windows: The rows of `score_windows`, in any order.
        metric: Name of a metric.
        of: The column whose values are compared.
        block: The columns whose combinations are the blocks: a recording, or a data set with
            `block=("dataset",)`.

    Returns:
        For each value of `of`, sorted by name, the metric of every block (B,) in canonical order:
        the mean over seeds, NaN where the method has no scored window of the block.
    """
    windows = ordered_rows(windows)
    scored = windows[np.isfinite(windows["reference_bpm"])]
    blocks, seeds = _codes(scored, *block), _codes(scored, "seed")
    names = scored[of].to_numpy()
    terms = _terms(scored, np.ones(len(scored), np.bool_))
    shape = (_count(blocks), _count(seeds)) if len(blocks) else (0, 0)
    scores = {}
    for name in sorted(set(names)):
        rows = names == name
        total = _added(terms[rows], blocks[rows] * shape[1] + seeds[rows], shape)
        per_seed = METRICS[metric].from_sums(named_sums(total))
        scores[str(name)] = _mean_of_finite(per_seed, axis=1)
    return scores


def _expected(expected: Mapping[Any, int] | int | None, key: tuple[Any, ...]) -> int | None:
    if not isinstance(expected, Mapping):
        return expected
    return expected.get(key, expected.get(key[0]) if len(key) == 1 else None)


@dataclass(frozen=True, eq=False, kw_only=True)
class _ScoredRows:
    """The scored rows of one group: their terms (n, K), and codes (n,) of whom they belong to."""

    terms: Array
    recordings: Codes
    subjects: Codes
    seeds: Codes
    n_subjects: int
    n_seeds: int

    @property
    def shape(self) -> tuple[int, int]:
        """Subjects and seeds of the sums, at least one each."""
        return max(self.n_subjects, 1), max(self.n_seeds, 1)


def _summarise_group(
    group: pd.DataFrame,
    metrics: Sequence[Metric],
    *,
    pooling: str,
    expected: int | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    scored = np.isfinite(group["reference_bpm"].to_numpy(np.float64))
    recordings, seeds = _codes(group, "dataset", "recording"), _codes(group, "seed")
    subjects = np.unique(_codes(group, "dataset", "subject")[scored], return_inverse=True)[1]
    rows = _ScoredRows(
        terms=_terms(group, scored),
        recordings=recordings[scored],
        subjects=subjects,
        seeds=seeds[scored],
        n_subjects=_count(subjects),
        n_seeds=_count(seeds),
    )
    summary = _counts(group, scored, recordings, seeds, rows, expected)
    summary |= _values(rows, metrics, pooling, resamples, seed)
    sums = named_sums(rows.terms.sum(axis=0))
    summary["mae_covered"] = float(mae_covered_from_sums(sums))
    summary["mape_covered"] = float(mape_covered_from_sums(sums))
    errors = np.abs(group["error_bpm"].to_numpy(np.float64)[scored])
    summary["max_error"] = float(errors.max()) if len(errors) else float("nan")
    summary["interval_note"] = _interval_note(rows.n_subjects, resamples)
    for column in ("leaked", "training", "rule_note"):
        if column in group:
            notes = {str(note) for note in group[column].unique()} - {""}
            summary[column] = ", ".join(sorted(notes))
    return summary


def _counts(
    group: pd.DataFrame,
    scored: NDArray[np.bool_],
    recordings: Codes,
    seeds: Codes,
    rows: _ScoredRows,
    expected: int | None,
) -> dict[str, Any]:
    """How many subjects, recordings and windows a group has, and which share has an estimate."""
    missing = group["missing"].to_numpy(bool)
    n_expected = _count(recordings) if expected is None else expected
    n_seeds = rows.n_seeds
    with_estimate = len(np.unique((recordings * max(n_seeds, 1) + seeds)[~missing]))
    counts: dict[str, Any] = {
        "n_subjects": rows.n_subjects,
        "n_recordings": len(np.unique(rows.recordings)),
        "n_expected": n_expected,
        "n_windows": int(scored.sum()),
        "n_unscored": int((~scored).sum()),
        "coverage": with_estimate / (n_expected * n_seeds) if n_expected and n_seeds else 0.0,
        "window_coverage": float((~missing[scored]).mean()) if scored.any() else 0.0,
        "n_seeds": n_seeds,
    }
    if "band_edge" in group:
        counts["n_band_edge"] = int(group["band_edge"].to_numpy(bool)[scored].sum())
    return counts


def _values(
    rows: _ScoredRows, metrics: Sequence[Metric], pooling: str, resamples: int, seed: int
) -> dict[str, float]:
    """Every metric as the mean over seeds, its interval, and its spread over seeds."""
    if pooling == "recordings":
        by_subject, statistic = _sums_of_recordings(rows, metrics)
    else:
        by_subject = _added(rows.terms, rows.subjects * rows.shape[1] + rows.seeds, rows.shape)

        def statistic(total: Array) -> Array:
            sums = named_sums(total)
            return np.stack([metric.from_sums(sums) for metric in metrics], axis=-1)

    per_seed = statistic(by_subject.sum(axis=0))
    value = _mean_of_finite(per_seed, axis=0)
    low = high = np.full(value.shape, np.nan)
    if resamples and rows.n_subjects:
        low, high = bootstrap(by_subject, statistic, resamples=resamples, seed=seed)
    values: dict[str, float] = {}
    for k, metric in enumerate(metrics):
        values[metric.name] = float(value[k])
        values[f"{metric.name}_low"], values[f"{metric.name}_high"] = float(low[k]), float(high[k])
        if metric.seed_std:
            finite = per_seed[np.isfinite(per_seed[:, k]), k]
            seed_std = float(finite.std(ddof=1)) if len(finite) > 1 else np.nan
            values[f"{metric.name}_seed_std"] = seed_std
    return values


def _mean_of_finite(values: Array, axis: int) -> Array:
    """Mean of the finite values along an axis; NaN where there is none."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0).sum(axis=axis)
    return np.where(finite.any(axis=axis), total / np.maximum(finite.sum(axis=axis), 1), np.nan)


def _terms(frame: pd.DataFrame, selected: NDArray[np.bool_]) -> Array:
    """The terms of the chosen rows of `score_windows`: (n, K)."""
    columns = {metric.column for metric in METRICS.values()} & set(frame.columns)
    rows = Rows(
        reference=frame["reference_bpm"].to_numpy(np.float64)[selected],
        error=frame["error_bpm"].to_numpy(np.float64)[selected],
        missing=frame["missing"].to_numpy(bool)[selected],
        columns={name: frame[name].to_numpy(np.float64)[selected] for name in columns},
    )
    return row_terms(rows, TERMS)


def _interval_note(subjects: int, resamples: int) -> str:
    if not resamples:
        return "no interval: no resamples asked for"
    if subjects == 0:
        return "no interval: nothing scored"
    if subjects == 1:
        return "no interval: one subject"
    return f"interval over only {subjects} subjects" if subjects < MIN_PEOPLE else ""


def _count(codes: Codes) -> int:
    """How many distinct codes there are, where they count from 0 on."""
    return int(codes.max()) + 1 if len(codes) else 0


def _codes(frame: pd.DataFrame, *columns: str) -> Codes:
    """A code from 0 on for every distinct combination of the columns: (n,)."""
    codes: Codes = np.zeros(len(frame), np.int64)
    for column in columns:
        part = frame[column].factorize()[0]
        codes = codes * (int(part.max()) + 1 if len(part) else 1) + part
        codes = np.unique(codes, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return codes


def _added(terms: Array, places: Codes, shape: tuple[int, ...]) -> Array:
    """Rows (n, K) added up at their places (n,) in an array of that shape: (*shape, K)."""
    size = int(np.prod(shape))
    out: Array = np.stack(
        [np.bincount(places, weights=column, minlength=size) for column in terms.T], axis=-1
    )
    return out.reshape(*shape, terms.shape[1])


def _sums_of_recordings(
    rows: _ScoredRows, metrics: Sequence[Metric]
) -> tuple[Array, Callable[[Array], Array]]:
    """Metrics of single recordings as sums over subjects, and the mean that they give.

    Returns:
        For every subject and seed (S, R, 2 M) the sums of M metrics over its recordings and how
        many recordings have each; and the function from such sums (..., 2 M) to means (..., M).
    """
    place = rows.subjects * rows.shape[1] + rows.seeds
    runs = np.unique(rows.recordings * rows.shape[1] + rows.seeds, return_inverse=True)[1]
    runs = runs.reshape(-1)
    count = _count(runs)
    totals = _added(rows.terms, runs, (count,)) if count else np.zeros((0, len(TERMS)))
    place_of_run = np.zeros(count, np.int64)
    place_of_run[runs] = place
    sums = named_sums(totals)
    values = [metric.from_sums(sums) for metric in metrics]
    defined = [np.isfinite(value) for value in values]
    filled = [np.where(ok, value, 0.0) for ok, value in zip(defined, values, strict=True)]
    sums_and_counts = np.stack([*filled, *defined], axis=-1).astype(np.float64)
    width = len(metrics)

    def mean(total: Array) -> Array:
        n = total[..., width:]
        out: Array = np.full(n.shape, np.nan)
        np.divide(total[..., :width], n, out=out, where=n > 0)
        return out

    return _added(sums_and_counts, place_of_run, rows.shape), mean
