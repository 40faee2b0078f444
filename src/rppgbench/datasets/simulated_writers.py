"""Writers of simulated recordings in the native layout of a data set."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.datasets.layout import mark_simulated
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan

ENCODINGS: Mapping[str, tuple[str, Mapping[str, Mapping[str, str]]]] = {
    "mjpeg": (
        "yuvj420p",
        {
            "easy": {"qmin": "3", "qmax": "3"},
            "paper": {"qmin": "5", "qmax": "5"},
            "hard": {"qmin": "8", "qmax": "8"},
        },
    ),
    "mpeg4": (
        "yuv420p",
        {
            "easy": {"qmin": "2", "qmax": "2", "g": "3"},
            "paper": {"qmin": "3", "qmax": "3"},
            "hard": {"qmin": "6", "qmax": "6"},
        },
    ),
    "libx264": (
        "yuv420p",
        {
            "easy": {"crf": "12", "preset": "ultrafast", "x264-params": "chroma-qp-offset=-12"},
            "paper": {"crf": "18", "preset": "ultrafast", "x264-params": "chroma-qp-offset=-12"},
            "hard": {"crf": "24", "preset": "ultrafast"},
        },
    ),
    "huffyuv": ("rgb24", {"easy": {}, "paper": {}, "hard": {}}),  # every pixel as it was
}
"""Pixel format and settings of a codec by difficulty: at `easy` POS reads 10 s of a still face
within 1 bpm (measured at 320 x 240); at `hard` the prediction between frames takes most of it.
H.264 quantises colour more finely than brightness here: at the usual ratio a pulse of 8 dB before
the codec has 1 dB after it, so the codec, not the scene, would decide what a method reads."""


@dataclass(frozen=True, eq=False)
class SimulatedSession:
    """One session to simulate: the subject, the session, and its circumstances.

    `subject` is the reader's name of the subject; `session` is unique within the subject. Devices
    that record one session at once share a `SimulatedSession`, so that they see one pulse.
    """

    subject: str
    session: str
    scene: "Scene"


@dataclass(frozen=True, kw_only=True)
class SimulatedWriter:
    """Writes a simulated tree in a data set's layout: what `Dataset.simulate` calls.

    Attributes:
        dataset: name of the data set; it seeds the random numbers.
        sessions: the sessions of a plan.
        write: writes one recording: root, recording, plan. What it returns goes to `finish`.
        finish: writes what belongs to several recordings, after all of them.
    """

    dataset: str
    sessions: "Callable[[SimulationPlan], Iterable[SimulatedSession]]"
    write: "Callable[[Path, SimulatedRecording, SimulationPlan], Any]"
    finish: "Callable[[Path, SimulationPlan, list[Any]], None] | None" = None

    def recordings(self, plan: "SimulationPlan") -> "Iterator[SimulatedRecording]":
        """The simulated recordings of a plan, in order; no frame is rendered yet."""
        from rppgbench.simulation import simulate

        for session in self.sessions(plan):
            yield simulate(
                dataset=self.dataset,
                subject=session.subject,
                session=session.session,
                scene=session.scene,
                seed=plan.seed,
            )

    def __call__(self, root: Path, plan: "SimulationPlan") -> None:
        """Mark a new tree as simulated and write every recording of the plan into it.

        Several recordings are written at once, in threads: rendering and encoding release the
        interpreter lock, and the bytes of a recording depend on its names and the seed alone.

        Args:
            root: a new folder, or one that holds a simulated tree.
            plan: the size of the tree.

        Raises:
            BenchError: the folder holds something else, or cannot be written.
        """
        settings = {"subjects": plan.subjects, "seconds": plan.seconds, "seed": plan.seed}
        mark_simulated(root, self.dataset, {**settings, "difficulty": plan.difficulty})
        self.write_all(root, plan, self.recordings(plan))

    def write_all(
        self, root: Path, plan: "SimulationPlan", recordings: "Iterable[SimulatedRecording]"
    ) -> None:
        """Write recordings into a marked tree, several at once, and what belongs to several.

        Args:
            root: the marked tree.
            plan: the size of the tree.
            recordings: the recordings.
        """
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            results = pool.map(lambda recording: self.write(root, recording, plan), recordings)
            outputs = list(results)
        if self.finish is not None:
            self.finish(root, plan, outputs)


def order_first(first: str, everyone: Iterable[str]) -> tuple[str, ...]:
    """The names of all subjects of a set, with chosen ones first.

    Args:
        first: the names of the first subjects, with blanks between them.
        everyone: the names of all subjects.

    >>> order_first("c a", ["a", "b", "c"])
    ('c', 'a', 'b')
    """
    names = first.split()
    return (*names, *(name for name in everyone if name not in names))


def resting_rates(
    dataset: str, subjects: Sequence[str], plan: "SimulationPlan"
) -> dict[str, float]:
    """A resting heart rate in bpm for each of the first `plan.subjects` of `subjects`.

    Args:
        dataset: name of the data set.
        subjects: the names of all subjects. The first ones are in both parts of every shipped
            split, so that a small tree has training and test subjects.
        plan: the size of the tree.

    Raises:
        BenchError: the plan has more subjects than the data set.
    """
    from rppgbench.simulation import spread_heart_rates

    if plan.subjects > len(subjects):
        raise BenchError(
            f"{dataset}: has {len(subjects)} subjects, so {plan.subjects} cannot be simulated in "
            f"its layout; ask for --subjects {len(subjects)} or fewer"
        )
    rates = spread_heart_rates(plan.subjects, dataset=dataset, seed=plan.seed)
    return dict(zip(subjects, rates, strict=False))


def write_lines(file: Path, lines: Iterable[object], *, end: str = "\n") -> None:
    """Write a text file in UTF-8; folders are created.

    Args:
        file: the file.
        lines: one value for each line.
        end: the line end.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes("".join(f"{line}{end}" for line in lines).encode())


