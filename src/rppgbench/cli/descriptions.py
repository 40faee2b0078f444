"""What a declaration says, as plain values: for `bench show` and `bench list --json`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rppgbench.system.errors import BenchError

Description = dict[str, Any]

TOML_FOLDERS = {
    "protocols": "protocols",
    "evaluators": "protocols/evaluators",
    "reports": "reports",
}
"""The kinds that are TOML files, with their folder of content."""

NOT_AVAILABLE = "not_available"
"""The key of the reason why a declaration cannot be used."""


def names_of(kind: str) -> list[str]:
    """The names of a kind, those that cannot be used too, in alphabetical order.

    Args:
        kind: "methods", "benchmarks", "protocols", "evaluators" or "reports".

    Returns:
        The names.
    """
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    if kind in TOML_FOLDERS:
        return sorted(toml_files(TOML_FOLDERS[kind]))
    registry = load_methods() if kind == "methods" else load_datasets()
    return sorted([*registry.available, *registry.unavailable])


def describe(kind: str, name: str) -> Description:
    """Everything that a declaration says.

    Args:
        kind: "methods", "benchmarks", "protocols", "evaluators" or "reports".
        name: a name of `names_of`.

    Returns:
        Values that JSON holds; `not_available` alone, with the reason, where it cannot be used.
    """
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    if kind in TOML_FOLDERS:
        try:
            return DESCRIBE[kind](toml_files(TOML_FOLDERS[kind])[name])
        except BenchError as error:
            return {NOT_AVAILABLE: str(error)}
    registry = load_methods() if kind == "methods" else load_datasets()
    if name in registry.unavailable:
        return {NOT_AVAILABLE: registry.unavailable[name].reason}
    return DESCRIBE[kind](registry.available[name])


def describe_method(method: Any) -> Description:
    """Input, learning, parameters with presets, licence and citation of a method."""
    from rppgbench.api.methods import input_shape
    from rppgbench.execution.training_cost import declared_rates

    learns = method.fit is not None
    weights = "none needed"
    if learns:
        weights = "learned by bench run, or of a file: bench predict --weights FILE"
    elif method.trained_on:
        weights = f"come with the package; learned on {', '.join(method.trained_on)}"
    rates = {"paper": declared_rates(method.name), "smoke": declared_rates(method.name, "smoke")}
    return {
        "title": method.title,
        "about": _first_paragraph(sys.modules[method.estimate.__module__].__doc__),
        "input": f"{method.input} {input_shape(method.input)}",
        "learns": learns,
        "needs_labels": method.needs_labels,
        "needs_pulse": method.needs_pulse,
        "baseline": method.baseline,
        "members": list(method.members),
        "parameters": dict(method.params),
        "presets": {name: dict(values) for name, values in method.presets.items()},
        "weights": weights,
        "seconds_per_training_step": {
            device if preset == "paper" else f"{device}, {preset}": {
                "seconds": step_s,
                "source": source,
            }
            for preset, declared in rates.items()
            for device, (step_s, source) in declared.items()
        },
        "licence": method.licence,
        "cite": method.cite,
        "publications": _publications([method.cite]),
    }


def describe_dataset(dataset: Any) -> Description:
    """Size, licence, citation and protocols of a data set, and the text of its file."""
    listing = getattr(dataset.recordings, "recordings", dataset.recordings)
    return {
        "title": dataset.title,
        "holds": dict(dataset.expected),
        "inputs": "mean colours" if dataset.mean_colours else "videos",
        "simulated": "always" if dataset.only_simulated else _can_simulate(dataset),
        "licence": dataset.licence,
        "ask": dataset.url,
        "cite": dataset.cite,
        "publications": _publications([dataset.cite]),
        "protocols": protocols_of(dataset.name),
        "about": inspect.cleandoc(sys.modules[listing.__module__].__doc__ or ""),
    }


def describe_protocol(file: Path) -> Description:
    """Data, split, n, methods, evaluators and parameters of a protocol."""
    from rppgbench.core.protocol import read_protocol

    protocol = read_protocol(file)
    described: Description = protocol.model_dump(mode="json")
    described["about"] = " ".join(protocol.about.split())
    described["split"] = _split(protocol.split, file)
    described["recordings"] = protocol.recordings or "open: those that are there"
    described["publications"] = _publications([protocol.source])
    return described


def describe_evaluator(file: Path) -> Description:
    """The meaning of a reading, the rule in words and every setting of an evaluator."""
    from rppgbench.evaluation.evaluator import read_evaluator

    rule = read_evaluator(file)
    settings = rule.model_dump(mode="json")
    texts = ("title", "meaning", "source", "notes")
    return {
        "title": rule.title,
        "meaning": rule.meaning,
        "notes": " ".join(rule.notes.split()),
        "settings": {key: value for key, value in settings.items() if key not in texts},
        "resolution_bpm": rule.resolution_bpm,
        "source": rule.source,
        "publications": _publications([rule.source]),
    }


def describe_report(file: Path) -> Description:
    """A paper's table: settings with protocol, evaluator, n, data; rows with method and hours."""
    from rppgbench.core.registry import load_datasets
    from rppgbench.papers.declaration import read_table
    from rppgbench.papers.row_hours import HOURS_RULE

    table, lines = read_table(file)
    datasets = load_datasets().available
    return {
        "title": table.title,
        "about": " ".join(table.about.split()),
        "kind": table.kind,
        "measures": dict(table.measures),
        "settings": {
            setting.label: {
                "protocol": setting.protocol,
                "evaluator": setting.evaluator,
                "recordings": setting.recordings or "not stated in the paper",
                "data": {
                    name: datasets[name].licence if name in datasets else ""
                    for name in setting.data
                },
                "parameters": dict(setting.params),
                "folds": setting.folds,
                "differs": setting.differs,
            }
            for setting in table.settings
        },
        "rows": {
            row.printed: {
                "method": row.method or "not run here",
                "parameters": dict(row.params),
                "evaluator": row.evaluator,
                "epoch": row.epoch,
                "note": row.note,
                "hours": _hours_by_setting(lines, row.printed),
            }
            for row in table.methods
        },
        "hours": HOURS_RULE,
        "notes": list(table.notes),
        "source": table.source,
        "publications": _publications([table.source]),
    }


