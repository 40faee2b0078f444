"""Files of predictions that other programs could have written, and a small tree of UBFC-rPPG."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tests.factories.records import make_sine

from rppgbench.video.writing import write_video

FS = 30.0


def write_waves(
    file: Path,
    bpm: Mapping[str, float],
    *,
    reference_bpm: Mapping[str, float] | None = None,
    method: str = "",
    seconds: float = 20.0,
) -> Path:
    """A long table: a sine of a rate for each recording, with a reference where one is given."""
    parts = []
    for name, rate in bpm.items():
        pulse = make_sine(rate, FS, seconds)
        columns = {"recording": name, "time_s": np.arange(len(pulse)) / FS, "pulse": pulse}
        if reference_bpm is not None:
            columns["reference_pulse"] = make_sine(reference_bpm[name], FS, seconds)
        if method:
            columns["method"] = method
        parts.append(pd.DataFrame(columns))
    pd.concat(parts).to_csv(file, index=False)
    return file


def write_rates(file: Path, bpm: Mapping[str, float]) -> Path:
    """A table with one heart rate for each recording."""
    pd.DataFrame({"recording": list(bpm), "heart_rate_bpm": list(bpm.values())}).to_csv(
        file, index=False
    )
    return file


def write_ubfc(root: Path, bpm: Mapping[str, float], *, seconds: float = 20.0) -> Path:
    """UBFC-rPPG's tree: grey videos with the labels of a pulse at a rate for each subject."""
    times_s = np.arange(round(seconds * FS)) / FS
    frames = [np.full((16, 16, 3), 128, np.uint8)] * len(times_s)
    for subject, rate in bpm.items():
        folder = root / "DATASET_2" / subject
        folder.mkdir(parents=True)
        write_video(folder / "vid.avi", frames, times_s, codec="rawvideo", pixel_format="bgr24")
        rows = [make_sine(rate, FS, seconds), np.full(len(times_s), rate), times_s]
        lines = [" ".join(f"{value:.7e}" for value in row) for row in rows]
        (folder / "ground_truth.txt").write_text("\n".join(lines) + "\n")
    return root
