"""What the manifest of a results folder says of a plan."""

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

from rppgbench.core.method import Method
from rppgbench.core.registry import load_methods
from rppgbench.datasets.layout import twin_of
from rppgbench.execution.plan_records import Fit, Plan

JOBS_BY_METHOD = "jobs_by_method"
"""What of a manifest says how many estimates of each method are planned."""

CHOSEN_FOLDS = "chosen_folds"
"""What of a manifest says which folds were asked for; empty for all."""

CONTAMINATION = "contamination"
"""What of a manifest says which recordings of a fold were compared, and which hold the same."""


def plan_manifest(plan: Plan) -> dict[str, Any]:
    """What the manifest says of a plan: everything declared, no object."""
    available = load_methods().available
    return {
        "protocol": {
            "name": plan.name,
            "digest": plan.protocol.digest,
            **plan.protocol.model_dump(mode="json"),
        },
        "methods": {m: dict(p) for m, p in plan.methods.items()},
        "origins": {m: o for m in plan.methods if any((o := method_origin(available[m])).values())},
        "expected": plan.expected,
        "data": {
            d: {"root": str(root), "fingerprint": plan.fingerprints[d]} | _twin(root)
            for d, root in plan.roots.items()
        },
        "computed_on": plan.device,
        "left_out": dict(plan.left_out),
        "notes": list(plan.notes),
        CONTAMINATION: dict(plan.contamination),
        "folds": list(plan.folds),
        CHOSEN_FOLDS: list(plan.chosen_folds),
        "folds_from": plan.folds_from,
        "jobs": len(plan.jobs),
        JOBS_BY_METHOD: dict(Counter(job.method for job in plan.jobs)),
        "fits": [_fit_summary(fit) for fit in plan.fits],
        "pretrainings": [_fit_summary(fit) for fit in plan.pretrainings],
    }


def _twin(root: Path) -> dict[str, str]:
    """The twin that a data set was drawn from, where it is one."""
    twin = twin_of(root)
    return {"twin": twin} if twin else {}


def _fit_summary(fit: Fit) -> dict[str, Any]:
    """What the manifest says of a model: the number of its recordings, not their names."""
    counts = {name: len(getattr(fit, name)) for name in ("train", "pretrain", "validation")}
    return {f.name: getattr(fit, f.name) for f in fields(Fit)} | counts


def method_origin(method: Method) -> dict[str, Any]:
    """What a reader must know of a method that runs on other people's code or weights."""
    datasets = dict.fromkeys(method.trained_on)
    for member in method.members:
        datasets |= dict.fromkeys(load_methods().get("method", member, method.name).trained_on)
    return {
        "trained_on": list(datasets),
        "licence": method.licence,
        "versions": dict(method.versions()) if method.versions else {},
    }
