"""The settings of a sweep, and what was measured of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rppgbench.report.sections.sweep import Seeded, Setting
from rppgbench.store.schema import RecordingInfo

LABELS = {"crf": "rate factor", "fps_out": "frames a second", "std": "noise", "gain": "light"}


def sweep_settings(
    conditions: Sequence[Mapping[str, Any]], observed: Iterable[RecordingInfo]
) -> list[Setting]:
    """A protocol's conditions in their order, untouched ones first, with means over recordings.

    Settings are of one series if they have the same kind and the same words (codec, faces, ...)
    and differ in one number.

    Args:
        conditions: The conditions of a manifest.
        observed: What was recorded of each recording.

    Returns:
        One setting for each condition.
    """
    measured_by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for info in observed:
        measured = info.metadata.get("condition")
        if isinstance(measured, Mapping):
            measured_by_name[info.condition].append(measured)
    ordered = sorted(conditions, key=lambda c: c["kind"] != "none")
    return [_setting(c, ordered, measured_by_name[c["name"]]) for c in ordered]


def _setting(
    condition: Mapping[str, Any],
    conditions: Sequence[Mapping[str, Any]],
    measured: Sequence[Mapping[str, Any]],
) -> Setting:
    alike = [c["params"] for c in conditions if _words(c) == _words(condition)]
    changing = [
        name
        for name, value in condition["params"].items()
        if not isinstance(value, str) and any(params.get(name) != value for params in alike)
    ]
    series, parameter, strength = _words(condition)[0], "", math.nan
    if len(changing) == 1 and condition["kind"] != "none":
        parameter = LABELS.get(changing[0], changing[0])
        strength = float(condition["params"][changing[0]])
    untouched = condition["kind"] == "none"
    return Setting(
        name=condition["name"],
        series="" if untouched else series,
        parameter=parameter,
        strength=strength,
        bit_rate_kbps=_mean("bit_rate_kbps", measured),
        psnr_db=_mean("psnr_db", measured),
        ssim=_mean("ssim", measured),
        pixels=_distinct("pixels", measured),
        encoder=_distinct("encoder", measured),
    )


def _words(condition: Mapping[str, Any]) -> tuple[str, ...]:
    """What a series has in common: the codec or kind, then everything else that is a word."""
    params = condition["params"]
    texts = sorted(f"{k} {v}" for k, v in params.items() if isinstance(v, str))
    return (str(params.get("codec", condition["kind"])), *texts)


def _mean(name: str, measured: Sequence[Mapping[str, Any]]) -> float:
    values = [float(f[name]) for f in measured if name in f]
    return sum(values) / len(values) if values else math.nan


def _distinct(name: str, measured: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(f[name]) for f in measured if name in f}))


def collapsed_seeds(
    models: Iterable[Mapping[str, Any]], conditions: Sequence[Mapping[str, Any]], train_on: str
) -> set[Seeded]:
    """The (method, condition, seed) whose model, in any fold, was said to have collapsed.

    A model that learned from untouched videos stands behind every condition.

    Args:
        models: The facts of each trained model.
        conditions: The conditions of the manifest.
        train_on: The protocol's `train_on`: "clean" or "same".

    Returns:
        Method, condition and seed of each collapsed training.
    """
    collapsed = set()
    for model in models:
        if model.get("collapse", {}).get("verdict", "learned") == "learned":
            continue
        names = [c["name"] for c in conditions]
        if train_on == "same":
            names = [name for name in names if name == model.get("condition", name)]
        collapsed |= {(str(model["method"]), name, int(model["seed"])) for name in names}
    return collapsed
