"""What a plan will take: hours, memory and disk, with the source of each estimate."""

from __future__ import annotations

import math
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rppgbench.core.content_roots import content_roots
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.execution.obstacles import method_obstacles
from rppgbench.execution.plan_records import Fit, Job, Plan
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.video_lengths import VideoLength, video_length
from rppgbench.extraction.crops import crop_rule
from rppgbench.store.store import Store
from rppgbench.system.plural import pluralise

FRAMES_PER_S = 149.0
FRAMES_PER_S_WITH_CLIPS = 120.0
PASS_SOURCE = "declared: measured on one core, 640 x 480 (docs/measurements/performance.md)"
MOMENT_BYTES = 6_500
"""Bytes of the region moments of a frame in the cache."""

SAMPLED = 12
"""How many recordings of each data set have their container read."""

RATES_FILE = "methods/training_rates.toml"
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """The trainings of one method: how many, of how many steps, for how long.

    Attributes:
        fits: number of trainings.
        steps: steps of all trainings; NaN where they cannot be counted.
        hours: hours of one device; NaN where the rate is unknown.
        source: where the rate comes from.
        memory_bytes: size of the clips of the largest training that lie in memory.
    """

    fits: int
    steps: float
    hours: float
    source: str
    memory_bytes: float


def describe_cost(plan: Plan, store: Store, options: RunOptions) -> list[str]:
    """Say what a plan will do, for how long, with how much memory and disk, and what cannot run.

    No frame is decoded: the headers of some containers say how long the videos are.

    Args:
        plan: the plan.
        store: the results folder, whether or not a run has begun in it.
        options: the cache, the processes and the device count.

    Returns:
        One line for each part.
    """
    stored = store.done() if store.begun else set()
    todo = [job for job in plan.jobs if job.digest not in stored]
    obstacles = method_obstacles(plan, todo)
    jobs = [job for job in todo if job.method not in obstacles]
    lengths = _lengths(plan, jobs)
    lines = [_overview(plan, todo, len(plan.jobs) - len(todo))]
    if jobs:
        lines += [*_pass_lines(plan, jobs, lengths, options), *_training_lines(plan, jobs, lengths)]
    lines += [f"cannot run: {method}: {reason}" for method, reason in obstacles.items()]
    return [f"{plan.name}: {line}" for line in lines]


def _overview(plan: Plan, todo: Sequence[Job], stored: int) -> str:
    wanted = {job.fit for job in todo} - {""}
    recordings = {(job.dataset, job.recording) for job in todo}
    return (
        f"{len(todo):,} estimates of {pluralise(len({j.method for j in todo}), 'method')} over "
        f"{len(recordings):,} recordings in {pluralise(len(plan.folds), 'fold')}, "
        f"{pluralise(len(wanted), 'training')}; {stored:,} are stored"
    )


def _pass_lines(
    plan: Plan, jobs: Sequence[Job], lengths: Mapping[str, VideoLength], options: RunOptions
) -> Iterator[str]:
    """The decoding passes: hours of the processes, and room in the cache."""
    passes = {(job.dataset, job.recording, job.condition) for job in jobs}
    for fit in _fits(plan, jobs):
        passes |= {(*key, fit.condition) for key in (*fit.pretrain, *fit.train, *fit.validation)}
    frames = sum(lengths[dataset].frames for dataset, _, _ in passes)
    seconds = sum(lengths[dataset].seconds for dataset, _, _ in passes)
    sizes = [rule.size for rule in plan.request.rules()]
    rate = FRAMES_PER_S_WITH_CLIPS if sizes else FRAMES_PER_S
    processes = options.jobs or 1
    read = sum(length.read for length in lengths.values())
    yield (
        f"features of {len(passes):,} videos ({seconds / 3600:.1f} h, by {read} container headers):"
        f" at most {frames / rate / processes / 3600:.2g} h with --jobs {processes}, at {rate:g} "
        f"frames a second ({PASS_SOURCE}); features in the cache are not made again"
    )
    disk = frames * (MOMENT_BYTES + sum(3 * size**2 for size in sizes))
    room = shutil.disk_usage(_existing(options.cache)).free
    short = "" if disk < room else "; TOO LITTLE ROOM: give another --cache"
    yield (
        f"disk: at most {_bytes(disk)} in {options.cache} (frames x {MOMENT_BYTES:,} bytes of "
        f"moments, and 3 S^2 bytes for each crop of S pixels); {_bytes(room)} are free{short}"
    )


def _training_lines(
    plan: Plan, jobs: Sequence[Job], lengths: Mapping[str, VideoLength]
) -> Iterator[str]:
    by_method: dict[str, list[Fit]] = defaultdict(list)
    for fit in _fits(plan, jobs):
        if not load_methods().available[fit.method].baseline:
            by_method[fit.method].append(fit)
    largest = 0.0
    for method, fits in by_method.items():
        cost = training_cost(plan, method, fits, lengths)
        largest = max(largest, cost.memory_bytes)
        device = plan.device or "cpu"
        hours = "hours unknown" if math.isnan(cost.hours) else f"{cost.hours:.3g} h"
        elsewhere = "".join(
            f"; {cost.steps * rate_s / 3600:.3g} h on one {other} ({source})"
            for other, (rate_s, source) in declared_rates(method).items()
            if other != device and not math.isnan(cost.steps)
        )
        steps = "" if math.isnan(cost.steps) else f" of {cost.steps / cost.fits:,.0f} steps each"
        yield (
            f"{method}: {pluralise(cost.fits, 'training')}{steps}, {hours} on one "
            f"{device} ({cost.source}){elsewhere}"
        )
    if by_method:
        yield (
            f"memory: {_bytes(largest)} of clips in the largest training (clips at the network's "
            "own frame rate stay on disk; others are resampled in memory), beside the network"
        )


