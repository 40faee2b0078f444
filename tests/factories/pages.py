"""Inputs of a report made up from a seed: a run as it could have gone."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.inputs import (
    ProtocolInfo,
    ReportInputs,
    Scores,
    Skipped,
    Timings,
)

METHODS = {
    "green": 9.0,
    "ica": 6.0,
    "chrom": 2.1,
    "pos": 1.7,
    "two_sr": 3.0,
    "pbv": 4.5,
    "lgi": 3.2,
    "omit": 3.1,
    "constant": 14.0,
}
EVALUATORS = {"default_rule": 1.0, "toolbox_rule": 1.6, "clip_rule": 2.3}
SECONDS = 60.0
FS = 30.0


@dataclass(frozen=True)
class Run:
    """The facts that the made-up run is drawn from."""

    subjects: Sequence[str]
    scenarios: Sequence[str] = ("rest", "talking")
    methods: Sequence[str] = tuple(METHODS)
    evaluators: Sequence[str] = tuple(EVALUATORS)
    windows: int = 11
    folds: int = 2
    seed: int = 7

    def recordings(self) -> list[tuple[str, str, str, str]]:
        """(recording, subject, scenario, fold) of every recording."""
        return [
            (f"{subject}-{scenario}", subject, scenario, f"fold{number % self.folds}")
            for number, subject in enumerate(self.subjects)
            for scenario in self.scenarios
        ]


def reference_bpm(recording: str) -> float:
    """A heart rate that belongs to the recording's name."""
    return 55.0 + sum(recording.encode()) * 7 % 50


def window_frame(run: Run, evaluator: str) -> pd.DataFrame:
    """The windows as `scores.score_windows` gives them, with a few estimates missing."""
    rng = np.random.default_rng([run.seed, *evaluator.encode()])
    recordings = run.recordings()
    names = ["recording", "subject", "scenario", "fold"]
    frame = pd.DataFrame(
        [
            (*recording, method, window)
            for recording, method, window in itertools.product(
                recordings, run.methods, range(run.windows)
            )
        ],
        columns=[*names, "method", "window"],
    )
    count = len(frame)
    drift = 3 * np.sin(frame["window"].to_numpy())
    reference = frame["recording"].map(reference_bpm).to_numpy() + drift
    size = frame["method"].map(lambda name: METHODS.get(name, 5.0)).to_numpy()
    size = size * EVALUATORS.get(evaluator, 1.5) * np.where(frame["scenario"] == "rest", 0.6, 1.4)
    error = rng.standard_t(3, count) * size / 1.4
    estimate = np.clip(reference + error, 40, 180)
    estimate[frame["method"] == "constant"] = 78.0
    missing = (frame["method"] == "two_sr") & (rng.random(count) < 0.06)
    estimate[missing] = np.nan
    return frame.assign(
        dataset="made_up",
        seed=0,
        condition="none",
        region="skin",
        start_s=frame["window"] * 5.0,
        duration_s=10.0,
        reference_bpm=reference,
        estimate_bpm=estimate,
        missing=missing,
        error_bpm=np.where(missing, 60.0 - reference, estimate - reference),
        snr_db=rng.normal(6, 2, count) - size,
        reason=np.where(missing, "no face in the window", ""),
    )


def summary_frame(
    windows: pd.DataFrame, by: Sequence[str] = ("method",), expected: int | None = None
) -> pd.DataFrame:
    """The columns of `scores.summarise`, with intervals that are only plausible."""
    rng = np.random.default_rng(3)
    rows = []
    for key, part in windows.groupby(list(by), sort=True):
        row: dict[str, object] = dict(
            zip(by, key if isinstance(key, tuple) else (key,), strict=True)
        )
        row |= {
            "n_subjects": part["subject"].nunique(),
            "n_recordings": part["recording"].nunique(),
            "n_expected": expected,
            "n_windows": len(part),
            "coverage": 1 - part["missing"].mean(),
        }
        for name, value in measures(part).items():
            row[name] = value
            top = 1.0 if name == "r" or name.startswith("within") else np.inf
            row[f"{name}_low"] = value - abs(value) * rng.uniform(0.05, 0.3)
            row[f"{name}_high"] = min(top, value + abs(value) * rng.uniform(0.05, 0.3))
        row["mae_covered"] = part.loc[~part["missing"], "error_bpm"].abs().mean()
        row |= {"n_seeds": 1, "mae_seed_std": np.nan, "rmse_seed_std": np.nan}
        rows.append(row)
    return pd.DataFrame(rows)


