"""bench compare: what changed between two results folders."""

import argparse
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.mark_lines import answer_marks
from rppgbench.cli.options import as_json, plugins, results
from rppgbench.cli.terminal import answer, answer_json

if TYPE_CHECKING:
    from rppgbench.analysis.compare import Comparison, WaveformComparison

MAX_LENGTH = 60
"""Characters of a setting that are printed; the rest is cut off."""

CONTEXT = 20
"""Characters that two long values have in common and that stand before the first other one."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "compare",
        run,
        about="Say what changed between two results: settings, versions, waveforms, then errors.",
        example="bench compare results/before results/after",
    )
    results(parser, "first")
    results(parser, "second")
    parser.add_argument("--evaluator", metavar="NAME", help="default: the first that both declare")
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print what changed: settings, then waveforms, then errors."""
    from rppgbench.analysis.compare import compare_results
    from rppgbench.sharing.checking import results_folder
    from rppgbench.store.store import Store

    with results_folder(args.first) as first, results_folder(args.second) as second:
        comparison = compare_results(Store(first), Store(second), evaluator=args.evaluator)
    if args.json:
        answer_json(asdict(comparison))
    else:
        _print(comparison)
    return DONE


def _print(comparison: "Comparison") -> None:
    answer_marks(
        simulated=comparison.simulated, imported=comparison.imported, twins=comparison.twins
    )
    note = "" if comparison.changes else ": alike"
    answer(f"settings, versions and data{note}")
    for change in comparison.changes:
        first, second = _shorten(change.first, change.second)
        answer(f"  {change.what}: {first} -> {second}")
    answer("\nwaveforms")
    for waveforms in comparison.waveforms:
        answer(_waveforms_line(waveforms))
    answer(
        f"\nmean absolute error under {comparison.evaluator}, over the recordings of both "
        f"({comparison.unit})"
    )
    answer(f"  {comparison.meaning}")
    for row in comparison.paired:
        interval = (
            "no interval"
            if math.isnan(row.low)
            else f"95 % interval {row.low:+.3f} to {row.high:+.3f} over {row.subjects} subjects"
        )
        answer(
            f"  {row.method}: {row.first:.3f} -> {row.second:.3f}, {row.difference:+.3f} "
            f"({interval}; n = {row.recordings})"
        )


def _waveforms_line(waveforms: "WaveformComparison") -> str:
    line = f"  {waveforms.method}: {waveforms.same} of {waveforms.both} the same to the bit"
    if waveforms.same < waveforms.both:
        largest = waveforms.largest
        line += "; lengths, rates or gaps differ" if math.isnan(largest) else ""
        line += f"; up to {largest:.1e} of the standard deviation" if largest > 0 else ""
    line += f"; {waveforms.only_first} only in the first" if waveforms.only_first else ""
    return line + (f"; {waveforms.only_second} only in the second" if waveforms.only_second else "")


def _shorten(first: str, second: str) -> tuple[str, str]:
    """Two values of a setting, each cut to `MAX_LENGTH` characters that show where they differ.

    >>> _shorten("", "b"), _shorten("x" * 80 + "a", "x" * 80 + "b")[1]
    (('(not there)', 'b'), '...xxxxxxxxxxxxxxxxxxxxb')
    """
    begin = 0
    if max(len(first), len(second)) > MAX_LENGTH:
        pairs = enumerate(zip(first, second, strict=False))
        differing = (place for place, (before, after) in pairs if before != after)
        begin = max(0, next(differing, min(len(first), len(second))) - CONTEXT)
    return _cut(first, begin), _cut(second, begin)


def _cut(text: str, begin: int) -> str:
    shown = ("..." if begin else "") + text[begin:] if text else "(not there)"
    return shown if len(shown) <= MAX_LENGTH else shown[: MAX_LENGTH - 3] + "..."