def write_clip(
    file: Path,
    recording: "SimulatedRecording",
    codec: str,
    *,
    frames: Iterable[NDArray[np.uint8]] | None = None,
    times_s: Array | None = None,
) -> None:
    """Write the frames of a simulated recording as a video; the folder is created.

    Args:
        file: the video file; its suffix names the container.
        recording: the recording; its difficulty decides the compression.
        codec: a codec of `ENCODINGS`; one that the scene states goes before.
        frames: RGB frames (H, W, 3) in place of the recording's own.
        times_s: (T,) presentation times in place of the recording's own frame times.
    """
    from rppgbench.video.writing import write_video

    scene = recording.scene
    pixel_format, by_difficulty = ENCODINGS[codec]
    options = by_difficulty[scene.difficulty]
    if scene.codec is not None:
        codec, pixel_format = scene.codec.name, scene.codec.pixel_format
        options = dict(scene.codec.options)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_video(
        file,
        recording.frames() if frames is None else frames,
        scene.times_s if times_s is None else times_s,
        codec=codec,
        pixel_format=pixel_format,
        options=options,
    )


def write_images(
    folder: Path, names: Iterable[str], frames: Iterable[NDArray[np.uint8]], *, quality: int = 95
) -> None:
    """Write RGB frames as PNG or JPEG; the folder is created.

    Args:
        folder: the folder.
        names: the file names, whose suffix decides the format.
        frames: (H, W, 3) frames, one for each name.
        quality: of JPEG, 0 to 100.

    Raises:
        BenchError: OpenCV cannot write the format.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rgb in zip(names, frames, strict=True):
        (folder / name).write_bytes(encode_image(folder / name, rgb, quality=quality))


def encode_image(file: Path, pixels: NDArray[Any], *, quality: int = 95) -> bytes:
    """The bytes of an image file.

    Args:
        file: the file, whose suffix decides the format; it is not written.
        pixels: (H, W, 3) RGB, or (H, W) grey.
        quality: of JPEG, 0 to 100.

    Raises:
        BenchError: OpenCV cannot write the format.
    """
    import cv2

    jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 1], ".jpg": jpeg, ".jpeg": jpeg}
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(file.suffix, stored, options.get(file.suffix, []))
    if not is_encoded:
        raise BenchError(f"{file}: OpenCV cannot write this kind of image")
    return data.tobytes()


def write_mat(file: Path, content: Mapping[str, object]) -> None:
    """Write a compressed MAT file of version 5; the folder is created.

    A fixed text replaces the time of writing in the header, so equal content gives equal bytes.

    Args:
        file: the file.
        content: the variables by name.
    """
    from scipy.io import savemat

    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(str(file), dict(content), do_compression=True)
    with file.open("r+b") as stream:
        stream.write(b"MATLAB 5.0 MAT-file, simulated".ljust(116))


def write_npy(file: Path, values: Array) -> None:
    """Write an array as NPY; the folder is created.

    Args:
        file: the file.
        values: the numbers.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)


def device_times(seconds: float, fs: float) -> Array:
    """The sample times (N,) of a sensor, in seconds from 0 on.

    Args:
        seconds: the length of the recording.
        fs: the sampling rate in Hz.

    >>> len(device_times(10.0, 60.0))
    600
    """
    times: Array = np.arange(max(2, round(seconds * fs))) / fs
    return times


def integer_values(values: Array) -> list[int]:
    """Values rounded to integers, as devices write them.

    >>> integer_values(np.array([71.6, 70.2]))
    [72, 70]
    """
    return [int(value) for value in np.rint(values)]


def scale_to_range(values: Array, low: float, high: float) -> Array:
    """A waveform scaled to the range of a sensor.

    Args:
        values: (N,) samples.
        low: the value of the lowest sample.
        high: the value of the highest sample.

    >>> scale_to_range(np.array([-1.0, 0.0, 1.0]), 0, 100)
    array([  0.,  50., 100.])
    """
    lowest, highest = float(values.min()), float(values.max())
    if highest == lowest:
        return np.full(len(values), (low + high) / 2)
    moved: Array = low + (values - lowest) * (high - low) / (highest - lowest)
    return moved
