"""From a store to the page on why numbers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.analysis.build_report import describe_evaluator, has_several_regions, score_estimates
from rppgbench.analysis.diagnostics import plan_warnings, recording_warnings, skipped_recordings
from rppgbench.analysis.part_provenance import describe_runs, merge_provenance, part_provenances
from rppgbench.core.registry import checkout_root, find_toml, load_methods, toml_files
from rppgbench.evaluation.decomposition import REGION, Endpoint, decompose, differing
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.leakage import mark_leaks
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.provenance import provenance
from rppgbench.report.decomposition_inputs import DecompositionInputs
from rppgbench.report.inputs import ProtocolInfo, ReportInputs, Scores
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError
from rppgbench.system.progress import progress

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 1000
ROW_COLUMNS = ("dataset", "condition")

EndpointName = tuple[str, str]
"""An evaluator's name and the region that is asked for, or ""."""


def load_evaluators() -> dict[str, Evaluator]:
    """Every evaluator that there is, by name."""
    return {
        name: read_evaluator(file)
        for name, file in sorted(toml_files("protocols/evaluators").items())
    }


def decomposition_inputs(
    store: Store,
    between: tuple[EndpointName, EndpointName],
    *,
    wanted: Sequence[str] = ("", ""),
    command: str = "",
    quiet: bool = False,
) -> DecompositionInputs:
    """Score what is stored under every evaluator, and split the difference between two sides.

    A side without a region takes the one that is `wanted` of it where that is stored, else the
    other side's, else the first that is. Nothing is decoded,
    learned or written.
    """
    manifest = store.manifest
    estimates, observed = store.read()
    parts = part_provenances(store)
    truths = {(d, name): one.ground_truth for (d, name, _), one in observed.items()}
    methods = manifest["methods"]

    def scored(rule: Evaluator) -> pd.DataFrame:
        found = score_estimates(rule, estimates, truths, methods)
        mark_leaks(found, manifest.get("origins", {}))
        return found

    stored = list(dict.fromkeys(e.region for e in estimates if e.region))
    rules = load_evaluators()
    first, second = _sides(between, wanted, rules, stored, store.folder)
    groups = differing(first, second)
    total = len(rules) + 2 ** len(set(groups) - {REGION})
    with progress("scorings", total, quiet=quiet) as shown:
        windows = {}
        for name in dict.fromkeys([first.name, second.name, *rules]):
            windows[name] = scored(rules[name])
            shown.step(name)
        by = ["method", *(k for k in ROW_COLUMNS if windows[first.name][k].nunique() > 1)]
        splits = decompose(first, second, scored, by=by, step=shown.step)
    wide = [*by, REGION] if has_several_regions(windows[first.name]) else by
    protocol = manifest["protocol"]
    page = ReportInputs(
        title=protocol["name"],
        command=command,
        protocol=ProtocolInfo(
            protocol["name"],
            protocol["digest"],
            protocol["title"],
            protocol["about"],
            protocol["source"],
            int(protocol["recordings"]) or None,  # 0: the protocol fixes no number
        ),
        scores=tuple(
            Scores(
                name,
                held,
                summarise(held, by=wide, resamples=RESAMPLES),
                describe_evaluator(rules[name]),
                tuple(wide),
            )
            for name, held in windows.items()
        ),
        baselines=frozenset(n for n, m in load_methods().found.items() if m.baseline),
        skipped=skipped_recordings(estimates, observed.values(), manifest),
        warnings=(*plan_warnings(manifest, store, parts), *recording_warnings(observed.values())),
        provenance={
            **merge_provenance(parts),
            "runs": describe_runs(parts),
            "scored at commit": provenance(checkout_root())["commit"],
            "run with": manifest["command"],
            "data": {name: facts["fingerprint"] for name, facts in manifest["data"].items()},
            "evaluators": {name: rule.digest for name, rule in rules.items()},
        },
        simulated=any(one.simulated for one in observed.values()),
    )
    return DecompositionInputs(
        page, rules, tuple(by), first, second, groups, tuple(splits), tuple(stored)
    )


def _sides(
    between: tuple[EndpointName, EndpointName],
    wanted: Sequence[str],
    rules: Mapping[str, Evaluator],
    stored: Sequence[str],
    folder: Path,
) -> tuple[Endpoint, Endpoint]:
    regions = []
    for (name, region), liked in zip(between, wanted, strict=True):
        find_toml("protocols/evaluators", "evaluator", name, "--between")
        if region and region not in stored:
            known = ", ".join(stored) or "none"
            raise BenchError(f"{folder}: no waveform of region {region!r}; stored: {known}")
        regions.append(region or (liked if liked in stored else ""))
    fallback = next((region for region in regions if region), stored[0] if stored else "")
    first, second = (
        Endpoint(name, rules[name], region or fallback)
        for (name, _), region in zip(between, regions, strict=True)
    )
    return first, second
