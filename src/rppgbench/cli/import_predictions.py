"""bench import: predictions that were made elsewhere, scored as own results are."""

import argparse
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import names, path
from rppgbench.cli.options import data_roots, output, places, plugins
from rppgbench.cli.report_answer import answer_report
from rppgbench.cli.terminal import note, tell
from rppgbench.system.errors import one_line
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    from rppgbench.importing.options import ImportOptions

SHOWN = 5


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "import",
        run,
        about="Score predictions that were made elsewhere: waveforms or heart rates in files of "
        "other tools, or in tables.",
        example="bench import outputs.pickle --method their_net --out results/their_net",
    )
    parser.add_argument("source", type=path, help="a file, or a folder of files")
    parser.add_argument("--method", required=True, metavar="NAME", help="the name in the results")
    parser.add_argument("--out", required=True, type=path, metavar="DIR", help="the results folder")
    parser.add_argument(
        "--format", default="", metavar="F", help="of the source (default: by its content)"
    )
    parser.add_argument(
        "--protocol",
        default="",
        metavar="P",
        help="its test recordings are expected; one without a prediction counts as missing",
    )
    parser.add_argument(
        "--reference", type=path, metavar="FILE", help="the references, where the source has none"
    )
    parser.add_argument(
        "--fs", type=float, metavar="HZ", help="samples a second, where the source states none"
    )
    parser.add_argument(
        "--kind",
        choices=["waveform", "heart_rate"],
        help="which to score where the source has both (waveform)",
    )
    parser.add_argument(
        "--names", type=path, metavar="MAP.csv", help="columns source,recording: which is which"
    )
    parser.add_argument(
        "--trained-on",
        type=names,
        default=(),
        metavar="SET,...",
        help="data sets that the method was trained on: their rows are marked",
    )
    parser.add_argument("--cite", default="", metavar="TEXT", help="what is to be cited")
    parser.add_argument(
        "--simulated", action="store_true", help="the recordings are simulated: mark the results"
    )
    places(parser)
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Import, say what was matched and what was not, and write the page."""
    from rppgbench.analysis.build_report import build_report
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.importing.import_run import import_predictions
    from rppgbench.importing.matched import LEFTOVERS

    summary = import_predictions(
        _options(args), cache_folder(args.cache), lambda line: note(line.removeprefix("note: "))
    )
    imported = (
        f"imported, not run here: {', '.join(summary.methods)}: "
        f"{pluralise(summary.rows, 'prediction')} of "
        f"{pluralise(summary.recordings, 'recording')}; names matched {one_line(summary.rule)}"
    )
    if summary.clock_note:
        note(summary.clock_note)
    shown_failures = dict(list(summary.failed.items())[:SHOWN])
    for name, reason in shown_failures.items():
        tell(f"failed: {one_line(name)}: {one_line(reason)}", error=True)
    if len(summary.failed) > SHOWN:
        tell(f"failed: {len(summary.failed) - SHOWN} more; the page lists all", error=True)
    if summary.leftovers:
        tell(f"left over: {summary.leftovers}, listed in {args.out / LEFTOVERS}")
    report = build_report(summary.store, args.out / "report.html", command=args.command_line)
    answer_report(report, as_json=args.json, before=imported, failed=shown_failures)
    return SOME_FAILED if summary.failed else DONE


def _options(args: argparse.Namespace) -> "ImportOptions":
    from dataclasses import fields

    from rppgbench.importing.options import ImportOptions

    values = {f.name: getattr(args, f.name) for f in fields(ImportOptions) if f.name in args}
    values |= {"data": data_roots(args), "command": args.command_line}
    return ImportOptions(**values)
