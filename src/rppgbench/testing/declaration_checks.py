"""Checks of protocols, evaluators, splits and data sets, a finding for each clause."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.features import REGIONS
from rppgbench.core.method_variants import split_variant
from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.recording import Dataset, GroundTruth
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.datasets.check import check_data
from rppgbench.datasets.roots import write_simulated
from rppgbench.datasets.splits import read_split
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.scores import score_windows
from rppgbench.execution.fold_layout import check_split
from rppgbench.execution.input_checks import check_inputs
from rppgbench.execution.method_parameters import declared_parameters, with_members
from rppgbench.extraction.conditions import check_condition
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.testing.method_contract import Finding

TONES_BPM = (54.0, 72.0, 120.0)
TONE_FS_HZ, TONE_S = 30.0, 60.0

TOLERANCE_BPM = 2.0
"""Of a clean tone: as in the contract of methods, and at least the resolution of the rule."""

SMALL = SimulationPlan(subjects=1, seconds=4.0, seed=0, difficulty="easy")
"""The simulated tree of the check of a data set."""


def check_protocol_file(file: Path) -> list[Finding]:
    """Whether a protocol can be run: its keys, and every name in it.

    Args:
        file: the TOML file.
    """
    read = _try("keys and values", lambda: _reads(read_protocol, file))
    if not read.kept:
        return [read]
    protocol, place = read_protocol(file), str(file)
    clauses: dict[str, Callable[[], Iterator[str]]] = {
        "data sets": lambda: _data_sets(protocol, place),
        "methods and their parameters": lambda: _methods(protocol, place),
        "inputs of the methods": lambda: _inputs(protocol, place),
        "evaluators": lambda: _evaluators(protocol, place),
        "split": lambda: _split(protocol, place),
        "regions and conditions": lambda: _regions_and_conditions(protocol, place),
    }
    return [read, *(_try(clause, faults) for clause, faults in clauses.items())]


def check_evaluator_file(file: Path) -> list[Finding]:
    """Whether an evaluator can be read, and what it reads of clean tones and of a straight line.

    Args:
        file: the TOML file.
    """
    read = _try("keys and values", lambda: _reads(read_evaluator, file))
    if not read.kept:
        return [read]
    rule = read_evaluator(file)
    return [
        read,
        _try("reads a clean tone", lambda: _tones(rule)),
        _try("reads no rate of a straight line", lambda: _straight_line(rule)),
    ]


def check_split_file(file: Path) -> list[Finding]:
    """Whether the lists of a split fit their checksum and part every subject, and their data set.

    Args:
        file: the TOML file.
    """
    read = _try("keys, checksum and lists", lambda: _reads(read_split, file))
    if not read.kept:
        return [read]

    def data_set() -> Iterator[str]:
        load_datasets().get("data set", read_split(file).dataset, str(file))
        yield from ()

    return [read, _try("data set", data_set)]


def check_dataset(dataset: Dataset) -> list[Finding]:
    """Whether a data set declares what it is, and reads back what its own simulation writes.

    Args:
        dataset: the data set.
    """
    declares = _try("declares what it is", lambda: _declares(dataset))
    clause = "reads its simulated recordings"
    if dataset.simulate is None:
        reason = f"not simulated: bench data check {dataset.name} PATH reads a copy of the set"
        return [declares, Finding(clause, None, reason)]
    return [declares, _try(clause, lambda: _simulated(dataset))]


def _try(clause: str, faults: Callable[[], Iterator[str]]) -> Finding:
    try:
        texts = list(faults())
    except BenchError as error:
        texts = [str(error)]
    return Finding(clause, not texts, "; ".join(texts))


def _reads(read: Callable[[Path], object], file: Path) -> Iterator[str]:
    read(file)
    yield from ()


def _data_sets(protocol: Protocol, place: str) -> Iterator[str]:
    for name in protocol.datasets:
        load_datasets().get("data set", name, place)
    yield from ()


def _methods(protocol: Protocol, place: str) -> Iterator[str]:
    loaded = load_methods()
    for name in {*protocol.methods, *protocol.params}:
        if split_variant(name)[0] in loaded.unavailable:
            continue  # a run leaves the method out, and says so
        method = loaded.get("method", name, place)
        method.parameters(declared_parameters(protocol, name), place)
    yield from ()


def _inputs(protocol: Protocol, place: str) -> Iterator[str]:
    check_inputs(protocol, [method.name for method in with_members(protocol.methods)], place)
    yield from ()


def _evaluators(protocol: Protocol, place: str) -> Iterator[str]:
    for name in protocol.evaluators:
        find_evaluator(name, place)
    yield from ()


def _split(protocol: Protocol, place: str) -> Iterator[str]:
    check_split(protocol, place)
    yield from ()


def _regions_and_conditions(protocol: Protocol, place: str) -> Iterator[str]:
    for region in protocol.regions:
        if region not in REGIONS:
            raise unknown_name("region", region, REGIONS, place)
    for condition in protocol.conditions:
        check_condition(condition, place)
    yield from ()


def _tones(rule: Evaluator) -> Iterator[str]:
    """The tones within the band that are read as another rate; a rule of respiration reads none."""
    if rule.respiration is not None:
        return
    band = rule.estimate.band
    tolerance_bpm = max(TOLERANCE_BPM, rule.resolution_bpm)
    for bpm in TONES_BPM:
        if not 60 * band.low_hz < bpm < 60 * band.high_hz:
            continue
        times_s = np.arange(round(TONE_S * TONE_FS_HZ)) / TONE_FS_HZ
        rates = _readings(rule, np.sin(2 * np.pi * bpm / 60 * times_s), bpm)
        if not rates:
            yield f"reads no rate of a tone of {bpm:g} bpm"
        elif abs(float(np.median(rates)) - bpm) > tolerance_bpm:
            yield f"reads {float(np.median(rates)):.1f} bpm of a tone of {bpm:g} bpm"


def _straight_line(rule: Evaluator) -> Iterator[str]:
    rates = _readings(rule, np.linspace(0.0, 1.0, round(TONE_S * TONE_FS_HZ)), 72.0)
    if rates:
        yield f"reads {rates[0]:.1f} bpm"


def _readings(rule: Evaluator, samples: np.ndarray, truth_bpm: float) -> list[float]:
    """The rates that a rule reads of an estimate beside a true tone."""
    times_s = np.arange(len(samples)) / TONE_FS_HZ
    estimate = Estimate(
        job="tone",
        dataset="tones",
        recording="tone",
        subject="tone",
        scenario="",
        method="tone",
        fold="1",
        seed=0,
        condition="none",
        region="",
        waveform=Waveform(samples, TONE_FS_HZ),
        coverage=1.0,
    )
    tone = np.sin(2 * np.pi * truth_bpm / 60 * times_s)
    device = Signal(np.full(int(TONE_S) + 1, truth_bpm), np.arange(int(TONE_S) + 1.0))
    truth = GroundTruth(pulse=Signal(tone, times_s), heart_rate=device)
    rows = score_windows(rule, [estimate], {("tones", "tone"): truth})
    return [float(rate) for rate in rows["estimate_bpm"][~rows["missing"]]]


def _declares(dataset: Dataset) -> Iterator[str]:
    for key in ("title", "cite", "licence", "url"):
        if not str(getattr(dataset, key)).strip():
            yield f"has no {key}"


def _simulated(dataset: Dataset) -> Iterator[str]:
    """What is wrong with the recordings that the set's own simulation writes."""
    with TemporaryDirectory() as folder:
        write_simulated(dataset, Path(folder), SMALL)
        result = check_data(dataset, Path(folder))
    for finding in result.findings:
        if finding.severity == "error":
            yield f"{finding.recording or dataset.name}: {finding.text}"
    if not result.usable:
        yield "no recording can be used"
