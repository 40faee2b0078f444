"""From a store to the page on why numbers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.analysis.diagnostics import (
    baseline_methods,
    method_titles,
    plan_warnings,
    protocol_info,
    recording_warnings,
    skipped_recordings,
)
from rppgbench.analysis.part_provenance import describe_runs, merge_provenance
from rppgbench.analysis.report_scores import describe_evaluator, has_several_regions
from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.core.content_roots import checkout_root
from rppgbench.core.registry import find_toml, toml_files
from rppgbench.evaluation.decomposition import REGION, Endpoint, decompose, differing
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.provenance import provenance
from rppgbench.report.decomposition_inputs import DecompositionInputs
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError
from rppgbench.system.progress import progress

if TYPE_CHECKING:
    pass

RESAMPLES = 1000
ROW_COLUMNS = ("dataset", "condition")

EndpointName = tuple[str, str]
"""An evaluator's name and the region that is asked for, or ""."""


def load_evaluators() -> dict[str, Evaluator]:
    """Every evaluator of heart rates that there is, by name; none reads beats of estimates."""
    files = sorted(toml_files("protocols/evaluators").items())
    rules = {name: read_evaluator(file) for name, file in files}
    return {
        name: rule.model_copy(update={"variability": None})
        for name, rule in rules.items()
        if rule.respiration is None
    }


def decomposition_inputs(
    store: Store,
    between: tuple[EndpointName, EndpointName],
    *,
    preferred_regions: Sequence[str] = ("", ""),
    command: str = "",
    quiet: bool = False,
) -> DecompositionInputs:
    """Score what is stored under every evaluator, and split the difference between two scorings.

    An endpoint without a region takes the preferred region where that is stored, else the region of
    the other endpoint, else the first stored one. Nothing is decoded, trained or written.

    Args:
        store: The results folder.
        between: Evaluator and region of the two endpoints; the region may be empty.
        preferred_regions: The region that each endpoint takes where none is named.
        command: The command that makes the page.
        quiet: Whether no progress is shown.

    Returns:
        The inputs of the page.

    Raises:
        BenchError: There are no results, or no such evaluator or region.
    """
    stored = load_stored(store)
    regions = list(dict.fromkeys(e.region for e in stored.estimates if e.region))
    rules = load_evaluators()
    first, second = _endpoints(between, preferred_regions, rules, regions, store.folder)
    groups = differing(first, second)
    total = len(rules) + 2 ** len(set(groups) - {REGION})
    with progress("scorings", total, quiet=quiet) as bar:
        windows = {}
        for name in dict.fromkeys([first.name, second.name, *rules]):
            windows[name] = stored.score(rules[name])
            bar.step(name)
        by = ["method", *(k for k in ROW_COLUMNS if windows[first.name][k].nunique() > 1)]
        splits = decompose(first, second, stored.score, by=by, step=bar.step)
    wide = [*by, REGION] if has_several_regions(windows[first.name]) else by
    scores = tuple(
        Scores(
            name=name,
            windows=frame,
            summary=summarise(frame, by=wide, resamples=RESAMPLES),
            about=describe_evaluator(rules[name]),
            by=tuple(wide),
        )
        for name, frame in windows.items()
    )
    return DecompositionInputs(
        page=_page_inputs(stored, rules, scores, command),
        rules=rules,
        by=tuple(by),
        first=first,
        second=second,
        groups=groups,
        splits=tuple(splits),
        regions=tuple(regions),
    )


def _page_inputs(
    stored: StoredResults,
    rules: Mapping[str, Evaluator],
    scores: tuple[Scores, ...],
    command: str,
) -> ReportInputs:
    manifest, observed = stored.manifest, stored.observed.values()
    return ReportInputs(
        title=manifest["protocol"]["name"],
        command=command,
        protocol=protocol_info(manifest["protocol"]),
        scores=scores,
        baselines=baseline_methods(manifest["methods"]),
        skipped=skipped_recordings(stored.estimates, observed, manifest),
        warnings=(
            *plan_warnings(manifest, stored.stores, stored.parts),
            *recording_warnings(observed),
        ),
        provenance={
            **merge_provenance(stored.parts),
            "runs": describe_runs(stored.parts),
            "scored at commit": provenance(checkout_root())["commit"],
            "run with": manifest["command"],
            "data": {name: dataset["fingerprint"] for name, dataset in manifest["data"].items()},
            "evaluators": {name: rule.digest for name, rule in rules.items()},
        },
        marks=stored.marks,
        titles=method_titles(scores[0].summary["method"], stored.imported),
    )


def _endpoints(
    between: tuple[EndpointName, EndpointName],
    preferred_regions: Sequence[str],
    rules: Mapping[str, Evaluator],
    stored: Sequence[str],
    folder: Path,
) -> tuple[Endpoint, Endpoint]:
    regions = []
    for (name, region), preferred in zip(between, preferred_regions, strict=True):
        find_toml("protocols/evaluators", "evaluator", name, "--between")
        if region and region not in stored:
            listed = ", ".join(stored) or "none"
            raise BenchError(f"{folder}: no waveform of region {region!r}; stored: {listed}")
        regions.append(region or (preferred if preferred in stored else ""))
    fallback = next((region for region in regions if region), stored[0] if stored else "")
    first, second = (
        Endpoint(name, rules[name], region or fallback)
        for (name, _), region in zip(between, regions, strict=True)
    )
    return first, second
