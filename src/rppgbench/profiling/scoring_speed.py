"""Measure the speed of scoring and bookkeeping, on made-up waveforms."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.profiling.speed import FS, Rate, processor_s


def scoring_rates(rule: Evaluator, recordings: int, seconds: float) -> Iterator[Rate]:
    """Measure waveforms a second that an evaluator scores, and summaries with intervals.

    Args:
        rule: the evaluator.
        recordings: how many waveforms.
        seconds: the length of each.

    Returns:
        The rows.
    """
    from rppgbench.evaluation.scores import score_windows, summarise

    estimates, truths = synthetic_estimates(recordings, seconds)
    rows = score_windows(rule, estimates, truths)
    scored_s = processor_s(lambda: score_windows(rule, estimates, truths))
    label = f"scoring of {seconds:g} s"
    yield Rate(part="scoring", what=label, value=recordings / scored_s, unit="waveforms/s")
    interval_s = processor_s(lambda: summarise(rows, resamples=10_000))
    label = f"all metrics of a method, 10,000 resamples of {(recordings + 1) // 2} subjects"
    yield Rate(part="scoring", what=label, value=1 / interval_s, unit="methods/s")


def bookkeeping_rates(folder: Path, recordings: int, seconds: float) -> Iterator[Rate]:
    """Measure jobs a second: digests made, waveforms stored, and stored waveforms looked up.

    Args:
        folder: an empty folder for the store.
        recordings: how many jobs.
        seconds: the length of each waveform.

    Returns:
        The rows.
    """
    from rppgbench.store.store import Store
    from rppgbench.system.hashing import digest

    estimates, _ = synthetic_estimates(recordings, seconds)

    def jobs() -> list[str]:
        return [
            digest(
                {"method": "0" * 16, "recording": ["set", e.recording, "0" * 16], "seed": e.seed}
            )
            for e in estimates
        ]

    yield Rate(
        part="bookkeeping", what="digests", value=recordings / processor_s(jobs), unit="jobs/s"
    )
    store = Store(folder)
    for name in ("estimates", "recordings"):
        (folder / name).mkdir(parents=True)
    renamed = [replace(estimate, job=job) for estimate, job in zip(estimates, jobs(), strict=True)]
    stored_s = processor_s(lambda: store.add(renamed), rounds=1)
    label = f"waveforms of {seconds:g} s stored"
    yield Rate(part="bookkeeping", what=label, value=recordings / stored_s, unit="jobs/s")
    found_s = processor_s(store.done)
    yield Rate(part="bookkeeping", what="and looked for", value=recordings / found_s, unit="jobs/s")


def synthetic_estimates(
    recordings: int, seconds: float
) -> tuple[list[Estimate], dict[tuple[str, str], GroundTruth]]:
    """Make noisy sines of 48 to 132 bpm, two recordings a subject, with their references.

    Args:
        recordings: how many.
        seconds: the length of each.

    Returns:
        The estimates, and the references by data set and recording.
    """
    rng = np.random.default_rng(0)
    sensor_s = np.arange(round(60 * (seconds + 1))) / 60
    times = np.arange(round(seconds * FS)) / FS
    estimates, truths = [], {}
    for number, hz in enumerate(rng.uniform(0.8, 2.2, recordings)):
        name = str(number)
        truths["set", name] = GroundTruth(pulse=Signal(np.sin(2 * np.pi * hz * sensor_s), sensor_s))
        wave = Waveform(np.sin(2 * np.pi * hz * times) + rng.normal(size=len(times)), FS)
        estimates.append(
            Estimate(
                job=name,
                dataset="set",
                recording=name,
                subject=f"s{number // 2}",
                scenario="",
                method="method",
                fold="0",
                seed=0,
                condition="none",
                region="skin",
                waveform=wave,
                coverage=1.0,
            )
        )
    return estimates, truths
