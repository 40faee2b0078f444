"""Every command with its options and an example."""

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from rppgbench import __version__
from rppgbench.cli.options import (
    as_json,
    at_least_one,
    names,
    path,
    places,
    plugins,
    seconds,
    seed,
    workers,
)

Do = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser() -> argparse.ArgumentParser:
    """The whole command line; what a command needs is imported when it runs."""
    top = _plain(
        argparse.ArgumentParser(
            prog="bench",
            description="Runs rPPG methods under named protocols and scores what is stored.",
            epilog="Exit codes: 0 done, 2 a fault of yours in one line, "
            "3 finished but some recordings failed, or there is no answer.",
        )
    )
    top.add_argument("--version", action="version", version=f"bench {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _list(commands)
    _run(commands)
    _report(commands)
    _table(commands)
    _spread(commands)
    _compare(commands)
    _verify(commands)
    _predict(commands)
    _data(commands)
    _simulate(commands)
    _check(commands)
    _agree(commands)
    _speed(commands)
    return top


def _list(commands: Commands) -> None:
    one = _command(
        commands,
        "list",
        "listing:show_list",
        "Name what there is, with a line on each.",
        "bench list methods --json",
    )
    kinds = ["methods", "benchmarks", "protocols", "evaluators", "reports"]
    one.add_argument("kind", nargs="?", choices=kinds, help="only these (default: all)")
    as_json(one)
    plugins(one)


def _run(commands: Commands) -> None:
    one = _command(
        commands,
        "run",
        "running:run_protocol",
        "Run a protocol: features, learning, estimates, report. What is stored is not done again.",
        "bench run --protocol pure_to_ubfc --methods pos,chrom --data ubfc_rppg=/data/UBFC",
    )
    one.add_argument("--protocol", required=True, metavar="NAME", help="see `bench list protocols`")
    one.add_argument(
        "--methods", type=names, metavar="A,B", help="only these (default: the protocol's)"
    )
    places(one)
    one.add_argument("--train", metavar="SET", help="train on this data set instead")
    one.add_argument("--test", metavar="SET", help="test on this data set instead")
    one.add_argument(
        "--simulate", action="store_true", help="on simulated recordings in the native layout"
    )
    one.add_argument(
        "--subjects", type=at_least_one, metavar="N", help="simulated subjects a data set"
    )
    one.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of the simulated recordings"
    )
    one.add_argument("--difficulty", choices=["easy", "paper", "hard"], help="of the simulation")
    one.add_argument("--preset", metavar="NAME", help="of the methods that learn: paper, smoke")
    one.add_argument(
        "--every-epoch",
        action="store_true",
        help="test the models of all epochs: a row 'best epoch (oracle)' beside the last's",
    )
    one.add_argument(
        "--keep-videos",
        type=path,
        metavar="DIR",
        help="recompressed videos: DIR/SET/RECORDING/CONDITION.mkv (default: none is kept)",
    )
    workers(one)
    one.add_argument(
        "--retry-failed",
        action="store_true",
        help="make the stored estimates that failed again (a fault of the machine leaves none)",
    )
    one.add_argument("--seed", type=seed, metavar="K", help="this one seed, not the protocol's")
    one.add_argument("--out", type=path, metavar="DIR", help="results folder (results/PROTOCOL)")
    plugins(one)


def _report(commands: Commands) -> None:
    one = _command(
        commands,
        "report",
        "running:write_report_again",
        "Score stored estimates anew and write the page; nothing is decoded or learned.",
        "bench report results/quickstart --evaluator toolbox_2023",
    )
    one.add_argument("results", type=path, help="a folder that `bench run` wrote")
    one.add_argument("--evaluator", metavar="NAME", help="this one first (default: protocol's)")
    one.add_argument(
        "--partial", action="store_true", help="also where a run was stopped: the page says so"
    )
    one.add_argument("--out", type=path, metavar="FILE", help="the page (RESULTS/report.html)")
    plugins(one)


