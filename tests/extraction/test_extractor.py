"""One pass over a video."""

import gc
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.features import BACKGROUND, PAIRS, REGIONS, WHOLE_FRAME, Features
from rppgbench.core.recording import VideoSource
from rppgbench.extraction.extractor import (
    FeatureRequest,
    NoFaceError,
    OutputSpec,
    extract,
    extract_all,
)
from rppgbench.extraction.feature_files import BASE, DARKEST_SKIN, read_features
from rppgbench.extraction.regions import draw_regions
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.stream import Frame, VideoInfo, decode_counts, open_video

from ..factories.faces import empty, portrait, save_video, swaying

RULES = ("contrast_phys_32", "gideon_mesh_box_32", "sinc_32", "toolbox_32")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> VideoSource:
    return save_video(tmp_path_factory.mktemp("video") / "head.mkv", list(swaying(25)))


def test_one_pass_extracts_track_moments_and_clips(source: VideoSource) -> None:
    before = decode_counts[source.path]
    features = extract(source, FeatureRequest(frozenset(RULES)))
    assert decode_counts[source.path] == before + 1
    assert len(features.times_s) == 25
    assert features.track.detected.all()
    assert tuple(sorted(features.clips)) == RULES
    for rule in RULES:
        assert features.clips[rule].frames.shape == (25, 32, 32, 3)
        assert features.clips[rule].valid.all()
        assert features.clips[rule].frames.std() > 20
    counts = features.moments.count.sum(axis=0)
    assert [name for name, count in zip(REGIONS, counts, strict=True) if not count] == [WHOLE_FRAME]
    np.testing.assert_allclose(features.times_s, np.arange(25) / 30, atol=1e-3)


def test_moments_are_those_of_the_pixels(source: VideoSource) -> None:
    """Of the frames as decoded, under the track's own landmarks, by masks and int64 sums."""
    features = extract(source)
    with open_video(source) as video:
        for frame in video:
            if frame.index % 8:
                continue
            regions = draw_regions(features.track.landmarks[frame.index], 256, 256)
            assert regions is not None
            x0, y0, x1, y1 = regions.box
            window = frame.rgb[y0:y1, x0:x1]
            for number, name in enumerate(REGIONS[:-1]):
                if name == BACKGROUND:  # of pixels beside the map of the face: test_background.py
                    assert features.moments.count[frame.index, number] > 0
                    continue
                pixels = window[regions.mask(name)].astype(np.int64)
                assert features.moments.count[frame.index, number] == len(pixels)
                np.testing.assert_array_equal(
                    features.moments.rgb[frame.index, number], pixels.sum(axis=0)
                )
                products = [(pixels[:, i] * pixels[:, j]).sum() for i, j in PAIRS]
                np.testing.assert_array_equal(
                    features.moments.second[frame.index, number], products
                )
            left, top, right, bottom = features.metadata["face"]["toolbox_box"]  # type: ignore[index]
            inside = frame.rgb[top:bottom, left:right].reshape(-1, 3).astype(np.int64)
            np.testing.assert_array_equal(features.moments.rgb[frame.index, -1], inside.sum(axis=0))


def test_clip_frames_are_those_of_the_toolbox_box(source: VideoSource) -> None:
    features = extract(source, FeatureRequest(frozenset({"toolbox_32"})))
    means = features.clips["toolbox_32"].frames.reshape(25, -1, 3).mean(axis=1)
    np.testing.assert_allclose(means, features.moments.mean_rgb("toolbox_box"), atol=0.1)


def test_a_gap_is_a_gap_in_everything(tmp_path: Path) -> None:
    there = np.array([True] * 9 + [False] * 7 + [True] * 8)
    pictures = [portrait() if bit else empty() for bit in there]
    features = extract(save_video(tmp_path / "gap.mkv", pictures), FeatureRequest(frozenset(RULES)))
    np.testing.assert_array_equal(features.track.detected, there)
    np.testing.assert_array_equal(np.isfinite(features.track.landmarks).all(axis=(1, 2)), there)
    np.testing.assert_array_equal(np.isnan(features.track.landmarks).all(axis=(1, 2)), ~there)
    np.testing.assert_array_equal(np.isfinite(features.track.box).all(axis=1), there)
    face = features.moments.count[:, : REGIONS.index(WHOLE_FRAME)]
    assert (face[there] > 0).all()
    assert not face[~there].any()
    assert not features.moments.rgb[~there, :-1].any()
    for rule in RULES:
        np.testing.assert_array_equal(features.clips[rule].valid, there)
        assert not features.clips[rule].frames[~there].any()
    assert "no face in 7 of 24 frames" in features.metadata["warnings"]  # type: ignore[operator]
    json.dumps(features.metadata)


def test_a_video_without_a_face_is_one_line_with_size_and_rate(tmp_path: Path) -> None:
    source = save_video(tmp_path / "wall.mkv", [empty()] * 12)
    with pytest.raises(NoFaceError, match=r"wall.mkv: no face in any of 12 frames \(256x256, 30"):
        extract(source, FeatureRequest(frozenset(RULES)))


