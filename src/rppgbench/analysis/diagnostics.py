"""What a page says of how results came about: faults, times."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from rppgbench.analysis.part_provenance import (
    PartProvenance,
    describe_runs,
    difference_lines,
    merge_provenance,
)
from rppgbench.core.estimate import Estimate
from rppgbench.core.method_variants import split_variant
from rppgbench.core.registry import load_methods
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.execution.epoch_models import BEST
from rppgbench.report.inputs import ProtocolInfo, Skipped, Timings
from rppgbench.report.method_titles import unique_titles
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store


def protocol_info(protocol: Mapping[str, Any]) -> ProtocolInfo:
    """The protocol of a manifest, as a page shows it."""
    return ProtocolInfo(
        name=protocol["name"],
        digest=protocol["digest"],
        title=protocol["title"],
        about=protocol["about"],
        source=protocol["source"],
        expected=int(protocol["recordings"]) or None,  # 0: the protocol fixes no number
    )


def baseline_methods(methods: Iterable[str]) -> frozenset[str]:
    """Those of some methods that learn nothing from the video.

    Args:
        methods: names of methods, also of ones that are not known here.
    """
    known = load_methods().available
    return frozenset(name for name in methods if name in known and known[name].baseline)


def method_titles(methods: Iterable[str], imported: Collection[str]) -> dict[str, str]:
    """What a page calls each method: its declared title, told apart where two are the same.

    A method that was imported, or that no folder declares, goes by its name.

    Args:
        methods: Names of methods, with or without values of parameters or a note of a best epoch.
        imported: The methods that were imported.

    Returns:
        The title of every name.
    """
    declared = load_methods().available
    titles = {}
    for name in set(methods):
        plain = split_variant(name.removesuffix(BEST))[0]
        if plain in declared and name not in imported:
            titles[name] = declared[plain].title + name.removeprefix(plain)
    return unique_titles(sorted(set(methods)), titles)


def skipped_recordings(
    estimates: Iterable[Estimate], observed: Iterable[RecordingInfo], manifest: Mapping[str, Any]
) -> tuple[Skipped, ...]:
    """Everything that has no estimate, each with its reason; a recording's own fault once.

    Where the protocol has several conditions, what failed under one of them names it.

    Args:
        estimates: The stored estimates.
        observed: What was recorded of each recording.
        manifest: The manifest of the run.

    Returns:
        The failures with their reasons.
    """
    skipped = []
    failed = set()
    several = len(manifest["protocol"]["conditions"]) > 1
    for info in observed:
        if info.reason:
            failed.add((info.dataset, info.recording, info.condition))
            stage = f"recording, {info.condition}" if several else "recording"
            skipped.append(
                Skipped(
                    recording=info.recording, stage=stage, reason=info.reason, dataset=info.dataset
                )
            )
    for e in estimates:
        if e.reason and (e.dataset, e.recording, e.condition) not in failed:
            skipped.append(
                Skipped(
                    recording=e.recording,
                    stage="method",
                    reason=e.reason,
                    dataset=e.dataset,
                    method=e.method,
                )
            )
    for name, reason in manifest["left_out"].items():
        dataset, _, recording = name.partition("/")
        skipped.append(
            Skipped(
                recording=recording,
                stage="left out by the protocol",
                reason=reason,
                dataset=dataset,
            )
        )
    return tuple(skipped)


def plan_warnings(
    manifest: Mapping[str, Any], stores: Sequence[Store], parts: Sequence[PartProvenance]
) -> tuple[str, ...]:
    """What the plan, the store and its parts warn of, a line each.

    Args:
        manifest: The manifest of the run.
        stores: The results folders.
        parts: The runs that made parts of the results.

    Returns:
        One line for each warning.
    """
    lines = [*manifest["notes"], *difference_lines(parts)]
    missing = sum(store.missing() for store in stores)
    if missing:
        lines.append(f"{missing} estimates of the plan are not made yet: this table is partial")
    return tuple(lines)


def recording_warnings(observed: Iterable[RecordingInfo]) -> tuple[str, ...]:
    """What labels and videos warn of, a line each; what all conditions share is said once."""
    lines = (
        f"{info.dataset}/{info.recording}: {line}"
        for info in observed
        for line in (*info.ground_truth.warnings, *_list(info.metadata.get("warnings")))
    )
    return tuple(dict.fromkeys(lines))


def _list(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list | tuple) else []


def stage_timings(estimates: Iterable[Estimate], observed: Iterable[RecordingInfo]) -> Timings:
    """Each method's own time is its median over recordings and regions, for all of the video.

    The first call of a process also loads what the method needs, which the median leaves out.

    Args:
        estimates: The stored estimates with their seconds.
        observed: What was recorded of each recording.

    Returns:
        Seconds of each stage and method.
    """
    stages: dict[str, float] = defaultdict(float)
    rates: dict[str, list[float]] = defaultdict(list)
    durations = {}
    for info in observed:
        duration_s = float(info.metadata.get("duration_s") or 0.0)
        durations[info.dataset, info.recording, info.condition] = duration_s
        stages["decode, face, regions"] += float(info.metadata.get("read_s") or 0.0)
    for e in estimates:
        duration_s = durations.get((e.dataset, e.recording, e.condition), 0.0)
        if duration_s:
            rates[e.method].append(e.seconds / duration_s)
    video_s = sum(durations.values())
    return Timings(video_s, stages, {name: median(r) * video_s for name, r in rates.items()})


def provenance_rows(
    manifest: Mapping[str, Any],
    rules: Mapping[str, Evaluator],
    parts: Sequence[PartProvenance],
) -> dict[str, object]:
    """What made the results, by name: code, packages, device, runs, data, rules, parameters.

    Args:
        manifest: The manifest of the run.
        rules: The evaluators by name.
        parts: The runs that made parts of the results.

    Returns:
        The facts by heading.
    """
    return {
        **merge_provenance(parts),
        "runs": describe_runs(parts),
        "protocol digest": manifest["protocol"]["digest"],
        "seeds": manifest["protocol"]["seeds"],
        "data": {name: dataset["fingerprint"] for name, dataset in manifest["data"].items()},
        "evaluators": {name: rule.digest for name, rule in rules.items()},
        "methods": {
            name: params or "no parameters" for name, params in manifest["methods"].items()
        },
    }
