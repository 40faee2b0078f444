"""What a protocol comes to: jobs and fits, by name and digest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rppgbench.core.canonical_order import ordered_items
from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.method import Method, Side, chooses_by_validation, first_stage
from rppgbench.core.protocol import EVERY_OTHER, Condition, Protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.fingerprint import fingerprint_from_lines
from rppgbench.datasets.splits import FoldAssignment
from rppgbench.execution.fold_layout import lay_out_folds
from rppgbench.execution.job_dependencies import (
    WITHOUT_REGION,
    JobDependencies,
    LearnedFrom,
    job_digest,
)
from rppgbench.execution.training_examples import sides
from rppgbench.extraction.conditions import check_condition
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.system.hashing import digest

JOBS_BY_METHOD = "jobs_by_method"
"""What of a manifest says how many estimates of each method are planned."""

UNTOUCHED = Condition(name="none", kind="none", params={})
PRETRAINING = "pre-training"
"""The fold of a pre-training that models share, for messages and tables."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One estimate to make: one method on one recording in one fold, seed and condition.

    `fit` is the digest of the model that it needs, or empty; `setting` that of all that it is made
    of but its recording (`job_dependencies`).
    """

    digest: str
    dataset: str
    recording: str
    method: str
    fold: str
    seed: int
    condition: str
    region: str
    fit: str = ""
    setting: str = ""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One model to learn: a method on the training side of one fold, with one seed.

    `train`, `pretrain` and `validation` are (data set, recording) pairs; those of `pretrain` come
    without labels. A model that begins with a pre-training done apart names that model's digest in
    `pretraining`. The pre-training itself is a `Fit` too, with its recordings in `pretrain`.
    """

    digest: str
    method: str
    fold: str
    seed: int
    region: str
    condition: str
    train: tuple[tuple[str, str], ...]
    pretrain: tuple[tuple[str, str], ...]
    validation: tuple[tuple[str, str], ...] = ()
    pretraining: str = ""
    is_pretraining: bool = False

    @property
    def recordings(self) -> list[tuple[tuple[str, str], Side]]:
        """The recordings that are loaded for the training, in order, with their sides."""
        return sides(() if self.pretraining else self.pretrain, self.train, self.validation)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """Everything that a run is to do; `expected` recordings are tested over all folds.

    `pretrainings` are the first stages with which models of `fits` begin, each once.
    """

    protocol: Protocol
    name: str
    methods: Mapping[str, Mapping[str, Any]]  # every method with all its parameters
    roots: Mapping[str, Path]
    recordings: Mapping[tuple[str, str], Recording]
    jobs: tuple[Job, ...]
    fits: tuple[Fit, ...]
    pretrainings: tuple[Fit, ...]
    expected: int
    fingerprints: Mapping[str, str]  # by data set
    prints: Mapping[tuple[str, str], str]  # fingerprints of the recordings
    left_out: Mapping[str, str] = field(default_factory=dict)  # recording -> why
    device: str = ""  # that networks compute on; empty without networks
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of jobs, by digest
    closures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # code of settings
    notes: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()  # that are run
    folds_from: str = ""  # where official folds were read: `FoldLayout.source`

    def condition(self, name: str) -> Condition:
        """The protocol's condition of that name, or the untouched one."""
        return next(c for c in (UNTOUCHED, *self.protocol.conditions) if c.name == name)

    @cached_property
    def request(self) -> FeatureRequest:
        """The features that the methods ask for."""
        available = load_methods().available
        clips = frozenset(
            str(params["crop"])
            for m, params in self.methods.items()
            if available[m].input == "clip"
        )
        return FeatureRequest(clips, whole_frame=WHOLE_FRAME in self.protocol.regions)


