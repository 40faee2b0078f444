"""References of single videos: which belongs to which, and one that lasts longer."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.importing.reference_files import read_video_references
from rppgbench.system.errors import BenchError


def write_rates(place: Path, rates_bpm: dict[str, float], lasts_s: int = 20) -> Path:
    """A constant rate each second under each name."""
    lines = [
        f"{name},{time_s},{rate_bpm}"
        for name, rate_bpm in rates_bpm.items()
        for time_s in range(lasts_s)
    ]
    place.write_text("\n".join(["video,time_s,heart_rate_bpm", *lines]) + "\n")
    return place


def test_a_path_goes_before_a_name_and_a_name_of_two_videos_is_refused(tmp_path: Path) -> None:
    videos = [Path("a/face.mp4"), Path("b/face.mp4")]
    file = write_rates(tmp_path / "r.csv", {"a/face.mp4": 60, "b/face.mp4": 70, "face": 80})
    references = read_video_references(file, videos)
    rates = [references.truths[video].heart_rate for video in videos]
    assert [rate.values[0] for rate in rates if rate is not None] == [60, 70]
    assert "no video of 1 reference: face" in references.notes[0]
    write_rates(file, {"face": 80})
    assert read_video_references(file, videos[:1]).truths
    with pytest.raises(BenchError, match=r"'face' is the name of a/face\.mp4, b/face\.mp4"):
        read_video_references(file, videos)


def test_a_sensor_that_went_on_for_long_is_a_warning(tmp_path: Path) -> None:
    file = write_rates(tmp_path / "r.csv", {"face": 60}, lasts_s=200)
    (truth,) = read_video_references(file, [Path("face.mp4")]).truths.values()
    checked = check_against_frames(truth, FrameClock.from_times(np.arange(0, 10, 1 / 30)))
    assert [line for line in checked.warnings if "right if the sensor went on" in line]


def test_a_missing_rate_names_the_option_of_references(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("pulse\n" + "0.1\n0.2\n" * 50)
    with pytest.raises(BenchError, match="give --reference-fs HZ"):
        read_video_references(file, [Path("face.mp4")])
    (truth,) = read_video_references(file, [Path("face.mp4")], 25.0).truths.values()
    assert truth.pulse is not None
    assert truth.pulse.times_s[1] == pytest.approx(0.04)
