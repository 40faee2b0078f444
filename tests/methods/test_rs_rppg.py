"""The maps that RS-rPPG contrasts, the batches it draws, and its network at other lengths."""

from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.core.waveform import Array
from rppgbench.signals.filters import butterworth
from rppgbench.system.errors import BenchError

from ..factories.methods import part

FS = 30.0
WIDTH = 47  # 1.6 s less one frame


def colours(frames: int = 150, rows: int = 3) -> Array:
    """Rows (rows, T, 3) of skin with a pulse and noise."""
    rng = np.random.default_rng(0)
    pulse = np.sin(2 * np.pi * 1.3 * np.arange(frames) / FS)[:, None]
    skin = np.array([180.0, 120.0, 90.0]) * (1 - 0.01 * pulse * np.array([0.33, 0.77, 0.53]))
    out: Array = skin + 0.1 * rng.standard_normal((rows, frames, 3))
    return out


def pos_by_loop(rgb: Array) -> Array:
    """POS of one trace (T, 3), window by window, each divided by its deviation."""
    out = np.zeros(len(rgb))
    for start in range(len(rgb) - WIDTH):
        red, green, blue = (rgb[start : start + WIDTH] / rgb[start : start + WIDTH].mean(axis=0)).T
        s1, s2 = green - blue, green + blue - 2 * red
        h = s1 + s1.std() / s2.std() * s2
        out[start : start + WIDTH] += (h - h.mean()) / h.std()
    return out


def test_pos_of_equal_windows_is_that_of_a_loop_over_windows() -> None:
    rgb = colours()
    expected = np.array([pos_by_loop(row) for row in rgb])
    np.testing.assert_allclose(part("rs_rppg.maps").normalised_pos(rgb, FS), expected, atol=1e-8)


def test_the_traces_are_green_chrom_and_pos_from_0_to_1() -> None:
    maps = part("rs_rppg.maps")
    rgb = colours(rows=64)  # as many rows as the image: none is interpolated
    image = maps.trace_map(rgb.swapaxes(0, 1), FS, 64)[0].numpy()
    assert image.shape == (3, 64, 150)
    assert image.min() == 0
    assert image.max() == pytest.approx(1, abs=1e-4)
    red, green, blue = np.moveaxis(rgb / rgb.mean(axis=1, keepdims=True), -1, 0)
    x, y = 3 * red - 2 * green, 1.5 * red + green - 1.5 * blue
    chrom = x - x.std(axis=1, keepdims=True) / y.std(axis=1, keepdims=True) * y
    expected = [
        rgb[..., 1],
        butterworth(chrom, FS, 0.7, 3.0, 3),
        butterworth([pos_by_loop(row) for row in rgb], FS, 0.7, 3.0, 3),
    ]
    for channel, wave in zip(image, expected, strict=True):
        for row, truth in zip(channel, wave, strict=True):
            assert np.corrcoef(row, truth)[0, 1] > 0.999


def test_a_grey_map_has_no_traces() -> None:
    still = np.full((150, 3, 3), 90.0)
    assert bool((part("rs_rppg.maps").trace_map(still, FS, 32) == 0).all())


def test_batches_hold_clips_of_distant_rates_and_every_clip_once() -> None:
    deal = part("rs_rppg.learning").deal_distant
    rates = np.random.default_rng(1).permutation(np.arange(40.0, 152, 7))  # 16 clips
    batches = list(deal(rates, 4, np.random.default_rng(0)))
    assert sorted(number for batch in batches for number in batch) == list(range(16))
    for batch in batches:
        assert ((np.sort(rates[batch]) - 40) // 28).tolist() == [0, 1, 2, 3]  # one of each quarter
    uneven = list(deal(rates[:9], 4, np.random.default_rng(0)))
    assert sorted(len(batch) for batch in uneven) == [4, 5]  # none is alone
    other = list(deal(rates, 4, np.random.default_rng(2)))
    assert other != batches


def test_nothing_keeps_its_place_in_a_cycle() -> None:
    draw = part("rs_rppg.losses").draw_cycle
    torch.manual_seed(0)
    for count in (2, 3, 4, 64):
        cycle = draw(count)
        assert sorted(cycle.tolist()) == list(range(count))
        assert not bool((cycle == torch.arange(count)).any())


@pytest.mark.parametrize(("rows", "frames"), [(32, 50), (64, 64), (64, 200)])
def test_the_network_takes_any_length(rows: int, frames: int) -> None:
    network = part("rs_rppg.network").WindowedUNet(3, rows).eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 3, rows, frames)).shape == (2, 3, rows, frames)


def test_tokens_see_no_token_that_the_shift_brought_from_another_border() -> None:
    zones = part("rs_rppg.network").window_zones(8, 16, 4, 2)
    assert zones.shape == (8, 16, 16)
    assert bool((zones[:3] == 0).all())  # inside of the map, windows are whole
    last = zones[-1].reshape(4, 4, 4, 4) < 0  # the corner: four pieces of 2 x 2
    for row in range(4):
        for column in range(4):
            seen = ~last[row, column]
            assert int(seen.sum()) == 4
            assert bool(seen[row // 2 * 2 : row // 2 * 2 + 2, column // 2 * 2 :][:, :2].all())


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"rows": 48}, "rows is 32 or 64, not 48"),
        ({"width": 4}, "rs_rppg: width is a multiple of 3, not 4"),
        ({"estimate_from": "map"}, r"no estimate_from 'map'; .* Known: mstmap, tmap"),
    ],
)
def test_maps_that_the_network_cannot_take_are_refused(values: dict[str, Any], line: str) -> None:
    from rppgbench.core.registry import load_methods

    params = load_methods().get("method", "rs_rppg", "test").parameters(values)
    with pytest.raises(BenchError, match=line):
        part("rs_rppg.parameters").RsRppgParameters(**params)


def test_an_unknown_kind_of_map_is_refused() -> None:
    with pytest.raises(BenchError, match=r"no estimate_from 'map'; .* Known: mstmap, tmap"):
        part("rs_rppg.maps").make_map(np.zeros((60, 63, 6)), FS, 32, "map")
