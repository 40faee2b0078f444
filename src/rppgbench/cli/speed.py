"""bench speed: what this machine does in a second."""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rppgbench.cli import DONE
from rppgbench.cli.options import without_effect
from rppgbench.cli.terminal import answer, tell
from rppgbench.core.method import Method
from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import checkout_root, find_toml, load_methods
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution.provenance import provenance
from rppgbench.profiling.speed import (
    Rate,
    bookkeeping_rates,
    extraction_rates,
    method_rates,
    scoring_rates,
    simulated_film,
)
from rppgbench.system.errors import unknown_name

RECORDINGS, RECORDING_S = 64, 60.0
CLOCK = "seconds_per_step"
PRECISIONS = ("32-true", "bf16-mixed")


def show_speed(args: argparse.Namespace) -> int:
    """Measure the parts asked for, and print a table with the machine's name."""
    _defaults(args)
    facts = provenance(checkout_root())
    machine = f"{facts['processor']}, {facts['cores']} cores, {facts['system']}"
    if not args.json:
        answer(f"{machine}; rppgbench {facts['commit'][:12] or facts['rppgbench']}")
        answer("of one core (processor time, least of three rounds); learning: of the device")
    rates = []
    for part in args.only:
        for rate in PARTS[part](args):
            rates.append(rate)
            if not args.json:
                answer(_line(rate))
    if args.json:
        answer(json.dumps({"machine": machine, "rates": [asdict(r) for r in rates]}, indent=1))
    return DONE


OF_PARTS = {
    "video": ("extraction",),
    "seconds": ("extraction",),
    "methods": ("methods", "learning"),
    "evaluator": ("scoring",),
    "preset": ("learning",),
    "device": ("learning",),
}
"""Which parts an option is of."""


def _defaults(args: argparse.Namespace) -> None:
    """Fill in what is not given; BenchError for options of parts that are not measured."""
    args.only = list(dict.fromkeys(args.only or [part for part in PARTS if part != "learning"]))
    for option, parts in OF_PARTS.items():
        if not set(parts) & set(args.only):
            without_effect(args, [option], f"without --only {' or '.join(parts)}")
    if args.video is not None:
        without_effect(args, ["seconds"], "beside --video")
    args.seconds = args.seconds or 20.0
    args.evaluator = args.evaluator or "li2023"
    args.preset = args.preset or "paper"
    args.device = args.device or "auto"
    presets = {"paper", *(preset for m in load_methods().found.values() for preset in m.presets)}
    if args.preset not in presets:
        raise unknown_name("preset", args.preset, presets, "--preset")


def _extraction(args: argparse.Namespace) -> Iterator[Rate]:
    found = [m for m in load_methods().found.values() if m.input == "clip"]
    own = {str(m.params["crop"]) for m in found if not m.licence}
    others = {str(m.params["crop"]) for m in found} - own
    clips = {"our own methods": own}
    clips |= {"other people's methods too": own | others} if others else {}
    with TemporaryDirectory(prefix="rppgbench-") as folder:
        video = args.video
        source = (
            VideoSource(video) if video else simulated_film(Path(folder) / "film.mp4", args.seconds)
        )
        yield from extraction_rates(source, clips)


def _chosen(args: argparse.Namespace) -> list[Method]:
    names = args.methods.split(",") if args.methods else load_methods().found
    return [load_methods().get("method", name, "--methods") for name in names]


def _methods(args: argparse.Namespace) -> Iterator[Rate]:
    return method_rates(_chosen(args), RECORDINGS, RECORDING_S)


def _scoring(args: argparse.Namespace) -> Iterator[Rate]:
    file = find_toml("protocols/evaluators", "evaluator", args.evaluator, "--evaluator")
    return scoring_rates(read_evaluator(file), 107, RECORDING_S)


def _bookkeeping(args: argparse.Namespace) -> Iterator[Rate]:
    with TemporaryDirectory(prefix="rppgbench-") as folder:
        yield from bookkeeping_rates(Path(folder), 5000, RECORDING_S)


def _learning(args: argparse.Namespace) -> Iterator[Rate]:
    """Rows of `rppgbench.neural.throughput`, one a method and stage."""
    learned = [m for m in _chosen(args) if m.fit and not m.baseline]
    if not learned:
        tell("learning: not measured; pip install 'rppgbench[neural]'")
        return
    from rppgbench.neural.throughput import learning_speed

    for method in learned:
        given = {} if args.preset == "paper" else {"preset": args.preset}
        if not given.items() <= {("preset", name) for name in method.presets}:
            continue
        full_s: dict[str, float] = {}
        for precision in PRECISIONS:
            params = method.parameters(given)
            for row in learning_speed(method, params, args.device, precision=precision):
                stage = row["stage"]  # a CPU may be shared: its time counts, not the clock's
                step_s = row["processor_s_per_step" if row["device"] == "cpu" else CLOCK]
                what = f"{row['method']} {stage} on {row['device']}, {row['precision']}"
                full_s.setdefault(stage, step_s)
                lower = precision != PRECISIONS[0]
                yield Rate(
                    "learning",
                    what,
                    1 / step_s,
                    "steps/s",
                    step_s / full_s[stage] if lower else None,
                    PRECISIONS[0] if lower else "",
                    f"{row[CLOCK]:.3g} s a step by the clock, "
                    f"{row['peak_memory_mib'] or 0:,.0f} MiB, "
                    f"waits {row['waited_share']:.0%} of the time for batches",
                )


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Rate]]] = {
    "extraction": _extraction,
    "methods": _methods,
    "scoring": _scoring,
    "bookkeeping": _bookkeeping,
    "learning": _learning,
}


def _line(rate: Rate) -> str:
    against = f"  {rate.ratio:.2f} x the time of: {rate.against}" if rate.ratio else ""
    note = f"  {rate.note}" if rate.note else ""
    return f"{rate.part:12}{rate.what:58}{rate.value:>12,.1f} {rate.unit}{against}{note}"
