"""References of many recordings that no people have: a wrong sampling rate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.cli import main
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.importing.reference_rates import LEAST_RECORDINGS, doubtful_clock, mean_rate_bpm

RATES_BPM = np.random.default_rng(2).normal(72, 11, LEAST_RECORDINGS)


def pulse(bpm: float, fs: float = 30.0, seconds: float = 10.0) -> GroundTruth:
    times_s = np.arange(round(seconds * fs)) / fs
    cycles = bpm / 60 * times_s
    values = np.sin(2 * np.pi * cycles) + 0.4 * np.sin(4 * np.pi * cycles)
    return GroundTruth(pulse=Signal(values, times_s))


@pytest.mark.parametrize("bpm", [48.0, 72.0, 150.0])
def test_the_rate_of_a_pulse_is_its_highest_peak(bpm: float) -> None:
    assert mean_rate_bpm(pulse(bpm)) == pytest.approx(bpm, abs=1.0)


def test_the_rate_of_a_device_is_its_mean_and_nothing_has_none() -> None:
    rate = Signal(np.array([60.0, np.nan, 70.0]), np.arange(3.0))
    assert mean_rate_bpm(GroundTruth(heart_rate=rate)) == 65.0
    assert np.isnan(mean_rate_bpm(GroundTruth()))


@pytest.mark.parametrize(("factor", "what"), [(1.0, ""), (1.5, "too fast"), (2 / 3, "too slow")])
def test_many_references_on_a_wrong_clock_are_noted(factor: float, what: str) -> None:
    said = doubtful_clock(pulse(bpm * factor) for bpm in RATES_BPM)
    assert (what in said) if what else not said


def test_few_references_say_nothing() -> None:
    assert not doubtful_clock([pulse(120.0)] * (LEAST_RECORDINGS - 1))


def test_the_command_says_it_again_when_nothing_is_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"r{number:03d}" for number in range(LEAST_RECORDINGS)]
    table = pd.DataFrame({"recording": names, "heart_rate_bpm": 100.0})
    table["reference_heart_rate_bpm"] = 1.5 * RATES_BPM
    table.to_csv(tmp_path / "theirs.csv", index=False)
    arguments = ["import", str(tmp_path / "theirs.csv"), "--method", "theirs"]
    for _ in range(2):
        assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
        text = "".join(capsys.readouterr())
        assert "too fast for so many people; check the sampling rate" in text
        for file in ("manifest.json", "report.html"):
            stored = (tmp_path / "out" / file).read_text(encoding="utf-8")
            assert stored.count("too fast for so many people") == 1
