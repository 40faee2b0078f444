"""bench decompose: the same waveforms under every evaluator, and a difference in its parts."""

import argparse
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.mark_lines import answer_marks
from rppgbench.cli.option_values import path
from rppgbench.cli.options import output, plugins, results
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError
from rppgbench.system.folders import refuse_folder
from rppgbench.system.io_errors import writing

if TYPE_CHECKING:
    from rppgbench.analysis.decomposition import EndpointName
    from rppgbench.report.decomposition_inputs import DecompositionInputs

DEFAULT_PAIR = "toolbox_2023,pyvhr"

BOX, SKIN = "toolbox_box", "skin"
TOOLBOX_PREFIX = "toolbox_"
"""Evaluators of this prefix take the region `BOX` by default, as their toolbox does."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "decompose",
        run,
        about="Score the same waveforms under every evaluator, and split a difference into its "
        "parts.",
        example="bench decompose results/quickstart --between toolbox_2023@toolbox_box,pyvhr@skin",
    )
    results(parser)
    parser.add_argument(
        "--between",
        metavar="A,B",
        help="two evaluators, each with @REGION if wanted (toolbox_2023,pyvhr)",
    )
    parser.add_argument(
        "--out", type=path, metavar="FILE", help="the page (RESULTS/decomposition.html)"
    )
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print errors and shares; write the page and its two CSV files."""
    from rppgbench.analysis.decomposition import decomposition_inputs
    from rppgbench.report.decomposition_page import write_decomposition
    from rppgbench.sharing.checking import output_folder, results_folder
    from rppgbench.store.store import Store

    if args.out is not None:
        refuse_folder(args.out, "--out")
    between = _parse_pair(args.between or DEFAULT_PAIR)
    regions = [BOX if name.startswith(TOOLBOX_PREFIX) else SKIN for name, _ in between]
    with results_folder(args.results) as folder:
        inputs = decomposition_inputs(
            Store(folder),
            between,
            preferred_regions=regions,
            command=args.command_line,
            quiet=args.json or args.quiet,
        )
    page = args.out or output_folder(args.results) / "decomposition.html"
    with writing(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        files = write_decomposition(inputs, page)
    if args.json:
        answer_json(_to_dict(inputs))
    else:
        _print(inputs)
        for file in files:
            answer(os.fspath(file))
    return DONE


def _parse_pair(text: str) -> "tuple[EndpointName, EndpointName]":
    """Two evaluators, each with a region after "@" if one is wanted."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise BenchError(
            f"--between: {text!r} is not A,B or A@REGION,B@REGION, such as {DEFAULT_PAIR}"
        )
    sides = []
    for part in parts:
        name, _, region = part.partition("@")
        sides.append((name, region))
    return sides[0], sides[1]


def _to_dict(inputs: "DecompositionInputs") -> dict[str, Any]:
    from rppgbench.report.decomposition_inputs import errors_frame

    frame = errors_frame(inputs)
    columns = [*inputs.page.scores[0].by, "mae", "mae_low", "mae_high", "n_recordings", "n_windows"]
    rows = frame[["evaluator", *columns, "window_coverage"]].to_dict("records")
    return {
        "simulated": inputs.page.marks.simulated,
        "twins": inputs.page.marks.twins,
        "imported": dict(inputs.page.marks.imported),
        "errors": rows,
        "first": inputs.first.label,
        "second": inputs.second.label,
        "splits": [
            {
                **dict(zip(inputs.by, split.row, strict=True)),
                "first_bpm": split.first_bpm,
                "second_bpm": split.second_bpm,
                "shares": {group: asdict(share) for group, share in split.shares.items()},
                "orders": split.orders,
                "of": split.all_orders,
                "notes": list(split.notes),
            }
            for split in inputs.splits
        ],
    }


def _print(inputs: "DecompositionInputs") -> None:
    marks = inputs.page.marks
    answer_marks(simulated=marks.simulated, imported=marks.imported, twins=marks.twins)
    _print_errors(inputs)
    _print_shares(inputs)
    answer("each part is the mean over all orders of the changes; the parts add up exactly")


def _print_errors(inputs: "DecompositionInputs") -> None:
    """The error of each method under each evaluator, and the range over evaluators."""
    from rppgbench.report.decomposition_inputs import errors_frame

    table = errors_frame(inputs).pivot_table(
        index="evaluator",
        columns=list(inputs.page.scores[0].by),
        values="mae",
        sort=False,
        dropna=False,
    )
    table = table.dropna(axis=1, how="all")
    names = ["/".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in table.columns]
    widths = [max(len(name), 7) for name in names]
    width = max(map(len, table.index))
    answer("mean absolute error in bpm, the same waveforms")
    answer(" ".join([" " * width, *(f"{n:>{w}}" for n, w in zip(names, widths, strict=True))]))
    for name, row in zip(table.index, table.to_numpy(), strict=True):
        answer(" ".join([f"{name:{width}}", *_format(row, widths)]))
    ranges = (table.max() - table.min()).to_numpy()
    answer(" ".join([f"{'range':{width}}", *_format(ranges, widths)]))


def _print_shares(inputs: "DecompositionInputs") -> None:
    """The parts of the difference between the two sides, a line a row, then the notes."""
    answer(f"\nfrom {inputs.first.label} to {inputs.second.label}, in parts (bpm)")
    names = ["/".join(split.row) for split in inputs.splits]
    width = max(map(len, names), default=0)
    header = ["first", *inputs.groups, "second"]
    answer(" ".join([" " * width, *(f"{word:>8}" for word in header)]))
    for name, split in zip(names, inputs.splits, strict=True):
        shares = [split.shares[g].value if g in split.shares else math.nan for g in inputs.groups]
        values = [split.first_bpm, *shares, split.second_bpm]
        answer(" ".join([f"{name:{width}}", *_format(values, [8] * len(values))]))
    names_by_note: dict[str, list[str]] = {}
    for name, split in zip(names, inputs.splits, strict=True):
        for note in split.notes:
            names_by_note.setdefault(note, []).append(name)
    for note, rows in names_by_note.items():
        answer(f"note: {'all' if len(rows) == len(names) else ', '.join(rows)}: {note}")


def _format(values: Iterable[float], widths: list[int]) -> list[str]:
    """Two decimals, right-aligned; a missing value is "-", and -0.00 is 0.00."""
    pairs = zip(values, widths, strict=True)
    return [f"{'-' if math.isnan(v) else f'{round(v, 2) + 0.0:.2f}':>{w}}" for v, w in pairs]
