"""The steps, hours and memory of trainings, by parameters, lengths of videos and declared rates."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rppgbench.core.content_roots import content_roots
from rppgbench.core.method import SMOKE, TOY
from rppgbench.core.method_variants import split_variant
from rppgbench.core.registry import load_methods
from rppgbench.execution.plan_records import Fit, Plan
from rppgbench.execution.training_stages import fit_stages, training_stages
from rppgbench.execution.video_lengths import VideoLength
from rppgbench.extraction.crops import crop_rule

RATES_FILE = "methods/training_rates.toml"
PAPER = "paper"
SMALL_PRESETS = (SMOKE, TOY)


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """The trainings of one method: how many, of how many steps, for how long.

    Attributes:
        fits: number of trainings.
        pretrainings: number of first stages that are done apart, each once for several trainings.
        steps: steps of all of them; NaN where they cannot be counted.
        hours: hours of one device; NaN where the rate is unknown.
        source: where the rate comes from.
    """

    fits: int
    pretrainings: int
    steps: float
    hours: float
    source: str


def training_cost(
    plan: Plan, method: str, fits: Sequence[Fit], lengths: Mapping[str, VideoLength]
) -> TrainingCost:
    """The cost of trainings of one method.

    Args:
        plan: the plan.
        method: name of the method.
        fits: trainings of the method, and pre-trainings that are done apart.
        lengths: mean lengths of the videos, by data set.
    """
    params = plan.methods[method]
    pretrainings = sum(fit.is_pretraining for fit in fits)
    steps = sum(_fit_steps(params, fit, lengths) for fit in fits)
    rate_s, source = training_rate(method, plan.device or "cpu", str(params.get("preset", PAPER)))
    return TrainingCost(
        fits=len(fits) - pretrainings,
        pretrainings=pretrainings,
        steps=steps,
        hours=steps * rate_s / 3600,
        source=source,
    )


def _fit_steps(params: Mapping[str, Any], fit: Fit, lengths: Mapping[str, VideoLength]) -> float:
    """The steps of one training, without a stage that is done apart."""
    return sum(
        _stage_steps(params, stage.epochs, [lengths[dataset].seconds for dataset, _ in stage.data])
        for stage in fit_stages(fit, params)
    )


def total_steps(
    params: Mapping[str, Any], pretrain_s: Sequence[float], train_s: Sequence[float]
) -> float:
    """The steps of all stages of a training.

    Args:
        params: the parameters of the method.
        pretrain_s: the durations of the recordings for pre-training, in s.
        train_s: the durations of those of the training side, in s.

    Returns:
        The number of steps; NaN where the method has no epochs or no batches.

    >>> params = {"pretrain_epochs": 2, "finetune_epochs": 3, "batch": 1, "clip_s": 10.0}
    >>> params["pretrain_on"] = "pretrain_sets"
    >>> total_steps(params, [10.0], [20.0]), total_steps(params | {"labels": False}, [], [20.0])
    (8.0, 4.0)
    """
    stages = training_stages(params, pretrain_s, train_s)
    return sum(_stage_steps(params, stage.epochs, stage.data) for stage in stages)


def _stage_steps(
    params: Mapping[str, Any], epochs: int | None, durations_s: Sequence[float]
) -> float:
    shared = {name: value for name, value in params.items() if not name.endswith("epochs")}
    if epochs is None:
        return math.nan
    return count_steps({**shared, "epochs": epochs}, durations_s)


def count_steps(params: Mapping[str, Any], durations_s: Sequence[float]) -> float:
    """The steps of a stage of `epochs` epochs, by the names that the parameters of methods share.

    A method with `passes` draws so many clips of each recording in an epoch, unless its
    `clip_choice` is "consecutive". Others cut a clip every `train_step_s`, `step_s` or `clip_s`.

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
    if "epochs" not in params or "batch" not in params:
        return math.nan
    if "passes" in params and params.get("clip_choice") != "consecutive":
        clips = float(params["passes"] * len(durations_s))
    else:
        clip_s = float(params.get("clip_s", 10.0))
        every_s = float(params.get("train_step_s", params.get("step_s", clip_s)))
        clips = float(sum(1 + max(0, int((s - clip_s) / every_s + 1e-6)) for s in durations_s))
    return float(params["epochs"] * math.ceil(clips / params["batch"]))


def training_rate(method: str, device: str, preset: str = PAPER) -> tuple[float, str]:
    """Seconds of a step of a method on a kind of device, and where the number comes from.

    Args:
        method: name of the method.
        device: "cpu", "cuda" or "mps".
        preset: the preset of its parameters: see `declared_rates`.

    Returns:
        The seconds, NaN where nothing is declared; and the source.
    """
    rates = declared_rates(method, preset)
    if device in rates:
        return rates[device]
    name, _ = split_variant(method)
    option = f"--preset {SMOKE} " if preset in SMALL_PRESETS else ""
    ask = f"bench speed --only learning --device {device} {option}--methods {name} measures it"
    return math.nan, f"no rate is declared for {device}; {ask}"


def declared_rates(method: str, preset: str = PAPER) -> dict[str, tuple[float, str]]:
    """Seconds of a step and the source, by the kind of device.

    Args:
        method: name of the method; a variant has its method's rates.
        preset: "smoke" and "toy" have networks of one size and rates of their own. Every other
            preset has the rates of the paper's.
    """
    name, _ = split_variant(method)
    rates: dict[str, tuple[float, str]] = {}
    for root in content_roots():
        file = root / RATES_FILE
        if not file.is_file():
            continue
        declared = tomllib.loads(file.read_text(encoding="utf-8")).get(name, {})
        of_size = declared.get(SMOKE, {}) if preset in SMALL_PRESETS else declared
        rates |= {
            device: (float(rate["step_s"]), str(rate["source"]))
            for device, rate in of_size.items()
            if device != SMOKE
        }
    return rates


def resampled_bytes(plan: Plan, fits: Sequence[Fit], lengths: Mapping[str, VideoLength]) -> float:
    """Size of the clips in the cache that trainings need on the clocks of their networks.

    A clip on a clock counts once for all trainings. Clips at the network's own rate need no file.

    Args:
        plan: the plan.
        fits: the trainings.
        lengths: mean lengths of the videos, by data set.
    """
    clips: set[tuple[str, str, str, str, float]] = set()
    for fit in fits:
        params = plan.methods[fit.method]
        if load_methods().available[fit.method].input != "clip" or "fs" not in params:
            continue
        crop, fs = str(params["crop"]), float(params["fs"])
        for dataset, recording in (*fit.pretrain, *fit.train, *fit.validation):
            length = lengths[dataset]
            own_fs = length.frames / length.seconds if length.seconds else 0.0
            if abs(own_fs / fs - 1) >= 1e-3:
                clips.add((dataset, recording, fit.condition, crop, fs))
    return sum(
        lengths[dataset].seconds * fs * 3 * crop_rule(crop).size ** 2
        for dataset, _, _, crop, fs in clips
    )
