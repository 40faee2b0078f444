"""bench speed: what this machine does in a second."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rppgbench.cli import DONE
from rppgbench.content import checkout_root, find_toml, load_methods
from rppgbench.evaluator import read_evaluator
from rppgbench.provenance import provenance
from rppgbench.recording import VideoSource
from rppgbench.speed import Rate, extraction_rates, film, method_rates, scoring_rates

RECORDINGS, RECORDING_S = 64, 60.0


def show_speed(args: argparse.Namespace) -> int:
    """Measure the parts asked for, and print a table with the machine's name."""
    facts = provenance(checkout_root())
    machine = f"{facts['processor']}, {facts['cores']} cores, {facts['system']}"
    if not args.json:
        print(f"{machine}; rppgbench {facts['commit'][:12] or facts['rppgbench']}")
        print("one core (processor time, least of three rounds); learning: the device's own time")
    rates = []
    for part in args.only or PARTS:
        for rate in PARTS[part](args):
            rates.append(rate)
            if not args.json:
                print(_line(rate), flush=True)
    if args.json:
        print(json.dumps({"machine": machine, "rates": [asdict(r) for r in rates]}, indent=1))
    return DONE


def _extraction(args: argparse.Namespace) -> Iterator[Rate]:
    clips = {str(m.params["crop"]) for m in load_methods().found.values() if m.consumes == "clip"}
    with TemporaryDirectory(prefix="rppgbench-") as folder:
        video = args.video
        source = VideoSource(video) if video else film(Path(folder) / "film.mp4", args.seconds)
        yield from extraction_rates(source, clips)


def _methods(args: argparse.Namespace) -> Iterator[Rate]:
    return method_rates(load_methods().found.values(), RECORDINGS, RECORDING_S)


def _scoring(args: argparse.Namespace) -> Iterator[Rate]:
    file = find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    return scoring_rates(read_evaluator(file), 107, RECORDING_S)


def _learning(args: argparse.Namespace) -> Iterator[Rate]:
    """Rows of `rppgbench.neural.speed`, one a method and stage."""
    learned = [m for m in load_methods().found.values() if m.consumes == "clip" and m.fit]
    if not learned:
        print("learning: not measured; pip install 'rppgbench[neural]'", file=sys.stderr)
        return
    from rppgbench.neural.speed import learning_speed

    for method in learned:
        params = method.parameters({"epochs": 2})
        for row in learning_speed(method, params, args.device, size=128):
            what = f"{row['method']} {row['stage']} on {row['device']}, {row['precision']}"
            yield Rate("learning", what, 1 / row["seconds_per_step"], "steps/s")


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Rate]]] = {
    "extraction": _extraction,
    "methods": _methods,
    "scoring": _scoring,
    "learning": _learning,
}


def _line(rate: Rate) -> str:
    against = f"  {rate.ratio:.2f} x the time of: {rate.against}" if rate.ratio else ""
    return f"{rate.part:11}{rate.what:58}{rate.value:>12,.1f} {rate.unit}{against}"