def measures(part: pd.DataFrame) -> dict[str, float]:
    """The measures of a summary, from the windows."""
    error, reference = part["error_bpm"], part["reference_bpm"]
    has = part["estimate_bpm"].notna()
    flat = part.loc[has, "estimate_bpm"].nunique() < 2
    r = np.nan if flat else np.corrcoef(part.loc[has, "estimate_bpm"], reference[has])[0, 1]
    return {
        "std": float(error.std(ddof=1)),
        "mae": float(error.abs().mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mape": float((error.abs() / reference).mean() * 100),
        "r": float(r),
        "snr_db": np.nan if flat else float(part["snr_db"].mean()),
        "within_5_bpm": float((error.abs() <= 5).mean()),
        "within_10_percent": float((error.abs() <= reference / 10).mean()),
    }


def pulse(times_s: Array, bpm: float) -> Array:
    """A pulse with a dicrotic shoulder at a steady rate."""
    phase = 2 * np.pi * bpm / 60 * times_s
    wave: Array = np.sin(phase) + 0.35 * np.sin(2 * phase - 0.6)
    return wave


def stored(case: EstimateKey) -> Estimate:
    """The estimate that a case names: a pulse under noise that fits the method's error."""
    times = np.arange(int(SECONDS * FS)) / FS
    rng = np.random.default_rng([*case.recording.encode(), *case.method.encode()])
    noise = rng.normal(0, METHODS.get(case.method, 5.0) / 4, len(times))
    samples = pulse(times + 0.1, reference_bpm(case.recording)) + noise
    return Estimate(
        job="0" * 12,
        dataset=case.dataset,
        recording=case.recording,
        subject="",
        scenario="",
        method=case.method,
        fold=case.fold,
        seed=case.seed,
        condition=case.condition,
        region=case.region,
        waveform=Waveform(samples, FS),
        coverage=1.0,
    )


PROVENANCE: Mapping[str, Any] = {
    "commit": "0123abcd",
    "uncommitted changes": False,
    "data fingerprint": "9d1e77",
    "device": "cpu",
    "seeds": [0],
    "hardware": {"processor": "x86_64, 2 cores", "memory": "8 GB"},
    "versions": {
        "python": "3.11.7",
        "numpy": "2.4.6",
        "scipy": "1.17.1",
        "opencv": "4.14.0",
        "pandas": "3.1.1",
        "matplotlib": "3.11.2",
        "av": "18.1.0",
        "pyarrow": "22.0.0",
        "jinja2": "3.1.6",
        "ffmpeg": "8.0",
    },
}


def make_scores(run: Run, name: str, *, expected: int) -> Scores:
    """The scores of a run under one evaluator, by scenario and by fold where there are several."""
    windows = window_frame(run, name)
    groups = {
        group: summary_frame(windows, ("method", group))
        for group in ("scenario", "fold")
        if windows[group].nunique() > 1
    }
    return Scores(
        name=name,
        windows=windows,
        summary=summary_frame(windows, expected=expected),
        about="Windows of 10 s every 5 s, Butterworth order 2 from 0.7 to 3.5 Hz, the peak "
        "of the periodogram to 0.1 bpm. A missing estimate counts as 60 bpm.",
        groups=groups,
    )


def make_page(
    run: Run | None = None, *, simulated: bool = True, expected: int | None = None
) -> ReportInputs:
    """A whole report's inputs: 12 subjects, 9 methods, 3 evaluators unless `run` says else."""
    run = run or Run([f"s{number:02d}" for number in range(1, 13)])
    recordings = run.recordings()
    expected = len(recordings) if expected is None else expected
    scores = [make_scores(run, name, expected=expected) for name in run.evaluators]
    times = np.arange(0, SECONDS, 1 / 60)
    truths = {
        ("made_up", name): GroundTruth(pulse=Signal(pulse(times, reference_bpm(name)), times))
        for name, *_ in recordings
    }
    return ReportInputs(
        title="Heart rate from face video: nine methods, three evaluators",
        command="bench run --protocol quickstart --simulate --seed 7 --out results",
        protocol=ProtocolInfo(
            name="quickstart",
            digest="3f6c2a9be01d4c55f0a1",
            title="Quick start: classical methods on made-up people",
            about="Twelve people, at rest and talking, one minute each, two folds by subject.",
            source="DOI 10.1109/TBME.2016.2609282, section III",
            expected=expected,
        ),
        scores=tuple(scores),
        estimate=stored,
        ground_truths=truths,
        baselines=frozenset({"constant"}),
        skipped=(
            Skipped(
                recording="s03-talking",
                stage="two_sr",
                reason="less than 3 s of face in a row",
                dataset="made_up",
                method="two_sr",
            ),
            Skipped(
                recording="s09-rest",
                stage="video",
                reason="made_up/s09/rest.mp4: ends after 12 frames",
                dataset="made_up",
            ),
        ),
        warnings=("made_up s05-rest: label clock 1.4 % fast against the video",),
        timings=Timings(
            video_s=SECONDS * len(recordings),
            stages={"decode": 210.0, "face": 760.0},
            methods={name: 0.4 * 2**place for place, name in enumerate(run.methods)},
        ),
        provenance=PROVENANCE,
        marks=DataMarks(simulated=simulated),
    )
