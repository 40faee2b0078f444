"""bench rerun-check: a sample of stored waveforms, computed again and compared."""

import argparse
import json
import math
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.options import as_json, at_least_one, data_roots, path, places, plugins, seed
from rppgbench.cli.terminal import answer

if TYPE_CHECKING:
    from rppgbench.analysis.rerun_check import Finding, Verification


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "rerun-check",
        run,
        about="Make a sample of stored waveforms again from the videos, and compare them. "
        "Exit code 3 if one differs by more than the tolerance.",
        example="bench rerun-check results/quickstart --sample 10",
    )
    parser.add_argument("results", type=path, help="a folder that `bench run` wrote")
    parser.add_argument("--sample", type=at_least_one, default=5, metavar="N", help="waveforms (5)")
    parser.add_argument("--seed", type=seed, default=0, metavar="K", help="of the sample")
    as_json(parser)
    places(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each waveform and the counts; exit code 3 if one differs."""
    from rppgbench.analysis.rerun_check import Verification, rerun_sample
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.execution.run_setup import check_roots
    from rppgbench.store.store import Store

    store = Store(args.results)
    roots = data_roots(args)
    check_roots(roots, store.manifest["data"], f"{args.results}")
    verification = Verification((), 0)
    for result in rerun_sample(
        store, sample=args.sample, seed=args.seed, cache=cache_folder(args.cache), moved_roots=roots
    ):
        if isinstance(result, Verification):
            verification = result
        elif not args.json:
            answer(_finding_line(result))
    if args.json:
        answer(json.dumps(_to_dict(verification), indent=1))
    else:
        _print_counts(verification)
    return DONE if verification.fit else SOME_FAILED


def _finding_line(finding: "Finding") -> str:
    parts = [
        finding.method,
        f"fold {finding.fold}",
        f"seed {finding.seed}",
        finding.condition,
        finding.region,
    ]
    cell = ", ".join(part for part in parts if part not in {"", "none"})
    line = f"{finding.verdict:16}  {finding.dataset}/{finding.recording}: {cell}"
    if finding.difference > 0:
        line += f"; up to {finding.difference:.1e} of the standard deviation"
    line += f"; {finding.detail}" if finding.detail else ""
    return line + ("; code, settings or data changed since" if finding.changed else "")


def _to_dict(verification: "Verification") -> dict[str, Any]:
    from rppgbench.analysis.rerun_check import TOLERANCE

    findings = [asdict(finding) for finding in verification.findings]
    for finding in findings:
        finding["difference"] = None if math.isnan(finding["difference"]) else finding["difference"]
    return {
        "fit": verification.fit,
        "tolerance": TOLERANCE,
        "stored": verification.stored,
        "notes": list(verification.notes),
        "findings": findings,
    }


def _print_counts(verification: "Verification") -> None:
    from rppgbench.analysis.rerun_check import TOLERANCE

    for note in verification.notes:
        answer(f"note: {note}")
    count = Counter(finding.verdict for finding in verification.findings)
    answer(
        f"{len(verification.findings)} of {verification.stored} waveforms made again: "
        f"{count['same bits']} the same to the bit, {count['within tolerance']} within "
        f"{TOLERANCE:g} of their standard deviation, {count['differs']} different"
    )
