"""bench speed: how much this machine does in a second."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import names, path, seconds
from rppgbench.cli.options import as_json, plugins, without_effect
from rppgbench.cli.speed_cost import energy, latency, operations
from rppgbench.cli.speed_methods import chosen_methods, learning_methods
from rppgbench.cli.terminal import answer, answer_json, tell
from rppgbench.system.errors import BenchError, unknown_name

if TYPE_CHECKING:
    from rppgbench.profiling.speed import Rate

RECORDINGS, RECORDING_S = 64, 60.0
STORED_RECORDINGS = 5000
SCORED_RECORDINGS = 107
PRECISIONS = ("32-true", "bf16-mixed")

PARTS_OF_OPTION = {
    "video": ("extraction", "energy", "latency"),
    "seconds": ("extraction", "energy", "latency"),
    "methods": ("methods", "feeding", "learning", "operations", "energy", "latency"),
    "evaluator": ("scoring",),
    "preset": ("feeding", "learning", "operations", "energy", "latency"),
    "device": ("learning", "operations", "energy", "latency"),
}
"""The parts that an option has an effect on."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = add_command(
        commands,
        "speed",
        run,
        about="Measure what this machine does in a second, part by part.",
        example="bench speed --only extraction --video me.mp4",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*PARTS],
        help="this part (may be given again; default: all but learning, operations, energy and "
        "latency, which train networks)",
    )
    parser.add_argument(
        "--methods",
        type=names,
        metavar="A,B",
        help="only these, or a group: all, classical, learned (default: all)",
    )
    parser.add_argument(
        "--video", type=path, metavar="FILE", help="extract this, not simulations of three sizes"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="length of each simulated video (10)"
    )
    parser.add_argument("--evaluator", metavar="NAME", help="of the scoring (beats_tukey)")
    parser.add_argument("--preset", metavar="NAME", help="of methods that learn (paper)")
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda", "mps"], help="of methods that learn (auto)"
    )
    as_json(parser)
    plugins(parser)


def run(args: argparse.Namespace) -> int:
    """Measure the parts that are asked for, and print a table under the machine's name."""
    from rppgbench.core.content_roots import checkout_root
    from rppgbench.execution.provenance import provenance

    _fill_in_defaults(args)
    environment = provenance(checkout_root())
    machine = f"{environment['processor']}, {environment['cores']} cores, {environment['system']}"
    if not args.json:
        answer(f"{machine}; rppgbench {environment['commit'][:12] or environment['rppgbench']}")
        answer("of one core (processor time, least of three rounds); learning: of the device")
    rates: list[Rate] = []
    for part in args.only:
        for rate in PARTS[part](args):
            is_repeated = bool(rates) and rate.note == rates[-1].note
            if not args.json:
                answer(_line(rate, note="" if is_repeated else rate.note))
            rates.append(rate)
    if args.json:
        answer_json({"machine": machine, "rates": [asdict(r) for r in rates]})
    return DONE


def _fill_in_defaults(args: argparse.Namespace) -> None:
    """Fill in what is not given; BenchError for options of parts that are not measured."""
    from rppgbench.core.registry import load_methods

    args.only = list(dict.fromkeys(args.only or [part for part in PARTS if part not in TAKE_LONG]))
    for option, parts in PARTS_OF_OPTION.items():
        if not set(parts) & set(args.only):
            without_effect(args, [option], f"without --only {' or '.join(parts)}")
    if args.video is not None:
        without_effect(args, ["seconds"], "beside --video")
    args.seconds = args.seconds or 10.0
    args.evaluator = args.evaluator or "beats_tukey"
    args.preset = args.preset or "paper"
    args.device = args.device or "auto"
    presets = {
        "paper",
        *(preset for m in load_methods().available.values() for preset in m.presets),
    }
    if args.preset not in presets:
        raise unknown_name("preset", args.preset, presets, "--preset")


def _extraction(args: argparse.Namespace) -> "Iterator[Rate]":
    from rppgbench.core.recording import VideoSource
    from rppgbench.profiling.extraction_speed import VIDEO_SIZES, extraction_rates, simulated_video

    clips = _clips()
    if args.video:
        yield from extraction_rates(VideoSource(args.video), clips)
        return
    with TemporaryDirectory(prefix="rppgbench-") as folder:
        for width, height in VIDEO_SIZES:
            file = Path(folder) / f"{width}x{height}.mp4"
            source = simulated_video(file, args.seconds, width, height)
            yield from extraction_rates(source, clips)


