"""What a plan will take: hours, memory and disk, with the source of each estimate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.model_files import is_model
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.execution.obstacles import method_obstacles
from rppgbench.execution.plan_records import UNTOUCHED, Fit, Job, Plan
from rppgbench.execution.plan_room import disk_line, memory_line
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.score_obstacles import score_obstacles
from rppgbench.execution.shared_pretraining import is_shared
from rppgbench.execution.training_cost import (
    PAPER,
    TrainingCost,
    declared_rates,
    resampled_bytes,
    training_cost,
)
from rppgbench.execution.video_lengths import VideoLength, video_length
from rppgbench.store.store import Store
from rppgbench.system.plural import pluralise

FRAMES_PER_S = 149.0
FRAMES_PER_S_WITH_CLIPS = 120.0
PASS_SOURCE = "declared: measured on 2026-11-22 with 640 x 480 on one core of a busy Intel Xeon"
"""The loops have become faster since then (docs/measurements/performance.md)."""
MOMENT_BYTES = 6_500
"""Bytes of the region moments of a frame in the cache."""

SAMPLED = 12
"""How many recordings of each data set have their container read."""

Key = tuple[str, str]


def describe_cost(
    plan: Plan, store: Store, options: RunOptions, counted: set[str] | None = None
) -> list[str]:
    """Say what a plan will do, for how long, with how much memory and disk, and what cannot run.

    No frame is decoded: the headers of some containers say how long the videos are.

    Args:
        plan: the plan.
        store: the results folder, whether or not a run has begun in it.
        options: the cache, the processes and the device count.
        counted: digests of the pre-trainings that other plans do, which are left out; those of
            this plan are added.

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
        fits = _missing_fits(plan, jobs, store, options, counted)
        lines += _pass_lines(plan, jobs, lengths, store, options)
        lines += _training_lines(plan, fits, lengths, options)
        lines += [f"no score: {rule}: {why}" for rule, why in score_obstacles(plan, jobs).items()]
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
    plan: Plan,
    jobs: Sequence[Job],
    lengths: Mapping[str, VideoLength],
    store: Store,
    options: RunOptions,
) -> Iterator[str]:
    """The decoding passes: hours of the processes, and room in the cache and for the results."""
    passes = {(job.dataset, job.recording, _frame_condition(job.condition)) for job in jobs}
    for fit in _fits(plan, jobs):
        passes |= {(*key, fit.condition) for key in (*fit.pretrain, *fit.train, *fit.validation)}
    frames = sum(lengths[dataset].frames for dataset, _, _ in passes)
    hours = sum(lengths[dataset].seconds for dataset, _, _ in passes) / 3600
    sizes = [rule.size for rule in plan.request.rules()]
    rate = FRAMES_PER_S_WITH_CLIPS if sizes else FRAMES_PER_S
    processes = options.jobs or 1
    read = sum(length.read for length in lengths.values())
    yield (
        f"features of {len(passes):,} videos ({_time(hours)}, by {read} container headers):"
        f" at most {_time(frames / rate / processes / 3600)} with --jobs {processes}, at {rate:g} "
        f"frames a second ({PASS_SOURCE}); features in the cache are not made again"
    )
    cached = frames * (MOMENT_BYTES + sum(3 * size**2 for size in sizes))
    basis = f"frames x {MOMENT_BYTES:,} bytes of moments, and 3 S^2 bytes for each crop of S pixels"
    yield disk_line(options.cache, "--cache", cached, basis)
    tested = sum(lengths[job.dataset].frames for job in jobs)
    basis = "8 bytes a frame and estimate, 12 a frame of mean colours, and models"
    yield disk_line(store.folder, "--out", 8 * tested + 12 * frames, basis)


def _frame_condition(condition: str) -> str:
    """The condition of the frames behind an estimate: a control's are those of the untouched."""
    return UNTOUCHED.name if condition in INPUT_CONTROLS else condition


def _training_lines(
    plan: Plan, fits: Sequence[Fit], lengths: Mapping[str, VideoLength], options: RunOptions
) -> Iterator[str]:
    by_method: dict[str, list[Fit]] = defaultdict(list)
    for fit in fits:
        if not load_methods().available[fit.method].baseline:
            by_method[fit.method].append(fit)
    for method, of_method in by_method.items():
        cost = training_cost(plan, method, of_method, lengths)
        device = plan.device or "cpu"
        preset = str(plan.methods[method].get("preset", PAPER))
        elsewhere = "".join(
            f"; {_time(cost.steps * rate_s / 3600)} on one {other} ({source})"
            for other, (rate_s, source) in declared_rates(method, preset).items()
            if other != device and not math.isnan(cost.steps)
        )
        yield (
            f"{method}: {_trainings(cost)}, {_time(cost.hours)} on one {device} ({cost.source})"
            f"{elsewhere}"
        )
    if resampled := resampled_bytes(plan, fits, lengths):
        basis = "clips on the clocks of networks, 3 S^2 bytes a sample for a crop of S pixels"
        yield disk_line(options.cache, "--cache", resampled, basis)
    yield memory_line(options.jobs or 1, trains=bool(by_method))


def _trainings(cost: TrainingCost) -> str:
    """How many trainings, and of how many steps."""
    trainings = pluralise(cost.fits, "training")
    if cost.pretrainings:
        trainings += f" and {pluralise(cost.pretrainings, 'pre-training')}"
        return trainings if math.isnan(cost.steps) else f"{trainings} of {cost.steps:,.0f} steps"
    each = cost.steps / cost.fits
    return trainings if math.isnan(cost.steps) else f"{trainings} of {each:,.0f} steps each"


def _fits(plan: Plan, jobs: Sequence[Job]) -> list[Fit]:
    wanted = {job.fit for job in jobs}
    return [fit for fit in plan.fits if fit.digest in wanted]


def _missing_fits(
    plan: Plan,
    jobs: Sequence[Job],
    store: Store,
    options: RunOptions,
    counted: set[str] | None,
) -> list[Fit]:
    """The trainings that jobs need, without pre-trainings that are done or counted already."""
    fits = plan.trainings({job.fit for job in jobs})
    pretrainings = {fit.digest for fit in fits if fit.is_pretraining}
    left_out = {
        digest
        for digest in pretrainings
        if is_shared(options.cache, digest) or is_model(store.folder / "models" / digest)
    }
    if counted is not None:
        left_out |= counted & pretrainings
        counted |= pretrainings
    return [fit for fit in fits if fit.digest not in left_out]


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


def _time(hours: float) -> str:
    """A duration in seconds below a minute, in minutes below an hour, else in hours.

    >>> _time(0.013), _time(0.25), _time(1.256), _time(1234.5), _time(math.nan)
    ('47 s', '15 min', '1.26 h', '1,234 h', 'time unknown')
    """
    if math.isnan(hours):
        return "time unknown"
    if hours >= 1:
        return f"{hours:,.0f} h" if hours >= 100 else f"{hours:.3g} h"
    return f"{hours * 60:.2g} min" if hours >= 1 / 60 else f"{hours * 3600:.2g} s"