def training_cost(
    plan: Plan, method: str, fits: Sequence[Fit], lengths: Mapping[str, VideoLength]
) -> TrainingCost:
    """The cost of the trainings of one method.

    Args:
        plan: the plan.
        method: name of the method.
        fits: its trainings.
        lengths: mean lengths of the videos, by data set.
    """
    params = plan.methods[method]
    steps = sum(count_steps(params, _seconds(fit, lengths)) for fit in fits)
    rate_s, source = training_rate(method, plan.device or "cpu")
    memory = max(_memory(plan, method, fit, lengths) for fit in fits)
    return TrainingCost(
        fits=len(fits),
        steps=steps,
        hours=steps * rate_s / 3600,
        source=source,
        memory_bytes=memory,
    )


def count_steps(params: Mapping[str, Any], durations_s: Sequence[float]) -> float:
    """The steps of a training, by the names that the parameters of all methods share.

    A method with `passes` draws so many clips of each recording in an epoch. Others cut a clip
    every `train_step_s`, `step_s` or `clip_s`.

    Args:
        params: the parameters of the method.
        durations_s: the durations of the recordings, in s.

    Returns:
        The number of steps; NaN where the method has no epochs or no batches.

    >>> count_steps({"epochs": 30, "passes": 6, "batch": 2, "clip_s": 10.0}, [30.0] * 1902)
    171180.0
    >>> count_steps({"epochs": 80, "batch": 16, "clip_s": 10.0, "step_s": 10.0}, [30.0] * 1902)
    28560.0
    >>> count_steps({"window_s": 1.6}, [30.0])
    nan
    """
    epochs = sum(v for k, v in params.items() if k.endswith("epochs") and isinstance(v, int))
    if not epochs or "batch" not in params:
        return math.nan
    if "passes" in params:
        clips = float(params["passes"] * len(durations_s))
    else:
        clip_s = float(params.get("clip_s", 10.0))
        every_s = float(params.get("train_step_s", params.get("step_s", clip_s)))
        clips = float(sum(1 + max(0, int((s - clip_s) / every_s + 1e-6)) for s in durations_s))
    return float(epochs * math.ceil(clips / params["batch"]))


def training_rate(method: str, device: str) -> tuple[float, str]:
    """Seconds of a step of a method on a kind of device, and where the number comes from.

    Args:
        method: name of the method.
        device: "cpu", "cuda" or "mps".

    Returns:
        The seconds, NaN where nothing is declared; and the source.
    """
    rates = declared_rates(method)
    if device in rates:
        return rates[device]
    ask = f"bench speed --only learning --device {device} --methods {method} measures it"
    return math.nan, f"no rate is declared for {device}; {ask}"


def declared_rates(method: str) -> dict[str, tuple[float, str]]:
    """Seconds of a step and the source, by the kind of device."""
    rates: dict[str, tuple[float, str]] = {}
    for root in content_roots():
        file = root / RATES_FILE
        if file.is_file():
            declared = tomllib.loads(file.read_text(encoding="utf-8")).get(method, {})
            rates |= {d: (float(r["step_s"]), str(r["source"])) for d, r in declared.items()}
    return rates


def _fits(plan: Plan, jobs: Sequence[Job]) -> list[Fit]:
    wanted = {job.fit for job in jobs}
    return [fit for fit in plan.fits if fit.digest in wanted]


def _seconds(fit: Fit, lengths: Mapping[str, VideoLength]) -> list[float]:
    return [lengths[dataset].seconds for dataset, _ in (*fit.pretrain, *fit.train)]


def _memory(plan: Plan, method: str, fit: Fit, lengths: Mapping[str, VideoLength]) -> float:
    """Bytes of the clips of a training that are resampled to the network's frame rate."""
    params = plan.methods[method]
    if load_methods().available[method].input != "clip" or "fs" not in params:
        return 0.0
    fs, size = float(params["fs"]), crop_rule(str(params["crop"])).size
    total = 0.0
    for dataset, _ in (*fit.pretrain, *fit.train):
        length = lengths[dataset]
        own_fs = length.frames / length.seconds if length.seconds else 0.0
        if abs(own_fs / fs - 1) >= 1e-3:
            total += length.seconds * fs * 3 * size**2
    return total


def _lengths(plan: Plan, jobs: Sequence[Job]) -> dict[str, VideoLength]:
    """The mean length of the recordings of each data set that is read."""
    keys: dict[str, dict[Key, None]] = defaultdict(dict)
    for job in jobs:
        keys[job.dataset][job.dataset, job.recording] = None
    for fit in _fits(plan, jobs):
        for key in (*fit.pretrain, *fit.train, *fit.validation):
            keys[key[0]][key] = None
    return {
        dataset: _mean_length([plan.recordings[key] for key in _spread(list(of_set))])
        for dataset, of_set in keys.items()
    }


def _spread(keys: Sequence[Key]) -> list[Key]:
    """Up to `SAMPLED` of the keys, evenly."""
    count = min(SAMPLED, len(keys))
    return [keys[k * len(keys) // count] for k in range(count)]


def _mean_length(recordings: Sequence[Recording]) -> VideoLength:
    lengths = [length for r in recordings if (length := video_length(r)) is not None]
    read = len(lengths)
    if not read:
        return VideoLength(seconds=0.0, frames=0.0, read=0)
    return VideoLength(
        seconds=sum(length.seconds for length in lengths) / read,
        frames=sum(length.frames for length in lengths) / read,
        read=read,
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest of its parents that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _bytes(count: float) -> str:
    """A size in the largest unit that leaves a number of at least one.

    >>> _bytes(130 * 2**30), _bytes(2**20)
    ('130 GiB', '1 MiB')
    """
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 2**10:.3g} KiB"
