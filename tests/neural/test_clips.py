"""Clips to learn from, and windows joined to one pulse."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from rppgbench.core.waveform import Waveform
from rppgbench.neural.clips import Clips
from rppgbench.neural.inference import estimate_pulse, join_windows, overlap_add, window_starts
from rppgbench.neural.played_clips import play
from rppgbench.system.errors import BenchError

from ..factories.segments import ramp
from ..oracles.oracle import load


def test_clips_of_a_batch_are_of_different_recordings_and_within_them() -> None:
    clips = Clips([ramp(40, name) for name in "abcde"], 30)
    seen = set()
    for cuts in clips.one_per_recording(np.random.default_rng(0), 4, 25):
        names = [clips.segments[index].recording for index, _ in cuts]
        assert len(set(names)) == 4
        seen |= {start for _, start in cuts}
        for cut in cuts:
            assert clips.read(cut)[0, 0] == cut[1]
            assert len(clips.read(cut)) == 30
    assert seen == set(range(11))  # both ends included


def test_fewer_recordings_than_a_batch_come_in_pairs() -> None:
    clips = Clips([ramp(40, name) for name in "abc"], 30)
    sizes = {len(cuts) for cuts in clips.one_per_recording(np.random.default_rng(0), 8, 2)}
    assert sizes == {2}
    with pytest.raises(BenchError, match="needs two"):
        list(Clips([ramp(40)], 30).one_per_recording(np.random.default_rng(0), 2, 1))


def test_sliding_clips_come_once_and_no_batch_is_a_single_clip() -> None:
    clips = Clips([ramp(50, "a"), ramp(31, "b")], 30)
    batches = list(clips.sliding(np.random.default_rng(0), 4, 5))
    assert sorted(cut for batch in batches for cut in batch) == [
        (0, 0), (0, 5), (0, 10), (0, 15), (0, 20), (1, 0)
    ]  # fmt: skip
    five = list(Clips([ramp(50, "a")], 30).sliding(np.random.default_rng(0), 4, 5))
    assert [len(batch) for batch in five] == [5]


@pytest.mark.parametrize("speed", [0.6, 1.0, 1.4])
def test_a_faster_clip_reads_more_samples_of_the_segment(speed: float) -> None:
    clips = Clips([ramp(100)], 30)
    for start in (0, 70):
        values = clips.read((0, start), speed)[:, 0]
        np.testing.assert_allclose(np.diff(values), speed, atol=1e-4)
        assert 0 <= values[0] <= start
        assert values[-1] <= 99


@pytest.mark.parametrize("total", [29, 36, 100])
def test_clips_played_on_the_device_are_those_that_are_read(total: int) -> None:
    rng = np.random.default_rng(0)
    values = [rng.integers(0, 256, (length, 2, 3)).astype(np.uint8) for length in (total, 200)]
    segments = [replace(ramp(1, str(k)), samples=part) for k, part in enumerate(values)]
    clips = Clips(segments, 30)
    starts, speeds = [(0, 0), (1, 170), (1, 25), (0, max(0, total - 30))], [0.6, 1.4, 0.8, 1.0]
    frames, at = clips.windows(starts, speeds)
    assert frames.dtype == np.uint8
    played = play(torch.from_numpy(frames), torch.from_numpy(at))
    read = [clips.read(start, speed) for start, speed in zip(starts, speeds, strict=True)]
    np.testing.assert_allclose(played, np.stack(read), atol=0.01)


def test_a_short_segment_is_repeated() -> None:
    values = Clips([ramp(36)], 30).read((0, 0), 1.4)[:, 0]
    assert values.max() <= 35
    assert (np.diff(values) < 0).sum() == 1


def test_a_pulse_with_a_gap_counts_as_none() -> None:
    whole, gap = ramp(40, "a", pulse=True), ramp(40, "b", pulse=True)
    assert gap.pulse is not None
    gap.pulse[35] = np.nan
    pulse, known = Clips([whole, gap, ramp(40, "c")], 30).pulses([(0, 3), (1, 2), (1, 8), (2, 0)])
    assert known.tolist() == [1, 1, 0, 0]
    assert pulse[0, 0] == 3
    assert not pulse[2:].any()


# --- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "length", "step"), [(100, 30, 30), (91, 30, 15), (30, 30, 7), (9, 30, 5)]
)
def test_windows_cover_everything_once_or_more(total: int, length: int, step: int) -> None:
    starts = window_starts(total, length, step)
    covered = np.zeros(total, int)
    for start in starts:
        assert start + min(length, total) <= total
        covered[start : start + length] += 1
    assert covered.min() >= 1


def test_windows_of_one_signal_join_to_that_signal() -> None:
    signal = np.sin(np.arange(200) * 0.3)
    starts = window_starts(200, 60, 60)
    parts = [signal[start : start + 60] for start in starts]
    np.testing.assert_array_equal(join_windows(parts, starts, 200), signal)
    starts = window_starts(200, 84, 42)  # four periods of 21 samples: all windows have one scale
    joined = overlap_add([signal[s : s + 84] for s in starts], starts, 200)
    assert np.corrcoef(joined, signal)[0, 1] > 0.999
    assert np.isfinite(joined).all()


def test_borders_of_windows_count_for_nothing() -> None:
    signal = np.sin(np.arange(200) * 0.3)
    starts = window_starts(200, 100, 50)
    parts = [signal[start : start + 100].copy() for start in starts]
    for part in parts[1:]:
        part[:5] = 100.0
    for part in parts[:-1]:
        part[-5:] = -100.0
    clean = [(p - p.mean()) / p.std() for p in parts]
    joined = overlap_add(parts, starts, 200, np.hamming, border=5)
    assert np.abs(joined).max() <= max(np.abs(p[5:-5]).max() for p in clean) + 1e-9


def test_plain_overlap_add_equals_the_reference() -> None:
    arrays, _ = load("sinc")
    key = next(key for key in arrays if key.startswith("overlap_add_"))
    length, step = map(int, re.fullmatch(r"overlap_add_(\d+)_(\d+)", key).groups())  # type: ignore[union-attr]
    parts = list(arrays["oadd_packets"])
    total = len(arrays[key])
    starts = [step * k for k in range(len(parts))]
    assert {len(part) for part in parts} == {length}
    out = overlap_add(parts, starts, total, level=False)
    standardised = (out - out.mean()) / out.std()  # as the reference ends
    np.testing.assert_allclose(standardised, arrays[key], atol=1e-5)


class Last(torch.nn.Module):
    """Gives two rows, of which the last is the input's first channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros_like(x), x], dim=1)