def _spread(commands: Commands) -> None:
    one = _command(
        commands,
        "spread",
        "spreading:spread",
        "Score the same waveforms under every evaluator, and split a difference into its parts.",
        "bench spread results/quickstart --between toolbox_2023@toolbox_box,pyvhr@skin",
    )
    one.add_argument("results", type=path, help="a folder that `bench run` wrote")
    one.add_argument(
        "--between",
        metavar="A,B",
        help="two evaluators, each with @REGION if wanted (toolbox_2023,pyvhr)",
    )
    one.add_argument("--out", type=path, metavar="FILE", help="the page (RESULTS/spread.html)")
    as_json(one)
    plugins(one)


def _compare(commands: Commands) -> None:
    one = _command(
        commands,
        "compare",
        "comparing:compare",
        "Say what changed between two results: settings, versions, waveforms, then errors.",
        "bench compare results/before results/after",
    )
    one.add_argument("first", type=path, help="a folder that `bench run` wrote")
    one.add_argument("second", type=path, help="another one")
    one.add_argument("--evaluator", metavar="NAME", help="default: the first that both declare")
    as_json(one)
    plugins(one)


def _verify(commands: Commands) -> None:
    one = _command(
        commands,
        "verify",
        "verifying:verify",
        "Make a sample of stored waveforms again from the videos, and compare them. "
        "Exit code 3 if one differs by more than the tolerance.",
        "bench verify results/quickstart --sample 10",
    )
    one.add_argument("results", type=path, help="a folder that `bench run` wrote")
    one.add_argument("--sample", type=at_least_one, default=5, metavar="N", help="waveforms (5)")
    one.add_argument("--seed", type=seed, default=0, metavar="K", help="of the sample")
    as_json(one)
    places(one)
    plugins(one)


def _table(commands: Commands) -> None:
    one = _command(
        commands,
        "table",
        "tables:make_tables",
        "A paper's table: printed beside measured. Runs what is missing, reuses what is stored.",
        "bench table li2023_table2 --data vipl_hr=/data/VIPL-HR --out table2.html",
    )
    one.add_argument("name", nargs="?", metavar="NAME", help="see `bench list reports`")
    one.add_argument("--all", action="store_true", help="every table, into a folder with an index")
    one.add_argument(
        "--results",
        action="append",
        default=[],
        type=path,
        metavar="DIR",
        help="a folder that `bench run` wrote (default: results/PROTOCOL)",
    )
    one.add_argument("--stored", action="store_true", help="run nothing: only what is stored")
    one.add_argument(
        "--simulate", action="store_true", help="also columns SIMULATED, at smoke scale"
    )
    one.add_argument(
        "--subjects", type=at_least_one, metavar="N", help="simulated subjects a data set (4)"
    )
    one.add_argument("--seconds", type=seconds, metavar="S", help="length of simulated videos (12)")
    one.add_argument(
        "--epochs", type=at_least_one, metavar="N", help="of learning on simulated data (1)"
    )
    places(one)
    one.add_argument("--evaluator", metavar="NAME", help="this one in place of the table's")
    one.add_argument("--format", choices=["html", "latex", "markdown", "csv"])
    one.add_argument("--out", type=path, metavar="FILE", help="file, or with --all a folder")
    workers(one)
    plugins(one)


def _predict(commands: Commands) -> None:
    one = _command(
        commands,
        "predict",
        "predicting:predict",
        "The heart rate in one video.",
        "bench predict me.mp4 --method pos --plot me.png",
    )
    one.add_argument("video", type=path)
    one.add_argument("--method", default="pos", metavar="NAME")
    one.add_argument("--weights", type=path, metavar="FILE", help="of a method that learned")
    one.add_argument("--evaluator", default="li2023", metavar="NAME", help="how rates are read")
    one.add_argument("--region", metavar="NAME", help="face region of the trace (skin)")
    as_json(one)
    one.add_argument("--plot", type=path, metavar="FILE", help="a picture, PNG or SVG")
    one.add_argument("--cache", type=path, metavar="DIR", help="where features are kept")
    plugins(one)


