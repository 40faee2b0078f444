"""What looking for the face on every 4th frame only changes about the heart rate.

`pytest -m speed tests/speed/test_cadence.py -s` prints the rates under both.
"""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import load_methods
from rppgbench.execution.prediction_reading import read_rates
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.extraction.extractor import extract
from rppgbench.face.tracking import CADENCE
from rppgbench.simulation import Scene, frame_times, simulate
from rppgbench.simulation.scene import Difficulty
from rppgbench.video.writing import write_video

from ..factories.evaluators import evaluator

pytestmark = pytest.mark.speed

MOST_BPM = 0.2


def rate_bpm(source: VideoSource, cadence: int) -> float:
    """The median of POS's heart rates in windows of 10 s, one each second."""
    method = load_methods().available["pos"]
    features = extract(source, cadence=cadence)
    pulse, coverage = estimate_pulse(features, method, method.parameters({}), "skin")
    assert coverage == 1
    return float(np.nanmedian(read_rates(pulse, evaluator("li2023")).bpm))


def assert_alike(name: str, source: VideoSource) -> None:
    every, some = rate_bpm(source, 1), rate_bpm(source, CADENCE)
    print(f"\n{name}: {every:.2f} bpm by every frame, {some:.2f} by every {CADENCE}th")
    assert abs(every - some) < MOST_BPM


@pytest.mark.real
def test_of_a_genuine_person(real: Path) -> None:
    """The only genuine clip whose pulse is known."""
    assert_alike("evm-face/face.mp4", VideoSource(real / "evm-face" / "face.mp4"))


@pytest.mark.parametrize("difficulty", ["easy", "paper"])
def test_of_a_simulated_person(tmp_path: Path, difficulty: Difficulty) -> None:
    times = frame_times(12.0, 30.0)
    scene = Scene(width=320, height=240, times_s=times, difficulty=difficulty)
    person = simulate(dataset="cadence", subject="1", session="1", scene=scene, seed=0)
    file = tmp_path / "person.mkv"
    options = {"crf": "12", "preset": "veryfast"}
    write_video(
        file, person.frames(), times, codec="libx264", pixel_format="yuv420p", options=options
    )
    assert_alike(f"simulated, {difficulty}", VideoSource(file))
