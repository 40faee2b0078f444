"""What cameras and codecs do in genuine recordings: the source of the [video] part of the twins.

Run from the root of a checkout:

    python docs/measurements/twin_clips.py clips FILE...   # codec, noise of a pixel, sway
    python docs/measurements/twin_clips.py regions FILE    # traces.npz: do two regions agree?
    python docs/measurements/twin_clips.py codec FILE...   # what H.264 adds to the mean colour

A pixel's noise is the root mean square of its change from frame to frame over the root of 2, in
grey levels, with the head still: the median over the frames. *Patch* is the same for the mean of
blocks of 16 x 16 pixels, times 16: equal to the noise of a pixel where pixels are independent.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.signal import csd, welch

from rppgbench.core.recording import VideoSource
from rppgbench.core.waveform import Array
from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceTracker, track_face
from rppgbench.simulation.person import CHEEKS, CHIN, FOREHEAD
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

MOST_FRAMES = 300
BLOCK = 16
FS = 30.0
"""Frames a second of the copies, whatever the clip's; the codec knows no time."""

RATE_FACTORS = (12, 18, 24, 30, 36)
BANDS_HZ = ((0.1, 0.65), (0.65, 4.0), (5.0, 12.0), (14.0, 28.0))
KEYS = "codec_name,width,height,pix_fmt,avg_frame_rate,bit_rate"


def stream_of(file: Path) -> str:
    """Codec, size, pixel format, frame rate and bits a second of a file, by ffprobe."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"]
    command += ["-show_entries", f"stream={KEYS}", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def change_noise(before: Array, after: Array) -> Array:
    """Root mean square change over the root of 2: of a pixel, and of blocks times their side."""
    change = after - before
    change -= change.mean(axis=(0, 1))
    rows, columns = (side // BLOCK * BLOCK for side in change.shape[:2])
    blocks = change[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK, 3)
    means = blocks.mean(axis=(1, 3))
    rms = [np.sqrt((part**2).mean(axis=(0, 1)) / 2) for part in (change, means * BLOCK)]
    return np.stack(rms)


def cheek(rgb: Array, landmarks: Array) -> Array:
    """A square on a cheek (side, side, 3), a quarter of the face's height wide."""
    x, y = landmarks[list(CHEEKS[:3])].mean(axis=0)
    half = max(BLOCK, int(abs(landmarks[CHIN, 1] - landmarks[FOREHEAD, 1]) / 8))
    return rgb[max(0, int(y) - half) : int(y) + half, max(0, int(x) - half) : int(x) + half]


def measure_clip(file: Path) -> str:
    """A line of a table for a clip."""
    noise, places, heights, before = [], [], [], None
    with open_video(VideoSource(file)) as video:
        for frame, landmarks in track_face(islice(video, MOST_FRAMES), FaceTracker()):
            if landmarks is None:
                before = None
                continue
            heights.append(abs(landmarks[CHIN, 1] - landmarks[FOREHEAD, 1]))
            places.append(landmarks.mean(axis=0))
            if before is not None:
                pair = [cheek(rgb.astype(float), landmarks) for rgb in (before, frame.rgb)]
                noise.append(change_noise(*pair))
            before = frame.rgb
    if not noise:
        return f"| {file.name} | {stream_of(file)} | no face |"
    pixel, block = (text_of(row) for row in np.median(np.stack(noise), axis=0))
    tall = float(np.median(heights))
    sway = (np.std(places, axis=0) / tall).tolist()
    return (
        f"| {file.name} | {stream_of(file)} | {tall:.0f} | {pixel} | {block} |"
        f" {sway[0]:.4f} {sway[1]:.4f} |"
    )


def measure_codec(file: Path) -> str:
    """What rate factors add to the mean green of a face, 0.65 to 4 Hz, in thousandths."""
    with open_video(VideoSource(file)) as video:
        located = list(track_face(islice(video, MOST_FRAMES), FaceTracker()))
    frames = [
        frame.rgb[: frame.rgb.shape[0] // 2 * 2, : frame.rgb.shape[1] // 2 * 2]
        for frame, landmarks in located
        if landmarks is not None
    ]
    boxes = [
        bounding_box(landmarks).astype(int) for _, landmarks in located if landmarks is not None
    ]
    times_s = np.arange(len(frames)) / FS
    before = mean_green(frames, boxes)
    cells = []
    for factor in RATE_FACTORS:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.mp4"
            options = {"crf": str(factor), "preset": "medium"}
            write_video(
                copy, frames, times_s, codec="libx264", pixel_format="yuv420p", options=options
            )
            with open_video(VideoSource(copy)) as video:
                after = mean_green([frame.rgb for frame in video], boxes)
        added = np.fft.rfft(after / before - (after / before).mean()) / len(frames)
        hz = np.fft.rfftfreq(len(frames), 1 / FS)
        band = (hz >= BANDS_HZ[1][0]) & (hz < BANDS_HZ[1][1])
        cells.append(f"{1e3 * np.sqrt(2 * (np.abs(added[band]) ** 2).sum()):.2f}")
    return f"| {file.parent.name}/{file.name} | {' | '.join(cells)} |"


def mean_green(frames: Sequence[Array], boxes: Sequence[Array]) -> Array:
    """The mean green in the box of the face of each frame (T,)."""
    pairs = zip(frames, boxes, strict=True)
    return np.array([f[max(0, b[1]) : b[3], max(0, b[0]) : b[2], 1].mean() for f, b in pairs])


def text_of(values: Array) -> str:
    """Numbers with two digits."""
    return " ".join(f"{value:.2f}" for value in values)


def measure_regions(file: Path) -> None:
    """The correlation of the green of two regions of a person's face, by band."""
    stored = np.load(file)
    for person in sorted({name[:2] for name in stored.files}):
        two = [stored[f"{person}_{region}_rgb"].astype(float) for region in ("FH", "Cheeks")]
        fs = 1 / np.median(np.diff(stored[f"{person}_FH_t"]))
        length = min(map(len, two))
        a, b = (rgb[:length, 1] / rgb[:length, 1].mean() - 1 for rgb in two)
        hz, power = welch(np.stack([a, b]), fs, nperseg=1200)
        common = csd(a, b, fs, nperseg=1200)[1].real
        for low_hz, high_hz in BANDS_HZ:
            band = (hz >= low_hz) & (hz < high_hz)
            strength = np.sqrt(power[:, band].sum(axis=1) * hz[1])
            r = common[band].sum() * hz[1] / strength.prod()
            print(f"| {person} | {low_hz:g} to {high_hz:g} | {text_of(1e3 * strength)} | {r:.2f} |")


def main(arguments: list[str]) -> None:
    """Print the tables."""
    action, *files = arguments
    for name in files:
        if action == "regions":
            measure_regions(Path(name))
        else:
            measure = measure_codec if action == "codec" else measure_clip
            print(measure(Path(name)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
