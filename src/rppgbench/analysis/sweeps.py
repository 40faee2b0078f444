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
    facts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in observed:
        measured = one.facts.get("condition")
        if isinstance(measured, Mapping):
            facts[one.condition].append(measured)
    ordered = sorted(conditions, key=lambda c: c["kind"] != "none")
    return [_setting(one, ordered, facts[one["name"]]) for one in ordered]


def _setting(
    one: Mapping[str, Any],
    conditions: Sequence[Mapping[str, Any]],
    facts: Sequence[Mapping[str, Any]],
) -> Setting:
    alike = [other["params"] for other in conditions if _words(other) == _words(one)]
    changing = [
        name
        for name, value in one["params"].items()
        if not isinstance(value, str) and any(other.get(name) != value for other in alike)
    ]
    series, parameter, strength = _words(one)[0], "", math.nan
    if len(changing) == 1 and one["kind"] != "none":
        parameter = LABELS.get(changing[0], changing[0])
        strength = float(one["params"][changing[0]])
    untouched = one["kind"] == "none"
    return Setting(
        name=one["name"],
        series="" if untouched else series,
        parameter=parameter,
        strength=strength,
        bit_rate_kbps=_mean("bit_rate_kbps", facts),
        psnr_db=_mean("psnr_db", facts),
        ssim=_mean("ssim", facts),
        pixels=_said("pixels", facts),
        encoder=_said("encoder", facts),
    )


def _words(condition: Mapping[str, Any]) -> tuple[str, ...]:
    """What a series has in common: the codec or kind, then everything else that is a word."""
    params = condition["params"]
    words = sorted(f"{k} {v}" for k, v in params.items() if isinstance(v, str))
    return (str(params.get("codec", condition["kind"])), *words)


def _mean(name: str, facts: Sequence[Mapping[str, Any]]) -> float:
    values = [float(f[name]) for f in facts if name in f]
    return sum(values) / len(values) if values else math.nan


def _said(name: str, facts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(f[name]) for f in facts if name in f}))


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
    found = set()
    for model in models:
        if model.get("collapse", {}).get("verdict", "learned") == "learned":
            continue
        names = [c["name"] for c in conditions]
        if train_on == "same":
            names = [name for name in names if name == model.get("condition", name)]
        found |= {(str(model["method"]), name, int(model["seed"])) for name in names}
    return found
