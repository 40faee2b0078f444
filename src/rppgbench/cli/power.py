"""bench power: how small a difference some results, or a printed table, can show."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.mark_lines import answer_marks
from rppgbench.cli.option_values import at_least_one, path, real
from rppgbench.cli.options import as_json, plugins, without_effect
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError
from rppgbench.system.text_wrapping import aligned

if TYPE_CHECKING:
    from rppgbench.analysis.printed_gaps import PrintedGap
    from rppgbench.evaluation.pair_power import PairPower
    from rppgbench.papers.declaration import Line, PaperTable

TYPICAL_CORRELATION = 0.5
"""Of the errors of two methods over recordings; measured: docs, measurements/power."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "power",
        run,
        about="How small a difference of two methods the people of some results can show.",
        example="bench power results/ubfc --difference 0.5 --people 42",
    )
    parser.add_argument(
        "results", type=path, nargs="?", help="a folder that `bench run` wrote, or a bundle of it"
    )
    parser.add_argument(
        "--table", metavar="NAME", help="in place of results: the printed values of a report"
    )
    parser.add_argument(
        "--correlation",
        type=_correlation,
        metavar="R",
        help="of the errors of two printed methods over recordings (0.5)",
    )
    parser.add_argument(
        "--difference", type=_above_zero, metavar="BPM", help="a difference to find (1 bpm)"
    )
    parser.add_argument(
        "--people",
        type=at_least_one,
        metavar="N",
        help="people of a run that is planned, or behind a table (its recordings)",
    )
    parser.add_argument("--evaluator", metavar="NAME", help="default: the protocol's first")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each pair of methods."""
    if (args.results is None) == (args.table is None):
        raise BenchError("bench power: give it results, or --table NAME")
    if args.table is not None:
        without_effect(args, ["difference", "evaluator"], "with --table")
        return _printed(args)
    without_effect(args, ["correlation"], "without --table")
    return _measured(args)


def _measured(args: argparse.Namespace) -> int:
    from rppgbench.analysis.stored_results import load_stored
    from rppgbench.evaluation.evaluator_lookup import find_evaluator
    from rppgbench.evaluation.pair_power import WANTED_BPM, pair_powers
    from rppgbench.report.sections.comparison import without_leaked
    from rppgbench.sharing.checking import results_folder
    from rppgbench.store.store import Store

    wanted_bpm = args.difference or WANTED_BPM
    with results_folder(args.results) as folder:
        stored = load_stored(Store(folder))
        name = args.evaluator or stored.manifest["protocol"]["evaluators"][0]
        rule = find_evaluator(name, "--evaluator")
        windows, left_out = without_leaked(stored.score(rule))
    pairs = pair_powers(windows, wanted_bpm=wanted_bpm, people=args.people)
    if args.json:
        settings = {"evaluator": name, "difference_bpm": wanted_bpm, "people": args.people}
        marks = {
            "simulated": stored.simulated,
            "twins": stored.twins,
            "imported": stored.imported,
        }
        content = {"left_out": list(left_out), "pairs": [asdict(pair) for pair in pairs]}
        answer_json({**settings, **marks, **content})
        return DONE if pairs else SOME_FAILED
    answer_marks(simulated=stored.simulated, imported=stored.imported, twins=stored.twins)
    for line in left_out:
        answer(line)
    if not pairs:
        answer(f"no pair of methods has errors under {name}: two methods with scores are needed")
        return SOME_FAILED
    answer(
        f"mean absolute error of each person's {rule.quantity} under {name}, in "
        f"{rule.rate_unit}; found: by a paired t test at 5 % with a chance of 80 %"
    )
    _print_table([_header(wanted_bpm, args.people), *(_cells(pair, args.people) for pair in pairs)])
    return DONE


def _printed(args: argparse.Namespace) -> int:
    from rppgbench.analysis.printed_gaps import printed_gaps
    from rppgbench.core.registry import find_toml
    from rppgbench.papers.declaration import read_table

    correlation = TYPICAL_CORRELATION if args.correlation is None else args.correlation
    table, lines = read_table(find_toml("reports", "report", args.table, "--table"))
    groups = []
    for setting in table.settings:
        rows = [
            row
            for line in lines
            if line.setting.label == setting.label and (row := _printed_errors(table, line))
        ]
        n = args.people or setting.recordings
        if len(rows) > 1 and n > 1:
            groups.append((setting.label, n, printed_gaps(rows, n, correlation)))
    if args.json:
        answer_json(
            {
                "report": args.table,
                "correlation": correlation,
                "settings": [
                    {"label": label, "n": n, "gaps": [*map(asdict, gaps)]}
                    for label, n, gaps in groups
                ],
            }
        )
        return DONE if groups else SOME_FAILED
    if not groups:
        answer(f"{args.table}: no setting prints MAE and RMSE of two methods with its n")
        return SOME_FAILED
    answer(
        f"printed MAE in bpm; found: by a paired t test at 5 % with a chance of 80 %, where the "
        f"errors of two methods correlate by {correlation:g}; n: "
        f"{'people' if args.people else 'recordings (fewer people find less)'}"
    )
    for label, n, gaps in groups:
        detectable = sum(gap.is_detectable for gap in gaps)
        answer(f"{label}, n = {n}: {detectable} of {len(gaps)} gaps are found")
        _print_table([("pair", "gap", "found from", "told"), *map(_gap_cells, gaps)])
    return DONE


def _printed_errors(table: "PaperTable", line: "Line") -> tuple[str, float, float] | None:
    """Name, MAE and RMSE of a printed row; None where one is not printed, or another row's."""
    names = {measure: name for name, measure in table.measures.items()}
    mae, rmse = (line.printed.get(names.get(measure, "")) for measure in ("mae", "rmse"))
    if mae is None or rmse is None or line.method.values_of:
        return None
    return line.method.printed, mae.number, rmse.number


def _header(wanted_bpm: float, people: int | None) -> tuple[str, ...]:
    planned = () if people is None else (f"{people} find",)
    return ("pair", "difference (95 %)", "people", "find", *planned, f"{wanted_bpm:g} bpm takes")


def _cells(pair: "PairPower", people: int | None) -> tuple[str, ...]:
    name = f"{pair.first} - {pair.second}{f' ({pair.condition})' if pair.condition else ''}"
    planned = () if people is None else (_number(pair.detectable_with),)
    needed = "over a million" if pair.needed is None else f"{pair.needed}"
    interval = f"{pair.difference:+.2f} ({pair.low:+.2f} to {pair.high:+.2f})"
    if math.isnan(pair.sd):
        return (name, "two people needed", f"{pair.people}", "-", *(("-",) if people else ()), "-")
    return (name, interval, f"{pair.people}", _number(pair.detectable), *planned, needed)


def _gap_cells(gap: "PrintedGap") -> tuple[str, ...]:
    name = f"{gap.first} < {gap.second}"
    return (name, _number(gap.gap), _number(gap.detectable), "yes" if gap.is_detectable else "no")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    for line in aligned(rows):
        answer(f"  {line}")


def _above_zero(text: str) -> float:
    number = real(text)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no difference above 0 bpm")
    return number


def _correlation(text: str) -> float:
    number = real(text)
    if not -1 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no correlation from -1 to 1")
    return number
