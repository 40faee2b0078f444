"""Measure the speed of the pass over a video, step by step, against decoding and face track."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from rppgbench.core.recording import VideoSource
from rppgbench.profiling.speed import FS, ROUNDS, Rate, interleaved_s

FLOOR = "decode + track"

VIDEO_SIZES = ((320, 240), (640, 480), (1920, 1080))
"""Width and height of the simulated videos; the face is about a third of the height wide."""


def simulated_video(file: Path, seconds: float, width: int = 640, height: int = 480) -> VideoSource:
    """Write a video of a simulated person who sits still, in H.264.

    Args:
        file: the video.
        seconds: its length.
        width: of the frames, in pixels.
        height: of the frames, in pixels.

    Returns:
        The video, as extraction takes it.
    """
    from rppgbench.simulation import Scene, frame_times, simulate
    from rppgbench.video.writing import write_video

    times = frame_times(seconds, FS)
    scene = Scene(width=width, height=height, times_s=times)
    person = simulate(dataset="speed", subject="1", session="1", scene=scene, seed=0)
    options = {"crf": "18", "preset": "veryfast"}
    write_video(
        file, person.frames(), times, codec="libx264", pixel_format="yuv420p", options=options
    )
    return VideoSource(file)


def extraction_rates(
    source: VideoSource, clips: Mapping[str, Iterable[str]], rounds: int = ROUNDS
) -> Iterator[Rate]:
    """Measure frames a second: decoding alone, then with track, region moments and clips on top.

    The yardstick is decoding and following the face, which every pass has to do. The pass without
    clips is measured with compiled loops, where numba is installed, and with the array forms.

    Args:
        source: the video.
        clips: sets of crop rules, by a name for their row.
        rounds: how often each step is done.

    Returns:
        The rows.
    """
    from rppgbench.extraction import compiled_loops
    from rppgbench.extraction.extractor import FeatureRequest, extract
    from rppgbench.face.tracking import CADENCE
    from rppgbench.video.stream import open_video

    with open_video(source) as video:
        frames = sum(1 for _ in video)
    works: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(source),
        FLOOR: lambda: track(source, CADENCE),
        "decode, and the mesh on every frame": lambda: track(source, 1),
    }
    requests = {"the pass without clips": FeatureRequest()}
    for name, kinds in clips.items():
        rules = frozenset(kinds)
        requests[f"the pass with {len(rules)} kinds of clips: {name}"] = FeatureRequest(rules)
    forms = {"array forms": False}
    if compiled_loops.load_loops() is not None:
        forms |= {compiled_loops.describe_loops(): True}
    for what, request in requests.items():
        for form, is_compiled in forms.items():

            def run(request: FeatureRequest = request, is_compiled: bool = is_compiled) -> None:
                with compiled_loops.form_of_this_process(is_compiled):
                    extract(source, request)

            works[f"{what}, {form}"] = run
    taken_s = interleaved_s(works, rounds)
    box = extract(source).track.box[0]
    size = f"face {box[2] - box[0]:.0f} x {box[3] - box[1]:.0f} pixels"
    for what, seconds in taken_s.items():
        yield Rate(
            part="extraction",
            what=f"{what}, {size}" if what == FLOOR else what,
            value=frames / seconds,
            unit="frames/s",
            ratio=seconds / taken_s[FLOOR],
            against=FLOOR,
        )


def decode(source: VideoSource) -> None:
    """Decode all frames of a video."""
    from rppgbench.video.stream import open_video

    with open_video(source) as video:
        for _ in video:
            pass


def track(source: VideoSource, cadence: int) -> None:
    """Decode a video and follow its face; the mesh runs on every `cadence`-th frame.

    Args:
        source: the video.
        cadence: 1 for every frame.
    """
    from rppgbench.face.tracking import FaceTracker, track_face
    from rppgbench.video.stream import open_video

    with open_video(source) as video:
        for _ in track_face(video, FaceTracker(), cadence=cadence):
            pass
