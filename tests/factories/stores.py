"""A results folder made up from a seed: pulses whose heart rate is known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.store.store import Store
from rppgbench.system.hashing import digest

from .records import make_recording_info

FS, SECONDS = 30.0, 40.0
NOISE = {"pos": 0.6, "chrom": 1.4, "green": 3.0}
REGIONS = {"skin": 1.0, "toolbox_box": 1.6}
SUBJECTS = ("ann", "bob", "cem", "dee")


def rate_bpm(subject: str, times_s: Array) -> Array:
    """A heart rate that rises by 10 bpm over the recording, from one of the subject's own."""
    rate: Array = 62.0 + 9 * SUBJECTS.index(subject) + 10 * times_s / SECONDS
    return rate


def pulse(subject: str, times_s: Array) -> Array:
    """A pulse at that rate: the rate's integral is its phase."""
    beats = ((62.0 + 9 * SUBJECTS.index(subject)) * times_s + 5 * times_s**2 / SECONDS) / 60
    wave: Array = np.sin(2 * np.pi * beats) + 0.3 * np.sin(4 * np.pi * beats)
    return wave


def truth(subject: str) -> GroundTruth:
    """The contact pulse at 60 Hz and the device's rate at 1 Hz."""
    fine, coarse = np.arange(0, SECONDS, 1 / 60), np.arange(0, SECONDS)
    return GroundTruth(
        pulse=Signal(pulse(subject, fine), fine),
        heart_rate=Signal(rate_bpm(subject, coarse), coarse),
    )


def estimates(
    methods: Sequence[str] = tuple(NOISE), regions: Sequence[str] = ("skin",), seed: int = 3
) -> list[Estimate]:
    """One estimate a subject, method and region: the pulse under noise."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(SECONDS * FS)) / FS
    made = []
    for subject in SUBJECTS:
        for region in regions:
            for method in methods:
                size = NOISE[method] * REGIONS[region]
                wave = pulse(subject, times) + rng.normal(0, size, len(times))
                job = digest({"of": [subject, region, method]})
                made.append(
                    Estimate(
                        job=job,
                        dataset="made_up",
                        recording=f"{subject}-1",
                        subject=subject,
                        scenario="rest",
                        method=method,
                        fold="whole",
                        seed=0,
                        condition="none",
                        region=region,
                        waveform=Waveform(wave, FS),
                        coverage=1.0,
                    )
                )
    return made


def manifest(methods: Mapping[str, Mapping[str, Any]], regions: Sequence[str]) -> dict[str, Any]:
    """What a run of such a protocol would have written."""
    return {
        "protocol": {
            "name": "made_up",
            "digest": "0123456789abcdef",
            "title": "Four people who are made up",
            "about": "",
            "source": "a test",
            "conditions": [],
            "train_on": "clean",
            "evaluators": ["li2023", "toolbox_2023"],
            "regions": list(regions),
            "seeds": [0],
            "recordings": len(SUBJECTS),
        },
        "methods": dict(methods),
        "expected": len(SUBJECTS),
        "data": {"made_up": {"root": "nowhere", "fingerprint": "feedfeedfeedfeed"}},
        "left_out": {},
        "notes": [],
        "fits": [],
        "command": "bench run --protocol made_up",
    }


MADE_BY = {"device": "cpu", "commit": "abc", "packages": {"numpy": "2.0"}}
"""What such a run would have said of itself."""


def write(
    folder: Path,
    made: Sequence[Estimate],
    *,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    more: Mapping[str, Any] | None = None,
    made_by: Mapping[str, Any] = MADE_BY,
    pulse: bool = True,
) -> Store:
    """A store of these estimates; `more` goes over the manifest; the truth may lack its pulse."""
    store = Store(folder)
    methods = params or {e.method: {} for e in made}
    facts = manifest(methods, list(dict.fromkeys(e.region for e in made)))
    store.begin(facts | dict(more or {}), [e.job for e in made], made_by)
    store.add(made)
    seen = {f"{name}-1": name for name in SUBJECTS} | {e.recording: e.subject for e in made}
    store.add_observed(
        [
            make_recording_info(
                recording,
                dataset="made_up",
                subject=subject,
                scenario="rest",
                simulated=True,
                ground_truth=truth(subject) if pulse else replace(truth(subject), pulse=None),
                metadata={"duration_s": SECONDS},
            )
            for recording, subject in seen.items()
        ]
    )
    return store
