"""Scores of controls: rows that cannot know the pulse, read as the rows of methods are read.

Where references or people are exchanged, the people of a data set are moved on by some places in
their order, so that nobody keeps the own reference. `DRAWS` such exchanges, or as many draws of
noise, are averaged: they are the seeds of the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.controls import (
    INPUT_CONTROLS,
    MEDIAN_OF_OTHERS,
    NOISE,
    OTHER_PERSON,
    SHUFFLED_LABELS,
    TIME_REVERSED,
)
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.scores import score_windows

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 5
"""How many exchanges of people, or draws of noise, are averaged."""

CONTROL = "control"
"""The column that names the control of a row."""

Key = tuple[str, str]


def score_controls(
    evaluator: Evaluator,
    names: Sequence[str],
    estimates: Sequence[Estimate],
    input_estimates: Sequence[Estimate],
    truths: Mapping[Key, GroundTruth],
) -> pd.DataFrame:
    """Score the controls of a table.

    Args:
        evaluator: The rule.
        names: The controls, of `CONTROLS`.
        estimates: The estimates of the methods.
        input_estimates: The estimates of input controls; their condition is the control.
        truths: The reference of every (dataset, recording).

    Returns:
        The rows of `score_windows`, with the control in the column `control`. A control that is not
        of a method has the method "" and the condition "", which stands for every condition. A data
        set with one person has no row of a control that needs another. Noise and the sensor of
        another person take the times of a waveform: a recording without one has no such row.
    """
    import pandas as pd

    frames = []
    for name in names:
        if name in INPUT_CONTROLS:
            chosen = [e for e in input_estimates if e.condition == name]
            frames.append((name, score_windows(evaluator, chosen, truths)))
        elif name == TIME_REVERSED:
            frames.append((name, score_windows(evaluator, map(_backward, estimates), truths)))
        elif name == SHUFFLED_LABELS:
            frames.extend(
                (name, score_windows(evaluator, exchanged, moved))
                for exchanged, moved in _with_labels_of_others(estimates, truths)
            )
    grids = [
        replace(each, method="", condition="", region="", fold="", seed=0)
        for each in _one_of_each(estimates)
    ]
    if NOISE in names:
        frames.append((NOISE, score_windows(evaluator, _noise(grids), truths)))
    if MEDIAN_OF_OTHERS in names and grids:
        layout = score_windows(evaluator, map(_without_pulse, grids), truths)
        frames.append((MEDIAN_OF_OTHERS, _median_of_others(layout)))
    if OTHER_PERSON in names:
        sensors = _sensors_of_others(grids, truths)
        frames.append((OTHER_PERSON, score_windows(evaluator, sensors, truths)))
    parts = [frame.assign(**{CONTROL: name}) for name, frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame()
    rows = pd.concat(parts, ignore_index=True)
    rows.attrs = parts[0].attrs
    return rows


def _backward(estimate: Estimate) -> Estimate:
    """The estimate with its pulse, or its heart rates, in the reverse order of time."""
    pulse, rates = estimate.waveform, estimate.heart_rate
    if pulse is not None:
        pulse = Waveform(pulse.samples[::-1].copy(), pulse.fs, pulse.start_s)
    if rates is not None:
        rates = Signal(np.asarray(rates.values)[::-1].copy(), rates.times_s)
    return replace(estimate, waveform=pulse, heart_rate=rates, confidence=None)


def _one_of_each(estimates: Iterable[Estimate]) -> list[Estimate]:
    """For each recording the estimate with the longest waveform: its grid is that of a control."""
    longest: dict[Key, Estimate] = {}
    for estimate in estimates:
        key = estimate.dataset, estimate.recording
        if key not in longest or _length_s(estimate) > _length_s(longest[key]):
            longest[key] = estimate
    return [longest[key] for key in sorted(longest)]


def _length_s(estimate: Estimate) -> float:
    pulse = estimate.waveform
    return 0.0 if pulse is None else len(pulse.samples) / pulse.fs


def _noise(grids: Iterable[Estimate]) -> Iterator[Estimate]:
    for estimate in grids:
        pulse = estimate.waveform
        if pulse is None:
            continue
        for draw in range(DRAWS):
            samples = _random(estimate, draw).standard_normal(len(pulse.samples))
            white = Waveform(samples, pulse.fs, pulse.start_s)
            yield replace(estimate, waveform=white, heart_rate=None, reason="", seed=draw)


def _without_pulse(estimate: Estimate) -> Estimate:
    """The estimate with a flat waveform of the same times, for its windows alone."""
    pulse = estimate.waveform
    if pulse is None:
        return estimate
    flat = Waveform(np.zeros(len(pulse.samples)), pulse.fs, pulse.start_s)
    return replace(estimate, waveform=flat, heart_rate=None)


def _random(estimate: Estimate, draw: int) -> np.random.Generator:
    """Random numbers that depend on the names alone."""
    name = "\x1f".join((NOISE, estimate.dataset, estimate.recording, str(draw)))
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def _partners(
    estimates: Iterable[Estimate], truths: Mapping[Key, GroundTruth]
) -> list[dict[Key, Key]]:
    """For each draw the recording of another person beside each recording of a data set.

    Only recordings with a reference take part.
    """
    recordings: dict[str, dict[str, set[str]]] = {}
    for each in estimates:
        if _has_reference(truths.get((each.dataset, each.recording))):
            people = recordings.setdefault(each.dataset, {})
            people.setdefault(each.subject, set()).add(each.recording)
    draws: list[dict[Key, Key]] = []
    for draw in range(DRAWS):
        pairs: dict[Key, Key] = {}
        for dataset, people in recordings.items():
            order = sorted(people)
            if len(order) - 1 <= draw:
                continue  # with few people there are few exchanges
            step = 1 + draw * (len(order) - 1) // DRAWS if len(order) > DRAWS else 1 + draw
            for place, person in enumerate(order):
                partners = sorted(people[order[(place + step) % len(order)]])
                for number, recording in enumerate(sorted(people[person])):
                    pairs[dataset, recording] = dataset, partners[number % len(partners)]
        if pairs:
            draws.append(pairs)
    return draws


def _has_reference(truth: GroundTruth | None) -> bool:
    if truth is None:
        return False
    return any(part is not None for part in (truth.pulse, truth.heart_rate, truth.beats_s))


def _with_labels_of_others(
    estimates: Sequence[Estimate], truths: Mapping[Key, GroundTruth]
) -> Iterator[tuple[list[Estimate], dict[Key, GroundTruth]]]:
    """The estimates beside the references of other people, for each draw."""
    for draw, pairs in enumerate(_partners(estimates, truths)):
        moved = {key: truths[partner] for key, partner in pairs.items()}
        # A method with several seeds has them all in each draw; the draws are averaged too.
        exchanged = [
            replace(e, seed=1000 * draw + e.seed)
            for e in estimates
            if (e.dataset, e.recording) in pairs
        ]
        yield exchanged, moved


def _sensors_of_others(
    grids: Sequence[Estimate], truths: Mapping[Key, GroundTruth]
) -> Iterator[Estimate]:
    """What the sensor of another person says at the times of each recording, for each draw."""
    for draw, pairs in enumerate(_partners(grids, truths)):
        for grid in grids:
            partner = pairs.get((grid.dataset, grid.recording))
            pulse = grid.waveform
            if partner is None or pulse is None:
                continue
            truth = truths[partner]
            times_s = pulse.start_s + np.arange(len(pulse.samples)) / pulse.fs
            if truth.pulse is not None:
                inside_s = _repeated(times_s, truth.pulse)
                wave = Waveform(truth.pulse_at(inside_s), pulse.fs, pulse.start_s)
                yield replace(grid, waveform=wave, heart_rate=None, reason="", seed=draw)
            elif truth.heart_rate is not None:
                rates = Signal(truth.heart_rate_at(_repeated(times_s, truth.heart_rate)), times_s)
                yield replace(grid, waveform=None, heart_rate=rates, reason="", seed=draw)


def _repeated(times_s: np.ndarray, signal: Signal) -> np.ndarray:
    """Times within a signal: where the signal is shorter than they are, it is repeated."""
    first, lasts_s = float(signal.times_s[0]), float(signal.times_s[-1] - signal.times_s[0])
    if not lasts_s:
        return np.full(len(times_s), first)
    since = times_s - times_s[0]
    return np.asarray(first + np.mod(since, lasts_s))


def _median_of_others(windows: pd.DataFrame) -> pd.DataFrame:
    """The windows with the median reference of the other people of the data set as the estimate."""
    scored = windows[windows["reference_bpm"].notna()]
    recordings = scored.groupby(["dataset", "subject", "recording"])["reference_bpm"].mean()
    people = recordings.groupby(level=["dataset", "subject"]).mean()
    rates = {}
    for dataset, person in people.index:
        rest = people.loc[dataset].drop(person)
        rates[dataset, person] = float(rest.median()) if len(rest) else float("nan")
    known = [(d, s) in rates and np.isfinite(rates[d, s]) for d, s in _people(windows)]
    rows = windows[known].copy()
    rows["estimate_bpm"] = [rates[key] for key in _people(rows)]
    rows["missing"] = False
    rows["error_bpm"] = rows["estimate_bpm"] - rows["reference_bpm"]
    rows["snr_db"] = np.nan
    rows["reason"] = ""
    rows.attrs = windows.attrs
    return rows


def _people(windows: pd.DataFrame) -> list[Key]:
    return list(zip(windows["dataset"], windows["subject"], strict=True))
