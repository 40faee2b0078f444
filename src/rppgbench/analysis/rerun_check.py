"""Whether stored waveforms come back when they are made again."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rppgbench.analysis.part_provenance import other_versions, part_provenances
from rppgbench.core.estimate import Estimate
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_datasets
from rppgbench.core.waveform import Waveform
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.roots import data_root, simulated_root
from rppgbench.execution.planner import UNTOUCHED, Job, Plan, make_plan
from rppgbench.execution.provenance import package_versions
from rppgbench.execution.recording_task import RecordingTask, run_recording
from rppgbench.execution.run_options import RunOptions
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

TOLERANCE = 1e-6
"""Largest difference, over the stored waveform's standard deviation, that counts as none.

Another processor or library rounds differently in the last of about sixteen digits; a filter and a
network let that grow by some orders of magnitude. A millionth of the pulse changes no heart rate.
"""

Verdict = Literal["same bits", "within tolerance", "differs"]
Cell = tuple[str, str, str, str, int, str, str]


@dataclass(frozen=True)
class Finding:
    """One stored estimate beside the one made again.

    `difference` is the largest over the stored waveform's standard deviation, NaN where there is
    none to tell. `changed` says that the digest is another now: method code, parameters, reader or
    data are not what they were. `detail` says in words what differs.
    """

    dataset: str
    recording: str
    method: str
    fold: str
    seed: int
    condition: str
    region: str
    verdict: Verdict
    difference: float
    changed: bool
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """All findings, how many estimates are stored, and what to know about the data."""

    findings: tuple[Finding, ...]
    stored: int
    notes: tuple[str, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether every waveform came back, to the bit or within tolerance."""
        return all(one.verdict != "differs" for one in self.findings)


def rerun_sample(
    store: Store, *, sample: int, seed: int, cache: Path, given: Mapping[str, Path]
) -> Iterator[Finding | Verification]:
    """Make `sample` stored estimates again from the videos; findings as they come, then all.

    Features are extracted anew into a folder that is thrown away, so that nothing is taken from a
    cache. Methods that learn take the stored model: learning is not repeated. `cache` is where
    simulated trees lie and are made again if they are gone; `given` are roots that have moved.
    """
    stored, _ = store.read()
    plan, notes = stored_plan(store, cache, given)
    notes += other_versions(part_provenances(store), package_versions())
    jobs = {_cell_of_job(job): job for job in plan.jobs}
    chosen = draw_sample(stored, sample, seed)
    for one in chosen:
        if _cell(one) not in jobs:
            raise BenchError(
                f"{store.folder}: {one.dataset}/{one.recording} is not in the data any more; "
                "give the right folder by --data NAME=PATH"
            )
    findings = []
    with tempfile.TemporaryDirectory(prefix="rppgbench-verify-") as folder:
        for task, held in _tasks(chosen, jobs, plan, store, Path(folder)):
            outcome = run_recording(task)
            for fault in outcome.faults:
                if fault.kind == "machine":
                    raise fault.error()
            again = {_cell(made): made for made in outcome.estimates}
            for one in held:
                cell = _cell(one)
                finding = compare_estimates(one, again[cell], changed=jobs[cell].digest != one.job)
                findings.append(finding)
                yield finding
    yield Verification(tuple(findings), len(stored), tuple(notes))


def stored_plan(store: Store, cache: Path, given: Mapping[str, Path]) -> tuple[Plan, list[str]]:
    """The plan that the manifest tells, laid out over the data that is there now, and notes.

    BenchError where a data set is gone and cannot be simulated again.
    """
    manifest = store.manifest
    facts = dict(manifest["protocol"])
    name = facts.pop("name")
    facts.pop("digest")
    facts["params"] = {m: p for m, p in manifest["methods"].items() if p}
    protocol = Protocol.model_validate(facts)
    roots = {
        d: _root(d, Path(held["root"]), protocol, cache, given)
        for d, held in manifest["data"].items()
    }
    plan = make_plan(
        protocol,
        name,
        roots,
        methods=list(manifest["methods"]),
        seeds=protocol.seeds,
        where=str(store.folder / "manifest.json"),
        listing=Catalog(cache),
        device=str(manifest.get("computed_on") or "cpu"),
    )
    notes = [
        f"{d}: the files are not those of the run (fingerprint {plan.fingerprints[d]}, "
        f"then {held['fingerprint']})"
        for d, held in manifest["data"].items()
        if plan.fingerprints[d] != held["fingerprint"]
    ]
    return plan, notes


def _root(
    name: str, told: Path, protocol: Protocol, cache: Path, given: Mapping[str, Path]
) -> Path:
    """Where the data lies: as given, as the manifest says, or simulated again."""
    if name in given:
        return given[name]
    if told.is_dir():
        return told
    dataset = load_datasets().get("data set", name, "bench rerun-check")
    if told.parent.name == "simulated" or dataset.only_simulated:
        from rppgbench.simulation import SimulationPlan

        s = protocol.simulation
        return simulated_root(
            dataset,
            SimulationPlan(
                subjects=s.subjects, seconds=s.seconds, seed=s.seed, difficulty=s.difficulty
            ),
            cache,
        )
    try:
        return data_root(dataset, given)
    except BenchError as error:
        raise BenchError(f"{told}: the data of the run is not there any more; {error}") from error


