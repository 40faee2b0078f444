"""Why stored estimates are not reused."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rppgbench.execution.planner import Plan
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import MachineError

FILE = "digests.json"
SHOWN = 8
IDENTITY = ("dataset", "method", "fold", "seed", "condition", "region")
CODE = {"code": "", "extractor": "", "reader": "", "change_code": ""}
"""Facts that are digests of code: its parts are compared."""

WORDS = {
    "train": "the recordings that are learned from",
    "pretrain": "the recordings that are learned from first",
    "change": "the condition's parameters or codec libraries",
    "consumes": "the input of the method",
    "versions": "the versions of other people's packages",
}


def keep_facts(folder: Path, plan: Plan, stored: Collection[str]) -> None:
    """Write what the jobs of a plan depend on, beside the same facts of stored jobs.

    Args:
        folder: the results folder.
        plan: the plan.
        stored: digests of the estimates that are stored.

    Raises:
        MachineError: the file cannot be written.
    """
    held = read_facts(folder)
    jobs = {name: one for name, one in held["jobs"].items() if name in stored}
    for job in plan.jobs:
        jobs[job.digest] = [job.setting, job.recording, plan.prints[job.dataset, job.recording]]
    used = {setting for setting, _, _ in jobs.values()}
    settings = {k: v for k, v in (held["settings"] | dict(plan.settings)).items() if k in used}
    closures = {**held["closures"], **{k: dict(v) for k, v in plan.closures.items()}}
    named = {name for facts in settings.values() for name in _closures_of(facts)}
    facts = {
        "closures": {k: v for k, v in closures.items() if k in named},
        "settings": settings,
        "jobs": jobs,
    }
    try:
        write_file(folder / FILE, json.dumps(facts, separators=(",", ":")))
    except OSError as error:
        raise MachineError(
            f"{folder / FILE}: cannot be written: {error.strerror}; give another --out"
        ) from error


def read_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """What `keep_facts` wrote; empty where there is none, or a damaged one: it only explains."""
    try:
        facts = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return {name: dict(facts[name]) for name in ("closures", "settings", "jobs")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"closures": {}, "settings": {}, "jobs": {}}


def why_again(folder: Path, plan: Plan, stored: Collection[str]) -> str:
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
    held = read_facts(folder)
    before: dict[tuple[Any, ...], tuple[str, str]] = {}
    for name, (setting, recording, fingerprint) in held["jobs"].items():
        if name in stored and setting in held["settings"]:
            before[_identity(held["settings"][setting], recording)] = setting, fingerprint
    causes: Counter[str] = Counter()
    compared: dict[tuple[str, str], tuple[str, ...]] = {}
    count = 0
    for job in plan.jobs:
        if job.digest in stored:
            continue
        was = before.get(_identity(plan.settings[job.setting], job.recording))
        if was is None:
            continue
        count += 1
        pair = was[0], job.setting
        if pair not in compared:
            old, new = held["settings"][was[0]], plan.settings[job.setting]
            told = _differences(old, new, held["closures"], plan.closures)
            compared[pair] = tuple(dict.fromkeys(told))
        causes.update(compared[pair])
        if was[1] != plan.prints[job.dataset, job.recording]:
            causes["files of the recordings"] += 1
    unknown = len(set(stored) - held["jobs"].keys()) if len(stored) and not held["jobs"] else 0
    if unknown and any(job.digest not in stored for job in plan.jobs):
        return (
            f"{unknown} stored estimates are not reused: an earlier version stored them, "
            "which did not keep what they were made of"
        )
    if not count:
        return ""
    listed = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{cause} ({number})" for cause, number in listed[:SHOWN]]
    rest = [f"and {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
    return f"{count} stored estimates are not reused: changed since: {', '.join([*words, *rest])}"


def _identity(facts: Mapping[str, Any], recording: str) -> tuple[Any, ...]:
    return (recording, *(facts.get(name) for name in IDENTITY))


def _closures_of(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from (facts[name] for name in CODE if facts.get(name))
    yield from facts.get("readers", {}).values()
    if facts.get("fit"):
        yield from _closures_of(facts["fit"])


Closures = Mapping[str, Mapping[str, str]]


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], before: Closures, now: Closures
) -> Iterator[str]:
    """In which files, packages and settings two jobs differ, in words."""
    method = str(new.get("method", old.get("method", "")))
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        if name in CODE:
            yield from _parts(before.get(str(one), {}), now.get(str(other), {}))
        elif name == "readers":
            for dataset in sorted({*(one or {}), *(other or {})}):
                held = before.get((one or {}).get(dataset, ""), {})
                yield from _parts(held, now.get((other or {}).get(dataset, ""), {}))
        elif name == "fit":
            yield from _differences(one or {}, other or {}, before, now)
        elif name == "params":
            for key in sorted({*(one or {}), *(other or {})}):
                if (one or {}).get(key) != (other or {}).get(key):
                    yield f"setting {method}.{key}"
        elif name in {"device", "precision"}:
            yield f"{name} ({one} before, now {other})"
        else:
            yield WORDS.get(name, f"setting {name}")


def _parts(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name
