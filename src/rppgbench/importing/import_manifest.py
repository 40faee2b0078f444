"""What the results of an import say of their origin: notes and manifest."""

from typing import Any

from rppgbench.importing.import_plan import ImportPlan
from rppgbench.importing.matched import LEFTOVERS
from rppgbench.importing.name_matching import first_names
from rppgbench.importing.options import check_trained_on
from rppgbench.system.errors import one_line
from rppgbench.system.plural import pluralise


def import_notes(plan: ImportPlan) -> list[str]:
    """What a reader of the results has to know before the first signal is read, a line each."""
    lines = [*plan.expected.notes, *check_trained_on(plan.options.trained_on)]
    for side, message in (
        ("source", "of the source without a match"),
        ("recording", "without a prediction or a reference"),
        ("reference", "of the references without a prediction"),
    ):
        names = [leftover.name for leftover in plan.matched.leftovers if leftover.side == side]
        if names:
            count = pluralise(len(names), "recording")
            lines.append(f"{count} {message}: {first_names(names)} ({LEFTOVERS})")
    if plan.source.leftovers:
        files = first_names(plan.source.leftovers)
        count = pluralise(len(plan.source.leftovers), "file")
        lines.append(f"{count} not read: {files} ({LEFTOVERS})")
    if plan.expected.targets is not None and plan.survey.with_reference and not plan.references:
        lines.append("the references in the source are not used: those of the data set are")
    if plan.references_with_predictions and not plan.survey.with_reference:
        lines.append(
            "the source holds no references, so nothing is scored; give --reference FILE, or "
            "--data SET=PATH"
        )
    if plan.expected.targets is None:
        lines.append("each recording counts as a subject of its own: the source names none")
    return lines


def import_manifest(plan: ImportPlan, clock_note: str = "") -> dict[str, Any]:
    """The manifest of the results.

    Args:
        plan: the import.
        clock_note: why the clock of the references is doubtful; empty where it is not, or where
            the references are not read yet.
    """
    protocol, methods = plan.expected.protocol, plan.survey.methods
    trained_on = list(plan.options.trained_on)
    source = {"root": str(plan.source.path), "fingerprint": plan.source.sha256[:16]}
    return {
        "protocol": {
            "name": plan.expected.protocol_name,
            "digest": protocol.digest,
            **protocol.model_dump(mode="json"),
        },
        "methods": {name: {} for name in methods.values()},
        "imports": {name: _origin(plan, method) for method, name in methods.items()},
        "origins": {
            name: {"trained_on": trained_on, "licence": "", "versions": {}}
            for name in methods.values()
            if trained_on
        },
        "expected": len(plan.targets),
        "data": dict(plan.expected.data) or {protocol.test[0]: source},
        "computed_on": "",
        "left_out": dict(plan.expected.left_out),
        "notes": [*import_notes(plan), *filter(None, [clock_note])],
        "jobs": len(plan.rows),
        "fits": [],
        "command": plan.options.command,
    }


def _origin(plan: ImportPlan, method: str) -> dict[str, Any]:
    """What the manifest says of an imported method."""
    return {
        "source": one_line(plan.source.path.name),
        "sha256": plan.source.sha256,
        "format": plan.source.format,
        "method": method,
        "cumulated": method in plan.survey.cumulated,
        "assumptions": list(plan.survey.assumptions[method]),
        "references": _origin_of_references(plan),
        "names": plan.name_rule,
        "trained_on": list(plan.options.trained_on),
        "cite": plan.options.cite,
    }


def _origin_of_references(plan: ImportPlan) -> str:
    if plan.references is not None:
        return f"{one_line(plan.references.path.name)}, sha256 {plan.references.sha256}"
    if plan.expected.data:
        return f"the labels of {', '.join(plan.expected.data)}"
    return "the source itself" if plan.survey.with_reference else "none"
