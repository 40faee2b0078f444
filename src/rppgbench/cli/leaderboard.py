"""bench leaderboard: bundles as a static site."""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import at_least_one, path
from rppgbench.cli.options import output, plugins
from rppgbench.cli.terminal import answer, answer_json, tell
from rppgbench.system.errors import BenchError, one_line

if TYPE_CHECKING:
    from rppgbench.sharing.checking import Bundle
    from rppgbench.sharing.rederivation import Rederivation

MIN_SUBJECTS = 5
"""An interval over fewer subjects says little; the report marks it too."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "leaderboard",
        run,
        about="Set bundles beside each other as a static site; only what somebody else made again "
        "is ranked.",
        example="bench leaderboard bundles/*.zip --rederived records --out site",
    )
    parser.add_argument("bundles", type=path, nargs="+", help="files that `bench bundle` wrote")
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="the site")
    parser.add_argument(
        "--rederived",
        type=path,
        action="append",
        default=[],
        metavar="PATH",
        help="a record of `bench rerun-check BUNDLE --json`, or a folder of records",
    )
    parser.add_argument(
        "--signers", type=path, metavar="FILE", help="keys that are trusted (ssh-keygen)"
    )
    parser.add_argument(
        "--min-subjects",
        type=at_least_one,
        default=MIN_SUBJECTS,
        metavar="N",
        help=f"fewest subjects of a ranked result ({MIN_SUBJECTS})",
    )
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Check the bundles and write the site."""
    from rppgbench.sharing.leaderboard import write_leaderboard
    from rppgbench.sharing.leaderboard_entries import bundle_entries
    from rppgbench.sharing.leaderboard_tables import leaderboard_tables
    from rppgbench.sharing.signatures import SUFFIX, signer

    bundles = _checked(args.bundles)
    records = _records(args.rederived, bundles)
    entries = []
    for bundle in bundles.values():
        signed = args.signers and bundle.file.with_name(bundle.file.name + SUFFIX).is_file()
        name = signer(bundle.file, args.signers) if signed else ""
        entries += bundle_entries(bundle, records.get(bundle.id, []), name)
    tables = leaderboard_tables(entries, min_subjects=args.min_subjects)
    pages = write_leaderboard(tables, args.out, min_subjects=args.min_subjects)
    counts = Counter(entry.status for entry in entries)
    if args.json:
        answer_json(
            {
                "bundles": list(bundles),
                "tables": len(tables),
                "results": dict(sorted(counts.items())),
                "pages": [os.fspath(page) for page in pages],
            }
        )
        return DONE
    answer(
        f"{len(bundles)} bundles, {len(tables)} tables, {len(entries)} results: "
        + ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    )
    answer(one_line(os.fspath(pages[0])))
    return DONE


def _checked(files: list[Path]) -> "dict[str, Bundle]":
    """The bundles by id; each is there once."""
    from rppgbench.sharing.checking import check_bundle

    bundles: dict[str, Bundle] = {}
    for file in files:
        bundle = check_bundle(file)
        if bundle.id in bundles:
            raise BenchError(f"{file}: the same bundle as {bundles[bundle.id].file}; name one")
        bundles[bundle.id] = bundle
    return bundles


def _records(places: list[Path], bundles: "dict[str, Bundle]") -> "dict[str, list[Rederivation]]":
    """The records by bundle; one of another bundle is told, and one that does not fit is too."""
    from rppgbench.sharing.leaderboard_entries import is_independent, records_in
    from rppgbench.sharing.rederivation import read_record

    records: dict[str, list[Rederivation]] = {}
    for file in records_in(places):
        record = read_record(file)
        if record.bundle not in bundles:
            tell(one_line(f"note: {file} is of bundle {record.bundle}, which is not here"))
        elif not record.fit:
            tell(one_line(f"note: {file}: something differed, so the bundle has no rank"))
        elif not is_independent(record, bundles[record.bundle].summary.by):
            tell(one_line(f"note: {file}: names nobody else than the maker, so it does not count"))
        records.setdefault(record.bundle, []).append(record)
    return records
