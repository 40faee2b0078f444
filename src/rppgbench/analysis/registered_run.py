"""A run beside its registration: everything that is not as it was registered."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rppgbench.analysis.part_provenance import PartProvenance
from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.registration import Deviation, Registration
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.execution.plan_manifest import CHOSEN_FOLDS, plan_manifest
from rppgbench.execution.plan_records import Plan
from rppgbench.execution.registering import SCORING, planned_code, scoring_parts
from rppgbench.execution.reuse import read_dependencies
from rppgbench.store.store import REGISTRATION
from rppgbench.system.errors import BenchError

DESCRIPTIVE = frozenset({"title", "about", "source"})
ELSEWHERE = frozenset({"methods", "params", "evaluators", "simulation"})
"""Keys of a protocol that are compared on their own."""

SHOWN_PARTS = 6
"""Files and packages that one deviation names."""

ABSENT = "none"


def registration_of(folders: Sequence[Path], stated: Registration | None) -> Registration | None:
    """The registration of some results: the stated one, else the one that lies in a folder.

    Args:
        folders: The results folders of one page.
        stated: The registration of `--registration`, or None.

    Raises:
        BenchError: A folder holds another registration, or one that was changed.
    """
    registration = stated
    for folder in folders:
        if not (folder / REGISTRATION).is_file():
            continue
        in_folder = Registration.read(folder / REGISTRATION)
        registration = registration or in_folder
        if in_folder.id != registration.id:
            origin, way_out = str(folders[0]), "report the folders apart"
            if stated is not None:
                origin, way_out = "--registration", "leave it out, or give another --out"
            raise BenchError(
                f"{origin}: {folder} was run under the registration {in_folder.id[:16]}..., "
                f"not under {registration.id[:16]}...; {way_out}"
            )
    return registration


def keep_registration(registration: Registration, folder: Path) -> None:
    """Write a registration into a results folder, so that every later page has it.

    Args:
        registration: The registration.
        folder: The results folder; it is created.

    Raises:
        BenchError: The folder cannot be written.
    """
    file = folder / REGISTRATION
    if not file.is_file():
        registration.write(file)


def plan_deviations(registration: Registration, plan: Plan) -> list[Deviation]:
    """In what a plan is another than the registered one; its scores are not compared.

    Args:
        registration: The registration.
        plan: The plan.
    """
    code = planned_code(plan.settings.values(), plan.closures)
    return manifest_deviations(registration, plan_manifest(plan), code)


def manifest_deviations(
    registration: Registration,
    manifest: Mapping[str, Any],
    code: Mapping[str, Mapping[str, str]],
) -> list[Deviation]:
    """In what a planned or stored run is another than the registered one.

    Args:
        registration: The registration.
        manifest: What `plan_manifest` says of the run, or the manifest of a results folder.
        code: Parts of the code by work, from `planned_code`.
    """
    deviations = [
        *_protocol_deviations(registration, manifest),
        *_method_deviations(registration, manifest),
    ]
    # Work on one side alone is told by the deviation of methods, data sets, conditions or controls.
    for work in sorted((code.keys() & registration.code.keys()) - {SCORING}):
        deviations += _code_deviations(work, registration.code[work], code[work])
    return deviations


def stored_deviations(
    registration: Registration, stored: StoredResults, rules: Mapping[str, Evaluator]
) -> list[Deviation]:
    """Every deviation of stored results and of the way in which they are scored.

    Args:
        registration: The registration.
        stored: The results.
        rules: The evaluators of the page, the default first.
    """
    deviations = list(_time_deviations(registration, stored.parts))
    methods, controls = stored.manifest["methods"], stored.manifest["protocol"].get("controls", [])
    for store in stored.stores:
        dependencies, planned = read_dependencies(store.folder), store.planned()
        used = {setting for job, (setting, *_) in dependencies["jobs"].items() if job in planned}
        settings = [dependencies["settings"][name] for name in sorted(used)]
        code = planned_code(settings, dependencies["closures"])
        manifest = store.manifest
        joined = {
            "protocol": {**manifest["protocol"], "controls": controls},
            "methods": {**methods, **manifest["methods"]},
            "imports": stored.imports,
        }
        deviations += manifest_deviations(registration, {**manifest, **joined}, code)
        if not settings and manifest["methods"].keys() - stored.imports.keys():
            deviations.append(_deviation("code", "known", "not stored"))
    deviations += _rule_deviations(registration, rules)
    deviations += _code_deviations(SCORING, registration.code.get(SCORING, {}), scoring_parts())
    simulated = [info.simulated for info in stored.observed.values()]
    if any(simulated) != registration.simulated or len(set(simulated)) > 1:
        kinds = {True: "simulated recordings", False: "genuine recordings"}
        here = " and ".join(kinds[kind] for kind in sorted(set(simulated)))
        deviations.append(
            Deviation(subject="data", registered=kinds[registration.simulated], here=here)
        )
    deviations += _attrition(registration, stored)
    return list(dict.fromkeys(deviations))


def _protocol_deviations(
    registration: Registration, manifest: Mapping[str, Any]
) -> Iterator[Deviation]:
    then, now = registration.protocol.model_dump(mode="json"), manifest["protocol"]
    if now["name"] != registration.name:
        yield _deviation("protocol", registration.name, now["name"])
    skipped = DESCRIPTIVE | ELSEWHERE - ({"simulation"} if registration.simulated else set())
    for key in sorted(then.keys() - skipped):
        if then[key] != now.get(key):
            yield _deviation(f"protocol: {key}", then[key], now.get(key))
    folds = manifest.get(CHOSEN_FOLDS, [])
    if sorted(folds) != sorted(registration.folds):
        yield _deviation("folds", registration.folds or "all", folds or "all")


def _method_deviations(
    registration: Registration, manifest: Mapping[str, Any]
) -> Iterator[Deviation]:
    imports = manifest.get("imports", {})
    for method in sorted({*registration.methods, *manifest["methods"]}):
        then, now = registration.methods.get(method), manifest["methods"].get(method)
        if then is None or now is None:
            here = "imported" if method in imports else "run" if now is not None else "not run"
            yield _deviation(f"method {method}", "not registered" if then is None else "run", here)
            continue
        for name in _changed_keys(then, now):
            yield _deviation(f"method {method}: {name}", then.get(name), now.get(name))


def _code_deviations(
    work: str, then: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[Deviation]:
    changed = _changed_keys(then, now)
    if changed:
        more = [f"{len(changed) - SHOWN_PARTS} more"] if len(changed) > SHOWN_PARTS else []
        shown = changed[:SHOWN_PARTS]
        yield Deviation(
            subject=f"code: {work}",
            registered=", ".join([f"{n} {then.get(n, ABSENT)}" for n in shown] + more),
            here=", ".join([f"{n} {now.get(n, ABSENT)}" for n in shown] + more),
        )


def _changed_keys(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, in order; a key that one side lacks has None there."""
    return [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]


