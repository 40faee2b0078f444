"""References of single videos: one file with times, and pulse or heart rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.core.recording import GroundTruth
from rppgbench.importing.references import truth_of
from rppgbench.importing.signals import ground_truth_of
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import PredictedRecording
from rppgbench.system.errors import BenchError, one_line
from rppgbench.system.plural import pluralise

MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoReferences:
    """The references that a file holds of some videos.

    Attributes:
        truths: The reference of each video that has one.
        notes: Videos without a reference, and references without a video, a line each.
    """

    truths: Mapping[Path, GroundTruth]
    notes: tuple[str, ...] = ()


def read_video_references(
    file: Path, videos: Sequence[Path], fs: float | None = None
) -> VideoReferences:
    """Read the references of videos from one file in any format of predictions.

    A file with one recording belongs to a single video, whatever the recording is called. Else each
    recording bears the name of its video, with or without the ending, or the path.

    Args:
        file: times in seconds from the first frame, and a pulse or heart rates.
        videos: the videos.
        fs: samples per second, where the file has no times.

    Raises:
        BenchError: the file cannot be read, belongs to none of the videos, or one reference belongs
            to several.
    """
    recordings: dict[str, PredictedRecording] = {}
    for recording in open_predictions(file, ReadOptions(fs=fs, fs_option="--reference-fs")):
        if recording.name in recordings:
            raise BenchError(
                f"{file}: {one_line(recording.name)!r} has several references, one for each "
                "method; give a file with one"
            )
        recordings[recording.name] = recording
    if len(videos) == 1 and len(recordings) == 1:
        return VideoReferences(truths={videos[0]: _truth(next(iter(recordings.values())))})
    pairs = {
        video: name
        for video in videos
        for name in (video.stem, video.name, str(video))
        if name in recordings
    }
    _require_one_video_each(file, pairs)
    if not pairs:
        names = ", ".join(map(one_line, list(recordings)[:MOST_NAMES]))
        raise BenchError(
            f"--reference {file}: holds {names}, and no video has such a name; "
            "name each recording as its video"
        )
    lacking = [video.name for video in videos if video not in pairs]
    left = [name for name in recordings if name not in pairs.values()]
    notes = [
        f"no reference of {pluralise(len(lacking), 'video')}: {_first(lacking)}" if lacking else "",
        f"{file}: no video of {pluralise(len(left), 'reference')}: {_first(left)}" if left else "",
    ]
    return VideoReferences(
        truths={video: _truth(recordings[name]) for video, name in pairs.items()},
        notes=tuple(note for note in notes if note),
    )


def _require_one_video_each(file: Path, pairs: Mapping[Path, str]) -> None:
    """Refuse a reference whose name several videos have.

    Raises:
        BenchError: the reference and the videos.
    """
    for name in dict.fromkeys(pairs.values()):
        videos = [str(video) for video, own_name in pairs.items() if own_name == name]
        if len(videos) > 1:
            raise BenchError(
                f"--reference {file}: {one_line(name)!r} is the name of {_first(videos)}; name "
                "each reference by the path of its video, as the command has it"
            )


def _truth(recording: PredictedRecording) -> GroundTruth:
    truth = ground_truth_of(truth_of(recording), recording.beats_s)
    return replace(truth, one_clock=True)  # times are from the first frame: both begin together


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(one_line, names[:MOST_NAMES])) + more
