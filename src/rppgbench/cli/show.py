"""bench show: everything that one method, data set, protocol, evaluator or report declares."""

import argparse
from collections.abc import Mapping
from typing import Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.options import as_json, plugins
from rppgbench.cli.terminal import answer, answer_json, answer_width
from rppgbench.system.errors import BenchError, one_line, unknown_name
from rppgbench.system.text_wrapping import wrapped

KINDS = {
    "method": "methods",
    "dataset": "benchmarks",
    "protocol": "protocols",
    "evaluator": "evaluators",
    "report": "reports",
}
"""Values of `--kind`, and what `bench list` calls them."""

HEADING_WIDTH = 14
"""Columns of the names of values."""

INDENT = "  "


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "show",
        run,
        about="Everything that a method, data set, protocol, evaluator or report declares: "
        "parameters with defaults and presets, inputs, licence, citation, meaning, split, n.",
        example="bench show pos",
    )
    parser.add_argument("name", metavar="NAME", help="see `bench list`")
    parser.add_argument("--kind", choices=list(KINDS), help="where several kinds have the name")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print what the declarations of a name say, all kinds that have the name."""
    from rppgbench.cli.descriptions import NOT_AVAILABLE, describe, names_of

    kinds = [args.kind] if args.kind else list(KINDS)
    names = {kind: names_of(KINDS[kind]) for kind in kinds}
    kinds_of_name = [kind for kind in kinds if args.name in names[kind]]
    if not kinds_of_name:
        all_names = [name for names_of_kind in names.values() for name in names_of_kind]
        what = {"dataset": "data set"}.get(args.kind or "", args.kind or "declaration")
        raise unknown_name(what, args.name, set(all_names), "bench show")
    described = {kind: describe(KINDS[kind], args.name) for kind in kinds_of_name}
    for kind, description in described.items():
        if NOT_AVAILABLE in description and len(kinds_of_name) == 1:
            raise BenchError(f"{kind} {args.name} cannot be used: {description[NOT_AVAILABLE]}")
    if args.json:
        answer_json({"name": args.name, **described})
        return DONE
    for number, (kind, description) in enumerate(described.items()):
        before = "\n" if number else ""
        answer(f"{before}{kind} {one_line(args.name)}")
        answer_description(description)
    return DONE


def answer_description(description: Mapping[str, Any]) -> None:
    """Print a description: a line for each value, the text of a file last.

    Args:
        description: what `describe` gives.
    """
    for key, value in description.items():
        if key == "parameters":
            _answer_parameters(value, description["presets"])
        elif key == "publications":
            for publication in value:
                _answer_line("publication", _publication(publication))
        elif key == "presets" or _is_empty(value):
            continue
        elif isinstance(value, str) and "\n" in value:
            answer(f"\n{value}")
        elif isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values()):
            texts = {n: "" if _is_empty(part) else _text(part) for n, part in value.items()}
            _answer_group(key, texts)
        else:
            _answer_line(key, _text(value))


def _answer_parameters(
    defaults: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]
) -> None:
    """The default of each parameter, and its value in each preset that changes it."""
    texts = {}
    for name, default in defaults.items():
        preset_values = [f"{preset}: {v[name]!r}" for preset, v in presets.items() if name in v]
        texts[name] = f"{default!r}" + (f"  ({', '.join(preset_values)})" if preset_values else "")
    if texts:
        _answer_group("parameters", texts)
    else:
        _answer_line("parameters", "none")
    if presets:
        _answer_line("presets", f"paper (the defaults), {', '.join(presets)}")


def _answer_group(heading: str, texts: Mapping[str, str]) -> None:
    """A heading, and below it a line for each name, their texts in one column."""
    answer(one_line(heading))
    longest = max(HEADING_WIDTH - len(INDENT), *map(len, texts))
    for name, text in texts.items():
        if text:
            _answer_line(name, text, before=INDENT, width=longest)


def _answer_line(key: str, text: str, *, before: str = "", width: int = HEADING_WIDTH) -> None:
    line = f"{before}{one_line(key):{width}} {one_line(text)}".rstrip()
    for part in wrapped(line, answer_width(), " " * (len(before) + width + 1)):
        answer(part)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(value: Any, *, inner: bool = False) -> str:
    """A value in words: inner lists and tables stand in brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = [
            f"{key}: {_text(part, inner=True)}"
            for key, part in value.items()
            if not _is_empty(part)
        ]
    elif isinstance(value, list):
        parts = [_text(part, inner=True) for part in value]
    else:
        return str(value)
    text = ", ".join(parts)
    return f"({text})" if inner and len(parts) > 1 else text


def _publication(record: Mapping[str, Any]) -> str:
    first_author, *further_authors = record["authors"]
    authors = f"{first_author} et al." if further_authors else first_author
    return f"{authors}, {record['title']}, {record['year']}. {record['url']}"