def make_plan(
    protocol: Protocol,
    name: str,
    roots: Mapping[str, Path],
    *,
    methods: Sequence[str],
    seeds: Sequence[int],
    location: str,
    listing: Catalog | None = None,
    device: str = "cpu",
    chosen_folds: Sequence[str] = (),
) -> Plan:
    """Lay out the jobs of a protocol over the data that is there.

    Args:
        protocol: the protocol.
        name: the name of the protocol.
        roots: the root of each data set.
        methods: names of methods.
        seeds: seeds of the methods that learn.
        location: where the names come from, for messages.
        listing: the recordings of the data sets; several plans over the same files share one.
        device: the kind of device that networks compute on: "cpu", "cuda" or "mps".
        chosen_folds: names of the folds to run; empty for all.

    Returns:
        The plan. A fold that a small simulated tree leaves without test subjects is a note.

    Raises:
        BenchError: a name is unknown, the data does not fit the split, or no fold has a recording
            to test.
    """
    selected = _methods(methods, protocol, location)
    listing = listing or Catalog()
    recordings, left_out = protocol_recordings(protocol, roots, listing)
    folds = lay_out_folds(protocol, roots, recordings, location)
    sides = _chosen_folds(folds.sides, chosen_folds)
    notes = [*folds.notes, *_leftovers(roots)]
    lines = dict(zip(recordings, listing.lines(recordings.values()), strict=True))
    prints = {key: fingerprint_from_lines([line]) for key, line in lines.items()}
    for condition in protocol.conditions:
        check_condition(condition, location)
    layout = _JobLayout(
        protocol, selected, recordings, prints, JobDependencies(device=device), location
    )
    for side in sides:
        layout.add(side, seeds)
    tested = {(j.dataset, j.recording) for j in layout.jobs}
    dependencies = layout.dependencies
    return Plan(
        protocol=protocol,
        name=name,
        methods=selected,
        roots=roots,
        recordings=recordings,
        jobs=tuple(layout.jobs),
        fits=tuple(layout.fits.values()),
        pretrainings=tuple(layout.pretrainings.values()),
        expected=len(tested),
        fingerprints={
            d: fingerprint_from_lines(line for k, line in lines.items() if k[0] == d) for d in roots
        },
        prints=prints,
        left_out=left_out,
        device=device if any(dependencies.is_network(m) for m in selected) else "",
        settings=dependencies.settings,
        closures=dependencies.closures,
        notes=tuple(notes),
        folds=tuple(side.fold for side in sides),
        folds_from=folds.source,
    )


def _chosen_folds(
    sides: Sequence[FoldAssignment], names: Sequence[str]
) -> Sequence[FoldAssignment]:
    """The folds of these names, or all where there is no name."""
    for name in names:
        if name not in {side.fold for side in sides}:
            raise unknown_name("fold", name, [side.fold for side in sides], "--folds")
    return [side for side in sides if not names or side.fold in names]


