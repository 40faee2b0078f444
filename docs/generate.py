"""Pages of the reference that are made from the code: command line, methods, data sets, formats."""

import argparse
import contextlib
import csv
import functools
import inspect
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from rppgbench.cli.commands import parser
from rppgbench.core.protocol import Declaration
from rppgbench.core.registry import find_toml, load_datasets, load_methods, toml_files
from rppgbench.evaluation.metrics import METRICS
from rppgbench.predictions.declaration import Field
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.registry import prediction_formats as formats_of_predictions
from rppgbench.store.column_meanings import ESTIMATE_COLUMNS, RECORDING_COLUMNS
from rppgbench.store.schema import ESTIMATES, OBSERVED
from rppgbench.system.toml_files import read_toml

PLURALS = ("data set", "method", "protocol", "metric")


def _text(write: Callable[..., None]) -> Callable[..., str]:
    """What a function prints, as its return value."""

    @functools.wraps(write)
    def call(*args: object) -> str:
        sink = io.StringIO()
        with contextlib.redirect_stdout(sink):
            write(*args)
        return sink.getvalue()

    return call


@_text
def command_line() -> None:
    """Every command with its options, as its own help says."""
    for name, command in _commands(parser(), "bench"):
        print(f"## `{name}`\n\n{command.description}\n")
        print(f"```text\n{command.format_help().rstrip()}\n```\n")


