"""Repeated pulses are found under changes, and like hearts are not taken for one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.contamination.pulse_fingerprint import PulseFingerprint, fingerprint_pulse
from rppgbench.contamination.pulse_matching import PulseMatch, is_repeat, match_pulses
from rppgbench.core.waveform import Signal

from ..factories.repeats import contact_pulse, part_of


def fingerprints(*pulses: Signal) -> list[PulseFingerprint]:
    made = [fingerprint_pulse(pulse) for pulse in pulses]
    assert all(fingerprint is not None for fingerprint in made)
    return [fingerprint for fingerprint in made if fingerprint is not None]


def repeats(*pulses: Signal) -> list[PulseMatch]:
    return [match for match in match_pulses(fingerprints(*pulses)) if is_repeat(match)]


CHANGES: dict[str, Callable[[Signal], Signal]] = {
    "as it is": lambda s: s,
    "scaled": lambda s: Signal(300 - 0.0 + 7 * s.values, s.times_s),
    "at 25 Hz": lambda s: Signal(
        np.interp(np.arange(0, s.times_s[-1], 0.04), s.times_s, s.values),
        np.arange(0, s.times_s[-1], 0.04),
    ),
    "in 5 bits": lambda s: Signal(np.round(10 * s.values), s.times_s),
    "with a drift": lambda s: Signal(s.values + 0.2 * s.times_s, s.times_s),
    "with noise": lambda s: Signal(
        s.values + np.random.default_rng(9).normal(0, 0.2, len(s.values)), s.times_s
    ),
    "on another clock": lambda s: Signal(s.values, s.times_s * 1.05),
    "20 Hz read as 30": lambda s: Signal(s.values, s.times_s / 1.5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found(change: Callable[[Signal], Signal]) -> None:
    pulse = contact_pulse(0, seconds=60.0)
    (match,) = repeats(pulse, *(contact_pulse(seed) for seed in range(1, 8)), change(pulse))
    assert (match.first, match.second) == (0, 8)


def test_the_offset_and_the_time_that_both_have_are_told() -> None:
    pulse = contact_pulse(1, seconds=70.0)
    (match,) = repeats(part_of(pulse, 0, 40), part_of(pulse, 15, 70, at_s=2.0))
    assert match.clock_ratio == 1
    assert match.overlap_s == pytest.approx(23, abs=0.5)  # of 25 s, less the edges
    # The first wave begins at 1 s of the pulse, which is 14 s before the second's begin at 2 s.
    assert match.offset_s == pytest.approx(1 - 15 + 2, abs=0.1)
    assert match.correlation > 0.98


def test_hearts_of_one_rate_are_two() -> None:
    assert repeats(*(contact_pulse(seed) for seed in range(20))) == []
    times = np.arange(0, 40, 1 / 60)
    steady = [Signal(np.sin(2 * np.pi * hz * times), times) for hz in (1.2, 1.22, 1.25)]
    assert repeats(*steady) == []


@pytest.mark.parametrize(
    ("overlap_s", "ratio", "correlation", "expected"),
    [
        (35, 1.0, 0.91, True),
        (35, 1.0, 0.89, False),
        (16, 1.0, 0.98, False),
        (16, 1.0, 0.99, True),
        (14, 1.0, 0.999, False),
        (35, 1.5, 0.9, False),
        (35, 1.5, 0.94, True),
        (15, 1.5, 0.999, False),
        (25, 1.5, 0.999, False),
        (22, 1.0, 0.975, False),
    ],
)
def test_the_longer_the_time_the_lower_the_limit(
    overlap_s: float, ratio: float, correlation: float, expected: bool
) -> None:
    match = PulseMatch(first=0, second=1, offset_s=0.0, clock_ratio=ratio, overlap_s=overlap_s,
                       correlation=correlation, variation=0.05)  # fmt: skip
    assert is_repeat(match) == expected
    assert not is_repeat(replace(match, variation=0.005))


def test_what_has_no_pulse_has_no_fingerprint() -> None:
    times = np.arange(0, 30, 0.02)
    assert fingerprint_pulse(Signal(np.full(len(times), 80.0), times)) is None
    assert fingerprint_pulse(part_of(contact_pulse(0), 0, 6)) is None
    assert fingerprint_pulse(Signal(np.ones(1), np.zeros(1))) is None
    assert match_pulses([]) == []


def test_the_longest_part_without_a_gap_counts() -> None:
    pulse = contact_pulse(2)
    outside = (pulse.times_s < 10) | (pulse.times_s > 12)
    (made,) = fingerprints(Signal(pulse.values[outside], pulse.times_s[outside]))
    assert made.start_s == pytest.approx(13, abs=0.1)


@pytest.mark.real
def test_genuine_files_hold_pieces_of_each_other_and_people_do_not(real: Path) -> None:
    """A published set of outputs has the labels of UBFC-rPPG in it, in joined pieces of 10 s."""
    named: dict[str, Signal] = {}
    for folder in sorted((real / "ubfc-labels").iterdir()):
        pulse, _, times_s = np.loadtxt(folder / "ground_truth.txt")
        named[folder.name] = Signal(pulse, times_s).in_order()
    joined = np.load(real / "rppg2ppg-outputs" / "UBFC.npz")["label"].astype(float)
    for first in range(0, len(joined) - 600, 300):
        named[f"piece {first // 300}"] = Signal(joined[first : first + 600], np.arange(600) / 30)
    names = list(named)
    matches = match_pulses(fingerprints(*named.values()))
    pairs = {(names[m.first], names[m.second]) for m in matches if is_repeat(m)}
    people = {pair for pair in pairs if not pair[0].startswith("piece")}
    assert people == {("subject24", "piece 71")}
    of_subject_11 = [
        m for m in matches if (names[m.first], names[m.second]) == ("subject11", "piece 7")
    ]
    assert of_subject_11[0].offset_s == pytest.approx(-9.1, abs=0.2)  # its second piece of 10 s
    assert of_subject_11[0].correlation > 0.97
    # Of subject 25 the labels are at 23.2 Hz, and the pieces were read as if they were at 30.
    read_too_fast = [m.clock_ratio for m in matches if names[m.first] == "subject25"
                     and names[m.second] == "piece 79"]  # fmt: skip
    assert read_too_fast == pytest.approx([23.2 / 30], rel=0.01)
