"""Why stored estimates are not reused."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rppgbench.execution.plan_records import Plan
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import MachineError
from rppgbench.system.io_errors import writing

FILE = "digests.json"
SHOWN = 8
IDENTITY = ("dataset", "method", "fold", "seed", "condition", "region")
CODE = {"code": "", "extractor": "", "reader": "", "change_code": "", "control_code": ""}
"""Dependencies that are digests of code: the parts of the code are compared."""

WORDS = {
    "train": "the recordings that are learned from",
    "pretrain": "the recordings that are learned from first",
    "validation": "the recordings by which an epoch is chosen",
    "change": "the condition's parameters or codec libraries",
    "consumes": "the input of the method",
    "versions": "the versions of other people's packages",
}


def write_dependencies(folder: Path, plan: Plan, stored: Collection[str]) -> None:
    """Write what the jobs of a plan depend on, beside what stored jobs depend on.

    Args:
        folder: the results folder.
        plan: the plan.
        stored: digests of the estimates that are stored.

    Raises:
        MachineError: the file cannot be written.
    """
    existing = read_dependencies(folder)
    jobs = {name: entry for name, entry in existing["jobs"].items() if name in stored}
    for job in plan.jobs:
        jobs[job.digest] = [job.setting, job.recording, plan.prints[job.dataset, job.recording]]
    used_settings = {setting for setting, _, _ in jobs.values()}
    settings = {
        k: v for k, v in (existing["settings"] | dict(plan.settings)).items() if k in used_settings
    }
    closures = {**existing["closures"], **{k: dict(v) for k, v in plan.closures.items()}}
    used_closures = {name for setting in settings.values() for name in _list_closures(setting)}
    content = {
        "closures": {k: v for k, v in closures.items() if k in used_closures},
        "settings": settings,
        "jobs": jobs,
    }
    with writing(folder / FILE, "give another --out", kind=MachineError):
        write_file(folder / FILE, json.dumps(content, separators=(",", ":")))


def read_dependencies(folder: Path) -> dict[str, dict[str, Any]]:
    """What `write_dependencies` wrote; empty where the file is missing or damaged."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return {name: dict(content[name]) for name in ("closures", "settings", "jobs")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"closures": {}, "settings": {}, "jobs": {}}


def explain_recomputation(folder: Path, plan: Plan, stored: Collection[str]) -> str:
    """Say how many stored estimates are not reused, and what has changed since.

    An estimate counts if it has the recording, method, fold, seed, condition and region of a job
    of the plan that is not stored. The number behind each cause is the number of estimates that
    the cause prevents from being reused; several causes may concern one estimate.

    Args:
        folder: the results folder.
        plan: the plan.
        stored: digests of the estimates that are stored.

    Returns:
        One line, or "" where all are reused.
    """
    existing = read_dependencies(folder)
    before: dict[tuple[Any, ...], tuple[str, str]] = {}
    for name, (setting, recording, fingerprint) in existing["jobs"].items():
        if name in stored and setting in existing["settings"]:
            before[_identity(existing["settings"][setting], recording)] = setting, fingerprint
    causes: Counter[str] = Counter()
    compared: dict[tuple[str, str], tuple[str, ...]] = {}
    count = 0
    for job in plan.jobs:
        if job.digest in stored:
            continue
        earlier = before.get(_identity(plan.settings[job.setting], job.recording))
        if earlier is None:
            continue
        count += 1
        pair = earlier[0], job.setting
        if pair not in compared:
            old, new = existing["settings"][earlier[0]], plan.settings[job.setting]
            differences = _differences(old, new, existing["closures"], plan.closures)
            compared[pair] = tuple(dict.fromkeys(differences))
        causes.update(compared[pair])
        if earlier[1] != plan.prints[job.dataset, job.recording]:
            causes["files of the recordings"] += 1
    unknown = (
        len(set(stored) - existing["jobs"].keys()) if len(stored) and not existing["jobs"] else 0
    )
    if unknown and any(job.digest not in stored for job in plan.jobs):
        return (
            f"{unknown} stored estimates are not reused: an earlier version stored them, "
            "which did not keep what they were made of"
        )
    if not count:
        return ""
    listed = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{cause} ({number})" for cause, number in listed[:SHOWN]]
    omitted = [f"and {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
    return (
        f"{count} stored estimates are not reused: changed since: {', '.join([*parts, *omitted])}"
    )


def _identity(setting: Mapping[str, Any], recording: str) -> tuple[Any, ...]:
    return (recording, *(setting.get(name) for name in IDENTITY))


def _list_closures(setting: Mapping[str, Any]) -> Iterator[str]:
    yield from (setting[name] for name in CODE if setting.get(name))
    yield from setting.get("readers", {}).values()
    if setting.get("fit"):
        yield from _list_closures(setting["fit"])


Closures = Mapping[str, Mapping[str, str]]


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], old_closures: Closures, new_closures: Closures
) -> Iterator[str]:
    """In which files, packages and settings two jobs differ, in words."""
    method = str(new.get("method", old.get("method", "")))
    for name in sorted({*old, *new}):
        old_value, new_value = old.get(name), new.get(name)
        if old_value == new_value:
            continue
        if name in CODE:
            yield from _parts(
                old_closures.get(str(old_value), {}), new_closures.get(str(new_value), {})
            )
        elif name == "readers":
            for dataset in sorted({*(old_value or {}), *(new_value or {})}):
                old_parts = old_closures.get((old_value or {}).get(dataset, ""), {})
                yield from _parts(
                    old_parts, new_closures.get((new_value or {}).get(dataset, ""), {})
                )
        elif name == "fit":
            yield from _differences(old_value or {}, new_value or {}, old_closures, new_closures)
        elif name == "params":
            for key in sorted({*(old_value or {}), *(new_value or {})}):
                if (old_value or {}).get(key) != (new_value or {}).get(key):
                    yield f"setting {method}.{key}"
        elif name in {"device", "precision"}:
            yield f"{name} ({old_value} before, now {new_value})"
        else:
            yield WORDS.get(name, f"setting {name}")


def _parts(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name