def _commands(
    command: argparse.ArgumentParser, name: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield name, command
    for group in groups:
        for word, inner in group.choices.items():
            yield from _commands(inner, f"{name} {word}")


@_text
def methods() -> None:
    """Every method that can run here: title, source, input, parameters and presets."""
    for name, method in sorted(load_methods().available.items()):
        print(f"## `{name}`\n\n**{method.title}**. Source: {_source(method.cite)}. ", end="")
        print(f"Input: `{method.input}`.")
        if method.fit is not None:
            print(f"\nThe method learns {'from' if method.needs_labels else 'without'} labels.")
        if method.licence:
            print(f"\nCode or weights of others, under: {method.licence}.")
        doc = inspect.getdoc(method.estimate) or ""
        print(f"\n{doc.splitlines()[0] if doc else ''}\n")
        if method.params:
            presets = list(method.presets)
            print("| parameter | default |", *[f" {p} |" for p in presets], sep="")
            print("| --- | --- |", *[" --- |" for _ in presets], sep="")
            for key, value in method.params.items():
                more = [f" {_value(method.presets[p].get(key, ''))} |" for p in presets]
                print(f"| `{key}` | {_value(value)} |", *more, sep="")
        print()


@_text
def data_sets() -> None:
    """Every data set: licence, where to ask, size, source."""
    print("| name | data set | subjects | recordings | licence | source |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, dataset in sorted(load_datasets().available.items()):
        size = [str(dataset.expected.get(kind, "")) for kind in ("subjects", "recordings")]
        has_page = dataset.url.startswith("http")
        licence = f"[{dataset.licence}]({dataset.url})" if has_page else dataset.licence
        cells = [f"`{name}`", dataset.title, *size, licence, _source(dataset.cite)]
        print(f"| {' | '.join(cells)} |")


@_text
def declarations(folder: str) -> None:
    """A line on each TOML file of a folder: its name, its title, its source."""
    print("| name | title | source |\n| --- | --- | --- |")
    for name in sorted(toml_files(folder)):
        declared = read_toml(find_toml(folder, folder, name, "docs"))
        source = " ".join(str(declared.get("source", "")).split())
        print(f"| `{name}` | {declared.get('title', '')} | {source} |")


@_text
def meanings() -> None:
    """What a reading under each evaluator is, in the sentence that its file declares."""
    print("| evaluator | a reading is |\n| --- | --- |")
    for name in sorted(toml_files("protocols/evaluators")):
        declared = read_toml(find_toml("protocols/evaluators", "evaluator", name, "docs"))
        print(f"| `{name}` | {declared['meaning']} |")


@_text
def keys(model: type[Declaration]) -> None:
    """The keys of a TOML file, from the class that reads it, with the default of each."""
    print("| key | type | default | meaning |\n| --- | --- | --- | --- |")
    for name, field in model.model_fields.items():
        default = "**needed**" if field.is_required() else _default(field.default)
        kind = _kind(field.annotation)
        print(f"| `{name}` | {kind} | {default} | {field.description or ''} |")


@_text
def tables(model: type[Declaration]) -> None:
    """The tables within a TOML file, each once: where it first stands, its meaning, its keys."""
    shown: set[type[Declaration]] = set()
    for place, form in nested(model):
        if form in shown:
            continue
        shown.add(form)
        meaning = " ".join(inspect.cleandoc(form.__doc__ or "").split())
        print(f"- `{place}`: {meaning} Keys: {', '.join(_inner_keys(form))}.")


def _inner_keys(form: type[Declaration]) -> Iterator[str]:
    for name, field in form.model_fields.items():
        kind = _kind(field.annotation)
        default = "" if field.is_required() else f", default {_default(field.default)}"
        yield f"`{name}` ({kind}{default})"


def nested(model: type[Declaration], place: str = "") -> Iterator[tuple[str, type[Declaration]]]:
    """The tables within a declaration, each with the dotted key where it stands, outer ones first.

    Args:
        model: the class that reads the outer table.
        place: where the outer table stands.
    """
    for name, field in model.model_fields.items():
        where = f"{place}.{name}" if place else name
        for form in _forms(field.annotation):
            yield where, form
            yield from nested(form, where)


def _forms(annotation: Any) -> list[type[Declaration]]:
    """The declarations among the types of an annotation, in their order."""
    if inspect.isclass(annotation) and issubclass(annotation, Declaration):
        return [annotation]
    return [form for part in get_args(annotation) for form in _forms(part)]


def _kind(annotation: Any) -> str:
    """The type of a value in words, without the limits that pydantic checks."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'`"{part}"`' for part in parts)
    if origin in {Annotated, Union, UnionType}:
        wanted = parts[:1] if origin is Annotated else parts
        return " or ".join(dict.fromkeys(_kind(part) for part in wanted if part is not type(None)))
    if origin in {list, dict}:
        return f"{'list' if origin is list else 'table'} of {_kind(parts[-1])}"
    if issubclass(annotation, Declaration):
        return "table"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[annotation]


def _default(value: object) -> str:
    if value is None:
        return "none"
    plain = value.model_dump() if isinstance(value, Declaration) else value
    if isinstance(plain, dict):
        inner = ", ".join(f"{name} = {json.dumps(part)}" for name, part in plain.items())
        return f"`{{ {inner} }}`" if inner else "`{}`"
    return f"`{json.dumps(plain)}`"


@_text
def columns() -> None:
    """The columns of the Parquet files in a results folder."""
    for title, schema, meanings in (
        ("estimates/*.parquet", ESTIMATES, ESTIMATE_COLUMNS),
        ("recordings/*.parquet", OBSERVED, RECORDING_COLUMNS),
    ):
        print(f"### `{title}`\n\n| column | type | meaning |\n| --- | --- | --- |")
        for column in schema:
            print(f"| `{column.name}` | `{column.type}` | {meanings[column.name]} |")
        print()


@_text
def metrics() -> None:
    """Every metric: name, unit, range, definition, source."""
    print("| name | unit | range | better | definition | source |")
    print("| --- | --- | --- | --- | --- | --- |")
    for metric in METRICS.values():
        low, high = (f"{limit:g}".replace("inf", "∞").replace("-", "−") for limit in metric.range)
        cells = [metric.unit, f"{low} to {high}", metric.better, metric.definition]
        cells.append(_source(metric.source))
        print(f"| `{metric.name}` | {' | '.join(cells)} |")


@_text
def peer_features() -> None:
    """What other toolboxes have, by kind, and the names of what is here."""
    rows = read_peer_features()
    toolboxes = [key for key in rows[0] if key not in ("kind", "feature", "here")]
    for kind, of_kind in itertools.groupby(rows, key=lambda row: row["kind"]):
        print(f"\n## {kind.capitalize()}s\n" if kind in PLURALS else f"\n## {kind.capitalize()}\n")
        print(f"| | {' | '.join(toolboxes)} | here |")
        print("| --- " * (len(toolboxes) + 2) + "|")
        for row in of_kind:
            names = [_shown(entry.strip()) for entry in row["here"].split(";") if entry]
            cells = [row["feature"], *(row[key] for key in toolboxes), ", ".join(names) or "no"]
            print(f"| {' | '.join(cells)} |")


def _shown(entry: str) -> str:
    """An entry of the column `here` on the page: a name as code, a text after "=" as it is."""
    return entry[1:] if entry.startswith("=") else f"`{entry.removeprefix('metric ')}`"


def read_peer_features() -> list[dict[str, str]]:
    """The rows of `reference/peer_features.csv`."""
    with (Path(__file__).parent / "reference" / "peer_features.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exists_here(name: str) -> bool:
    """Whether a command with its options, a metric or a declaration of this name exists."""
    if name.startswith("metric "):
        return name.removeprefix("metric ") in METRICS
    if name.startswith("bench "):
        command, *options = name.split(" --")
        known = dict(_commands(parser(), "bench"))
        return command in known and all(
            f"--{option}" in known[command]._option_string_actions for option in options
        )
    folders = ("protocols", "protocols/evaluators", "reports")
    declared = {name for folder in folders for name in toml_files(folder)}
    return name in {*declared, *load_methods().available, *load_datasets().available}


@_text
def prediction_formats() -> None:
    """Every format of predictions: its files, its fields, its rules."""
    print("## Fields of the generic formats\n")
    _fields(GENERIC_FIELDS, GENERIC_NOTES)
    for name, declared in sorted(formats_of_predictions().items()):
        title = f" ({declared.title})" if declared.title.lower() != name else ""
        print(f"## `{name}`{title}\n\nFiles: {declared.files}.\n")
        is_generic = declared.fields == GENERIC_FIELDS
        if is_generic:
            print("Fields: those of the [generic formats](#fields-of-the-generic-formats).\n")
        _fields(
            () if is_generic else declared.fields,
            [note for note in declared.notes if note not in GENERIC_NOTES],
        )


def _fields(fields: Sequence[Field], notes: Sequence[str]) -> None:
    """A table of fields, and rules below it."""
    if fields:
        print("| field | meaning |\n| --- | --- |")
    for field in fields:
        names = field.name if field.name.startswith("[") else re.sub(" or |, ", "`, `", field.name)
        print(f"| `{names}` | {field.meaning} |")
    print()
    for note in notes:
        print(f"- {note}")
    print()


def _source(cite: str) -> str:
    return f"[{cite}](https://doi.org/{cite})" if cite.startswith("10.") else cite


def _value(value: object) -> str:
    return "" if value == "" else f"`{value!r}`"