def test_a_face_that_is_too_dark_is_one_line_with_its_level(tmp_path: Path) -> None:
    dark = (portrait() * 0.06).astype(np.uint8)
    with pytest.raises(RecordingError, match=r"too dark: .* of 255, under 16") as fault:
        extract(save_video(tmp_path / "night.mkv", [dark] * 6))
    assert "\n" not in str(fault.value)
    dim = (portrait() * 0.2).astype(np.uint8)
    features = extract(save_video(tmp_path / "evening.mkv", [dark] * 5 + [dim] * 7))
    assert features.track.detected.tolist() == [False] * 5 + [True] * 7
    assert np.nanmin(features.moments.mean_rgb("skin").mean(axis=1)) > DARKEST_SKIN
    assert features.metadata["face"]["dark"] == 5  # type: ignore[index]
    assert "(5 of them too dark)" in str(features.metadata["warnings"])


def test_two_faces_are_a_warning(tmp_path: Path) -> None:
    both = np.concatenate([portrait(), portrait()[:, ::-1]], axis=1)
    features = extract(save_video(tmp_path / "two.mkv", [np.ascontiguousarray(both)] * 3))
    assert "2 faces in 1 of 1 frames checked" in str(features.metadata["warnings"])


def test_the_toolbox_box_that_comes_late_is_a_warning(tmp_path: Path) -> None:
    features = extract(save_video(tmp_path / "late.mkv", [empty()] * 3 + [portrait()] * 5))
    box = features.moments.count[:, -1]
    assert not box[:4].any()
    assert (box[4:] > 0).all()
    assert "the toolbox's box begins at frame 4" in str(features.metadata["warnings"])


@pytest.mark.real
def test_a_toolbox_box_off_the_face_is_a_warning(real: Path) -> None:
    """In the first frame of the dim clip, the Haar detector takes the shirt for a face."""
    features = extract(VideoSource(real / "one-person-five-lights" / "light_025.avi"))
    assert "not on the face" in str(features.metadata["warnings"])
    other = extract(VideoSource(real / "pexels-and-occlusion" / "single.mp4"))
    assert "not on the face" not in str(other.metadata["warnings"])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_video_of_a_few_frames(tmp_path: Path, count: int) -> None:
    features = extract(save_video(tmp_path / "short.mkv", [portrait()] * count))
    assert features.track.detected.tolist() == [True] * count


def test_supplied_times_are_the_times_of_the_features(source: VideoSource) -> None:
    given = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.05, 25))
    features = extract(replace(source, times_s=given))
    np.testing.assert_array_equal(features.times_s, given)