def test_a_network_runs_over_windows_on_the_clock_of_the_segment() -> None:
    segments = Waveform(np.arange(70.0)[:, None], 30.0, 2.0)
    out = estimate_pulse(
        Last(), segments, 30.0, 30, 30, lambda part: torch.from_numpy(part[:, 0].copy())[None]
    )
    np.testing.assert_array_equal(out.samples, np.arange(70.0))
    assert (out.fs, out.start_s) == (30.0, 2.0)


def test_consecutive_pairs_take_every_clip_once_from_two_recordings() -> None:
    frames = {"a": 95, "b": 65, "c": 35, "d": 31}  # 3 + 2 + 1 + 1 clips of 30
    clips = Clips([ramp(count, name) for name, count in frames.items()], 30)
    orders = set()
    for seed in range(20):
        batches = list(clips.consecutive_pairs(np.random.default_rng(seed), 4))
        drawn = [start for batch in batches for start in batch]
        assert len(drawn) == len(set(drawn)) == 6  # of seven, one has no partner
        assert all(start % 30 == 0 for _, start in drawn)
        pairs = list(zip(drawn[0::2], drawn[1::2], strict=True))
        assert all(first[0] != second[0] for first, second in pairs)
        assert [len(batch) for batch in batches] == [4, 2]
        orders.add(tuple(drawn))
    assert len(orders) > 10
    alone = Clips([ramp(95)], 30)
    with pytest.raises(BenchError, match="needs two to learn from"):
        list(alone.consecutive_pairs(np.random.default_rng(0), 4))


def test_consecutive_pairs_of_one_long_recording_end_with_its_partners() -> None:
    clips = Clips([ramp(300, "long"), *(ramp(30, f"s{k}") for k in range(4))], 30)
    (batch,) = clips.consecutive_pairs(np.random.default_rng(0), 64)
    assert len(batch) == 8
    assert sum(index == 0 for index, _ in batch) == 4