def draw_sample(stored: Sequence[Estimate], count: int, seed: int) -> list[Estimate]:
    """Up to `count` estimates drawn from a seed, the methods in turn so that each is tried."""
    rng = np.random.default_rng(seed)
    ordered = sorted(stored, key=_cell)
    shuffled = [ordered[k] for k in rng.permutation(len(ordered))]
    rows: dict[str, list[Estimate]] = defaultdict(list)
    for one in shuffled:
        rows[one.method].append(one)
    turns = [(place, method) for method in rows for place in range(len(rows[method]))]
    turns.sort(key=lambda turn: turn[0])
    return [rows[method][place] for place, method in turns[:count]]


def compare_estimates(stored: Estimate, again: Estimate, *, changed: bool = False) -> Finding:
    """What is to say of one estimate made twice."""
    difference, detail = float("nan"), ""
    verdict: Verdict = "same bits"
    if stored.waveform is None or again.waveform is None:
        if (stored.waveform is None) != (again.waveform is None):
            verdict = "differs"
            words = again.reason if again.waveform is None else stored.reason
            when = "now" if again.waveform is None else "then"
            detail = f"{when} there is no waveform: {words}"
        elif stored.reason != again.reason:
            detail = f"no waveform both times, now because {again.reason}; then {stored.reason}"
    else:
        verdict, difference, detail = _waveforms(stored.waveform, again.waveform)
    return Finding(*_cell(stored), verdict, difference, changed, detail)


def _waveforms(one: Waveform, other: Waveform) -> tuple[Verdict, float, str]:
    if (one.fs, one.start_s, one.samples.shape) != (other.fs, other.start_s, other.samples.shape):
        return (
            "differs",
            float("nan"),
            f"then {len(one.samples)} samples at {one.fs:.6g} Hz from {one.start_s:.6g} s, "
            f"now {len(other.samples)} at {other.fs:.6g} Hz from {other.start_s:.6g} s",
        )
    if one.samples.tobytes() == other.samples.tobytes():
        return "same bits", 0.0, ""
    gap, other_gap = np.isnan(one.samples), np.isnan(other.samples)
    if np.any(gap != other_gap):
        return "differs", float("nan"), f"{int((gap != other_gap).sum())} samples are gaps in one"
    apart = np.abs(one.samples - other.samples)[~gap]
    if not len(apart) or not apart.any():
        return "same bits", 0.0, ""
    spread = float(one.samples[~gap].std()) or 1.0
    difference = float(apart.max()) / spread
    if difference <= TOLERANCE:
        return "within tolerance", difference, ""
    count = int((apart > TOLERANCE * spread).sum())
    return "differs", difference, f"{count} of {len(apart)} samples differ"


def _cell(one: Estimate) -> Cell:
    return (one.dataset, one.recording, one.method, one.fold, one.seed, one.condition, one.region)


def _cell_of_job(job: Job) -> Cell:
    return (job.dataset, job.recording, job.method, job.fold, job.seed, job.condition, job.region)


def _tasks(
    chosen: Sequence[Estimate],
    jobs: Mapping[Cell, Job],
    plan: Plan,
    store: Store,
    cache: Path,
) -> Iterator[tuple[RecordingTask, list[Estimate]]]:
    """Each recording once, with the estimates to make again."""
    grouped: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for one in chosen:
        grouped[one.dataset, one.recording].append(one)
    models = _models(plan, store.manifest)
    conditions = {c.name: c for c in (UNTOUCHED, *plan.protocol.conditions)}
    for (dataset, recording), held in grouped.items():
        own = [jobs[_cell(one)] for one in held]
        learned = tuple(replace(job, fit=models.get(job.fit, job.fit)) for job in own)
        task = RecordingTask(
            dataset=dataset,
            root=plan.roots[dataset],
            recording=recording,
            conditions=tuple(
                conditions[name] for name in dict.fromkeys(one.condition for one in held)
            ),
            clips=plan.clips,
            jobs=learned,
            params=tuple((m, plan.methods[m]) for m in sorted({job.method for job in own})),
            options=RunOptions(cache=cache),
            models=store.folder / "models",
        )
        yield task, held


def _models(plan: Plan, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Digest of each fit as it would be now -> of the stored model that was used."""
    keys = ("method", "fold", "seed", "region", "condition")
    stored = {tuple(fit[key] for key in keys): str(fit["digest"]) for fit in manifest["fits"]}
    return {
        fit.digest: stored[tuple(getattr(fit, key) for key in keys)]
        for fit in plan.fits
        if tuple(getattr(fit, key) for key in keys) in stored
    }
