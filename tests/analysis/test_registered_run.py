"""A run beside its registration: every kind of change is a deviation, and nothing else is one."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rppgbench.analysis import registered_run
from rppgbench.analysis.joined_results import join_results
from rppgbench.analysis.registered_run import (
    manifest_deviations,
    registration_of,
    stored_deviations,
)
from rppgbench.analysis.report_scores import report_evaluators
from rppgbench.analysis.stored_results import load_stored
from rppgbench.core.registration import Registration, read_hypothesis
from rppgbench.execution.registering import register
from rppgbench.execution.run_options import RunOptions
from rppgbench.store.store import REGISTRATION, Store
from rppgbench.system.errors import BenchError

from ..factories import stores as made_store

METHODS = ("pos", "chrom")
TIME = "2026-11-01T00:00:00+00:00"
AFTER, BEFORE = "2026-11-02T00:00:00+00:00", "2026-10-31T23:59:59+00:00"


def registered(**fields: Any) -> Registration:
    """ubfc_crf with two methods, written down on a day."""
    options = RunOptions(methods=METHODS, cache=Path("nowhere"), command="bench register")
    registration = register(
        "ubfc_crf",
        options,
        [read_hypothesis("pos < chrom @ raw")],
        evaluator=None,
        registered=TIME,
        log=print,
    )
    return registration.model_copy(update=fields)


@pytest.fixture(scope="module")
def base() -> Registration:
    return registered()


def manifest_as(registration: Registration) -> dict[str, Any]:
    """The manifest of a run that is exactly the registered one."""
    return {
        "protocol": {
            **registration.protocol.model_dump(mode="json"),
            "name": registration.name,
            "digest": registration.protocol.digest,
        },
        "methods": {name: dict(params) for name, params in registration.methods.items()},
        "chosen_folds": list(registration.folds),
        "expected": registration.protocol.recordings,
    }


def planned_parts(registration: Registration) -> dict[str, dict[str, str]]:
    parts = {work: dict(parts) for work, parts in registration.code.items()}
    del parts["scores"]
    return parts


Change = Callable[[dict[str, Any], dict[str, dict[str, str]]], object]

CHANGES: dict[str, tuple[Change, str]] = {
    "test set": (lambda m, c: m["protocol"].update(test=["pure"]), "protocol: test"),
    "split": (lambda m, c: m["protocol"].update(split="parts"), "protocol: split"),
    "known bad": (
        lambda m, c: m["protocol"].update(without_known_bad=True),
        "protocol: without_known_bad",
    ),
    "seeds": (lambda m, c: m["protocol"].update(seeds=[7]), "protocol: seeds"),
    "regions": (lambda m, c: m["protocol"].update(regions=["cheeks"]), "protocol: regions"),
    "a condition": (lambda m, c: m["protocol"]["conditions"].pop(), "protocol: conditions"),
    "a rate factor": (
        lambda m, c: m["protocol"]["conditions"][1]["params"].update(crf=7),
        "protocol: conditions",
    ),
    "protocol": (lambda m, c: m["protocol"].update(name="mine"), "protocol"),
    "folds": (lambda m, c: m["chosen_folds"].append("1"), "folds"),
    "a parameter": (lambda m, c: m["methods"]["pos"].update(window_s=2.0), "method pos: window_s"),
    "a method more": (lambda m, c: m["methods"].update(ica={}), "method ica"),
    "a method less": (lambda m, c: m["methods"].pop("chrom"), "method chrom"),
    "code of a method": (
        lambda m, c: c["method pos"].update({"methods/pos.py": "0"}),
        "code: method pos",
    ),
    "a version": (
        lambda m, c: c["method pos"].update({"package numpy": "numpy 1.0"}),
        "code: method pos",
    ),
    "a reader": (
        lambda m, c: c["reader of ubfc_rppg"].popitem(),
        "code: reader of ubfc_rppg",
    ),
    "features": (
        lambda m, c: c["features of frames"].update(python="3.0"),
        "code: features of frames",
    ),
    "codec": (lambda m, c: c["conditions"].update(x="0"), "code: conditions"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_each_kind_of_change_of_a_run_is_one_deviation(kind: str, base: Registration) -> None:
    manifest, code = copy.deepcopy(manifest_as(base)), planned_parts(base)
    assert manifest_deviations(base, manifest, code) == []
    change, subject = CHANGES[kind]
    change(manifest, code)
    (deviation,) = manifest_deviations(base, manifest, code)
    assert deviation.subject == subject
    assert deviation.registered != deviation.here


def test_words_and_the_size_of_a_simulation_are_no_deviation_of_genuine_data(
    base: Registration,
) -> None:
    manifest = copy.deepcopy(manifest_as(base))
    manifest["protocol"] |= {"title": "other", "about": "other", "source": "other"}
    manifest["protocol"]["simulation"]["subjects"] = 99
    assert manifest_deviations(base, manifest, planned_parts(base)) == []
    simulated = base.model_copy(update={"simulated": True})
    (deviation,) = manifest_deviations(simulated, manifest, planned_parts(base))
    assert deviation.subject == "protocol: simulation"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A stored run that is what `fitting` registers, but for its code, which is not kept."""
    store_of(tmp_path / "made", began=AFTER)
    return tmp_path / "made"


