"""bench new: a commented file of content that works, to be changed."""

import argparse
import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import path
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError
from rppgbench.system.io_errors import writing


@dataclass(frozen=True, kw_only=True)
class Template:
    """The template of a kind of content.

    Attributes:
        folder: folder of the content; the template lies in its folder `templates`, or, of
            evaluators and splits, in that of protocols.
        files: each file of the template with the end of the name of the file that is written.
        placeholder: the name in the template; "" where it has none.
        then: the command that uses the new content.
    """

    folder: str
    files: Mapping[str, str]
    placeholder: str = ""
    then: str


KINDS = {
    "method": Template(
        folder="methods",
        files={"method.py": ".py"},
        placeholder="my_method",
        then="bench run --protocol quickstart --methods NAME,pos",
    ),
    "dataset": Template(
        folder="benchmarks",
        files={"data_set.py": ".py"},
        placeholder="my_data_set",
        then="bench data check NAME PATH",
    ),
    "protocol": Template(
        folder="protocols",
        files={"protocol.toml": ".toml"},
        then="bench run --protocol NAME --simulate",
    ),
    "evaluator": Template(
        folder="protocols/evaluators",
        files={"evaluator.toml": ".toml"},
        then="bench report RESULTS --evaluator NAME",
    ),
    "split": Template(
        folder="protocols/splits",
        files={"split.toml": ".toml"},
        then="bench split checksum FILE",
    ),
    "report": Template(
        folder="reports",
        files={"report.toml": ".toml", "report.csv": "_values.csv"},
        placeholder="my_report",
        then="bench table NAME --simulate",
    ),
}
"""The kinds of content by the word of the command line."""


MOST_LETTERS = 64
"""Letters of the longest name, which is a part of many file names."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "new",
        run,
        about="Write a commented file of content that works: a method, data set, protocol, "
        "evaluator, split or report.",
        example="bench new method my_method --out mine",
    )
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("name", metavar="NAME", help="of the file, and of the content everywhere")
    parser.add_argument(
        "--out", type=path, default=Path(), metavar="DIR", help="folder of content (this folder)"
    )
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write the files of a kind under a new name, and say what to do next."""
    from rppgbench.core.content_roots import checkout_root
    from rppgbench.system.atomic_files import write_file
    from rppgbench.system.folders import make_folder

    template = KINDS[args.kind]
    _check_name(args.kind, args.name)
    folder = args.out / template.folder
    texts = {
        folder / f"{args.name}{end}": _text(template, file, args.name)
        for file, end in template.files.items()
    }
    for file in texts:
        if file.exists():
            raise BenchError(f"{file}: exists; give another NAME, or another --out DIR")
    make_folder(folder)
    for file, text in texts.items():
        with writing(file):
            write_file(file, text)
    first = next(iter(texts))
    is_content = checkout_root() == args.out.resolve()
    option = "" if is_content else f" --plugins {args.out}"
    then = template.then.replace("NAME", args.name).replace("FILE", os.fspath(first))
    commands = [f"bench check {args.name} --kind {args.kind}{option}"]
    commands.append(then if args.kind == "split" else f"{then}{option}")
    if args.json:
        answer_json({"files": [os.fspath(file) for file in texts], "next": commands})
        return DONE
    for file in texts:
        answer(os.fspath(file))
    answer("next:")
    for command in commands:
        answer(f"  {command}")
    return DONE


def _check_name(kind: str, name: str) -> None:
    """Refuse a name that cannot be one of this kind, or that is taken.

    Raises:
        BenchError: the reason.
    """
    from rppgbench.core.registry import load_datasets, load_methods, toml_files

    template = KINDS[kind]
    is_python = next(iter(template.files.values())) == ".py"
    letters = r"[a-z][a-z0-9_]*" if is_python else r"[a-z][a-z0-9_-]*"
    is_name = re.fullmatch(letters, name) and len(name) <= MOST_LETTERS
    if not is_name or keyword.iskeyword(name):
        marks = "_" if is_python else "_ and -"
        raise BenchError(
            f"bench new: {name!r} is no name of a {kind}: use small letters, digits and {marks}, a "
            f"letter first, at most {MOST_LETTERS}"
        )
    if is_python:
        registry = load_methods() if kind == "method" else load_datasets()
        names = {*registry.available, *registry.unavailable}
    else:
        names = {*toml_files(template.folder)}
    if name in names:
        raise BenchError(f"bench new: there is a {kind} {name!r} already; give another NAME")


def _text(template: Template, file: str, name: str) -> str:
    """The text of a file of a template under the new name."""
    from rppgbench.core.content_roots import content_roots
    from rppgbench.datasets.splits import text_checksum

    folder = template.folder.split("/", maxsplit=1)[0]
    text = (content_roots()[0] / folder / "templates" / file).read_text(encoding="utf-8")
    if template.placeholder:
        text = text.replace(template.placeholder, name)
    return text.replace("CHECKSUM", text_checksum(text)) if "CHECKSUM" in text else text
