"""Measure the speed of methods, on made-up features."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rppgbench.core.features import GRID_REGIONS
from rppgbench.core.method import Method
from rppgbench.core.waveform import Array, Waveform

ROUNDS = 3
FS = 30.0
COLOUR_INPUTS = frozenset({"trace", "trace_background", "second_moments", "stmap"})
"""Inputs of methods that read colours, not pictures."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One row: what was done, in which part of a run, and how much of it in a second of one core.

    `ratio` is the time against that of the row named by `against`, where the two compare;
    `note` says what else was measured, and `numbers` hold it by name. `method` and `preset` are
    those of a row on the cost of one method.
    """

    part: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    note: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    preset: str = ""


def interleaved_s(
    works: Mapping[str, Callable[[], object]], rounds: int = ROUNDS
) -> dict[str, float]:
    """Measure the processor time of several pieces of work, in seconds.

    Each round does all of them in turn, so a slow minute of the machine slows all of them. The
    least of the rounds counts, because other programs only add time.

    Args:
        works: pieces of work by name.
        rounds: how often each is done.

    Returns:
        Seconds of processor time of all threads, by name.
    """
    shortest_s = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            before = time.process_time()
            work()
            shortest_s[name] = min(shortest_s[name], time.process_time() - before)
    return shortest_s


def processor_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Measure the processor time of one piece of work; see `interleaved_s`.

    Args:
        work: what is measured.
        rounds: how often it is done.

    Returns:
        Seconds of processor time.
    """
    return interleaved_s({"": work}, rounds)[""]


def synthetic_features(method: Method, recordings: int, seconds: float) -> Waveform:
    """Make input for a method that reads colours: every recording has a pulse of its own.

    Args:
        method: its `input` is one of `COLOUR_INPUTS`.
        recordings: how many.
        seconds: the length of each.

    Returns:
        A batch (recordings, T, ...): see `rppgbench.core.method.InputKind`.
    """
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * FS)) / FS
    pulse = np.sin(2 * np.pi * rng.uniform(0.8, 2.0, (recordings, 1)) * times)[..., None]
    light = 0.02 * np.sin(2 * np.pi * 0.05 * times)[:, None]
    noise = rng.normal(0, 0.002, (recordings, len(times), 3))
    rgb: Array = np.array([160.0, 112.0, 88.0]) * (
        1 + light - 0.006 * pulse * np.array([0.33, 0.77, 0.53]) + noise
    )
    if method.input == "trace":
        return Waveform(rgb, FS)
    if method.input == "trace_background":
        background = 90.0 * (1 + light) + rng.normal(0, 0.2, rgb.shape)
        return Waveform(np.stack([rgb, background], axis=-2), FS)
    if method.input == "stmap":
        cells = rgb[..., None, :] + rng.normal(0, 0.5, (*rgb.shape[:2], len(GRID_REGIONS), 3))
        return Waveform(cells, FS)
    spread = np.diag([90.0, 70.0, 60.0])  # of the pixels of a region around their mean
    return Waveform(rgb[..., :, None] * rgb[..., None, :] + spread, FS)


def method_rates(methods: Iterable[Method], recordings: int, seconds: float) -> Iterator[Rate]:
    """Measure recordings a second of each method that neither learns nor reads pictures.

    Once with one recording a call, as a run calls methods, and once with all in one call.

    Args:
        methods: the methods; those that learn or read pictures are left out.
        recordings: how many recordings.
        seconds: the length of each.

    Returns:
        The rows.
    """
    for method in methods:
        if method.fit or method.members or method.input not in COLOUR_INPUTS:
            continue
        params, batch = method.parameters({}), synthetic_features(method, recordings, seconds)
        waveforms = [Waveform(waveform, FS) for waveform in batch.samples]

        def one_by_one(m: Method = method, p: Any = params, singles: Any = waveforms) -> None:
            for waveform in singles:
                m.estimate(waveform, **p)

        def at_once(m: Method = method, p: Any = params, whole_batch: Any = batch) -> None:
            m.estimate(whole_batch, **p)

        alone_s, batch_s = processor_s(one_by_one), processor_s(at_once)
        single = f"{method.name}, {seconds:g} s, one a call"
        yield Rate(part="methods", what=single, value=recordings / alone_s, unit="recordings/s")
        yield Rate(
            part="methods",
            what=f"{method.name}, {seconds:g} s, {recordings} a call",
            value=recordings / batch_s,
            unit="recordings/s",
            ratio=batch_s / alone_s,
            against=single,
        )