def _clips() -> dict[str, set[str]]:
    """The crop rules of our own methods, and of all; without those whose package is missing."""
    from rppgbench.core.registry import load_methods
    from rppgbench.extraction.crops import crop_rule

    methods = [m for m in load_methods().available.values() if m.input == "clip"]
    rules = {"our own methods": {str(m.params["crop"]) for m in methods if not m.licence}}
    rules["other people's methods too"] = {str(m.params["crop"]) for m in methods}
    for name in sorted(rules["other people's methods too"]):
        try:
            crop_rule(name).requires()
        except BenchError as fault:
            tell(f"note: not measured: {fault}")
            rules = {label: kinds - {name} for label, kinds in rules.items()}
    ours, all_rules = rules.values()
    return rules if all_rules > ours else {"our own methods": ours}


def _methods(args: argparse.Namespace) -> "Iterator[Rate]":
    from rppgbench.profiling.speed import method_rates

    return method_rates(chosen_methods(args), RECORDINGS, RECORDING_S)


def _scoring(args: argparse.Namespace) -> "Iterator[Rate]":
    from rppgbench.evaluation.evaluator_lookup import find_evaluator
    from rppgbench.profiling.scoring_speed import scoring_rates

    return scoring_rates(
        find_evaluator(args.evaluator, "--evaluator"), SCORED_RECORDINGS, RECORDING_S
    )


def _bookkeeping(args: argparse.Namespace) -> "Iterator[Rate]":
    from rppgbench.profiling.scoring_speed import bookkeeping_rates

    with TemporaryDirectory(prefix="rppgbench-") as folder:
        yield from bookkeeping_rates(Path(folder), STORED_RECORDINGS, RECORDING_S)


def _feeding(args: argparse.Namespace) -> "Iterator[Rate]":
    """How fast batches are read, one row for each method and stage."""
    for method, params in learning_methods(args):
        from rppgbench.neural.throughput import feeding_speed
        from rppgbench.profiling.speed import Rate

        for row in feeding_speed(method, params):
            yield Rate(
                part="feeding",
                what=f"{method.name} {row['stage']}, {row['batch']:.3g} clips a batch",
                value=row["clips_per_processor_s"],
                unit="clips/s",
                note=f"{row['steps_per_processor_s']:,.1f} steps a second, "
                f"{row['steps_per_s']:,.1f} by the clock with one thread; "
                f"{row['mib_per_step']:.3g} MiB a step",
            )


def _learning(args: argparse.Namespace) -> "Iterator[Rate]":
    """The rows of `rppgbench.neural.throughput`, one for each method, stage and precision."""
    for method, params in learning_methods(args):
        from rppgbench.neural.throughput import learning_speed

        full_precision_s: dict[str, float] = {}
        for precision in PRECISIONS:
            for row in learning_speed(method, params, args.device, precision=precision):
                first_s = full_precision_s.setdefault(row["stage"], _step_s(row))
                yield _learning_rate(row, None if precision == PRECISIONS[0] else first_s)


def _step_s(row: Mapping[str, Any]) -> float:
    """Seconds a step: on a CPU, which may be shared, of processor time, else by the clock."""
    seconds_per_step = "processor_s_per_step" if row["device"] == "cpu" else "seconds_per_step"
    return float(row[seconds_per_step])


def _learning_rate(row: Mapping[str, Any], full_precision_s: float | None) -> "Rate":
    """One row; at a lower precision beside the time of a step at full precision."""
    from rppgbench.profiling.speed import Rate

    step_s = _step_s(row)
    return Rate(
        part="learning",
        what=f"{row['method']} {row['stage']} on {row['device']}, {row['precision']}",
        value=1 / step_s,
        unit="steps/s",
        ratio=None if full_precision_s is None else step_s / full_precision_s,
        against="" if full_precision_s is None else PRECISIONS[0],
        note=f"{row['seconds_per_step']:.3g} s a step by the clock, "
        f"{row['peak_memory_mib'] or 0:,.0f} MiB, "
        f"waits {row['waited_share']:.0%} of the time for batches",
    )


PARTS: "dict[str, Callable[[argparse.Namespace], Iterator[Rate]]]" = {
    "extraction": _extraction,
    "methods": _methods,
    "scoring": _scoring,
    "bookkeeping": _bookkeeping,
    "feeding": _feeding,
    "learning": _learning,
    "operations": operations,
    "energy": energy,
    "latency": latency,
}

TAKE_LONG = ("learning", "operations", "energy", "latency")
"""Parts that train networks, so that they are measured only where they are asked for."""


def _line(rate: "Rate", note: str) -> str:
    against = f"  {rate.ratio:.2f} x the time of: {rate.against}" if rate.ratio else ""
    value = f"{rate.value:,.1f}" if rate.value >= 10 else f"{rate.value:.3g}"
    following = f"  {note}" if note else ""
    return f"{rate.part:12}{rate.what:58}{value:>12} {rate.unit}{against}{following}"
