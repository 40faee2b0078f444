"""The videos of a twin: its layout, its name, its people, and a codec that is honoured."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.layout import is_simulated, twin_of
from rppgbench.datasets.twin_videos import TwinVideos, twin_videos
from rppgbench.simulation.twin import TwinRecording
from rppgbench.simulation.twin_declaration import TwinCodec
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import open_video

UBFC = "ubfc_rppg_v1"
SMALL = {"width": 160, "height": 120, "face_height": 0.6}


def small(name: str = UBFC, *, people: int = 1, seconds: float = 1.0, **video: Any) -> TwinVideos:
    """A twin with small pictures, and with other values of its part on videos."""
    videos = twin_videos(name, people=people, seconds=seconds, seed=3)
    part = videos.video.model_copy(update={**SMALL, **video})
    return replace(videos, twin=videos.twin.model_copy(update={"video": part}))


def changed(videos: TwinVideos, **strengths: float) -> TwinVideos:
    """The videos without a pulse, of darker skin, with other strengths."""
    strength = videos.twin.strength.model_copy(update={"pulse": 0.0, **strengths})
    colour = videos.twin.colour.model_copy(update={"level": [120.0, 100.0, 100.0]})
    update = {"strength": strength, "colour": colour}
    return replace(videos, twin=videos.twin.model_copy(update=update))


def first_frames(videos: TwinVideos) -> list[Any]:
    return list(next(iter(videos.recordings())).frames())


def skin_trace(frames: list[Any]) -> Any:
    """Mean colours (T, 3) of the middle of the face."""
    return np.stack([frame[45:80, 60:100].reshape(-1, 3).mean(axis=0) for frame in frames])


def test_a_tree_in_the_layout_of_the_set_names_the_twin_and_its_version(tmp_path: Path) -> None:
    small(seconds=0.4).write(tmp_path)
    mark = json.loads((tmp_path / "SIMULATED.json").read_text())
    assert mark == {
        "simulated": True,
        "dataset": "ubfc_rppg",
        "twin": UBFC,
        "people": 1,
        "seconds": 0.4,
        "seed": 3,
    }
    assert is_simulated(tmp_path)
    assert twin_of(tmp_path) == UBFC
    (recording,) = load_datasets().get("data set", "ubfc_rppg", "test").recordings(tmp_path)
    assert recording.simulated
    with open_video(recording.video()) as video:  # type: ignore[arg-type]
        assert [frame.rgb.shape for frame in video] == [(120, 160, 3)] * 12


def test_the_same_call_gives_the_same_frames_and_another_seed_others() -> None:
    videos = small(seconds=0.2)
    first = first_frames(videos)
    assert np.array_equal(first, first_frames(videos))
    other = replace(videos, plan=replace(videos.plan, seed=4))
    assert not np.array_equal(first, first_frames(other))


def test_the_skin_has_the_declared_colour() -> None:
    videos = small(seconds=0.1, pixel_noise=0.0)
    level = np.array(videos.twin.colour.level)
    assert skin_trace(first_frames(videos))[0] == pytest.approx(level, rel=0.2)


def test_the_contact_sensor_measures_the_pulse_of_the_trace_of_the_same_person() -> None:
    videos = small(people=2, seconds=12.0)
    times_s = np.arange(0.0, 12.0, 1 / 30)
    for place, recording in enumerate(videos.recordings()):
        drawn: TwinRecording = videos.drawn()[place, 0]
        assert recording.pulse_at(times_s) == pytest.approx(drawn.pulse[: len(times_s)], abs=1e-4)


@pytest.mark.parametrize("part", ["light", "noise"])
def test_the_face_changes_as_the_trace_does(part: str) -> None:
    videos = small(seconds=10.0, pixel_noise=0.0, sway=0.0, light_spread=0.0, noise_spread=0.0)
    videos = changed(videos, **{"light": 0.0, "noise": 0.0, "recordings_log_sd": 0.0, part: 0.04})
    recording = next(iter(videos.recordings()))
    chosen = slice(0, 300, 10)
    times_s = recording.scene.times_s[chosen]
    assert recording.scene.skin is not None
    skin = replace(recording.scene.skin, change=recording.scene.skin.change[chosen])
    scene = replace(recording.scene, times_s=times_s, skin=skin)
    trace = skin_trace(list(replace(recording, scene=scene).frames()))
    expected = videos.drawn()[0, 0].rgb[:300][chosen]
    changes = [colours / colours.mean(axis=0) - 1 for colours in (trace, expected)]
    for channel in range(3):
        seen, drawn = (change[:, channel] for change in changes)
        assert np.corrcoef(seen, drawn)[0, 1] > 0.97
        assert seen.std() == pytest.approx(drawn.std(), rel=0.15)


def test_the_noise_of_a_pixel_is_the_declared_one() -> None:
    still: dict[str, Any] = {"sway": 0.0, "light_spread": 0.0, "noise_spread": 0.0}
    videos = small(seconds=0.2, pixel_noise=3.0, **still)
    frames = np.stack(first_frames(videos)).astype(float)[:, :20, :20]  # background
    assert np.diff(frames, axis=0).std() / np.sqrt(2) == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_halves_of_the_face_differ_by_the_declared_spread(spread: float) -> None:
    still = small(seconds=1.0, pixel_noise=0.0, sway=0.0, light_spread=spread, noise_spread=0.0)
    videos = changed(still, light=0.05, noise=0.0)
    frames = np.stack(first_frames(videos)).astype(float)[:, 45:80, :, 1]
    left, right = (part.mean(axis=(1, 2)) for part in (frames[:, :, 60:80], frames[:, :, 80:100]))
    difference = left / left.mean() - right / right.mean()
    assert (difference.std() > 0.004) == (spread > 0)


def test_a_stronger_rate_factor_adds_noise_to_the_trace(tmp_path: Path) -> None:
    residuals = []
    for crf in ("10", "45"):
        codec = TwinCodec(name="libx264", options={"crf": crf, "preset": "ultrafast"})
        videos = small(seconds=1.0, codec=codec)
        folder = tmp_path / crf
        folder.mkdir()
        videos.write(folder)
        (file,) = folder.rglob("vid.avi")
        with open_video(VideoSource(file)) as video:
            assert video.info.codec == "h264"
            decoded = skin_trace([frame.rgb for frame in video])
        residuals.append((decoded - skin_trace(first_frames(videos)))[:, 1].std())
    assert residuals[1] > 3 * residuals[0]


def test_a_codec_in_a_layout_of_pictures_is_refused(tmp_path: Path) -> None:
    videos = small("pure_v1", seconds=0.1, codec=TwinCodec(name="mpeg4"))
    with pytest.raises(BenchError, match="pure has no video file; leave the codec out"):
        videos.write(tmp_path)


def test_what_a_twin_cannot_give_is_refused() -> None:
    with pytest.raises(BenchError, match="lgi_ppgi_v1 has mean colours only"):
        twin_videos("lgi_ppgi_v1", people=1, seconds=1.0, seed=0)
    with pytest.raises(BenchError, match="--seconds: the recordings of pure_v1 have 68 s at most"):
        twin_videos("pure_v1", people=1, seconds=69.0, seed=0)
    with pytest.raises(BenchError, match="has 42 subjects, so 43 cannot be simulated"):
        twin_videos(UBFC, people=43, seconds=1.0, seed=0).count  # noqa: B018