DESCRIBE: Mapping[str, Callable[[Any], Description]] = {
    "methods": describe_method,
    "benchmarks": describe_dataset,
    "protocols": describe_protocol,
    "evaluators": describe_evaluator,
    "reports": describe_report,
}
"""The function of each kind; the order is that of `bench list`."""


def protocols_of(dataset: str) -> list[str]:
    """The protocols that use a data set.

    Args:
        dataset: name of the data set.

    Returns:
        Their names; one whose file cannot be read is left out, and `bench list` names its fault.
    """
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import toml_files

    names = []
    for name, file in toml_files("protocols").items():
        try:
            protocol = read_protocol(file)
        except BenchError:
            continue
        if dataset in protocol.datasets:
            names.append(name)
    return names


def _hours_by_setting(lines: Iterable[Any], printed: str) -> dict[str, str]:
    """What a row takes in each setting, by declared rates; nothing where nothing can be run."""
    from rppgbench.core.protocol import read_protocol
    from rppgbench.core.registry import toml_files
    from rppgbench.papers.row_hours import hours_text, row_hours

    files = toml_files("protocols")
    texts = {}
    for line in lines:
        if line.method.printed == printed and line.setting.protocol in files:
            hours = row_hours(line, read_protocol(files[line.setting.protocol]))
            if hours is not None:
                texts[line.setting.label] = hours_text(hours)
    return texts


def _can_simulate(dataset: Any) -> str:
    return "no" if dataset.simulate is None else f"bench simulate {dataset.name}"


def _split(name: str, file: Path) -> Description | str:
    """The split in words: a list of protocols/splits with its folds, or what a rule means."""
    from rppgbench.core.registry import toml_files
    from rppgbench.datasets.splits import read_split

    rules = {
        "whole": "whole: every recording of the test side is tested",
        "official": "official: the fold files of the data set",
        "parts": "parts: the data set's own parts",
    }
    if name in rules:
        return rules[name]
    files = toml_files("protocols/splits")
    if name not in files:
        raise BenchError(f"{file}: no split {name!r} in protocols/splits")
    split = read_split(files[name])
    return {
        "name": name,
        "source": " ".join(split.source.split()),
        "folds": {
            fold.name: {"train_subjects": len(fold.train), "test_subjects": len(fold.test)}
            for fold in split.folds
        },
    }


def _publications(texts: Iterable[str]) -> list[Description]:
    """The records of reports/publications.json that texts name."""
    from rppgbench.sharing.publications import cited_in, load_publications

    return [
        {
            "key": publication.key,
            "title": publication.title,
            "authors": [" ".join(filter(None, (g, f))) for f, g in publication.authors],
            "year": publication.year,
            "url": publication.url,
        }
        for publication in cited_in(texts, load_publications())
    ]


def _first_paragraph(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split("\n\n", maxsplit=1)[0].split())
