"""bench rerun-check: a sample of stored waveforms, computed again and compared."""

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE, SOME_FAILED
from rppgbench.cli.option_values import at_least_one, seed
from rppgbench.cli.options import (
    as_json,
    data_roots,
    places,
    plugins,
    results,
    without_effect,
)
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import one_line

if TYPE_CHECKING:
    from rppgbench.analysis.rerun_check import Finding, Verification
    from rppgbench.sharing.rederivation import Rederivation


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
    results(parser)
    parser.add_argument("--sample", type=at_least_one, default=5, metavar="N", help="waveforms (5)")
    parser.add_argument("--seed", type=seed, default=0, metavar="K", help="of the sample")
    parser.add_argument("--by", metavar="NAME", help="who runs it again: in the record of a bundle")
    as_json(parser)
    places(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each waveform and the counts; exit code 3 if one differs."""
    if args.results.is_file():
        return _run_bundle(args)
    without_effect(args, ["by"], "without a bundle")
    from rppgbench.analysis.rerun_check import Verification, rerun_sample
    from rppgbench.datasets.roots import cache_folder, check_roots
    from rppgbench.store.store import Store

    store = Store(args.results)
    roots = data_roots(args)
    check_roots(roots, store.manifest["data"], f"{args.results}")
    verification = Verification(findings=(), stored=0)
    for result in rerun_sample(
        store, sample=args.sample, seed=args.seed, cache=cache_folder(args.cache), moved_roots=roots
    ):
        if isinstance(result, Verification):
            verification = result
        elif not args.json:
            answer(_finding_line(result))
    if args.json:
        answer_json(_to_dict(verification))
    else:
        _print_counts(verification)
    return DONE if verification.fit else SOME_FAILED


def _run_bundle(args: argparse.Namespace) -> int:
    """Make a sample of a bundle again; with --json the answer is the record for a leaderboard."""
    from rppgbench.datasets.roots import cache_folder, check_roots
    from rppgbench.sharing.checking import check_bundle
    from rppgbench.sharing.rederivation import Rederivation, record_json, rederive

    bundle, roots = check_bundle(args.results), data_roots(args)
    check_roots(roots, bundle.summary.datasets, f"{args.results}")
    fit = False
    for result in rederive(
        bundle,
        sample=args.sample,
        seed=args.seed,
        cache=cache_folder(args.cache),
        roots=roots,
        by=one_line(args.by or ""),
    ):
        if isinstance(result, Rederivation):
            fit = result.fit
            answer(record_json(result)) if args.json else _print_record(result)
        elif not args.json:
            answer(_finding_line(result))
    return DONE if fit else SOME_FAILED


def _print_record(record: "Rederivation") -> None:
    for note in record.notes:
        answer(f"note: {note}")
    for line in record.differing:
        answer(f"differs: {line}")
    answer(
        f"{record.estimates} of {record.stored} waveforms, the references of {record.references} "
        f"recordings and {record.scores} scores made again: {len(record.differing)} different"
    )


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

    return {
        "fit": verification.fit,
        "tolerance": TOLERANCE,
        "stored": verification.stored,
        "notes": list(verification.notes),
        "findings": [asdict(finding) for finding in verification.findings],
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
