"""From features to even waveforms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rppgbench.core.features import (
    GRID_REGIONS,
    MSTMAP_REGIONS,
    PAIRS,
    REGIONS,
    FaceClip,
    FaceTrack,
    Features,
    RegionMoments,
)
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.execution.pulse_estimation import method_inputs
from rppgbench.extraction.traces import extract_segments, join_segments
from rppgbench.signals.spatial_maps import YUV, YUV_OFFSET, mstmap, normalise_stmap, yuv_matlab
from rppgbench.system.errors import BenchError

FS = 30.0


def features(times: Array, result: Any = True, clip: bool = False, pixels: int = 50) -> Features:
    """Regions whose R, G, B are 100 + k, 50 + k, 20 + k of region k, plus 3 sin(2 pi t)."""
    count, size = len(times), len(REGIONS)
    there = np.broadcast_to(np.asarray(result, bool), count)
    rgb = np.array([100.0, 50, 20]) + np.arange(size)[:, None]
    mean = rgb + 3 * np.sin(2 * np.pi * times)[:, None, None]
    n = np.where(there, float(pixels), 0.0)[:, None] * np.ones(size)
    n[:, REGIONS.index("toolbox_box")] = pixels  # the static box has pixels in every frame
    second = np.stack([mean[..., i] * mean[..., j] for i, j in PAIRS], axis=-1)
    moments = RegionMoments(
        names=REGIONS, count=n, rgb=mean * n[..., None], second=second * n[..., None]
    )
    landmarks = np.where(there[:, None, None], np.float32(1), np.float32(np.nan))
    track = FaceTrack(
        landmarks=np.broadcast_to(landmarks, (count, 468, 2)),
        box=np.zeros((count, 4), np.float32),
        detected=there,
        cadence=4,
    )
    clips = {}
    if clip:
        level = np.round(60 + 40 * np.sin(2 * np.pi * times)).astype(np.uint8)
        frames = np.broadcast_to(level[:, None, None, None], (count, 8, 8, 3))
        clips["toolbox_8"] = FaceClip("toolbox_8", frames, there)
    return Features(times_s=times, track=track, moments=moments, clips=clips, metadata={})


def even(seconds: float, fs: float = FS, start: float = 0.0) -> Array:
    return start + np.arange(round(seconds * fs)) / fs


def test_even_frames_are_taken_as_they_are() -> None:
    times = even(10, start=2.5)
    jitter = times + np.random.default_rng(0).uniform(-0.005, 0.005, len(times)) / FS
    for some in (times, jitter):
        (wave,) = extract_segments(features(some), "trace", fs=FS)
        assert (wave.fs, wave.start_s) == (FS, some[0])
        np.testing.assert_array_equal(wave.samples, features(some).moments.mean_rgb("skin"))


def test_own_mean_rate_where_none_is_asked_for() -> None:
    (wave,) = extract_segments(features(even(10, 25.0)), "trace")
    assert wave.fs == pytest.approx(25.0)
    assert len(wave.samples) == 250


@pytest.mark.parametrize("fs", [30.0, 25.0, 47.5])
def test_uneven_frames_are_interpolated_in_time(fs: float) -> None:
    generator = np.random.default_rng(1)
    times = np.cumsum(generator.uniform(0.6, 1.4, 600)) / 60
    (wave,) = extract_segments(features(times), "trace", fs=fs)
    known = wave.times_s()
    assert known[0] >= times[0]
    assert times[-1] - 1.1 / fs < known[-1] <= times[-1] + 0.02 / fs
    skin = REGIONS.index("skin")
    expected = np.array([100.0, 50, 20]) + skin + 3 * np.sin(2 * np.pi * known)[:, None]
    # linear interpolation over at most 2 * 1.4 / 60 s of a 1 Hz sine of 3: h^2 / 8 * (2 pi)^2 * 3
    assert np.abs(wave.samples - expected).max() < (1.4 / 60) ** 2 / 8 * (2 * np.pi) ** 2 * 3 + 1e-9


def test_short_gaps_are_bridged_and_long_ones_split() -> None:
    times = even(20)
    has_face = np.ones(len(times), bool)
    has_face[100:112] = False  # 0.4 s: 13 periods from frame to frame
    has_face[300:360] = False  # 2 s
    first, second = extract_segments(features(times, has_face), "trace", fs=FS)
    assert (first.start_s, len(first.samples)) == (0.0, 300)
    assert second.start_s == pytest.approx(12.0)
    assert len(second.samples) == 240
    green = features(times).moments.mean_rgb("skin")[:, 1]
    np.testing.assert_array_equal(first.samples[:100, 1], green[:100])
    line = np.interp(times[100:112], times[[99, 112]], green[[99, 112]])
    np.testing.assert_allclose(first.samples[100:112, 1], line)
    assert len(extract_segments(features(times, has_face), "trace", fs=FS, max_gap_s=0.3)) == 3
    assert len(extract_segments(features(times, has_face), "trace", fs=FS, max_gap_s=3)) == 1


def test_a_missing_frame_is_a_gap_by_its_time_not_its_index() -> None:
    times = np.concatenate([even(5), even(5, start=7.0)])
    assert len(extract_segments(features(times), "trace", fs=FS)) == 2
    (whole,) = extract_segments(features(times), "trace", fs=FS, max_gap_s=2.5)
    assert len(whole.samples) == 360


def test_stretches_that_are_too_short_are_left_out() -> None:
    times = even(10)
    has_face = np.zeros(len(times), bool)
    has_face[30:100] = True  # 2.3 s
    assert extract_segments(features(times, has_face), "trace") == []
    assert len(extract_segments(features(times, has_face), "trace", min_segment_s=2.0)) == 1
    assert extract_segments(features(times, False), "trace") == []
    assert extract_segments(features(even(1 / 30)), "trace") == []


def test_a_slow_video_is_not_all_gaps() -> None:
    (wave,) = extract_segments(features(even(60, 1.0)), "trace")
    assert len(wave.samples) == 60


def test_where_the_face_is_gone_the_static_box_is_a_gap_too() -> None:
    times = even(10)
    has_face = times < 5
    (wave,) = extract_segments(features(times, has_face), "trace", region="toolbox_box", fs=FS)
    assert len(wave.samples) == 150


def test_every_kind_has_its_shape() -> None:
    seen = features(even(4), clip=True)
    for input_kind, shape in (
        ("trace", (120, 3)),
        ("second_moments", (120, 3, 3)),
        ("mstmap", (120, 63, 6)),
        ("stmap", (120, 25, 3)),
        ("stmap_moments", (120, 28, 3)),
    ):
        (wave,) = extract_segments(seen, input_kind, fs=FS)  # type: ignore[arg-type]
        assert wave.samples.shape == shape
        assert wave.samples.dtype == np.float64
    (clip,) = extract_segments(seen, "clip", fs=FS, crop="toolbox_8")
    assert clip.samples.shape == (120, 8, 8, 3)
    assert clip.samples.dtype == np.uint8


def test_second_moments_are_products_of_means_where_all_pixels_are_alike() -> None:
    (wave,) = extract_segments(features(even(4)), "second_moments", region="forehead", fs=FS)
    mean = features(even(4)).moments.mean_rgb("forehead")
    np.testing.assert_allclose(wave.samples, mean[:, :, None] * mean[:, None, :])


def test_stmap_rows_are_the_blocks_in_their_order() -> None:
    (wave,) = extract_segments(features(even(4)), "stmap", fs=FS)
    first = REGIONS.index(GRID_REGIONS[0])
    np.testing.assert_allclose(wave.samples[0, :, 0], 100 + first + np.arange(25))


def test_a_frame_in_which_a_region_has_no_pixel_is_a_gap() -> None:
    seen = features(even(8))
    seen.moments.count[120:, REGIONS.index("grid_4_4")] = 0
    seen.moments.rgb[120:, REGIONS.index("grid_4_4")] = 0
    (wave,) = extract_segments(seen, "stmap", fs=FS)
    assert len(wave.samples) == 120
    assert len(extract_segments(seen, "mstmap", fs=FS)[0].samples) == 240
    seen.moments.count[150:, REGIONS.index("mouth")] = 0
    assert len(extract_segments(seen, "mstmap", fs=FS)[0].samples) == 150


def test_clips_are_resampled_in_bytes() -> None:
    seen = features(even(6, 60.0), clip=True)
    (wave,) = extract_segments(seen, "clip", fs=25.0, crop="toolbox_8")
    assert wave.samples.dtype == np.uint8
    expected = 60 + 40 * np.sin(2 * np.pi * wave.times_s())
    assert np.abs(wave.samples[:, 0, 0, 0].astype(float) - expected).max() < 1.1


def test_wrong_names_are_the_users_fault() -> None:
    seen = features(even(4))
    with pytest.raises(BenchError, match="region 'nose'"):
        extract_segments(seen, "trace", region="nose")
    with pytest.raises(BenchError, match="'sinc'"):
        extract_segments(seen, "clip", crop="sinc")


@given(
    fs=st.sampled_from([20.0, 25.6, 30.0, 59.94]),
    gap=st.floats(1.0, 5.0),
    start=st.floats(-3.0, 100.0),
)
def test_stretches_and_join_are_inverse(fs: float, gap: float, start: float) -> None:
    times = start + np.arange(int(14 * fs)) / fs
    has_face = (times < start + 4) | (times > start + 4 + gap)
    parts = extract_segments(features(times, has_face), "trace", fs=fs)
    assert len(parts) == 2
    green = [Waveform(part.samples[:, 1], part.fs, part.start_s) for part in parts]
    whole = join_segments(green, times[0], times[-1], fs)
    assert len(whole.samples) == len(times)
    np.testing.assert_array_equal(np.isfinite(whole.samples), has_face)
    np.testing.assert_array_equal(
        whole.samples[has_face], features(times).moments.mean_rgb("skin")[has_face, 1]
    )


def test_join_resamples_a_part_at_another_rate() -> None:
    part = Waveform(np.sin(2 * np.pi * np.arange(0, 4, 1 / 100)), 100.0, 1.0)
    whole = join_segments([part], 0.0, 6.0, 25.0)
    assert len(whole.samples) == 151
    inside = np.isfinite(whole.samples)
    times = whole.times_s()
    assert inside.sum() == 100
    assert times[inside][[0, -1]].tolist() == pytest.approx([1.0, 4.96])
    np.testing.assert_allclose(
        whole.samples[inside], np.sin(2 * np.pi * (times[inside] - 1)), atol=1e-3
    )
    assert np.isnan(join_segments([], 0.0, 1.0, 10.0).samples).all()


def test_yuv_of_the_map_is_that_of_its_mean_colour() -> None:
    """Within the rounding that the byte arithmetic of the paper's code averages out.

    0.5 B and 0.5 R are rounded up where the byte is odd: 0.25 on average, in U and V.
    """
    generator = np.random.default_rng(2)
    pixels = generator.integers(60, 220, (6, 4000, 3)).astype(np.uint8)
    size = len(REGIONS)
    count, rgb = np.zeros((1, size)), np.zeros((1, size, 3))
    for name, region in zip(MSTMAP_REGIONS, pixels, strict=True):
        count[0, REGIONS.index(name)] = len(region)
        rgb[0, REGIONS.index(name)] = region.sum(axis=0, dtype=float)
    maps = mstmap(
        RegionMoments(names=REGIONS, count=count, rgb=rgb, second=np.zeros((1, size, 6)))
    )[0]
    expected = np.stack([yuv_matlab(region).mean(axis=0) for region in pixels])
    single = [31, 15, 7, 3, 1, 0]  # rows of the six regions alone: 32, 16, 8, 4, 2, 1 less one
    assert np.abs(maps[single, 3:] + [0, 0.25, 0.25] - expected).max() < 0.05
    np.testing.assert_allclose(maps[single, :3], pixels.mean(axis=1))
    np.testing.assert_allclose(maps[:, 3:], maps[:, :3] @ YUV.T + YUV_OFFSET)
    np.testing.assert_allclose(maps[62, :3], pixels.reshape(-1, 3).mean(axis=0))


def test_stmap_is_stretched_by_row_and_channel() -> None:
    clip = np.random.default_rng(3).normal(100, 5, (50, 25, 3))
    clip[:, 4, 1] = 7.0
    out = normalise_stmap(clip)
    assert out.min() == 0.0
    assert not out[:, 4, 1].any()
    peaks = np.delete(out.max(axis=0).ravel(), 4 * 3 + 1)
    assert np.abs(peaks - 255).max() < 1e-3


@pytest.mark.torch
def test_a_method_gets_the_rate_that_it_expects_from_the_true_times() -> None:
    method = load_methods().get("method", "st_transformer", "test")
    uneven = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.08, 240))
    (given,) = method_inputs(features(uneven), method, {"fs": 30.0}, "")
    assert given.fs == 30.0
    red = 3 * np.sin(2 * np.pi * given.times_s())
    # Straight lines between samples of 3 sin(2 pi t) at most 0.08 s apart: 3 (2 pi h)^2 / 8.
    bound = 3 * (2 * np.pi * 0.08) ** 2 / 8
    swing = given.samples[:, 0, 0] - (given.samples[:, 0, 0] - red).mean()
    assert np.abs(swing - red).max() < 2 * bound
    (near,) = method_inputs(features(even(10, fs=30 / 1.001)), method, {"fs": 30.0}, "")
    assert near.fs == pytest.approx(30 / 1.001)


def test_segments_bring_their_confidence_and_the_later_one_counts() -> None:
    def part(start_s: float, times_s: list[float], value: float) -> Waveform:
        stated = Signal(np.full(len(times_s), value), np.array(times_s))
        return Waveform(np.ones(20), 10.0, start_s, confidence=stated)

    parts = [part(0.0, [0.5, 1.5], 0.2), Waveform(np.ones(5), 10.0, 2.5), part(4.0, [5.0], 0.9)]
    stated = join_segments(parts, 0.0, 6.0, 10.0).confidence
    assert stated is not None
    assert (stated.values.tolist(), stated.times_s.tolist()) == ([0.2, 0.2, 0.9], [0.5, 1.5, 5.0])
    overlapping = [part(0.0, [0.5, 1.5], 0.2), part(1.0, [1.0, 2.0], 0.9)]
    stated = join_segments(overlapping, 0.0, 3.0, 10.0).confidence
    assert stated is not None
    assert (stated.values.tolist(), stated.times_s.tolist()) == ([0.2, 0.9, 0.9], [0.5, 1.0, 2.0])
    assert join_segments(parts[1:2], 0.0, 6.0, 10.0).confidence is None