def _rule_deviations(
    registration: Registration, rules: Mapping[str, Evaluator]
) -> Iterator[Deviation]:
    first = next(iter(rules))
    if first != registration.evaluator:
        yield _deviation("first evaluator", registration.evaluator, first)
    for name in sorted({*registration.evaluators, *rules}):
        then = registration.evaluators.get(name)
        now = rules[name].model_dump(mode="json") if name in rules else None
        if then is None or now is None:
            yield _deviation(
                f"evaluator {name}",
                *("not used" if rule is None else "used" for rule in (then, now)),
            )
            continue
        registered = _with_defaults(then)
        for key in _changed_keys(registered, now):
            yield _deviation(f"evaluator {name}: {key}", registered.get(key), now.get(key))


def _with_defaults(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """A registered rule with the defaults of keys that are newer than its registration."""
    try:
        return Evaluator.model_validate(rule).model_dump(mode="json")
    except ValidationError:
        return rule


def _time_deviations(
    registration: Registration, parts: Sequence[PartProvenance]
) -> Iterator[Deviation]:
    """Results that are older than the registration, or of unknown age."""
    registered = datetime.fromisoformat(registration.registered)
    for part in parts:
        began = str(part.provenance.get("began", ""))
        time = _time(began)
        if time is None or time < registered:
            yield _deviation(
                "time", registration.registered, f"{part.amount}: {began or 'no time is stored'}"
            )


def _time(text: str) -> datetime | None:
    """The time that a run states; None where it states none, or none with a time zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _attrition(registration: Registration, stored: StoredResults) -> Iterator[Deviation]:
    """Recordings and estimates that a registered run would have and these results do not."""
    expected = registration.protocol.recordings
    there = int(stored.manifest["expected"])
    if expected and not registration.simulated and there != expected:
        yield _deviation("tested recordings", expected, there)
    if missing := sum(store.missing() for store in stored.stores):
        yield _deviation("estimates", "all that are planned", f"{missing} are not made yet")
    reasons = Counter(estimate.method for estimate in stored.estimates if estimate.reason)
    for method, count in sorted(reasons.items()):
        total = sum(estimate.method == method for estimate in stored.estimates)
        yield _deviation(
            f"estimates of {method}", "one for each recording", f"{count} of {total} have none"
        )


def _deviation(subject: str, registered: object, here: object) -> Deviation:
    return Deviation(subject=subject, registered=_text(registered), here=_text(here))


def _text(value: object) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or ABSENT
    return str(value)