class _JobLayout:
    """The jobs and fits of a plan, a fold at a time."""

    def __init__(
        self,
        protocol: Protocol,
        methods: Mapping[str, Mapping[str, Any]],
        recordings: Mapping[tuple[str, str], Recording],
        prints: Mapping[tuple[str, str], str],
        dependencies: JobDependencies,
        location: str,
    ) -> None:
        self.jobs: list[Job] = []
        self.fits: dict[str, Fit] = {}
        self.pretrainings: dict[str, Fit] = {}
        self.dependencies = dependencies
        self._protocol, self._methods, self._prints, self._location = (
            protocol,
            methods,
            prints,
            location,
        )
        self._recordings = sorted(recordings)

    def add(self, side: FoldAssignment, seeds: Sequence[int]) -> None:
        """The jobs of one fold, with the fits that they need."""
        train, validation = (
            tuple(sorted((r.dataset, r.name) for r in part))
            for part in (side.train, side.validation)
        )
        for condition in self._protocol.conditions or [UNTOUCHED]:
            for method, seed, region in _variants(self._methods, self._protocol, seeds):
                fit, fit_dependencies = "", None
                if load_methods().available[method].fit is not None:
                    pretrain, params = self._pretrain(method), self._methods[method]
                    if not train and not pretrain:
                        raise BenchError(
                            f"{self._location}: method {method!r} learns, and fold {side.fold!r} "
                            "has nothing to learn from; take it out of --methods, or choose a "
                            "protocol that trains"
                        )
                    same = self._protocol.train_on == "same"
                    wanted = Fit(
                        digest="",
                        method=method,
                        fold=side.fold,
                        seed=seed,
                        region=region,
                        condition=(condition if same else UNTOUCHED).name,
                        train=train,
                        pretrain=pretrain,
                        validation=validation if chooses_by_validation(params) else (),
                    )
                    fit, fit_dependencies = self._add_fit(wanted, condition if same else UNTOUCHED)
                self._add_jobs(side, method, seed, region, condition, fit, fit_dependencies)

    def _pretrain(self, method: str) -> tuple[tuple[str, str], ...]:
        """The recordings of the data sets for the pre-training of a method."""
        datasets = self._protocol.pretrain_sets(method)
        return tuple(key for key in self._recordings if key[0] in datasets)

    def _add_fit(self, fit: Fit, condition: Condition) -> tuple[str, dict[str, Any]]:
        """Add a model, and the pre-training with which it begins; its digest and dependencies."""
        params = self._methods[fit.method]
        dependencies = self._fit_dependencies(fit, params, condition)
        fit_digest = digest(dependencies)
        first = load_methods().available[fit.method].pretraining_params(params)
        pretraining = ""
        if first is not None:
            keys = first_stage(fit.pretrain, fit.train, str(params["pretrain_on"]))
            stage = replace(
                fit,
                fold=PRETRAINING,
                train=(),
                validation=(),
                pretrain=keys,
                is_pretraining=True,
            )
            pretraining = digest(self._fit_dependencies(stage, first, condition))
            self.pretrainings.setdefault(pretraining, replace(stage, digest=pretraining))
        self.fits.setdefault(fit_digest, replace(fit, digest=fit_digest, pretraining=pretraining))
        return fit_digest, dependencies

    def _fit_dependencies(
        self, fit: Fit, params: Mapping[str, Any], condition: Condition
    ) -> dict[str, Any]:
        """All that a model depends on."""
        parts = fit.train, fit.pretrain, fit.validation
        digests = [digest([(*key, self._prints[key]) for key in keys]) for keys in parts]
        return self.dependencies.fit(
            fit.method,
            params,
            seed=fit.seed,
            region=fit.region,
            condition=condition,
            learned_from=LearnedFrom(
                train=digests[0],
                pretrain=digests[1],
                validation=digests[2],
                datasets=tuple(sorted({dataset for keys in parts for dataset, _ in keys})),
                is_pretraining=fit.is_pretraining,
            ),
        )

    def _add_jobs(
        self,
        side: FoldAssignment,
        method: str,
        seed: int,
        region: str,
        condition: Condition,
        fit: str,
        fit_dependencies: Mapping[str, Any] | None,
    ) -> None:
        settings: dict[str, str] = {}  # by data set
        for recording in side.test:
            dataset, key = recording.dataset, (recording.dataset, recording.name)
            if dataset not in settings:
                settings[dataset] = self.dependencies.setting(
                    method,
                    self._methods[method],
                    dataset=dataset,
                    fold=side.fold,
                    seed=seed,
                    region=region,
                    condition=condition,
                    fit=fit_dependencies,
                )
            setting = settings[dataset]
            name = job_digest(setting, key, self._prints[key])
            self.jobs.append(
                Job(
                    digest=name,
                    dataset=dataset,
                    recording=recording.name,
                    method=method,
                    fold=side.fold,
                    seed=seed,
                    condition=condition.name,
                    region=region,
                    fit=fit,
                    setting=setting,
                )
            )


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
        "origins": {m: o for m in plan.methods if any((o := _origin(available[m])).values())},
        "expected": plan.expected,
        "data": {
            d: {"root": str(root), "fingerprint": plan.fingerprints[d]}
            for d, root in plan.roots.items()
        },
        "computed_on": plan.device,
        "left_out": dict(plan.left_out),
        "notes": list(plan.notes),
        "folds": list(plan.folds),
        "folds_from": plan.folds_from,
        "jobs": len(plan.jobs),
        JOBS_BY_METHOD: dict(Counter(job.method for job in plan.jobs)),
        "fits": [_fit_summary(fit) for fit in plan.fits],
        "pretrainings": [_fit_summary(fit) for fit in plan.pretrainings],
    }


