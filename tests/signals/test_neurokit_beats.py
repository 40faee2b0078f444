"""NeuroKit2's detector beside our own."""

import sys

import numpy as np
import pytest

from rppgbench.signals.beats import elgendi_beats
from rppgbench.signals.filters import butterworth
from rppgbench.signals.neurokit_beats import neurokit_elgendi
from rppgbench.system.errors import BenchError

from ..factories.heart_beats import beats_of_rate, pulse_of_beats, varying_rate


@pytest.mark.parametrize("bpm", [55.0, 80.0, 120.0])
def test_our_beats_are_those_of_neurokit2(bpm: float) -> None:
    pytest.importorskip("neurokit2")
    beats_s = beats_of_rate(varying_rate(bpm), 0.002)
    pulse = pulse_of_beats(beats_s, 250.0, stop_s=75.0)
    wave = butterworth(pulse.values, 250.0, 0.5, 8.0, 2)
    own, theirs = elgendi_beats(wave, 250.0), neurokit_elgendi(wave, 250.0)
    apart = np.abs(own[:, None] - theirs).min(axis=0)
    assert (apart <= 2).mean() > 0.97
    assert abs(len(own) - len(theirs)) <= 2


def test_without_neurokit2_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neurokit2", None)
    with pytest.raises(BenchError, match=r"pip install 'rppgbench\[hrv\]', or choose the detector"):
        neurokit_elgendi(np.zeros(100), 250.0)