class Brighter:
    """Half the level and 20 more, two frames late."""

    def __init__(self) -> None:
        self.held: list[Frame] = []

    def begin(self, info: VideoInfo) -> None:
        assert info.width == 256

    def feed(self, frame: Frame, landmarks: NDArray[np.float32] | None) -> Iterator[Frame]:
        self.held.append(frame)
        if len(self.held) > 2:
            yield self.change(self.held.pop(0))

    def end(self) -> Iterator[Frame]:
        yield from map(self.change, self.held)

    def change(self, frame: Frame) -> Frame:
        return Frame(frame.index, frame.time_s, frame.rgb // 2 + np.uint8(20))

    def close(self) -> None:
        pass

    def measurements(self) -> dict[str, object]:
        return {"added": 20}


def read(folder: Path, *clips: str) -> Features:
    return read_features(folder / BASE, {name: folder / name for name in clips})


def test_a_transform_takes_the_frames_and_shares_the_faces_of_the_pass(
    source: VideoSource, tmp_path: Path
) -> None:
    before = decode_counts[source.path]
    outputs = [
        OutputSpec(folder=tmp_path / "plain"),
        OutputSpec(
            folder=tmp_path / "shared",
            rules=FeatureRequest(frozenset({"sinc_32"})).rules(),
            transform=Brighter(),
        ),
        OutputSpec(folder=tmp_path / "found", transform=Brighter(), faces="found"),
    ]
    assert extract_all(source, outputs) == [None] * 3
    assert decode_counts[source.path] == before + 1
    plain, result = read(tmp_path / "plain"), read(tmp_path / "found")
    other = read(tmp_path / "shared", "sinc_32")
    np.testing.assert_array_equal(plain.track.landmarks, extract(source).track.landmarks)
    np.testing.assert_array_equal(other.track.landmarks, plain.track.landmarks)
    np.testing.assert_array_equal(other.times_s, plain.times_s)
    np.testing.assert_array_equal(other.moments.count[:, :-1], plain.moments.count[:, :-1])
    change = other.moments.mean_rgb("skin") - plain.moments.mean_rgb("skin") / 2
    assert np.abs(change - 19.75).max() < 0.3  # half of a byte, cut: 0 or 0.5 less than half
    assert "looks" not in other.metadata["face"]  # type: ignore[operator]
    assert other.metadata["condition"] == {"added": 20}
    assert "looks" in result.metadata["face"]  # type: ignore[operator]
    distance = np.abs(result.track.landmarks - plain.track.landmarks)
    assert 0 < distance.max() < 5  # found in other pixels, so not the same, but the same face


def test_a_known_track_locates_the_faces_of_a_transform(
    source: VideoSource, tmp_path: Path
) -> None:
    plain = extract(source)
    output = OutputSpec(folder=tmp_path, transform=Brighter())
    assert extract_all(source, [output], track=plain.track) == [None]
    np.testing.assert_array_equal(read(tmp_path).track.landmarks, plain.track.landmarks)


class Failing(Brighter):
    """Breaks at the fifth frame."""

    def feed(self, frame: Frame, landmarks: NDArray[np.float32] | None) -> Iterator[Frame]:
        if frame.index == 4:
            raise BenchError("the fifth frame")
        return super().feed(frame, landmarks)


def test_a_transform_that_fails_stops_no_other_output(source: VideoSource, tmp_path: Path) -> None:
    outputs = [
        OutputSpec(folder=tmp_path / "plain"),
        OutputSpec(folder=tmp_path / "failing", transform=Failing()),
        OutputSpec(folder=tmp_path / "shared", transform=Brighter()),
    ]
    none, fault, other = extract_all(source, outputs)
    assert none is None
    assert other is None
    assert str(fault) == "the fifth frame"
    assert len(read(tmp_path / "shared").times_s) == 25
    assert not (tmp_path / "failing" / BASE / "facts.json").exists()


def test_a_track_of_another_video_is_refused(source: VideoSource, tmp_path: Path) -> None:
    plain = extract(source)
    for count in (20, 30):
        with pytest.raises(RecordingError, match="track"):
            extract(save_video(tmp_path / f"{count}.mkv", [portrait()] * count), track=plain.track)


def test_cadence_is_declared_and_changes_little(source: VideoSource) -> None:
    every, some = extract(source, cadence=1), extract(source, cadence=4)
    assert (every.track.cadence, some.track.cadence) == (1, 4)
    share = every.moments.mean_rgb("skin") / some.moments.mean_rgb("skin")
    assert np.abs(share - 1).max() < 0.02  # the mesh trembles by a pixel of a face of 100


def test_the_same_video_gives_the_same_bits(source: VideoSource) -> None:
    first, second = extract(source), extract(source)
    np.testing.assert_array_equal(first.moments.second, second.moments.second)
    np.testing.assert_array_equal(first.track.landmarks, second.track.landmarks)


def test_the_files_of_features_are_deleted_with_the_features(
    source: VideoSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other programs have files in /tmp
    features = extract(source)
    assert len(list(tmp_path.iterdir())) == 1
    rgb = features.moments.rgb
    assert rgb.sum() > 0
    del features
    gc.collect()
    assert not list(tmp_path.iterdir())
    assert rgb.sum() > 0  # still mapped


def test_unknown_rules_are_named_before_anything_is_decoded(source: VideoSource) -> None:
    before = decode_counts[source.path]
    with pytest.raises(BenchError, match=r"no crop rule 'sink'; did you mean 'sinc'\?"):
        extract(source, FeatureRequest(frozenset({"sink"})))
    assert decode_counts[source.path] == before


def test_a_face_that_leaves_the_frame_sideways_ends_its_regions(tmp_path: Path) -> None:
    """What of a region is out of the picture is not counted, and nothing is made up for it."""
    wide = np.concatenate([portrait(), empty()], axis=1)
    pictures = [np.ascontiguousarray(wide[:, 4 * n : 4 * n + 256]) for n in range(0, 30)]
    features = extract(save_video(tmp_path / "leaving.mkv", pictures))
    left = features.moments.count[:, REGIONS.index("cheek_left_lower")]
    assert left[0] > 200
    seen = np.flatnonzero(features.track.detected)
    assert left[seen[-1]] < 0.5 * left[0]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("one-person-five-lights/light_050.avi", 1.0, 1.0),
        ("pexels-and-occlusion/single.mp4", 1.0, 1.0),
        ("pexels-and-occlusion/face_noface.mov", 0.3, 0.6),
        ("pexels-and-occlusion/noface_face.mov", 0.3, 0.6),
    ],
)
def test_genuine_clips_have_their_coverage(name: str, low: float, high: float, real: Path) -> None:
    features = extract(VideoSource(real / name))
    assert low <= features.track.detected.mean() <= high


@pytest.mark.real
def test_the_genuine_dark_clip_ends_with_its_reason(real: Path) -> None:
    with pytest.raises(NoFaceError, match="too dark"):
        extract(VideoSource(real / "one-person-five-lights" / "light_000.avi"))
