"""Pages of the reference that are made from the code: command line, methods, data sets, formats."""

import argparse
import contextlib
import functools
import inspect
import io
import re
from collections.abc import Callable, Iterator, Sequence

from rppgbench.cli.commands import parser
from rppgbench.core.registry import find_toml, load_datasets, load_methods, toml_files
from rppgbench.evaluation.metrics import METRICS
from rppgbench.predictions.declaration import Field
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES
from rppgbench.predictions.registry import prediction_formats as formats_of_predictions
from rppgbench.store.schema import ESTIMATES, OBSERVED
from rppgbench.system.toml_files import read_toml


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
    for name, one in _commands(parser(), "bench"):
        print(f"## `{name}`\n\n{one.description}\n")
        print(f"```text\n{one.format_help().rstrip()}\n```\n")


def _commands(
    one: argparse.ArgumentParser, name: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [a for a in one._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield name, one
    for group in groups:
        for word, inner in group.choices.items():
            yield from _commands(inner, f"{name} {word}")


@_text
def methods() -> None:
    """Every method that can run here: title, source, input, parameters and presets."""
    for name, one in sorted(load_methods().available.items()):
        print(f"## `{name}`\n\n**{one.title}**. Source: {_source(one.cite)}. ", end="")
        print(f"Input: `{one.input}`.")
        kinds = ["learns from labels" if one.needs_labels else "learns without labels"]
        if one.fit is not None:
            print(f"\nThe method {kinds[0]}.")
        if one.licence:
            print(f"\nCode or weights of others, under: {one.licence}.")
        doc = inspect.getdoc(one.estimate) or ""
        print(f"\n{doc.splitlines()[0] if doc else ''}\n")
        if one.params:
            presets = list(one.presets)
            print("| parameter | default |", *[f" {p} |" for p in presets], sep="")
            print("| --- | --- |", *[" --- |" for _ in presets], sep="")
            for key, value in one.params.items():
                more = [f" {_value(one.presets[p].get(key, ''))} |" for p in presets]
                print(f"| `{key}` | {_value(value)} |", *more, sep="")
        print()


@_text
def data_sets() -> None:
    """Every data set: licence, where to ask, size, source."""
    print("| name | data set | subjects | recordings | licence | source |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, one in sorted(load_datasets().available.items()):
        size = [str(one.expected.get(kind, "")) for kind in ("subjects", "recordings")]
        where = f"[{one.licence}]({one.url})" if one.url.startswith("http") else one.licence
        print(f"| `{name}` | {one.title} | {' | '.join(size)} | {where} | {_source(one.cite)} |")


@_text
def declarations(folder: str) -> None:
    """A line on each TOML file of a folder: its name, its title, its source."""
    print("| name | title | source |\n| --- | --- | --- |")
    for name in sorted(toml_files(folder)):
        facts = read_toml(find_toml(folder, folder, name, "docs"))
        source = " ".join(str(facts.get("source", "")).split())
        print(f"| `{name}` | {facts.get('title', '')} | {source} |")


@_text
def meanings() -> None:
    """What a reading under each evaluator is, in the sentence that its file declares."""
    print("| evaluator | a reading is |\n| --- | --- |")
    for name in sorted(toml_files("protocols/evaluators")):
        facts = read_toml(find_toml("protocols/evaluators", "evaluator", name, "docs"))
        print(f"| `{name}` | {facts['meaning']} |")


@_text
def keys(model: type) -> None:
    """The keys of a TOML file, from the class that reads it."""
    print("| key | type | meaning |\n| --- | --- | --- |")
    for name, one in model.model_fields.items():  # type: ignore[attr-defined]
        kind = str(one.annotation).replace("typing.", "").replace("<class '", "").rstrip("'>")
        kind = re.sub(r"Annotated\[(\w+), .*\]\]", r"\1]", kind)
        kind = re.sub(r"\brppgbench[\w.]*\.(\w+)", r"\1", kind)
        print(f"| `{name}` | `{kind.replace('|', '/')}` | {one.description or ''} |")


@_text
def columns() -> None:
    """The columns of the Parquet files in a results folder."""
    for title, schema in (("estimates/*.parquet", ESTIMATES), ("recordings/*.parquet", OBSERVED)):
        print(f"### `{title}`\n\n| column | type |\n| --- | --- |")
        for one in schema:
            print(f"| `{one.name}` | `{one.type}` |")
        print()


@_text
def metrics() -> None:
    """Every metric: name, unit, definition, source."""
    print("| name | unit | better | definition | source |\n| --- | --- | --- | --- | --- |")
    for one in METRICS.values():
        source = _source(one.source)
        print(f"| `{one.name}` | {one.unit} | {one.better} | {one.definition} | {source} |")


@_text
def prediction_formats() -> None:
    """Every format of predictions: its files, its fields, its rules."""
    print("## Fields of the generic formats\n")
    _fields(GENERIC_FIELDS, GENERIC_NOTES)
    for name, one in sorted(formats_of_predictions().items()):
        title = f" ({one.title})" if one.title.lower() != name else ""
        print(f"## `{name}`{title}\n\nFiles: {one.files}.\n")
        is_generic = one.fields == GENERIC_FIELDS
        if is_generic:
            print("Fields: those of the [generic formats](#fields-of-the-generic-formats).\n")
        _fields(
            () if is_generic else one.fields,
            [note for note in one.notes if note not in GENERIC_NOTES],
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