def store_of(folder: Path, *, began: str, failing: int = 0, missing: int = 0) -> None:
    registration = fitting()
    made = made_store.estimates(METHODS)
    made = [
        replace(e, waveform=None, reason="no face") if k < failing else e
        for k, e in enumerate(made)
    ]
    manifest = manifest_as(registration) | {"expected": len(made_store.SUBJECTS)}
    store = made_store.write(
        folder, made, params=registration.methods, more=manifest, made_by={"began": began}
    )
    if missing:
        store.begin(store.manifest, [*(e.job for e in made), "not-made"])


def fitting(**fields: Any) -> Registration:
    """A registration of the four people of the factory's store."""
    base = registered()
    protocol = base.protocol.model_copy(update={"conditions": [], "recordings": 4})
    return base.model_copy(update={"protocol": protocol, "simulated": True, **fields})


def subjects(folder: Path, registration: Registration, *evaluators: str) -> list[str]:
    """What deviates; that the store of the factory keeps no code is left out."""
    stored = load_stored(Store(folder), partial=True)
    rules = report_evaluators(stored.manifest["protocol"], evaluators)
    return [d.subject for d in stored_deviations(registration, stored, rules)]


def test_results_as_registered_have_no_deviation_but_that_the_store_kept_no_code(
    results: Path,
) -> None:
    assert subjects(results, fitting()) == ["code"]


@pytest.mark.parametrize(
    ("stored", "subject"),
    [
        ({"began": BEFORE}, "time"),
        ({"began": ""}, "time"),
        ({"began": "yesterday"}, "time"),
        ({"began": "2026-11-02T00:00:00"}, "time"),
        ({"began": AFTER, "failing": 1}, "estimates of pos"),
        ({"began": AFTER, "missing": 1}, "estimates"),
    ],
)
def test_older_failed_and_missing_estimates_are_deviations(
    stored: dict[str, Any], subject: str, tmp_path: Path
) -> None:
    store_of(tmp_path / "made", **stored)
    assert sorted(subjects(tmp_path / "made", fitting())) == sorted(["code", subject])


def test_other_rules_another_first_evaluator_and_genuine_data_are_deviations(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = fitting().evaluators
    rules = copy.deepcopy(fitting().evaluators)
    rules[first]["low_bpm" if "low_bpm" in rules[first] else next(iter(rules[first]))] = "other"
    (_, changed) = subjects(results, fitting(evaluators=rules))
    assert changed.startswith(f"evaluator {first}: ")
    rules = copy.deepcopy(fitting().evaluators)
    rules[first]["group_margin_bpm"] = 2.5
    assert subjects(results, fitting(evaluators=rules)) == [
        "code",
        f"evaluator {first}: group_margin_bpm",
    ]
    del rules[first]["group_margin_bpm"]  # registered before the key was there: its default
    assert subjects(results, fitting(evaluators=rules)) == ["code"]
    assert subjects(results, fitting(), second) == ["code", "first evaluator"]
    assert subjects(results, fitting(simulated=False)) == ["code", "data"]
    monkeypatch.setattr(registered_run, "scoring_parts", lambda: {"python": "3.0"})
    assert subjects(results, fitting()) == ["code", "code: scores"]


def test_a_folder_keeps_one_registration(tmp_path: Path, base: Registration) -> None:
    assert registration_of([tmp_path], None) is None
    base.write(tmp_path / REGISTRATION)
    assert registration_of([tmp_path], None) == base
    assert registration_of([tmp_path], base) == base
    with pytest.raises(BenchError, match=r"--registration: .* was run under the registration"):
        registration_of([tmp_path], registered(registered=AFTER))
    second = tmp_path / "second"
    registered(registered=AFTER).write(second / REGISTRATION)
    with pytest.raises(BenchError, match="report the folders apart"):
        registration_of([tmp_path, second], None)
    assert registration_of([tmp_path / "without", second], None) == registered(registered=AFTER)


def test_methods_of_a_registration_may_lie_in_several_folders(tmp_path: Path) -> None:
    registration = fitting()
    folders = []
    for method in METHODS:
        alone = {method: registration.methods[method]}
        folder = tmp_path / method
        manifest = manifest_as(registration) | {"methods": alone, "expected": 4}
        made_store.write(
            folder,
            made_store.estimates((method,)),
            params=alone,
            more=manifest,
            made_by={"began": AFTER},
        )
        folders.append(load_stored(Store(folder)))
    joined = join_results(folders)
    rules = report_evaluators(joined.manifest["protocol"])
    assert [d.subject for d in stored_deviations(registration, joined, rules)] == ["code"]
    (missing, _) = stored_deviations(registration, folders[0], rules)
    assert (missing.subject, missing.here) == ("method chrom", "not run")
