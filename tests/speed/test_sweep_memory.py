"""A sweep holds what its codecs look ahead, however long the video is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..factories.faces import save_video, swaying

ROOT = Path(__file__).parents[2]
SHORT, LONG = 120, 480
PICTURE_MB = 256 * 256 * 3 / 2**20

pytestmark = pytest.mark.speed

MEASURE = """
import re, sys, tempfile
from functools import partial
from pathlib import Path
from rppgbench.extraction.compiled_loops import form_of_this_process
from rppgbench.extraction.feature_cache import NamedTransform, transformed_features
from rppgbench.extraction.conditions import ConditionTransform
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import VideoSource
from rppgbench.video.stream import decode_counts

def named(crf):
    params = {"codec": "libx264", "preset": "veryfast", "crf": crf}
    condition = Condition(name=f"crf_{crf}", kind="compression", params=params)
    return NamedTransform(name=condition.name, create=partial(ConditionTransform, condition))

source = VideoSource(Path(sys.argv[1]))
# Only the long video would load numba, which takes a hundred megabytes once.
with tempfile.TemporaryDirectory() as cache, form_of_this_process(False):
    changes = [None, *map(named, (6, 10, 14, 18))]
    found = transformed_features(source, FeatureRequest(), Path(cache), changes)
    count = {len(features.times_s) for features in found}
status = Path("/proc/self/status").read_text()
print(*count, decode_counts[source.path], int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024)
"""


def peak_mb(file: Path, frames: int) -> float:
    """The most memory that a process of its own took for four rate factors and the original."""
    source = save_video(file, list(swaying(frames)))
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(source.path)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    count, passes, peak = run.stdout.split()
    assert (int(count), int(passes)) == (frames, 1)
    return float(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="needs peak memory in kilobytes")
def test_four_times_the_video_takes_no_more_memory(tmp_path: Path) -> None:
    """One copy of the further frames would be 68 MB, one a rate factor 270 MB."""
    short = peak_mb(tmp_path / "short.mkv", SHORT)
    long = peak_mb(tmp_path / "long.mkv", LONG)
    print(f"\n{SHORT} frames: {short:.0f} MB; {LONG} frames: {long:.0f} MB")
    assert long - short < 0.3 * (LONG - SHORT) * PICTURE_MB
