"""What stored results say of the lines of a paper's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.protocol import Condition, Protocol
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.evaluation.summary import summarise
from rppgbench.papers.declaration import Line, Measured
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.scores import describe_band_edge

if TYPE_CHECKING:
    import pandas as pd

EXPERIMENT_KEYS = ("pretrain", "train", "test", "split", "without_known_bad", "train_on")
"""What of a protocol makes another experiment of it, for every method."""


def wanted_params(line: Line, protocol: Protocol, method: str) -> dict[str, Any]:
    """All parameters of a line's method (or of a member of it) as the line asks for them.

    Args:
        line: The line of the table.
        protocol: The protocol of the line's setting.
        method: Name of the method, or of a member of an ensemble.

    Returns:
        The value of each parameter.
    """
    declared = load_methods().available[method]
    values = {**protocol.params.get(method, {}), **line.setting.params, **line.method.params}
    return declared.parameters({k: v for k, v in values.items() if k in declared.params})


def measure_line(
    results: StoredResults,
    line: Line,
    protocol: Protocol,
    measures: Sequence[str],
    *,
    resamples: int = 2000,
    evaluator: str = "",
) -> tuple[Measured, Scores] | None:
    """A line's measures from a results folder, with its scores; None where it holds none of it.

    The evaluator is the line's own unless `evaluator` names another, which then is an obstacle to
    a verdict, as is everything else in which the results are another experiment than the line.

    Args:
        results: The results folder.
        line: The line of the table.
        protocol: The protocol of the line's setting.
        measures: Names of the measures.
        resamples: Bootstrap resamples for the intervals.
        evaluator: An evaluator in place of the line's, or empty.

    Returns:
        The measured values and the scores; None where nothing of the line is stored.
    """
    declared = line.method.evaluator or line.setting.evaluator
    applied = evaluator or declared
    name = line.method.method
    members = load_methods().get("method", name, "the table").members
    region = protocol.regions[0]
    estimates = [
        e
        for e in results.estimates
        if e.method in (members or (name,))
        and e.condition == line.setting.condition
        and e.region in ("", region)
    ]
    if {e.method for e in estimates} != set(members or (name,)):
        return None
    rule = read_evaluator(find_toml("protocols/evaluators", "evaluator", applied, "--evaluator"))
    windows = results.score(rule, estimates=estimates, methods=[name])
    line_windows: pd.DataFrame = windows[windows["method"] == name]
    line_windows.attrs = windows.attrs
    if line_windows.empty:
        return None
    expected = int(results.manifest["expected"])
    summary = summarise(line_windows, by=["method"], expected=expected, resamples=resamples)
    scores = Scores(name=applied, windows=line_windows, summary=summary)
    record = summary.iloc[0]
    values = {
        m: (float(record[m]), float(record[f"{m}_low"]), float(record[f"{m}_high"]))
        for m in measures
    }
    count = int(record["n_recordings"])
    measured = Measured(
        values=values,
        recordings=count,
        subjects=int(record["n_subjects"]),
        expected=expected,
        evaluator=applied,
        origin=str(results.store.folder),
        simulated=results.simulated,
        obstacles=(
            *_n(line, protocol, count),
            *(
                [f"another evaluator: {applied}, the table's is {declared}"]
                if applied != declared
                else []
            ),
            *experiment_differences(results.manifest, line, protocol),
            *filter(None, (line.setting.differs, line.method.differs, record["rule_note"])),
            *describe_band_edge(scores),
        ),
        made_by=results.made_by,
    )
    return measured, scores


def experiment_differences(
    manifest: Mapping[str, Any], line: Line, protocol: Protocol
) -> list[str]:
    """In what stored results are another experiment than a line asks for: empty if in nothing.

    Args:
        manifest: The manifest of the stored results.
        line: The line of the table.
        protocol: The protocol of the line's setting.

    Returns:
        One text for each difference.
    """
    stored, differences = manifest["protocol"], []
    declared = protocol.model_dump(mode="json")
    for key in EXPERIMENT_KEYS:
        if stored.get(key) != declared[key]:
            differences.append(
                f"another {key.replace('_', ' ')}: {_said(stored.get(key))}, "
                f"the table's is {_said(declared[key])}"
            )
    if _condition(stored.get("conditions", []), line) != _condition(declared["conditions"], line):
        differences.append(f"another condition of the name {line.setting.condition!r}")
    methods = load_methods().available
    for name in methods[line.method.method].members or (line.method.method,):
        params = wanted_params(line, protocol, name)
        stored_params = manifest["methods"].get(name, {})
        changed = [k for k in params if stored_params.get(k) != params[k]]
        if changed:
            # With a preset, all that it sets differs too: the preset says it.
            listed = ["preset"] if "preset" in changed else changed
            text = ", ".join(f"{k} {_said(stored_params.get(k))}" for k in listed)
            differences.append(f"other parameters of {name}: {text}")
        learns = methods[name].fit is not None
        if learns and set(stored.get("seeds", [])) != set(declared["seeds"]):
            differences.append(
                f"other seeds: {_said(stored.get('seeds'))}, the protocol's are "
                f"{_said(declared['seeds'])}"
            )
    return list(dict.fromkeys(differences))


def _n(line: Line, protocol: Protocol, count: int) -> list[str]:
    expected = line.setting.recordings or protocol.recordings
    if not expected:
        return [f"the n of the printed value is not said, ours is {count}"]
    if count == expected:
        return []
    return [f"another n: {count} recordings, the table's is {expected}"]


def _condition(conditions: Sequence[Mapping[str, Any] | Condition], line: Line) -> object:
    return next((c for c in conditions if dict(c)["name"] == line.setting.condition), None)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(names)}" for key, names in sorted(value.items()))
    if isinstance(value, list):
        return " + ".join(map(str, value)) or "nothing"
    return str(value)