def _fit_summary(fit: Fit) -> dict[str, Any]:
    """What the manifest says of a model: the number of its recordings, not their names."""
    counts = {name: len(getattr(fit, name)) for name in ("train", "pretrain", "validation")}
    return {f.name: getattr(fit, f.name) for f in fields(Fit)} | counts


def _methods(
    names: Sequence[str], protocol: Protocol, location: str
) -> dict[str, Mapping[str, Any]]:
    """Every method with its parameters, by name; a combination brings its members.

    In which order they were asked for changes nothing.
    """
    registry = load_methods()
    selected: dict[str, Mapping[str, Any]] = {}
    for name in names:
        method = registry.get("method", name, location)
        for member in (*method.members, name):
            declared = protocol.params.get(member, {})
            selected[member] = registry.get("method", member, location).parameters(
                declared, location
            )
    by_method = set() if isinstance(protocol.pretrain, list) else {*protocol.pretrain}
    for name in [*protocol.params, *sorted(by_method - {EVERY_OTHER})]:
        if name not in registry.unavailable:
            registry.get("method", name, location)
    return ordered_items(selected)


def _variants(
    methods: Mapping[str, Mapping[str, Any]], protocol: Protocol, seeds: Sequence[int]
) -> Iterator[tuple[str, int, str]]:
    """Method, seed and region: only what learns has seeds, only what averages skin has regions."""
    for name in methods:
        method = load_methods().available[name]
        if method.members:
            continue  # formed from its members when they are scored
        regions = [""] if method.input in WITHOUT_REGION else protocol.regions
        for region in regions:
            for seed in seeds if method.fit is not None and not method.baseline else seeds[:1]:
                yield name, seed, region


def protocol_recordings(
    protocol: Protocol, roots: Mapping[str, Path], listing: Catalog
) -> tuple[dict[tuple[str, str], Recording], dict[str, str]]:
    """The recordings of data sets that a protocol takes.

    Args:
        protocol: the protocol; it may leave out recordings that are known to be bad.
        roots: the root of each data set.
        listing: the recordings of the data sets.

    Returns:
        The recordings by (data set, name), and why each of the others is left out.

    Raises:
        BenchError: two recordings of a set have one name, or a root holds no recording.
    """
    recordings: dict[tuple[str, str], Recording] = {}
    left_out = {}
    for name, root in roots.items():
        for recording in listing.recordings(name, root):
            if (name, recording.name) in recordings:
                raise BenchError(f"{root}: two recordings are named {recording.name!r}")
            if protocol.without_known_bad and recording.known_bad:
                left_out[f"{name}/{recording.name}"] = recording.known_bad
            else:
                recordings[name, recording.name] = recording
        if not any(key[0] == name for key in recordings):
            raise BenchError(f"{root}: no recordings of {name} here; bench data show {name}")
    return recordings, left_out


def _leftovers(roots: Mapping[str, Path]) -> list[str]:
    """What lies in the folders of the data sets and is not read, a line each."""
    readers = (
        (name, root, load_datasets().available[name].leftovers) for name, root in roots.items()
    )
    return [f"{name}: {line}" for name, root, tell in readers if tell for line in tell(root)]


def _origin(method: Method) -> dict[str, Any]:
    """What a reader must know of a method that runs on other people's code or weights."""
    datasets = dict.fromkeys(method.trained_on)
    for member in method.members:
        datasets |= dict.fromkeys(load_methods().get("method", member, method.name).trained_on)
    return {
        "trained_on": list(datasets),
        "licence": method.licence,
        "versions": dict(method.versions()) if method.versions else {},
    }
