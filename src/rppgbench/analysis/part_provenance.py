"""Who made the parts of a results folder, and how they differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rppgbench.core.model_files import FACTS
from rppgbench.execution.epoch_models import EPOCHS
from rppgbench.store.store import Store
from rppgbench.system.plural import pluralise

PER_RUN_KEYS = ("run", "began", "command")
"""What is another in every run, so that it is no difference between parts."""

NOT_RECORDED = "not told"


@dataclass(frozen=True)
class PartProvenance:
    """What one run said of itself, and how much of the results it made.

    `provenance` holds its versions, commit, machine, device, command and time; `counts` goes from
    the kind of part ("estimate", "recording", "model", "estimate by epoch") to how many it made.
    """

    provenance: Mapping[str, Any]
    counts: Mapping[str, int]

    @property
    def amount(self) -> str:
        """How much it made, in words.

        >>> PartProvenance({}, {"estimate": 2, "model": 1}).amount
        '2 estimates, 1 model'
        """
        return ", ".join(pluralise(count, noun) for noun, count in self.counts.items())


def part_provenances(store: Store) -> list[PartProvenance]:
    """All runs that made some of the planned results, from the first to the last.

    BenchError where a part names a run that nothing is stored of.
    """
    provenances, counts = store.provenances(), store.counts_by_provenance()
    for fit in store.manifest.get("fits", ()):
        file = store.folder / "models" / str(fit["digest"]) / FACTS
        model_metadata = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        name = model_metadata.get("provenance", "")
        if name in provenances:
            counts_of_run = counts.setdefault(name, {})
            counts_of_run["model"] = counts_of_run.get("model", 0) + 1
    parts = [PartProvenance(provenances[name], counts[name]) for name in counts]
    if (store.folder / EPOCHS).is_dir():
        epoch_store = Store(store.folder / EPOCHS)
        epoch_provenances = epoch_store.provenances()
        for name, epoch_counts in epoch_store.counts_by_provenance().items():
            parts.append(
                PartProvenance(
                    epoch_provenances[name], {"estimate by epoch": epoch_counts.get("estimate", 0)}
                )
            )
    return sorted(
        parts, key=lambda part: (part.provenance["run"], str(part.provenance.get("began", "")))
    )


def merge_provenance(parts: Sequence[PartProvenance]) -> dict[str, Any]:
    """The provenance of all parts by name; where parts differ, every value with how much it made.

    >>> one, two = ({"run": k, "packages": {"numpy": f"2.{k}"}, "commit": "a"} for k in (1, 2))
    >>> parts = [PartProvenance(one, {"estimate": 5}), PartProvenance(two, {"estimate": 1})]
    >>> merge_provenance(parts)
    {'packages': {'numpy': '2.1 (5 estimates); 2.2 (1 estimate)'}, 'commit': 'a'}
    """
    values = [
        ({k: v for k, v in part.provenance.items() if k not in PER_RUN_KEYS}, part)
        for part in parts
    ]
    merged: dict[str, Any] = _merged(values) if values else {}
    return merged


def describe_runs(parts: Sequence[PartProvenance]) -> list[str]:
    """A line a run: when it began, its command, how much it made."""
    return [
        f"{part.provenance.get('began', 'time ' + NOT_RECORDED)}: "
        f"{part.provenance.get('command') or 'command ' + NOT_RECORDED} ({part.amount})"
        for part in parts
    ]


def difference_lines(parts: Sequence[PartProvenance]) -> list[str]:
    """A line for everything in which parts differ, with every value and how much it made.

    >>> one, two = ({"run": k, "packages": {"numpy": f"2.{k}"}} for k in (1, 2))
    >>> parts = [PartProvenance(one, {"estimate": 5}), PartProvenance(two, {"estimate": 1})]
    >>> difference_lines(parts)
    ['made by different runs: packages.numpy 2.1 (5 estimates); 2.2 (1 estimate)']
    """
    leaves = [(dict(_leaves(part.provenance)), part) for part in parts]
    lines = []
    for place in dict.fromkeys(place for leaves_of_part, _ in leaves for place in leaves_of_part):
        values = _by_value(
            [(leaves_of_part.get(place, NOT_RECORDED), part) for leaves_of_part, part in leaves]
        )
        if len(values) > 1 and place not in PER_RUN_KEYS:
            lines.append(f"made by different runs: {place} {_format_values(values)}")
    return lines


def other_versions(parts: Sequence[PartProvenance], installed: Mapping[str, str]) -> list[str]:
    """A line for every package of which some part was made by another version than `installed`.

    Args:
        parts: The runs that made parts of the results.
        installed: The installed version of each package.

    Returns:
        One line for each package with another version.

    >>> parts = [PartProvenance({"packages": {"numpy": "2.0"}}, {"estimate": 5})]
    >>> other_versions(parts, {"numpy": "2.1"})
    ['numpy is 2.1 here; stored: 2.0 (5 estimates)']
    """
    lines = []
    for name, version in installed.items():
        versions = [
            (part.provenance.get("packages", {}).get(name, version), part) for part in parts
        ]
        values = _by_value(versions)
        if values.keys() - {version}:
            lines.append(f"{name} is {version} here; stored: {_format_values(values)}")
    return lines


def _merged(values: Sequence[tuple[Any, PartProvenance]]) -> Any:
    if all(isinstance(value, Mapping) for value, _ in values):
        names = dict.fromkeys(name for value, _ in values for name in value)
        return {
            name: _merged([(value.get(name, NOT_RECORDED), part) for value, part in values])
            for name in names
        }
    values_by_text = _by_value(values)
    return values[0][0] if len(values_by_text) == 1 else _format_values(values_by_text)


def _by_value(values: Sequence[tuple[Any, PartProvenance]]) -> dict[str, list[PartProvenance]]:
    parts_by_value: dict[str, list[PartProvenance]] = {}
    for value, part in values:
        parts_by_value.setdefault(str(value), []).append(part)
    return parts_by_value


def _format_values(values: Mapping[str, Sequence[PartProvenance]]) -> str:
    return "; ".join(f"{value} ({_together(parts).amount})" for value, parts in values.items())


def _together(parts: Sequence[PartProvenance]) -> PartProvenance:
    nouns = dict.fromkeys(noun for part in parts for noun in part.counts)
    return PartProvenance({}, {n: sum(part.counts.get(n, 0) for part in parts) for n in nouns})


def _leaves(mapping: Mapping[str, Any], place: str = "") -> list[tuple[str, Any]]:
    leaves = []
    for key, value in mapping.items():
        name = f"{place}.{key}" if place else str(key)
        leaves += _leaves(value, name) if isinstance(value, Mapping) else [(name, value)]
    return leaves
