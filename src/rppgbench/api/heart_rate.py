"""Heart rates and scores of waveforms in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union, cast

import numpy as np
from numpy.typing import ArrayLike

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import find_toml
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation import scores as scoring
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.execution.prediction import read_rates
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

SET = "given"
"""The name of the data set that waveforms in memory belong to."""

Reference: TypeAlias = Waveform | Signal | GroundTruth
Estimates: TypeAlias = Union[
    Mapping[str, Waveform], Mapping[str, Mapping[str, Waveform]], "pd.DataFrame"
]
References: TypeAlias = Union[Mapping[str, Reference], "pd.DataFrame"]


def load_evaluator(name: str) -> Evaluator:
    """An evaluator by its name, as `bench list evaluators` shows it.

    Raises:
        BenchError: there is no evaluator of that name; the message names near ones.
    """
    return read_evaluator(find_toml("protocols/evaluators", "evaluator", name, "evaluator"))


def read_heart_rate(
    pulse: Waveform | ArrayLike, *, evaluator: str = "li2023", fs: float | None = None
) -> pd.DataFrame:
    """Read the heart rate of a pulse in the evaluator's windows, one window each second.

    A pulse that is shorter than a window is read whole, as `bench predict` does.

    Args:
        pulse: a waveform, or its samples (T,) together with `fs`.
        evaluator: the rule by which the rate is read.
        fs: samples per second, where `pulse` is an array.

    Returns:
        One row for each window: start_s, duration_s, heart_rate_bpm (NaN without one), snr_db,
        reason (why there is no rate, or "").

    Raises:
        BenchError: there is no such evaluator.
        ValueError: `pulse` is an array and `fs` is missing, or the array is not (T,).

    Example:
        >>> import rppgbench as rb
        >>> pulse = np.sin(2 * np.pi * 1.2 * np.arange(300) / 30.0)
        >>> rates = rb.read_heart_rate(pulse, evaluator="li2023", fs=30.0)
        >>> rates["heart_rate_bpm"].round(1).tolist()
        [72.0]
    """
    import pandas as pd

    wave = _waveform(pulse, fs)
    rates = read_rates(wave, load_evaluator(evaluator))
    return pd.DataFrame(
        {
            "start_s": rates.start_s[0],
            "duration_s": rates.duration_s[0],
            "heart_rate_bpm": rates.bpm[0],
            "snr_db": rates.snr_db[0],
            "reason": rates.reason[0],
        }
    )


def score(
    estimates: Estimates,
    references: References,
    *,
    evaluators: Sequence[str] = ("li2023",),
    subjects: Mapping[str, str] | None = None,
    resamples: int = 2000,
) -> pd.DataFrame:
    """Score waveforms against references under the rules of several evaluators.

    Args:
        estimates: the pulse of each recording by name; or for each method such a mapping; or a
            table with the columns recording, time_s and value, and method if there are several.
        references: the reference of each recording by name: a pulse (`Waveform` or `Signal`), or a
            `GroundTruth` with a pulse and a device's heart rate; or a table with recording, time_s
            and value (a pulse). Times are on the clock of the estimates.
        evaluators: names of rules, as `bench list evaluators` shows them.
        subjects: the subject of each recording. Intervals resample subjects. Without it, each
            recording is a subject of its own.
        resamples: bootstrap resamples for the intervals; 0 leaves the intervals NaN.

    Returns:
        One row for each evaluator and method, with the columns of a results table: mae, mae_low,
        mae_high, rmse, r, coverage, n_recordings and others.

    Raises:
        BenchError: an evaluator is unknown, a recording of the estimates has no reference, or the
            other way round.

    Example:
        >>> import rppgbench as rb
        >>> t = np.arange(900) / 30.0
        >>> pulses = {name: rb.Waveform(np.sin(2 * np.pi * hz * t), 30.0)
        ...           for name, hz in [("a", 1.0), ("b", 1.5)]}
        >>> rb.score(pulses, pulses, evaluators=["li2023", "toolbox_2023"])["mae"].tolist()
        [0.0, 0.0]
    """
    import pandas as pd

    tables = []
    for name, windows in _windows(estimates, references, evaluators, subjects).items():
        table = scoring.summarise(windows, resamples=resamples)
        table.insert(0, "evaluator", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def score_windows(
    estimates: Estimates,
    references: References,
    *,
    evaluator: str = "li2023",
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
        estimate_bpm, missing, error_bpm, snr_db, reason and those of the evaluator.

    Raises:
        BenchError: as `score`.
    """
    return _windows(estimates, references, [evaluator], subjects)[evaluator]


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

    Example:
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
    references: References,
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

    Example:
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

    rows, truths = _paired(estimates, references, subjects)
    splits = decompose_rows(
        Endpoint(first, load_evaluator(first)),
        Endpoint(second, load_evaluator(second)),
        lambda rule: scoring.score_windows(rule, rows, truths),
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


def _windows(
    estimates: Estimates,
    references: References,
    evaluators: Sequence[str],
    subjects: Mapping[str, str] | None,
) -> dict[str, pd.DataFrame]:
    rules = {name: load_evaluator(name) for name in evaluators}
    rows, truths = _paired(estimates, references, subjects)
    return {name: scoring.score_windows(rule, rows, truths) for name, rule in rules.items()}


def _paired(
    estimates: Estimates, references: References, subjects: Mapping[str, str] | None
) -> tuple[list[Estimate], dict[tuple[str, str], GroundTruth]]:
    """Return the estimates of all methods, and the ground truth of each recording."""
    methods = _by_method(estimates)
    truths = {
        name: _truth(name, reference) for name, reference in _by_recording(references).items()
    }
    _require_pairs(methods, truths)
    rows = [
        _estimate(method, name, (subjects or {}).get(name, name), wave)
        for method, waves in methods.items()
        for name, wave in waves.items()
    ]
    return rows, {(SET, name): truth for name, truth in truths.items()}


def _require_pairs(
    methods: Mapping[str, Mapping[str, Waveform]], truths: Mapping[str, GroundTruth]
) -> None:
    """BenchError where a recording is on one side alone: nothing is dropped."""
    for method, waves in methods.items():
        for unpaired, noun in (
            (waves.keys() - truths.keys(), "reference"),
            (truths.keys() - waves.keys(), "estimate"),
        ):
            if unpaired:
                names = sorted(unpaired)
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                raise BenchError(
                    f"score: {method or 'the estimates'}: no {noun} of "
                    f"{', '.join(names[:3])}{more}; give one for each, or leave the recording out"
                )


def _by_method(estimates: Estimates) -> dict[str, dict[str, Waveform]]:
    if not isinstance(estimates, Mapping):
        groups = estimates.groupby("method") if "method" in estimates else [("", estimates)]
        return {str(name): _waves(part) for name, part in groups}
    if all(isinstance(value, Mapping) for value in estimates.values()) and estimates:
        nested = cast("Mapping[str, Mapping[str, Waveform]]", estimates)
        return {method: dict(waves) for method, waves in nested.items()}
    return {"": dict(cast("Mapping[str, Waveform]", estimates))}


def _by_recording(references: References) -> Mapping[str, Reference]:
    if isinstance(references, Mapping):
        return references
    return {name: Signal(value, time_s) for name, time_s, value in _series(references)}


def _series(table: pd.DataFrame) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    missing = [c for c in ("recording", "time_s", "value") if c not in table]
    if missing:
        raise BenchError(f"score: the table has no column {missing[0]!r}; it has {list(table)}")
    for name, part in table.groupby("recording"):
        ordered = part.sort_values("time_s", kind="stable")
        yield str(name), ordered["time_s"].to_numpy(float), ordered["value"].to_numpy(float)


def _waves(table: pd.DataFrame) -> dict[str, Waveform]:
    """Estimates of a table: their times have to be even, for nothing is resampled in silence."""
    waves = {}
    for name, times_s, values in _series(table):
        if len(times_s) < 2:
            raise BenchError(f"score: the estimate of {name} has {len(times_s)} samples")
        fs = (len(times_s) - 1) / (times_s[-1] - times_s[0])
        if np.abs(times_s - times_s[0] - np.arange(len(times_s)) / fs).max() > 0.1 / fs:
            raise BenchError(
                f"score: the times of {name} are not even; resample its estimate to a fixed rate"
            )
        waves[name] = Waveform(values, float(fs), float(times_s[0]))
    return waves


def _truth(name: str, reference: Reference) -> GroundTruth:
    if isinstance(reference, GroundTruth):
        return reference
    if isinstance(reference, Signal):
        return GroundTruth(pulse=reference)
    if isinstance(reference, Waveform):
        return GroundTruth(pulse=Signal(reference.samples, reference.times_s()))
    raise TypeError(f"score: the reference of {name} is a {type(reference).__name__}")


def _estimate(method: str, recording: str, subject: str, wave: Waveform) -> Estimate:
    return Estimate(
        job=f"{method}/{recording}",
        dataset=SET,
        recording=recording,
        subject=subject,
        scenario="",
        method=method,
        fold="",
        seed=0,
        condition="none",
        region="",
        waveform=wave,
        coverage=float(np.isfinite(wave.samples).mean()),
        reason="",
        seconds=0.0,
    )


def _waveform(pulse: Waveform | ArrayLike, fs: float | None) -> Waveform:
    if isinstance(pulse, Waveform):
        return pulse
    samples = np.asarray(pulse, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"a pulse is (T,), not {samples.shape}")
    if fs is None or not fs > 0:
        raise ValueError("give fs, the samples per second of the array")
    return Waveform(samples, float(fs))
