"""The costs of the methods of a results folder: of its models, its runs and the declarations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from rppgbench.analysis.diagnostics import baseline_methods
from rppgbench.core.estimate import Estimate
from rppgbench.core.method_variants import split_variant
from rppgbench.core.registry import load_methods
from rppgbench.execution.run_energy import read_energy
from rppgbench.report.costs import Costs, MethodCost, RunEnergy

OF_NUMPY = "no tool counts the operations of NumPy"
NOT_STORED = "the model was trained before operations were counted"


def stored_costs(
    folders: Iterable[Path],
    methods: Mapping[str, Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    estimates: Iterable[Estimate],
) -> Costs:
    """What is stored and declared of the costs of methods.

    Args:
        folders: The results folders.
        methods: The methods of the manifest with their parameters.
        models: The facts of each trained model.
        estimates: The stored estimates, for the frame rates of pulses.

    Returns:
        The costs of each method that looks at the video, and the energy of each run.
    """
    rates_hz: dict[str, list[float]] = defaultdict(list)
    for estimate in estimates:
        if estimate.waveform is not None:
            rates_hz[estimate.method].append(estimate.waveform.fs)
    models_by_method: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for model in models:
        models_by_method[str(model["method"])].append(model)
    baselines = baseline_methods(methods)
    return Costs(
        methods={
            name: _method_cost(name, params, models_by_method[name], rates_hz[name])
            for name, params in methods.items()
            if name not in baselines
        },
        runs=[_run_energy(line) for folder in folders for line in read_energy(folder)],
    )


def _run_energy(line: Mapping[str, Any]) -> RunEnergy:
    return RunEnergy(
        began=str(line.get("began", "")),
        seconds=float(line["seconds"]),
        joules=line["joules"],
        reason=str(line.get("reason", "")),
        processor_share=line.get("processor_share"),
    )


def _method_cost(
    name: str,
    params: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    rates_hz: Sequence[float],
) -> MethodCost:
    networks = [model for model in models if "n_parameters" in model]
    return MethodCost(
        parameters=max((int(model["n_parameters"]) for model in networks), default=None),
        look_ahead_s=_look_ahead_s(name, params, rates_hz),
        **_operations(networks),
    )


def _operations(networks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The operations of a method's models, or the reason why they were not counted."""
    if not networks:
        return {"not_counted": OF_NUMPY}
    counts = {str(model["digest"]): model.get("operations", {}) for model in networks}
    trainings, minutes = [], []
    for model in networks:
        model_count = counts[str(model["digest"])]
        if "estimate" not in model_count:  # of a first stage that trainings share
            continue
        first = counts.get(str(model.get("pretraining", "")), {"training": {"flop": 0}})
        stages = [count.get("training", {}).get("flop") for count in (model_count, first)]
        if None not in stages:
            trainings.append(sum(stages))
        minutes.append(model_count["estimate"].get("flop_per_minute"))
    counted_minutes = [flop for flop in minutes if flop is not None]
    reasons = [
        str(count["not_counted"])
        for model_counts in counts.values()
        for count in model_counts.values()
        if "not_counted" in count
    ]
    complete = len(counted_minutes) == len(minutes) > 0 and len(trainings) == len(minutes)
    return {
        "flop_per_minute": mean(counted_minutes) if counted_minutes else None,
        "flop_per_training": mean(trainings) if trainings else None,
        "not_counted": "" if complete else next(iter(reasons), NOT_STORED),
    }


def _look_ahead_s(name: str, params: Mapping[str, Any], rates_hz: Sequence[float]) -> float | None:
    """The look-ahead at the frame rate of the stored pulses; None: the whole recording."""
    declared = load_methods().available.get(split_variant(name)[0])
    if declared is None or declared.streaming is None or not rates_hz:
        return None
    fs = median(rates_hz)
    streaming = declared.streaming({**declared.parameters({}), **params}, fs)
    return None if streaming is None else streaming.look_ahead_s(fs)