def _data(commands: Commands) -> None:
    group = _plain(
        commands.add_parser(
            "data",
            help="Show or check a data set.",
            description="Show or check a data set.",
            epilog="example: bench data check pure /data/PURE",
        )
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    show = _command(
        actions,
        "show",
        "data:show",
        "Layout, licence, how to ask for it, known bad items, citation.",
        "bench data show vipl_hr",
    )
    show.add_argument("name", metavar="NAME")
    as_json(show)
    plugins(show)
    check = _command(
        actions,
        "check",
        "data:check",
        "Read every label and three frames of every video, and say what is wrong.",
        "bench data check ubfc_rppg /data/UBFC --jobs 4",
    )
    check.add_argument("name", metavar="NAME")
    check.add_argument("path", metavar="PATH", type=path, nargs="?", help="default: the set's root")
    as_json(check)
    check.add_argument("--jobs", type=at_least_one, default=1, metavar="N", help="threads")
    plugins(check)


def _simulate(commands: Commands) -> None:
    one = _command(
        commands,
        "simulate",
        "data:simulate",
        "Write simulated recordings in a data set's native layout.",
        "bench simulate pure --out /tmp/PURE --subjects 4 --seconds 20",
    )
    one.add_argument("name", metavar="NAME")
    one.add_argument("--out", type=path, required=True, metavar="DIR", help="a new or empty folder")
    one.add_argument("--subjects", type=at_least_one, default=4, metavar="N")
    one.add_argument("--seconds", type=seconds, default=20.0, metavar="S")
    one.add_argument("--seed", type=seed, default=0, metavar="K")
    one.add_argument("--difficulty", choices=["easy", "paper", "hard"], default="easy")
    plugins(one)


def _check(commands: Commands) -> None:
    one = _command(
        commands,
        "check",
        "checking:check",
        "Run the contract tests on a method: yours or ours.",
        "bench check mymethod.py",
    )
    one.add_argument("method", metavar="METHOD_OR_FILE")
    as_json(one)
    plugins(one)


def _agree(commands: Commands) -> None:
    one = _command(
        commands,
        "agree",
        "agreeing:agree",
        "Run pairs of methods on the same input: waveforms, heart rates, speed.",
        "bench agree pos@pyvhr=pyvhr_pos chrom=pyvhr_chrom --video face.mp4",
    )
    one.add_argument("pairs", nargs="+", metavar="A[@PRESET]=B", help="two methods to compare")
    one.add_argument("--video", type=path, nargs="+", default=[], metavar="FILE")
    one.add_argument(
        "--trace",
        type=path,
        nargs="+",
        default=[],
        metavar="CSV",
        help="lines of time (s), R, G, B: for methods that take a mean colour",
    )
    one.add_argument("--region", metavar="NAME", help="face region (skin)")
    one.add_argument("--evaluator", default="pyvhr", metavar="NAME", help="reads the heart rates")
    one.add_argument("--cache", type=path, metavar="DIR", help="where features are kept")
    as_json(one)
    plugins(one)


def _speed(commands: Commands) -> None:
    one = _command(
        commands,
        "speed",
        "speed:show_speed",
        "Measure what this machine does in a second, part by part.",
        "bench speed --only extraction --video me.mp4",
    )
    one.add_argument(
        "--only",
        action="append",
        choices=["extraction", "methods", "scoring", "bookkeeping", "learning"],
        help="this part (may be given again; default: all but learning, which takes long)",
    )
    one.add_argument("--methods", type=names, metavar="A,B", help="only these (default: all)")
    one.add_argument("--video", type=path, metavar="FILE", help="extract this, not a simulation")
    one.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of the simulated film (20)"
    )
    one.add_argument("--evaluator", metavar="NAME", help="of the scoring (li2023)")
    one.add_argument("--preset", metavar="NAME", help="of the learning (paper)")
    one.add_argument(
        "--device", choices=["auto", "cpu", "cuda", "mps"], help="of the learning (auto)"
    )
    as_json(one)
    plugins(one)


def _command(
    commands: Commands,
    name: str,
    target: str,
    about: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command whose code, `module:function`, is imported only when it is called."""
    one = _plain(
        commands.add_parser(name, help=about, description=about, epilog=f"example: {example}")
    )

    def do(args: argparse.Namespace) -> int:
        module, function = target.split(":")
        if getattr(args, "plugins", None):
            from rppgbench.core.registry import add_plugins

            add_plugins(args.plugins)
        called: Do = getattr(import_module(f"rppgbench.cli.{module}"), function)
        return called(args)

    one.set_defaults(do=do)
    return one


def _plain(one: argparse.ArgumentParser) -> argparse.ArgumentParser:
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    return one
