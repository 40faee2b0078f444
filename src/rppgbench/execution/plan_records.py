"""The records of a plan: estimates to make, models to train, and the plan of a run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.estimate import EstimateKey
from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.method import Side
from rppgbench.core.protocol import Condition, Protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.execution.training_examples import sides
from rppgbench.extraction.extractor import FeatureRequest

UNTOUCHED = Condition(name="none", kind="none", params={})


def control_condition(name: str) -> Condition:
    """The condition of the estimates of an input control: its features are made from the untouched.

    >>> control_condition("photograph").kind
    'photograph'
    """
    return Condition(name=name, kind=name, params={})


@dataclass(frozen=True, kw_only=True)
class Job(EstimateKey):
    """One estimate to make: one method on one recording in one fold, seed and condition.

    `fit` is the digest of the model that the estimate needs, or empty. `setting` is the digest of
    the estimate's dependencies without its recording (`JobDependencies.setting`).
    """

    digest: str
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
    """The estimates and trainings of a run; `expected` recordings are tested over all folds.

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
    contamination: Mapping[str, Any] = field(default_factory=dict)  # `SideComparison.to_dict`
    folds: tuple[str, ...] = ()  # that are run
    chosen_folds: tuple[str, ...] = ()  # of --folds; empty for all
    folds_from: str = ""  # where official folds were read: `FoldLayout.source`

    def trainings(self, digests: Collection[str]) -> list[Fit]:
        """The models of these digests, after the pre-trainings with which they begin."""
        fits = [fit for fit in self.fits if fit.digest in digests]
        first = {fit.pretraining for fit in fits}
        return [*(fit for fit in self.pretrainings if fit.digest in first), *fits]

    def condition(self, name: str) -> Condition:
        """The protocol's condition of that name, the untouched one, or that of a control."""
        if name in INPUT_CONTROLS:
            return control_condition(name)
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
