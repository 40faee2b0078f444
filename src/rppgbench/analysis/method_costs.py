"""The costs of the methods of a results folder: of its models, its runs and the declarations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from rppgbench.analysis.diagnostics import baseline_methods
from rppgbench.core.estimate import Estimate
from rppgbench.core.method import Method
from rppgbench.core.method_variants import split_variant
from rppgbench.core.registry import load_methods
from rppgbench.execution.run_energy import read_energy
from rppgbench.report.costs import Costs, MethodCost, RunEnergy

OF_OTHERS = "operations of other people's programs are not counted"
WITHOUT_MODEL = "no model is stored"
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
        seconds=line["seconds"],
        joules=line["joules"],
        reason=str(line.get("reason", "")),
        processor_share=line["processor_share"],
    )


def _method_cost(
    name: str,
    params: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    rates_hz: Sequence[float],
) -> MethodCost:
    networks = [model for model in models if "n_parameters" in model]
    declared = load_methods().available.get(split_variant(name)[0])
    return MethodCost(
        parameters=max((int(model["n_parameters"]) for model in networks), default=None),
        look_ahead_s=_look_ahead_s(declared, params, rates_hz),
        **_model_costs(networks, _why_not_counted(declared)),
    )


def _why_not_counted(declared: Method | None) -> str:
    """Why the operations of a method without a stored network are not counted."""
    if declared is None or declared.versions is not None:
        return OF_OTHERS
    return OF_NUMPY if declared.fit is None else WITHOUT_MODEL


def _model_costs(networks: Sequence[Mapping[str, Any]], reason: str) -> dict[str, Any]:
    """What the models of a method say of their cost, each with the first stage that it begins with.

    Args:
        networks: the facts of each model.
        reason: why operations are not counted where there is no model.
    """
    if not networks:
        return {"not_counted": reason}
    by_digest = {str(model["digest"]): model for model in networks}
    first_stages = {str(model["pretraining"]) for model in networks if "pretraining" in model}
    trained = [model for model in networks if str(model["digest"]) not in first_stages]
    with_first = [
        [model, *([by_digest.get(str(model["pretraining"]), {})] if "pretraining" in model else [])]
        for model in trained
    ]
    costs = {
        "flop_per_minute": _mean(
            [[model] for model in trained], "operations.estimate.flop_per_minute"
        ),
        "flop_per_training": _mean(with_first, "operations.training.flop"),
        "training_s": _mean(with_first, "effort.seconds"),
        "training_joules": _mean(with_first, "effort.joules"),
    }
    reasons = [
        str(count["not_counted"])
        for model in networks
        for count in model.get("operations", {}).values()
        if "not_counted" in count
    ]
    is_complete = None not in (costs["flop_per_minute"], costs["flop_per_training"])
    return {**costs, "not_counted": "" if is_complete else next(iter(reasons), NOT_STORED)}


def _mean(stages: Iterable[Sequence[Mapping[str, Any]]], place: str) -> float | None:
    """The mean over trainings of the sum over their stages; None where a stage lacks the value.

    >>> _mean([[{"a": {"b": 1}}, {"a": {"b": 2}}], [{"a": {"b": 5}}]], "a.b")
    4
    >>> _mean([[{"a": {"b": 1}}, {}]], "a.b")
    """
    sums = []
    for of_training in stages:
        values = [_value_at(model, place.split(".")) for model in of_training]
        if None in values:
            return None
        sums.append(sum(values))
    return mean(sums) if sums else None


def _value_at(model: Any, keys: Sequence[str]) -> Any:
    """A value deep in the facts of a model; None where it is not there."""
    for key in keys:
        if not isinstance(model, Mapping) or key not in model:
            return None
        model = model[key]
    return model


def _look_ahead_s(
    declared: Method | None, params: Mapping[str, Any], rates_hz: Sequence[float]
) -> float | None:
    """The look-ahead at the frame rate of the stored pulses; None: the whole recording."""
    if declared is None or declared.streaming is None or not rates_hz:
        return None
    fs = median(rates_hz)
    streaming = declared.streaming({**declared.parameters({}), **params}, fs)
    return None if streaming is None else streaming.look_ahead_s(fs)
