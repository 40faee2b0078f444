"""Summaries of scored windows, with intervals over subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.canonical_order import ordered_items, ordered_rows
from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bootstrap
from rppgbench.evaluation.metric_sums import SUMS, mae_covered_of_sums, sums
from rppgbench.evaluation.metrics import METRICS, Metric
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

Pooling = Literal["rows", "recordings"]
Codes = NDArray[np.int64]

OPTIONAL = ("mcc", "macc")
"""Measures that are in a summary only where the windows hold their column."""

SPREAD_OVER_SEEDS = ("mae", "rmse")


def summarise(
    windows: pd.DataFrame,
    *,
    by: Sequence[str] = ("method",),
    expected: Mapping[Any, int] | int | None = None,
    resamples: int = 2000,
    seed: int = 0,
    pooling: Pooling | None = None,
) -> pd.DataFrame:
    """One row a group of `score_windows`' rows; groups, rows and subjects in canonical order.

    The order of the rows of `windows` changes nothing: see `order`.

    Columns: those of `by`; n_subjects and n_recordings (scored: with a reference), n_expected,
    n_windows (scored), n_unscored (windows without a reference), n_band_edge (scored windows whose
    truth lies outside the evaluator's band or at its edge, where the windows say so), coverage
    (recordings with an estimate over those expected), window_coverage (scored windows with an
    estimate over scored windows), n_seeds; for every metric NAME, NAME_low and NAME_high (BCa 95 %
    over subjects); mae_seed_std and rmse_seed_std; mae_covered (over windows with an estimate only)
    and interval_note, which says why there is no interval; where the windows have them
    (`trainings`, `leaks`, `rule_notes`), training: what is to be said of how the method was
    trained, leaked: the data sets that the method's weights were learned on, and rule_note: what
    the evaluator was not made for in this row, or "".

    Metrics are worked out per seed and averaged; the intervals are of that mean. `expected` is the
    number of recordings of every group, or a mapping from the group's value (a tuple where `by`
    has several) to it, where a group without any row still has one in the summary; None takes the
    recordings that there are. `pooling` is by default what the windows' evaluator declares:
    "rows" pools all windows, "recordings" averages the metrics of recordings. `resamples` of 0
    leaves the intervals NaN.
    """
    import pandas as pd

    unknown = [name for name in by if name not in windows]
    if unknown or not by:
        raise BenchError(
            f"summary: no column {unknown[0] if unknown else ''!r} to group by; "
            f"known: {', '.join(windows.columns)}"
        )
    windows = ordered_rows(windows)
    how = pooling or windows.attrs.get("pooling", "rows")
    metrics = [m for m in METRICS.values() if m.name not in OPTIONAL or m.name in windows]
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
        facts = _group(group, metrics, how, _expected(expected, key), resamples, seed)
        rows.append({**dict(zip(by, key, strict=True)), **facts})
    summary = pd.DataFrame(rows)
    summary.attrs = {**windows.attrs, "pooling": how, "resamples": resamples, "seed": seed}
    return summary


def block_scores(
    windows: pd.DataFrame,
    metric: str = "mae",
    *,
    of: str = "method",
    block: Sequence[str] = ("dataset", "recording"),
) -> dict[str, Array]:
    """One score a block for every method: what `comparisons.pairs` and `ranks` take.

    For each value of the column `of` the metric over every block (by default a recording; a data
    set with `block=("dataset",)`), (B,); the mean over seeds; NaN where the method has no scored
    window of the block. Methods come by name, and every method has the same blocks in canonical
    order, whatever the order of the rows of `windows`.
    """
    measure = METRICS[metric].of_sums
    windows = ordered_rows(windows)
    scored = windows[np.isfinite(windows["reference_bpm"])]
    blocks, seeds = _codes(scored, *block), _codes(scored, "seed")
    names = scored[of].to_numpy()
    columns = {c: scored[c].to_numpy(np.float64) for c in ("snr_db", *OPTIONAL) if c in scored}
    each = sums(
        scored["reference_bpm"].to_numpy(np.float64),
        scored["error_bpm"].to_numpy(np.float64),
        scored["missing"].to_numpy(bool),
        columns,
    )
    shape = (int(blocks.max()) + 1, int(seeds.max()) + 1) if len(blocks) else (0, 0)
    found = {}
    for name in sorted(set(names)):
        own = names == name
        per_seed = measure(_added(each[own], blocks[own] * shape[1] + seeds[own], shape))
        known = np.isfinite(per_seed)
        mean = np.where(known, per_seed, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        found[str(name)] = np.where(known.any(axis=1), mean, np.nan)
    return found


def _expected(expected: Mapping[Any, int] | int | None, key: tuple[Any, ...]) -> int | None:
    if not isinstance(expected, Mapping):
        return expected
    return expected.get(key, expected.get(key[0]) if len(key) == 1 else None)


def _group(
    group: pd.DataFrame,
    metrics: Sequence[Metric],
    pooling: str,
    expected: int | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    reference = group["reference_bpm"].to_numpy(np.float64)
    missing = group["missing"].to_numpy(bool)
    scored = np.isfinite(reference)
    recordings = _codes(group, "dataset", "recording")
    seeds = _codes(group, "seed")
    n_seeds = int(seeds.max()) + 1 if len(seeds) else 0
    there = int(recordings.max()) + 1 if len(recordings) else 0
    n_expected = there if expected is None else expected
    with_estimate = len(np.unique((recordings * max(n_seeds, 1) + seeds)[~missing]))
    subjects = _codes(group, "dataset", "subject")[scored]
    subjects = np.unique(subjects, return_inverse=True)[1]
    n_subjects = int(subjects.max()) + 1 if len(subjects) else 0
    facts: dict[str, Any] = {
        "n_subjects": n_subjects,
        "n_recordings": len(np.unique(recordings[scored])),
        "n_expected": n_expected,
        "n_windows": int(scored.sum()),
        "n_unscored": int((~scored).sum()),
        "coverage": with_estimate / (n_expected * n_seeds) if n_expected and n_seeds else 0.0,
        "window_coverage": float((~missing[scored]).mean()) if scored.any() else 0.0,
        "n_seeds": n_seeds,
    }
    if "band_edge" in group:
        facts["n_band_edge"] = int(group["band_edge"].to_numpy(bool)[scored].sum())
    columns = {
        name: group[name].to_numpy(np.float64)[scored]
        for name in ("snr_db", *OPTIONAL)
        if name in group
    }
    error = group["error_bpm"].to_numpy(np.float64)[scored]
    each = sums(reference[scored], error, missing[scored], columns)
    shape = (max(n_subjects, 1), max(n_seeds, 1))
    if pooling == "recordings":
        by_subject, statistic = _of_recordings(
            each, recordings[scored], subjects, seeds[scored], shape, metrics
        )
    else:
        by_subject = _added(each, subjects * shape[1] + seeds[scored], shape)

        def statistic(total: Array) -> Array:
            return np.stack([metric.of_sums(total) for metric in metrics], axis=-1)

    per_seed = statistic(by_subject.sum(axis=0))
    known = np.isfinite(per_seed)
    value = np.where(known, per_seed, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    value = np.where(known.any(axis=0), value, np.nan)
    low = high = np.full(value.shape, np.nan)
    if resamples and n_subjects:
        low, high = bootstrap(by_subject, statistic, resamples=resamples, seed=seed)
    for k, metric in enumerate(metrics):
        facts[metric.name] = float(value[k])
        facts[f"{metric.name}_low"], facts[f"{metric.name}_high"] = float(low[k]), float(high[k])
        if metric.name in SPREAD_OVER_SEEDS:
            spread = per_seed[known[:, k], k]
            alone = len(spread) < 2
            facts[f"{metric.name}_seed_std"] = np.nan if alone else float(spread.std(ddof=1))
    facts["mae_covered"] = float(mae_covered_of_sums(each.sum(axis=0)))
    facts["interval_note"] = _note(n_subjects, resamples)
    for marked in ("leaked", "training", "rule_note"):
        if marked in group:
            facts[marked] = ", ".join(sorted({str(name) for name in group[marked].unique()} - {""}))
    return facts


def _note(subjects: int, resamples: int) -> str:
    if not resamples:
        return "no interval: no resamples asked for"
    if subjects == 0:
        return "no interval: nothing scored"
    if subjects == 1:
        return "no interval: one subject"
    return f"interval over only {subjects} subjects" if subjects < 5 else ""


def _codes(frame: pd.DataFrame, *columns: str) -> Codes:
    """A number from 0 on for every distinct combination of the columns: (n,)."""
    codes: Codes = np.zeros(len(frame), np.int64)
    for column in columns:
        part = frame[column].factorize()[0]
        codes = codes * (int(part.max()) + 1 if len(part) else 1) + part
        codes = np.unique(codes, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return codes


def _added(each: Array, at: Codes, shape: tuple[int, ...]) -> Array:
    """Rows (n, K) added up at their places: (*shape, K)."""
    size = int(np.prod(shape))
    out: Array = np.stack(
        [np.bincount(at, weights=column, minlength=size) for column in each.T], axis=-1
    )
    return out.reshape(*shape, each.shape[1])


def _of_recordings(
    each: Array,
    recordings: Codes,
    subjects: Codes,
    seeds: Codes,
    shape: tuple[int, int],
    metrics: Sequence[Metric],
) -> tuple[Array, Any]:
    """Sums over recordings of their own metrics, with how many have each, and their mean."""
    one = np.unique(recordings * shape[1] + seeds, return_inverse=True)[1].reshape(-1)
    count = int(one.max()) + 1 if len(one) else 0
    totals = _added(each, one, (count,)) if count else np.zeros((0, len(SUMS)))
    place = np.zeros(count, np.int64)
    place[one] = subjects * shape[1] + seeds
    values = [metric.of_sums(totals) for metric in metrics]
    known = [np.isfinite(value) for value in values]
    filled = [np.where(ok, value, 0.0) for ok, value in zip(known, values, strict=True)]
    both = np.stack([*filled, *known], axis=-1).astype(np.float64)
    by_subject = _added(both, place, shape)
    width = len(metrics)

    def statistic(total: Array) -> Array:
        n = total[..., width:]
        out: Array = np.full(n.shape, np.nan)
        np.divide(total[..., :width], n, out=out, where=n > 0)
        return out

    return by_subject, statistic
