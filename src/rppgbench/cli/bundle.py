"""bench bundle: a results folder as one file, and the check of such a file."""

import argparse
import os
from pathlib import Path

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import names, path
from rppgbench.cli.options import output, plugins, without_effect
from rppgbench.cli.terminal import answer, answer_json, note
from rppgbench.system.errors import BenchError, one_line

MAKE = ("o", "by", "licence", "own_data", "without_models", "sign")
CHECK = ("id", "signers")


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "bundle",
        run,
        about="Write results as one file to pass on, or check such a file to the last byte.",
        example="bench bundle results/quickstart --by 'Ann Lee'",
    )
    parser.add_argument("results", type=path, nargs="?", help="a folder that `bench run` wrote")
    parser.add_argument(
        "-o", type=path, metavar="FILE", help="the bundle (RESULTS/PROTOCOL-ID.zip)"
    )
    parser.add_argument("--by", metavar="NAME", help="who made the results")
    parser.add_argument("--licence", metavar="TEXT", help="of the bundle, such as CC-BY-4.0")
    parser.add_argument(
        "--own-data",
        type=names,
        metavar="SET,...",
        help="data sets of your own, whose references may be passed on",
    )
    parser.add_argument(
        "--without-models", action="store_true", help="leave out what learned methods learned"
    )
    parser.add_argument(
        "--sign", type=path, metavar="KEY", help="sign the bundle with this key (ssh-keygen)"
    )
    parser.add_argument("--check", type=path, metavar="FILE", help="check a bundle; write nothing")
    parser.add_argument("--id", metavar="ID", help="the id that the checked bundle must have")
    parser.add_argument(
        "--signers", type=path, metavar="FILE", help="keys that are trusted (ssh-keygen)"
    )
    output(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Write a bundle, or check one."""
    if (args.results is None) == (args.check is None):
        raise BenchError("bench bundle: give RESULTS to write a bundle, or --check FILE")
    if args.check is not None:
        without_effect(args, MAKE, "with --check")
        return _check(args)
    without_effect(args, CHECK, "without --check")
    return _write(args)


def _write(args: argparse.Namespace) -> int:
    from rppgbench.sharing.bundle import write_bundle
    from rppgbench.sharing.checking import check_bundle
    from rppgbench.sharing.contents import Sharing
    from rppgbench.sharing.signatures import sign

    sharing = Sharing(
        by=one_line(args.by or ""),
        licence=one_line(args.licence or ""),
        own_data=args.own_data or (),
        models=not args.without_models,
    )
    file = write_bundle(args.results, args.o, sharing)
    bundle = check_bundle(file)
    withheld = {
        name: summary.recordings - summary.references
        for name, summary in bundle.summary.datasets.items()
        if summary.recordings > summary.references
    }
    signature = None if args.sign is None else os.fspath(sign(file, args.sign))
    if args.json:
        answer_json(
            {
                "id": bundle.id,
                "file": os.fspath(file),
                "by": bundle.summary.by,
                "signature": signature,
                "references_withheld": withheld,
            }
        )
        return DONE
    for name, count in withheld.items():
        note(f"references of {count} recordings of {name} stay here: the bundle has their digests")
    if not bundle.summary.by:
        note("nobody is named; --by NAME says who made the results")
    if signature is not None:
        answer(one_line(signature))
    answer(f"id {bundle.id}")
    answer(one_line(os.fspath(file)))
    return DONE


def _check(args: argparse.Namespace) -> int:
    from rppgbench.sharing.checking import check_bundle
    from rppgbench.sharing.rederivation import check_scores

    file: Path = args.check
    bundle = check_bundle(file, args.id or "")
    scores = check_scores(bundle)
    if scores.differing:
        raise BenchError(
            f"{file}: {len(scores.differing)} scores do not follow from its estimates: "
            f"{scores.differing[0]}"
        )
    signed_by = None
    if args.signers is not None:
        from rppgbench.sharing.signatures import signer

        signed_by = signer(file, args.signers)
    if args.json:
        answer_json(
            {
                "id": bundle.id,
                "named": bundle.named,
                "files": len(bundle.archive.members),
                "scores_that_follow": scores.rows,
                "scores": scores.of,
                "signed_by": signed_by,
            }
        )
        return DONE
    answer(f"id {bundle.id}{'' if bundle.named else ': compare it with the id that was published'}")
    answer(f"{len(bundle.archive.members)} files are as they were written")
    answer(f"{scores.rows} of {scores.of} scores follow from the estimates and references in it")
    if signed_by is not None:
        answer(f"signed by {signed_by}")
    return DONE
