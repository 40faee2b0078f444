"""Whether stored waveforms are reproduced when they are estimated again."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rppgbench.analysis.part_provenance import other_versions, part_provenances
from rppgbench.analysis.stored_plan import stored_plan
from rppgbench.core.estimate import Estimate, EstimateKey, key_of
from rppgbench.core.model_files import is_model
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.execution.plan_records import Job, Plan
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


@dataclass(frozen=True, kw_only=True)
class Finding(EstimateKey):
    """One stored estimate beside its repetition.

    Attributes:
        verdict: Whether both waveforms, and the method's own confidences, are the same.
        difference: Largest difference over the stored waveform's standard deviation; NaN where
            the two cannot be compared.
        changed: Whether the digest is another now: method code, parameters, reader or data have
            changed since.
        detail: What differs, in a sentence.
    """

    verdict: Verdict
    difference: float
    changed: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """All findings, the number of stored estimates, and notes on data and packages.

    `ground_truths` are the references of the sample, read from the data anew, by data set and
    recording.
    """

    findings: tuple[Finding, ...]
    stored: int
    notes: tuple[str, ...] = ()
    ground_truths: Mapping[tuple[str, str], GroundTruth] = field(default_factory=dict, repr=False)

    @property
    def fit(self) -> bool:
        """Whether every waveform is the same, to the bit or within tolerance."""
        return all(finding.verdict != "differs" for finding in self.findings)


def rerun_sample(
    store: Store, *, sample: int, seed: int, cache: Path, moved_roots: Mapping[str, Path]
) -> Iterator[Finding | Verification]:
    """Estimate a sample of the stored waveforms again, from the videos.

    Features are extracted into a temporary folder, so that nothing is taken from a cache. Methods
    that learn use the stored model: no training is repeated.

    Args:
        store: The results folder.
        sample: Number of estimates.
        seed: Seed of the draw.
        cache: Folder of simulated data sets; those that are gone are simulated again.
        moved_roots: Roots of data sets that have moved, by name.

    Yields:
        Each finding as soon as it is there; last, all of them as a `Verification`.

    Raises:
        BenchError: There are no results, or the data of the run is gone.
        MachineError: The machine fails during the repetition.
    """
    if imports := store.manifest.get("imports"):
        raise BenchError(
            f"{store.folder}: {', '.join(imports)}: imported, not run here, so the results cannot "
            "be made again; only their source can be read again (bench import)"
        )
    stored, _ = store.read()
    plan, notes = stored_plan(store, cache, moved_roots)
    notes += other_versions(part_provenances(store), package_versions())
    jobs = {key_of(job): job for job in plan.jobs}
    with_model = _with_model(stored, jobs, plan, store)
    if len(with_model) < len(stored):
        notes.append(
            f"{len(stored) - len(with_model)} of {len(stored)} estimates are of models that are "
            "not here: they cannot be made again"
        )
    drawn = draw_sample(with_model, sample, seed)
    for estimate in drawn:
        if estimate.key not in jobs:
            raise BenchError(
                f"{store.folder}: {estimate.dataset}/{estimate.recording} is not in the data any "
                "more; give the right folder by --data NAME=PATH"
            )
    findings = []
    truths: dict[tuple[str, str], GroundTruth] = {}
    with tempfile.TemporaryDirectory(prefix="rppgbench-verify-") as folder:
        for task, estimates in _tasks(drawn, jobs, plan, store, Path(folder)):
            outcome = run_recording(task)
            for fault in outcome.faults:
                if fault.kind == "machine":
                    raise fault.error()
            for info in outcome.observed:
                truths[info.dataset, info.recording] = info.ground_truth
            again = {repeated.key: repeated for repeated in outcome.estimates}
            for estimate in estimates:
                key = estimate.key
                finding = compare_estimates(
                    estimate, again[key], changed=jobs[key].digest != estimate.job
                )
                findings.append(finding)
                yield finding
    yield Verification(
        findings=tuple(findings), stored=len(stored), notes=tuple(notes), ground_truths=truths
    )


def _with_model(
    stored: Sequence[Estimate], jobs: Mapping[EstimateKey, Job], plan: Plan, store: Store
) -> list[Estimate]:
    """The estimates without those of a learned method whose model is not in the folder."""
    used = _models(plan, store.manifest)
    fits = {job.fit for job in jobs.values() if job.fit}
    lost = {f for f in fits if not is_model(store.folder / "models" / used.get(f, f))}
    lost_keys = {key for key, job in jobs.items() if job.fit in lost}
    return [estimate for estimate in stored if estimate.key not in lost_keys]


def draw_sample(stored: Sequence[Estimate], count: int, seed: int) -> list[Estimate]:
    """Draw estimates, the methods in turn, so that every method is in the sample.

    Args:
        stored: The estimates to draw from.
        count: Largest number of estimates.
        seed: Seed of the draw.

    Returns:
        The drawn estimates; the same ones for the same seed, whatever the order of `stored`.
    """
    rng = np.random.default_rng(seed)
    ordered = sorted(stored, key=lambda estimate: estimate.key)
    shuffled = [ordered[k] for k in rng.permutation(len(ordered))]
    rows: dict[str, list[Estimate]] = defaultdict(list)
    for estimate in shuffled:
        rows[estimate.method].append(estimate)
    turns = [(place, method) for method in rows for place in range(len(rows[method]))]
    turns.sort(key=lambda turn: turn[0])
    return [rows[method][place] for place, method in turns[:count]]


def compare_estimates(stored: Estimate, again: Estimate, *, changed: bool = False) -> Finding:
    """Compare an estimate with its repetition.

    Args:
        stored: The stored estimate.
        again: The repetition.
        changed: Whether the digest of the estimate has changed since.

    Returns:
        The comparison.
    """
    difference, detail = float("nan"), ""
    verdict: Verdict = "same bits"
    if stored.waveform is None or again.waveform is None:
        if (stored.waveform is None) != (again.waveform is None):
            verdict = "differs"
            reason = again.reason if again.waveform is None else stored.reason
            when = "now" if again.waveform is None else "then"
            detail = f"{when} there is no waveform: {reason}"
        elif stored.reason != again.reason:
            detail = f"no waveform both times, now because {again.reason}; then {stored.reason}"
    else:
        verdict, difference, detail = _waveforms(stored.waveform, again.waveform)
    if verdict != "differs" and not _same_confidence(stored.confidence, again.confidence):
        verdict, detail = "differs", "the method's own confidence is another"
    return Finding(
        **asdict(stored.key),
        verdict=verdict,
        difference=difference,
        changed=changed,
        detail=detail,
    )


def _same_confidence(then: Signal | None, now: Signal | None) -> bool:
    """Whether a confidence is repeated; where none was stored, there is nothing to repeat."""
    if then is None:
        return True
    if now is None or then.values.shape != now.values.shape:
        return False
    return all(
        np.allclose(first, second, rtol=0, atol=TOLERANCE, equal_nan=True)
        for first, second in ((then.values, now.values), (then.times_s, now.times_s))
    )


def _waveforms(then: Waveform, now: Waveform) -> tuple[Verdict, float, str]:
    if (then.fs, then.start_s, then.samples.shape) != (
        now.fs,
        now.start_s,
        now.samples.shape,
    ):
        return (
            "differs",
            float("nan"),
            f"then {len(then.samples)} samples at {then.fs:.6g} Hz from {then.start_s:.6g} s, "
            f"now {len(now.samples)} at {now.fs:.6g} Hz from {now.start_s:.6g} s",
        )
    if then.samples.tobytes() == now.samples.tobytes():
        return "same bits", 0.0, ""
    gap, now_gap = np.isnan(then.samples), np.isnan(now.samples)
    if np.any(gap != now_gap):
        return "differs", float("nan"), f"{int((gap != now_gap).sum())} samples are gaps in one"
    differences = np.abs(then.samples - now.samples)[~gap]
    if not len(differences) or not differences.any():
        return "same bits", 0.0, ""
    spread = float(then.samples[~gap].std()) or 1.0
    difference = float(differences.max()) / spread
    if difference <= TOLERANCE:
        return "within tolerance", difference, ""
    count = int((differences > TOLERANCE * spread).sum())
    return "differs", difference, f"{count} of {len(differences)} samples differ"


def _tasks(
    sample: Sequence[Estimate],
    jobs: Mapping[EstimateKey, Job],
    plan: Plan,
    store: Store,
    cache: Path,
) -> Iterator[tuple[RecordingTask, list[Estimate]]]:
    """Each recording once, with the estimates to make again."""
    grouped: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for estimate in sample:
        grouped[estimate.dataset, estimate.recording].append(estimate)
    models = _models(plan, store.manifest)
    for (dataset, recording), estimates in grouped.items():
        planned = [jobs[estimate.key] for estimate in estimates]
        learned = tuple(replace(job, fit=models.get(job.fit, job.fit)) for job in planned)
        task = RecordingTask(
            dataset=dataset,
            root=plan.roots[dataset],
            recording=recording,
            conditions=tuple(
                plan.condition(name)
                for name in dict.fromkeys(estimate.condition for estimate in estimates)
            ),
            request=plan.request,
            jobs=learned,
            params=tuple((m, plan.methods[m]) for m in sorted({job.method for job in planned})),
            options=RunOptions(cache=cache),
            models=store.folder / "models",
        )
        yield task, estimates


def _models(plan: Plan, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Digest of each fit as it would be now -> of the stored model that was used."""
    keys = ("method", "fold", "seed", "region", "condition")
    stored = {tuple(fit[key] for key in keys): str(fit["digest"]) for fit in manifest["fits"]}
    return {
        fit.digest: stored[tuple(getattr(fit, key) for key in keys)]
        for fit in plan.fits
        if tuple(getattr(fit, key) for key in keys) in stored
    }
