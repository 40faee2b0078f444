"""bench limit: what the noise of each video permits, beside what each method reached."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.mark_lines import answer_marks
from rppgbench.cli.options import as_json, choose_region, data_roots, places, plugins, results
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError
from rppgbench.system.text_wrapping import aligned

if TYPE_CHECKING:
    from rppgbench.evaluation.recording_limit import RecordingLimit


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "limit",
        run,
        about="The smallest standard error of a heart rate that the noise of each video permits, "
        "beside what each method reached.",
        example="bench limit results/ubfc_intra",
    )
    results(parser)
    parser.add_argument("--evaluator", metavar="NAME", help="default: the protocol's first")
    parser.add_argument(
        "--region",
        metavar="NAME",
        help="face region of the limit, and of the errors where methods were run on it (default: "
        "the protocol's first)",
    )
    as_json(parser)
    places(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each recording and the medians."""
    from rppgbench.analysis.rate_limits import rate_limits
    from rppgbench.analysis.stored_results import load_stored
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.evaluation.evaluator_lookup import find_evaluator
    from rppgbench.report.sections.comparison import without_leaked
    from rppgbench.sharing.checking import results_folder
    from rppgbench.store.store import Store
    from rppgbench.system.progress import progress

    with results_folder(args.results) as folder:
        stored = load_stored(Store(folder))
        protocol = stored.manifest["protocol"]
        name = args.evaluator or protocol["evaluators"][0]
        rule = find_evaluator(name, "--evaluator")
        region = choose_region(args.region, [], protocol["regions"][0])
        windows, left_out = without_leaked(stored.score(rule))
        if windows.empty and left_out:
            raise BenchError(f"{args.results}: no row is left. {left_out[0]} Run another method")
        limits = []
        limits_in_turn = rate_limits(
            stored,
            windows,
            rule,
            region=region,
            cache=cache_folder(args.cache),
            moved_roots=data_roots(args),
        )
        total = len(windows[["dataset", "recording"]].drop_duplicates())
        with progress("recordings", total, quiet=args.json) as display:
            for limit in limits_in_turn:
                limits.append(limit)
                display.step(limit.recording)
    if args.json:
        marks = {
            "simulated": stored.simulated,
            "twins": stored.twins,
            "imported": stored.imported,
        }
        answer_json(
            {
                "evaluator": name,
                "region": region,
                **marks,
                "left_out": list(left_out),
                "recordings": [*map(asdict, limits)],
            }
        )
        return DONE if any(not limit.reason for limit in limits) else SOME_FAILED
    answer_marks(simulated=stored.simulated, imported=stored.imported, twins=stored.twins)
    for line in left_out:
        answer(line)
    _print(limits, name, region)
    return DONE if any(not limit.reason for limit in limits) else SOME_FAILED


def _print(limits: Sequence["RecordingLimit"], evaluator: str, region: str) -> None:
    answer(
        f"root mean square error in bpm under {evaluator}, in windows with a limit; limit: the "
        f"smallest standard error of any reading of the mean colour of {region}; efficient: the "
        "most likely rate within 15 bpm of the reference"
    )
    known = [limit for limit in limits if not limit.reason]
    methods = sorted({method for limit in known for method in limit.rmse_bpm})
    rows: list[Sequence[str]] = [("recording", "windows", "limit", "efficient", *methods)]
    rows += [_cells(limit, methods) for limit in known]
    rows.append(_medians(known, methods))
    for line in aligned(rows):
        answer(f"  {line}")
    for limit in limits:
        if limit.reason:
            answer(f"no limit: {limit.dataset}/{limit.recording}: {limit.reason}")


def _cells(limit: "RecordingLimit", methods: Sequence[str]) -> tuple[str, ...]:
    errors = (limit.rmse_bpm.get(method, math.nan) for method in methods)
    numbers = (limit.limit_bpm, limit.efficient_bpm, *errors)
    return (f"{limit.dataset}/{limit.recording}", f"{limit.windows}", *map(_number, numbers))


def _medians(known: Sequence["RecordingLimit"], methods: Sequence[str]) -> tuple[str, ...]:
    from statistics import median

    def middle(values: Sequence[float]) -> str:
        finite = [value for value in values if math.isfinite(value)]
        return _number(median(finite)) if finite else "-"

    return (
        "median",
        "",
        middle([limit.limit_bpm for limit in known]),
        middle([limit.efficient_bpm for limit in known]),
        *(middle([limit.rmse_bpm.get(m, math.nan) for limit in known]) for m in methods),
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
