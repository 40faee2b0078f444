"""What estimates and models are made of, as digests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.method import Method
from rppgbench.core.precision import effective_precision
from rppgbench.core.protocol import Condition
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.digests.closures import (
    condition_code,
    control_code,
    extractor_code,
    method_code,
    reader_code,
)
from rppgbench.digests.code_digest import Closure, Sources
from rppgbench.extraction.conditions import condition_digest
from rppgbench.system.hashing import digest

# These have regions of their own.
WITHOUT_REGION = frozenset({"mstmap", "stmap", "stmap_moments", "clip"})
NETWORK = "torch"
"""Code that imports this package computes with networks: its results depend on the device."""

Key = tuple[str, str]
Dependencies = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LearnedFrom:
    """Digests of the recordings that a fold learns from, in their order, and their data sets.

    `is_pretraining` says that only the method's first stage learns.
    """

    train: str
    pretrain: str
    validation: str
    datasets: tuple[str, ...]
    is_pretraining: bool = False


@dataclass(kw_only=True)
class JobDependencies:
    """Dependencies of jobs and fits of one plan, each code read once.

    `settings` holds, by digest, the dependencies that jobs of one method, fold and seed share.
    `closures` holds, by digest, the parts of the code on which the settings depend.
    """

    device: str
    sources: Sources = field(default_factory=Sources)
    settings: dict[str, Dependencies] = field(default_factory=dict)
    closures: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _by_name: dict[tuple[str, str], Closure] = field(default_factory=dict)

    def setting(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        dataset: str,
        fold: str,
        seed: int,
        region: str,
        condition: Condition,
        fit: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the digest of the dependencies of an estimate, without its recording's files.

        The dependencies behind the digest are kept in `settings`.

        Args:
            method: name of the method.
            params: all parameters of the method.
            dataset: name of the data set.
            fold: name of the fold.
            seed: the seed.
            region: the face region, or "".
            condition: what is done to the video.
            fit: the dependencies of the model that the estimate needs.
        """
        dependencies = self._method(method, params) | {
            "dataset": dataset,
            "reader": self._reader(dataset),
            "fold": fold,
            "seed": seed,
            "region": region,
            "condition": condition.name,
            **self._condition(condition),
            "fit": dict(fit or {}),
        }
        name = digest(dependencies)
        self.settings[name] = dependencies
        return name

    def fit(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        seed: int,
        region: str,
        condition: Condition,
        learned_from: LearnedFrom,
    ) -> Dependencies:
        """Return the dependencies of a model.

        Args:
            method: name of the method.
            params: all parameters of the method.
            seed: the seed of the training.
            region: the face region, or "".
            condition: what is done to the videos of the training.
            learned_from: digests of the recordings of the training.
        """
        return self._method(method, params) | {
            "train": learned_from.train,
            "pretrain": learned_from.pretrain,
            "validation": learned_from.validation,
            "is_pretraining": learned_from.is_pretraining,
            "readers": {dataset: self._reader(dataset) for dataset in learned_from.datasets},
            **self._condition(condition),
            "region": region,
            "seed": seed,
        }

    def is_network(self, method: str) -> bool:
        """Whether a method computes with networks."""
        return self._closure("method", method).uses(NETWORK)

    def _method(self, name: str, params: Mapping[str, Any]) -> Dependencies:
        method = load_methods().available[name]
        dependencies: Dependencies = {
            "method": name,
            "consumes": method.input,
            "params": dict(params),
            "code": self._record_closure("method", name),
            "extractor": self._record_closure("extractor", ""),
        }
        if method.versions is not None:
            dependencies["versions"] = dict(method.versions())
        if self.is_network(name):
            declared = str(params.get("precision", "auto"))
            dependencies["device"] = self.device
            dependencies["precision"] = effective_precision(declared, self.device)
        return dependencies

    def _reader(self, dataset: str) -> str:
        return self._record_closure("reader", dataset)

    def _condition(self, condition: Condition) -> Dependencies:
        if condition.kind in INPUT_CONTROLS:
            return {
                "change": f"control {condition.kind}",
                "control_code": self._record_closure("control", ""),
            }
        changed = condition_digest(condition)
        code = self._record_closure("condition", "") if changed else ""
        return {"change": changed, "change_code": code}

    def _record_closure(self, kind: str, name: str) -> str:
        closure = self._closure(kind, name)
        self.closures[closure.digest] = closure.parts
        return closure.digest

    def _closure(self, kind: str, name: str) -> Closure:
        if (kind, name) not in self._by_name:
            self._by_name[kind, name] = self._find_closure(kind, name)
        return self._by_name[kind, name]

    def _find_closure(self, kind: str, name: str) -> Closure:
        if kind == "method":
            return method_code(load_methods().available[name], self.sources)
        if kind == "reader":
            return reader_code(load_datasets().available[name], self.sources)
        code = {"extractor": extractor_code, "condition": condition_code, "control": control_code}
        return code[kind](self.sources)


def uses_networks(methods: Iterable[Method]) -> bool:
    """Whether any of these computes with networks, so that it matters on which device it runs."""
    sources = Sources()
    return any(method_code(method, sources).uses(NETWORK) for method in methods)


def job_digest(setting: str, recording: Key, fingerprint: str) -> str:
    """Return the digest of one estimate.

    Args:
        setting: the digest of all but the files of the recording, from `JobDependencies.setting`.
        recording: (data set, recording).
        fingerprint: the fingerprint of the files of the recording.
    """
    return digest([setting, *recording, fingerprint])
