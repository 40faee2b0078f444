"""The pass over a video against the face finder alone, and its memory."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rppgbench.core.recording import VideoSource
from rppgbench.extraction import compiled_loops
from rppgbench.extraction.area_resize import resize_area
from rppgbench.extraction.extractor import FeatureRequest, extract
from rppgbench.extraction.region_sums import PixelSums
from rppgbench.extraction.regions import RegionMap
from rppgbench.face.tracking import CADENCE, FaceTracker, track_face
from rppgbench.profiling.extraction_speed import track
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

from ..factories.faces import swaying
from .paired import measured, paired

pytestmark = measured

ROOT = Path(__file__).parents[2]


def scene(width: int, height: int, face: int, count: int, file: Path) -> VideoSource:
    """A head `face` pixels wide (of a portrait 2.6 times that) in a picture of that size."""
    side = round(2.6 * face)
    rows, columns = np.mgrid[:height, :width]
    wall = np.stack([rows % 200, columns % 200, (rows + columns) % 200], axis=-1).astype(np.uint8)
    left, top = (width - side) // 2, (height - side) // 2
    noise = np.random.default_rng(0).integers(0, 6, (height, width, 3), dtype=np.uint8)
    pictures = []
    for number, head in enumerate(swaying(30)):
        picture = wall.copy()
        picture[top : top + side, left : left + side] = cv2.resize(head, (side, side))
        pictures.append(picture // 8 * 7 + np.roll(noise, number, axis=0))
    # forth and back: no jump where it begins again
    order = itertools.cycle([*range(30), *range(28, 0, -1)])
    frames = (pictures[number] for number in itertools.islice(order, count))
    options = {"crf": "18", "preset": "ultrafast"}
    times = np.arange(count) / 30
    write_video(file, frames, times, codec="libx264", pixel_format="yuv420p", options=options)
    return VideoSource(file)


def finder_alone(source: VideoSource) -> None:
    """Decode, and find the face in every frame: nothing else."""
    with open_video(source) as video:
        for _, landmarks in track_face(video, FaceTracker(), cadence=1):
            assert landmarks is not None


@pytest.mark.parametrize("clips", [(), ("contrast_phys", "sinc")])
def test_the_whole_pass_costs_at_most_half_more_than_the_face_finder(
    benchmark: BenchmarkFixture, tmp_path: Path, clips: tuple[str, ...]
) -> None:
    source = scene(640, 480, 130, 450, tmp_path / "head.mp4")
    needs = FeatureRequest(frozenset(clips))
    name = "pass over a video, of face finding in every frame" + (", with clips" if clips else "")
    timing = paired(
        benchmark,
        name,
        loop=lambda: finder_alone(source),
        fast=lambda: extract(source, needs),
        enough=1 / 1.4,
        rounds=5,
    )
    assert timing.ratio >= 1 / 1.5, f"the pass takes {1 / timing.ratio:.2f} times as long"


FIVE_CLIPS = ("contrast_phys", "gideon_mesh_box", "sinc", "toolbox", "toolbox_128")


@pytest.mark.parametrize(("clips", "most"), [((), 1.75), (FIVE_CLIPS, 2.5)])
def test_the_pass_against_decoding_and_face_track(
    benchmark: BenchmarkFixture, tmp_path: Path, clips: tuple[str, ...], most: float
) -> None:
    """Loose bounds, for a busy machine; docs/measurements/performance.md has what was measured."""
    source = scene(640, 480, 130, 300, tmp_path / "head.mp4")
    request = FeatureRequest(frozenset(clips))
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    with compiled_loops.form_of_this_process(True):
        timing = paired(
            benchmark,
            "pass over a video, of decoding and face track" + (", with clips" if clips else ""),
            loop=lambda: track(source, CADENCE),
            fast=lambda: extract(source, request),
            enough=1 / (0.8 * most),
            rounds=6,
        )
    assert timing.ratio >= 1 / most, f"the pass takes {1 / timing.ratio:.2f} times as long"


def test_compiled_loops_are_faster_than_array_forms(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    """The sums and the crop by area of one frame with a face of 300 pixels."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    loops = compiled_loops.load_loops()
    rgb = np.random.default_rng(0).integers(0, 256, (600, 640, 3), dtype=np.uint8)
    codes = np.repeat(np.arange(300 * 15) % 500, 20).astype(np.uint16).reshape(300, 300)
    regions, box = RegionMap(100, 100, codes), (50, 50, 500, 500)

    def frame(form: Callable[[int], compiled_loops.Loops | None]) -> None:
        sums = PixelSums(form)
        for _ in range(10):
            sums(rgb, regions, box)
            resize_area(rgb, box, 72, form)

    timing = paired(
        benchmark,
        "sums and a crop by area, compiled",
        loop=lambda: frame(lambda pixels: None),
        fast=lambda: frame(lambda pixels: loops),
        enough=4.0,
    )
    assert timing.ratio >= 2.5


MEASURE = """
import re, sys
from pathlib import Path
from rppgbench.extraction.extractor import FeatureRequest, extract
from rppgbench.core.recording import VideoSource
found = extract(VideoSource(Path(sys.argv[1])), FeatureRequest(frozenset(sys.argv[2:])))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent before exec
print(len(found.times_s), int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs peak memory in kilobytes")
def test_60_s_of_1080p_stay_under_700_mb(tmp_path: Path) -> None:
    """1,800 frames of 6 MB each: 11 GB go by. In a process of its own, for its peak."""
    source = scene(1920, 1080, 330, 1800, tmp_path / "hd.mp4")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(source.path), "contrast_phys", "sinc", "toolbox"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    count, peak_mb = run.stdout.split()
    assert int(count) == 1800
    assert float(peak_mb) < 700
