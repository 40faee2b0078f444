"""VIPL-HR-V2: five short videos for each subject, one heart rate for each video.

Layout: `train/N/{video1.avi .. video5.avi, gt.csv}`, also without the folder `train`. The first
line of `gt.csv` names the videos, the second holds the mean heart rate of each (bpm), the third its
frame rate, from the second column on.

Rules:

- There is one rate for each video and no pulse, by all public loaders. Yet Qian et al. 2024
  (section 2.2.3) fine-tune on the set's "ground-truth PPG signal". Where a video came with a pulse,
  put the pulse beside the video as `video1_bvp.csv`, a name of this project: time in seconds from
  the first frame, and the pulse; a header is allowed. Without this file no method can be fine-tuned
  on a pulse; a method that needs a pulse reports so.
- Frame k is taken at k / rate with the rate of `gt.csv`, the set's statement of time; where the
  container has a rate that differs by more than 1 %, the recording has a warning.
- A subject's folder without `gt.csv` (the challenge's test videos) has no labels: its recordings
  have an empty ground truth and a warning, so that methods can run on them.

2,000 videos were released for the third RePSS challenge (Qian et al. 2024, arXiv 2406.04942), five
for each subject. The layout is from public loaders, because only users who sign get its documents;
no bad recordings are published.
Sources: Li, Han, Lu, Niu, Yu, Dantcheva, Zhao, Shan, "The 1st challenge on remote physiological
signal sensing (RePSS)", CVPR Workshops 2020.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import (
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    order_first,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.datasets.stated_frames import stated_frames
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError

WAVE_HZ = 60.0
"""Sampling rate of the simulated sensor, as in `wave.csv` of VIPL-HR."""

ORDER = order_first("1 5 2 10", map(str, range(1, 401)))
"""Simulated subjects in this order: `vipl-v2-80-20-rppgbench` tests every fifth of the set."""


def _recordings(base: Path) -> Iterator[Recording]:
    parts = [(p, p.name) for p, _ in matching(base, r"train|test") if is_folder(p)] or [(base, "")]
    for part, part_name in parts:
        for folder, match in matching(part, r"\d+"):
            for video, _ in matching(folder, r".+\.avi"):
                yield Recording(
                    dataset="vipl_hr_v2",
                    name=f"{match[0]}/{video.stem}",
                    subject=match[0],
                    video=partial(_video, video),
                    ground_truth=partial(_ground_truth, video),
                    files=(video, folder / "gt.csv", *(f for f in [_wave(video)] if is_file(f))),
                    part=part_name,
                )


def _video(file: Path) -> VideoSource:
    if not is_file(file.with_name("gt.csv")):
        return VideoSource(file)
    fps = _labels(file)[1]
    return VideoSource(file, times_s=np.arange(stated_frames(file)[0]) / fps)


def _wave(video: Path) -> Path:
    return video.with_name(f"{video.stem}_bvp.csv")


def _labels(video: Path) -> tuple[float, float]:
    """Heart rate in bpm and frames a second of one video."""
    file = video.with_name("gt.csv")
    sheet = read_sheet(file)
    names = [name.lower().removesuffix(".avi") for name in sheet.names]
    count = names[1:].count(video.stem.lower())
    if count != 1 or len(sheet.rows) < 2:
        raise RecordingError(
            f"{file}: gives heart rate (line 2) and frame rate (line 3) of {video.stem} "
            f"{'more than once' if count > 1 else 'nowhere'}; "
            "copy the original file again"
        )
    first_two = sheet._replace(rows=sheet.rows[:2])
    bpm, fps = map(float, first_two.numbers(names.index(video.stem.lower(), 1)))
    if not fps > 0:
        raise RecordingError(f"{file}: line 3 says {fps} frames a second of {video.stem}")
    return bpm, fps


def _ground_truth(video: Path) -> GroundTruth:
    file = video.with_name("gt.csv")
    if not is_file(file):
        return GroundTruth(warnings=("no gt.csv: a video without labels",))
    bpm, fps = _labels(video)
    frames, own_fps = stated_frames(video)
    warnings = []
    if abs(own_fps / fps - 1) > 0.01:
        warnings.append(
            f"gt.csv says {fps:.2f} frames a second, the container {own_fps:.2f}: "
            f"clock ratio {own_fps / fps:.3f}"
        )
    rate = regular_signal(np.full(int(np.ceil(frames / fps)) + 1, bpm), 1.0)
    device = clean_labels(file, heart_rate=rate, warnings=warnings)
    if not is_file(_wave(video)):
        return device
    times_s, wave = read_table(_wave(video), 2, time_first=True).T
    sensor = clean_labels(_wave(video), pulse=Signal(wave, times_s), one_clock=True)
    return replace(
        sensor, heart_rate=device.heart_rate, warnings=(*device.warnings, *sensor.warnings)
    )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two of five videos for each subject, at two frame rates, some talking, some in dim light."""
    for at, (subject, rate) in enumerate(resting_rates("vipl_hr_v2", ORDER, plan).items()):
        for number in (1, 2):
            scene = Scene(
                width=320,
                height=240,
                times_s=frame_times(plan.seconds, (30.0, 25.0)[number - 1]),
                difficulty=plan.difficulty,
                motion="talking" if number == 2 else "still",
                light="dim" if (at + number) % 3 == 0 else "indoor",
                expressions="few",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, f"video{number}", scene)


def _write(
    root: Path, recording: SimulatedRecording, plan: SimulationPlan
) -> tuple[str, str, float, float]:
    """MPEG-4 in AVI with the sensor's pulse beside it."""
    folder = root / "train" / recording.subject
    times_s = recording.scene.times_s
    video = folder / f"{recording.session}.avi"
    write_clip(video, recording, "mpeg4")
    seen_s = device_times(float(times_s[-1]) + 1 / 30, WAVE_HZ)
    wave = scale_to_range(recording.pulse_at(seen_s), 10, 90)
    lines = (f"{time:.4f},{value:.3f}" for time, value in zip(seen_s, wave, strict=True))
    write_lines(_wave(video), ["time_s,bvp", *lines])
    fps = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    bpm = float(recording.heart_rate_at(times_s).mean())
    return recording.subject, recording.session, bpm, fps


def _finish(root: Path, plan: SimulationPlan, results: list[tuple[str, str, float, float]]) -> None:
    """A gt.csv for each subject."""
    rows: dict[str, list[tuple[str, float, float]]] = {}
    for subject, name, bpm, fps in results:
        rows.setdefault(subject, []).append((name, bpm, fps))
    for subject, videos in rows.items():
        lines = [
            ",".join(["", *(f"{name} " for name, _, _ in videos)]),
            ",".join(["HR", *(f"{bpm:.2f}" for _, bpm, _ in videos)]),
            ",".join(["FPS", *(f"{fps:.2f}" for _, _, fps in videos)]),
        ]
        write_lines(root / "train" / subject / "gt.csv", lines)


vipl_hr_v2 = folder_dataset(
    name="vipl_hr_v2",
    title="VIPL-HR version 2, as given out for RePSS",
    cite="The 1st Challenge on Remote Physiological Signal Sensing, CVPR Workshops 2020",
    licence="academic research only, after a member of staff has signed the release agreement",
    url="https://vipl.ict.ac.cn/resources/databases/",
    folders=("VIPL-HR-V2", "VIPL_HR_V2"),
    expected={"subjects": 400, "recordings": 2000},
    example="train/1/video1.avi",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
)
