"""A hundred small bundles of made-up results, with records of their re-derivation."""

from dataclasses import replace
from pathlib import Path

from rppgbench.core.estimate import Estimate
from rppgbench.core.waveform import Waveform
from rppgbench.sharing.bundle import write_bundle
from rppgbench.sharing.contents import Sharing

from . import bundles, stores

MAKERS = ("Ann Lee", "Cem Kaya", "Dee Marsh", "Eva Blum", "Femi Ade")


def noisier(made: list[Estimate], method: str, factor: float) -> list[Estimate]:
    """Estimates of another method: the same pulses, the difference to the true one larger."""
    changed = []
    for estimate in made:
        wave = estimate.waveform
        assert wave is not None
        true = stores.pulse(estimate.subject, wave.times_s())
        samples = true + factor * (wave.samples - true)
        changed.append(
            replace(
                estimate,
                method=method,
                job=f"{method}-{factor}-{estimate.job}",
                waveform=Waveform(samples, wave.fs, wave.start_s),
            )
        )
    return changed


def write_many(folder: Path, count: int = 100) -> tuple[list[Path], list[Path]]:
    """Bundles under one protocol of two versions; two of three were made again by somebody else.

    Every tenth bundle was imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, records = [], []
    for number in range(count):
        method = f"method_{number % 25:02d}"
        made = noisier(stores.estimates(("pos",), seed=number), method, 0.5 + 0.35 * (number % 25))
        protocol = stores.manifest({}, ["skin"])["protocol"]
        protocol |= {"evaluators": ["li2023"]}
        if number >= 75:
            protocol |= {"digest": "fedcba9876543210"}
        more = {"protocol": protocol}
        if number % 10 == 9:
            more["imports"] = {method: bundles.IMPORT}
        place = folder / f"{number:03d}"
        made_by = {
            **bundles.MADE_BY,
            "rppgbench": f"0.{1 + number // 50}.0",
            "began": f"2026-0{1 + number // 50}-04T05:06:07+00:00",
        }
        stores.write(place, made, more=more, made_by=made_by)
        file = write_bundle(place, None, Sharing(by=MAKERS[number % len(MAKERS)]))
        files.append(file)
        if number % 3:
            records.append(bundles.record(file))
    return files, records
