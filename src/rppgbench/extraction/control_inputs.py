"""Features of a recording without the pulse: what the methods of input controls see.

They are made from the features of the untouched recording, so no frame is decoded for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from rppgbench.core.controls import BACKGROUND_ALONE, PHOTOGRAPH
from rppgbench.core.features import BACKGROUND, FaceClip, Features, RegionMoments, has_whole_frames
from rppgbench.system.errors import RecordingError


def photograph(features: Features) -> Features:
    """One frame in place of every frame: the first of those that show the most regions.

    Args:
        features: the features of a recording.

    Raises:
        RecordingError: there is no frame.
    """
    moments, track = features.moments, features.track
    if not len(features.times_s):
        raise RecordingError("no frame to repeat")
    at = int((moments.count > 0).sum(axis=1).argmax())
    still = np.full(len(features.times_s), at)
    return replace(
        features,
        moments=replace(
            moments,
            count=moments.count[still],
            rgb=moments.rgb[still],
            second=moments.second[still],
        ),
        track=replace(
            track,
            landmarks=track.landmarks[still],
            box=track.box[still],
            detected=track.detected[still],
        ),
        clips={rule: _still_clip(clip) for rule, clip in features.clips.items()},
    )


def _still_clip(clip: FaceClip) -> FaceClip:
    """The first crop that shows a face, repeated without a copy; no crop where none does."""
    if not clip.valid.any():
        return clip
    first = np.asarray(clip.frames[int(clip.valid.argmax())])
    frames = np.broadcast_to(first, clip.frames.shape)
    return FaceClip(clip.rule, frames, np.ones(len(clip.valid), np.bool_))


def background(features: Features) -> Features:
    """The colour beside and above the face in every region of the face; no crops.

    Args:
        features: the features of a recording.

    Raises:
        RecordingError: the recording shows no background.
    """
    moments = features.moments
    if has_whole_frames(features):
        raise RecordingError("the frames are skin alone, so there is no background")
    source = moments.index(BACKGROUND) * len(moments.names)
    behind = RegionMoments(
        names=moments.names,
        count=moments.count[:, source],
        rgb=moments.rgb[:, source],
        second=moments.second[:, source],
    )
    return replace(features, moments=behind, clips={})


INPUTS: Mapping[str, Callable[[Features], Features]] = {
    PHOTOGRAPH: photograph,
    BACKGROUND_ALONE: background,
}
"""What each input control makes of the features of a recording."""
