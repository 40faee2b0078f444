"""The jobs of a plan, with the trainings and pre-trainings that they need, by digest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rppgbench.core.controls import BACKGROUND_ALONE, INPUT_CONTROLS
from rppgbench.core.method import chooses_by_validation, first_stage
from rppgbench.core.protocol import Condition, Protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.datasets.splits import FoldAssignment
from rppgbench.execution.job_dependencies import (
    WITHOUT_REGION,
    JobDependencies,
    LearnedFrom,
    job_digest,
)
from rppgbench.execution.plan_records import UNTOUCHED, Fit, Job, control_condition
from rppgbench.system.errors import BenchError
from rppgbench.system.hashing import digest

WITH_OWN_BACKGROUND = frozenset({"clip", "trace_background"})
"""Crops hold no background, and a method that compares skin with background sees one already."""

PRETRAINING = "pre-training"
"""The fold of a pre-training that models share, for messages and tables."""


class JobLayout:
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
        """Add the jobs of one fold, with the fits that they need.

        Args:
            side: the recordings of the fold.
            seeds: seeds of the methods that learn.

        Raises:
            BenchError: a method that learns has no recording to learn from.
        """
        train, validation = (
            tuple(sorted((r.dataset, r.name) for r in part))
            for part in (side.train, side.validation)
        )
        for condition in self._protocol.conditions or [UNTOUCHED]:
            for method, seed, region in _variants(self._methods, self._protocol, seeds):
                fit, fit_dependencies = "", None
                if load_methods().available[method].fit is not None:
                    trained_on = condition if self._protocol.train_on == "same" else UNTOUCHED
                    wanted = Fit(
                        digest="",
                        method=method,
                        fold=side.fold,
                        seed=seed,
                        region=region,
                        condition=trained_on.name,
                        train=train,
                        pretrain=self._pretrain(method),
                        validation=(
                            validation if chooses_by_validation(self._methods[method]) else ()
                        ),
                    )
                    fit, fit_dependencies = self._add_fit(wanted, trained_on)
                for tested in (condition, *self._controls(method, condition)):
                    self._add_jobs(side, method, seed, region, tested, fit, fit_dependencies)

    def _controls(self, method: str, condition: Condition) -> list[Condition]:
        """The input controls of a method: under the untouched condition, with the same model."""
        declared = load_methods().available[method]
        if condition.kind != "none" or declared.baseline:
            return []
        names = [name for name in self._protocol.controls if name in INPUT_CONTROLS]
        return [
            control_condition(name)
            for name in names
            if name != BACKGROUND_ALONE or declared.input not in WITH_OWN_BACKGROUND
        ]

    def _pretrain(self, method: str) -> tuple[tuple[str, str], ...]:
        """The recordings of the data sets for the pre-training of a method."""
        datasets = self._protocol.pretrain_sets(method)
        return tuple(key for key in self._recordings if key[0] in datasets)

    def _add_fit(self, fit: Fit, condition: Condition) -> tuple[str, dict[str, Any]]:
        """Add a model, and the pre-training with which it begins; its digest and dependencies."""
        if not fit.train and not fit.pretrain:
            raise BenchError(
                f"{self._location}: method {fit.method!r} learns, and fold {fit.fold!r} has "
                "nothing to learn from; take it out of --methods, or choose a protocol that trains"
            )
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
        """The dependencies of a model, with digests of the recordings of each side."""
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
