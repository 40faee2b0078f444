"""Results folders of the papers' protocols, made by hand: pulses of known rates."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store

from .records import make_recording_info

RATES_BPM = (60.0, 66.0, 72.0, 78.0, 84.0, 90.0, 61.5, 67.5, 73.5, 79.5, 85.5, 91.5)


def stored_recording(
    dataset: str, number: int, truth: GroundTruth, *, simulated: bool
) -> RecordingInfo:
    """The recording of one subject, of whom nothing but the reference is known."""
    return make_recording_info(
        f"r{number}", dataset=dataset, subject=f"s{number}", simulated=simulated, ground_truth=truth
    )


def store(
    folder: Path,
    name: str,
    *,
    n: int = 12,
    simulated: bool = False,
    methods: Mapping[str, float] | None = None,
    missing: int = 0,
    changes: Mapping[str, Any] = MappingProxyType({}),
    lost: str = "",
) -> Path:
    """Results of a protocol: POS is 2 bpm too high in every recording, CHROM exact.

    Args:
        folder: the results folder.
        name: the protocol.
        n: the number of recordings.
        simulated: whether they are simulated.
        methods: others with how much too high they are.
        missing: the number of recordings of which no method has a pulse.
        changes: further keys of the manifest.
        lost: a method of which the last estimate is not stored.

    Returns:
        The folder.
    """
    protocol = read_protocol(toml_files("protocols")[name])
    (dataset,) = protocol.test
    methods = methods or {"pos": 2.0, "chrom": 0.0}
    known = load_methods().available
    held = Store(folder)
    held.begin(
        {
            "protocol": {
                "name": name,
                "digest": protocol.digest,
                **protocol.model_dump(mode="json"),
            },
            "methods": {m: known[m].parameters({}) for m in methods},
            "expected": n,
            "jobs_by_method": dict.fromkeys(methods, n),
            **changes,
        },
        [f"{m}-{k}" for m in methods for k in range(n)],
    )
    times_s = np.arange(0, 20, 1 / 30)
    for k, rate in enumerate(RATES_BPM[:n]):
        pulse = Signal(np.sin(2 * np.pi * rate / 60 * times_s), times_s)
        truth = GroundTruth(pulse=pulse, heart_rate=Signal(np.full(21, rate), np.arange(21.0)))
        held.add_observed([stored_recording(dataset, k, truth, simulated=simulated)])
    held.add(
        [
            Estimate(
                job=f"{m}-{k}",
                dataset=dataset,
                recording=f"r{k}",
                subject=f"s{k}",
                scenario="",
                method=m,
                fold="1",
                seed=0,
                condition="none",
                region="skin" if known[m].input in {"trace", "second_moments"} else "",
                waveform=None
                if k < missing
                else Waveform(np.sin(2 * np.pi * (rate + off) / 60 * times_s), 30.0),
                coverage=float(k >= missing),
                reason="no face" if k < missing else "",
            )
            for m, off in methods.items()
            for k, rate in enumerate(RATES_BPM[:n])
            if (m, k) != (lost, n - 1)
        ]
    )
    return folder
