"""MAHNOB-HCI: which camera, which trials, the clock of the video, the leads and the belt."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.datasets.bdf_files import write_bdf
from rppgbench.datasets.check import check_data
from rppgbench.system.errors import RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed

FIRST = "Sessions/2"
Channels = dict[str, np.ndarray]


def with_channels(root: Path, change: Callable[[Channels], Channels]) -> Recording:
    """The first session with other channels."""
    trees.mahnob_hci(root)
    channels = change(trees.mahnob_channels())
    write_bdf(root / FIRST / "Part_1_S_Trial1_emotion.bdf", channels, 256.0)
    return listed("mahnob_hci", root)["P1/2"]


def slower(lead: np.ndarray) -> np.ndarray:
    """A lead of which every second beat is lost."""
    lead = lead.copy()
    for beat_s in (1.3, 2.9, 4.5):
        lead[round((beat_s - 0.2) * 256) : round((beat_s + 0.2) * 256)] = 0
    return lead


def with_session(root: Path, session: str) -> Recording:
    trees.mahnob_hci(root)
    (root / FIRST / "session.xml").write_text(session)
    return listed("mahnob_hci", root)["P1/2"]


def test_frames_have_the_rate_of_the_session_and_the_colour_camera_is_read(
    tmp_path: Path,
) -> None:
    trees.mahnob_hci(tmp_path)
    for recording in listed("mahnob_hci", tmp_path).values():
        source = recording.video()
        assert "C1 trigger _C_" in source.path.name
        assert source.times_s is not None
        np.testing.assert_allclose(source.times_s, np.arange(trees.FRAMES) / 60.9708)


def test_beats_count_from_the_first_pulse_of_the_status(tmp_path: Path) -> None:
    """The pulse is at 2 s of the file, beats are at 0.5 s, 1.3 s and so on; flags are no pulse."""
    trees.mahnob_hci(tmp_path)
    for recording in listed("mahnob_hci", tmp_path).values():
        truth = recording.ground_truth()
        assert truth.beats_s is not None
        assert truth.heart_rate is not None
        assert truth.pulse is None
        np.testing.assert_allclose(truth.beats_s, np.arange(0.5, 6, 0.8) - 2, atol=0.004)
        np.testing.assert_allclose(truth.heart_rate.values, 75, atol=0.5)
        assert truth.respiration is not None
        times_s = truth.respiration.times_s
        np.testing.assert_allclose(times_s, np.arange(6 * 256) / 256 - 2, atol=1e-9)
        breath = 1000 * np.sin(2 * np.pi * 0.25 * (times_s + 2))
        np.testing.assert_allclose(truth.respiration.values, breath, atol=0.51)
        assert truth.warnings == ()


def test_a_status_without_a_pulse_is_refused(tmp_path: Path) -> None:
    recording = with_channels(tmp_path, lambda c: c | {"Status": np.full(1536, 0x0F0000)})
    with pytest.raises(RecordingError, match="has no pulse in 'Status'"):
        recording.ground_truth()


@pytest.mark.parametrize("label", ["EXG2", "Status"])
def test_a_missing_channel_is_named(label: str, tmp_path: Path) -> None:
    recording = with_channels(tmp_path, lambda c: {k: v for k, v in c.items() if k != label})
    with pytest.raises(RecordingError, match=f"has no channel '{label}'"):
        recording.ground_truth()


def test_a_lead_that_the_other_two_contradict_is_told(tmp_path: Path) -> None:
    truth = with_channels(tmp_path, lambda c: c | {"EXG2": slower(c["EXG2"])}).ground_truth()
    (line,) = [w for w in truth.warnings if "EXG1 and EXG3" in w]
    assert line == (
        "Part_1_S_Trial1_emotion.bdf: EXG2 has 37 bpm in the median, EXG1 and EXG3 have 75"
    )


def test_two_leads_that_differ_from_each_other_say_nothing_of_the_third(tmp_path: Path) -> None:
    def change(channels: Channels) -> Channels:
        return channels | {"EXG1": np.zeros(1536), "EXG2": slower(channels["EXG2"])}

    assert with_channels(tmp_path, change).ground_truth().warnings == ()


def test_the_constant_ends_of_the_belt_are_left_out(tmp_path: Path) -> None:
    def idle(channels: Channels) -> Channels:
        belt = channels["Resp"].copy()
        belt[: int(2.5 * 256)] = 16
        belt[int(4.5 * 256) :] = 16
        return channels | {"Resp": belt}

    truth = with_channels(tmp_path, idle).ground_truth()
    assert truth.respiration is not None
    np.testing.assert_allclose(truth.respiration.times_s[[0, -1]], [0.5, 2.5], atol=2 / 256)
    assert truth.warnings == (
        "Part_1_S_Trial1_emotion.bdf: 'Resp' is constant until 0.5 s: left out",
    )


def test_a_belt_that_is_constant_is_none_and_the_beats_stay(tmp_path: Path) -> None:
    truth = with_channels(tmp_path, lambda c: c | {"Resp": np.full(1536, 16)}).ground_truth()
    assert truth.respiration is None
    assert truth.beats_s is not None
    assert truth.warnings == ("Part_1_S_Trial1_emotion.bdf: 'Resp' is constant: no respiration",)


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ('<session vidRate="60.9708"><subject id="7"/></session>', "is of person '7', the labels"),
        ('<session vidRate="60.9708"/>', "is of person ''"),
        ('<session vidRate="none"><subject id="1"/></session>', "'vidRate' is 'none', no frame"),
        ('<session vidRate="nan"><subject id="1"/></session>', "'vidRate' is 'nan', no frame"),
        ('<session><subject id="1"/></session>', "'vidRate' is None, no frame rate"),
        ("<session", "not XML"),
    ],
)
def test_a_session_that_does_not_fit_is_refused(session: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=message):
        with_session(tmp_path, session).video()


def test_a_session_has_one_colour_video_of_its_person(tmp_path: Path) -> None:
    trees.mahnob_hci(tmp_path)
    (video,) = (tmp_path / FIRST).glob("*_C_*.avi")
    video.rename(video.with_name(video.name.replace("P1-", "P7-")))
    with pytest.raises(RecordingError, match="and the video is 'P7-"):
        listed("mahnob_hci", tmp_path)["P1/2"].video()
    trees.clip(video, fps=61)
    with pytest.raises(RecordingError, match="holds 2 videos of the colour camera"):
        listed("mahnob_hci", tmp_path)["P1/2"].video()
    for file in (tmp_path / FIRST).glob("*_C_*.avi"):
        file.unlink()
    with pytest.raises(RecordingError, match="holds 0 videos of the colour camera"):
        listed("mahnob_hci", tmp_path)["P1/2"].video()


def test_neutral_clips_and_tagging_are_counted_not_read(tmp_path: Path) -> None:
    trees.mahnob_hci(tmp_path)
    trees.mahnob_session(tmp_path / "Sessions" / "1", 1, 1, kind="N_")
    trees.mahnob_session(tmp_path / "Sessions" / "3", 1, 2, kind="N_")
    trees.mahnob_session(tmp_path / "Sessions" / "42", 1, 1)
    file = tmp_path / "Sessions" / "42" / "Part_1_S_Trial1_emotion.bdf"
    file.rename(file.with_name("Part_1_Trial1_taggingImages1.bdf"))
    assert list(listed("mahnob_hci", tmp_path)) == ["P1/2", "P1/4", "P9/1042"]
    texts = [f.text for f in check_data(dataset("mahnob_hci"), tmp_path).findings]
    assert "not read: 2 trials with a neutral clip" in texts
    assert "not read: 1 sessions of the tagging experiments" in texts
