"""Targets of networks on pictures: labels to learn from, and windows that become one pulse."""

import numpy as np
import pytest
import torch

from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import pictures_and_next, pictures_to_one
from rppgbench.neural.frame_targets import (
    average_windows,
    half_beats,
    join_standardised,
    standardise_known,
)
from rppgbench.neural.losses.agreement import choose_correlation_loss
from rppgbench.system.errors import BenchError

from ..factories.frame_inputs import clip_input
from ..factories.methods import part

TIMES = np.arange(300) / 30


def test_every_rise_and_fall_of_a_label_spans_one() -> None:
    wave = np.sin(2 * np.pi * 1.2 * TIMES) * (1 + 0.4 * np.sin(2 * np.pi * 0.1 * TIMES)) + TIMES / 9
    label = half_beats(wave)
    assert np.abs(label).max() == 0.5
    peaks = [k for k in range(30, 270) if wave[k] > max(wave[k - 1], wave[k + 1])]
    troughs = [k for k in range(30, 270) if wave[k] < min(wave[k - 1], wave[k + 1])]
    assert len(peaks) >= 9
    np.testing.assert_allclose(label[peaks], 0.5)
    np.testing.assert_allclose(label[troughs], -0.5)
    np.testing.assert_allclose(half_beats(3 * wave + 7), label, atol=1e-9)
    assert np.isnan(half_beats(np.where(TIMES < 1, np.nan, wave))[:30]).all()
    assert not half_beats(np.ones(20)).any()


@pytest.mark.parametrize(
    ("gap", "unknown"),
    [
        (slice(77, 80), slice(75, 90)),  # within a rise
        (slice(86, 92), slice(75, 105)),  # with the peak at 90
        (slice(79, 97), slice(75, 105)),
        (slice(91, 104), slice(75, 105)),  # beside this peak, which may have been higher
        (slice(60, 130), slice(45, 135)),
    ],
)
def test_a_gap_leaves_no_label_in_a_rise_or_fall_that_it_cuts(gap: slice, unknown: slice) -> None:
    wave = np.exp(4 * np.cos(2 * np.pi * TIMES)) + np.cos(2 * np.pi * TIMES)  # sharp peaks, each s
    broken = wave.copy()
    broken[gap] = np.nan
    expected = half_beats(wave)
    expected[unknown] = np.nan
    inside = slice(15, 285)  # between the first and the last extremum
    np.testing.assert_allclose(half_beats(broken)[inside], expected[inside], atol=1e-9)


def test_windows_are_averaged_or_standardised_and_joined() -> None:
    parts = [np.array([0.0, 2.0, 4.0]), np.array([1.0, 5.0, 9.0])]
    np.testing.assert_allclose(average_windows(parts, [0, 2], 6), [0, 2, 2.5, 5, 9, np.nan])
    joined = join_standardised(parts, [0, 2], 5)
    np.testing.assert_allclose(joined[[0, 1, 2]], np.array([-1, 0, 1]) * np.sqrt(1.5))
    np.testing.assert_allclose(joined[3:], [0, np.sqrt(1.5)], atol=1e-12)
    assert standardise_known(np.array([np.nan, 2.0, 2.0]))[1:].tolist() == [0, 0]


def test_pictures_have_the_next_one_and_the_last_is_repeated() -> None:
    video = np.arange(5 * 2 * 2 * 3, dtype=np.uint8).reshape(5, 2, 2, 3)
    scale = VideoScale.measure(video)
    channels_first = video.transpose(0, 3, 1, 2)
    early = clip_input(pictures_and_next, video, 1, 2, scale)[0]
    np.testing.assert_array_equal(early, channels_first[1:4])
    late = clip_input(pictures_and_next, video, 3, 2, scale)[0]
    np.testing.assert_array_equal(late, channels_first[[3, 4, 4]])
    to_one = clip_input(pictures_to_one, video, 1, 2, scale)[0]
    np.testing.assert_allclose(to_one * 255, channels_first[1:3])


@pytest.mark.parametrize(
    ("name", "side", "fitting"),
    [
        ("ibvpnet", 63, "64 or more, as toolbox_64"),
        ("factorizephys", 70, "71 to 74, as toolbox"),
        ("factorizephys", 75, "71 to 74, as toolbox"),
        ("physmamba", 15, "16 or more, as toolbox_16"),
        ("rhythmmamba", 7, "8 or more, as toolbox_8"),
        ("rhythmformer", 63, "64 or more, as toolbox_128"),
        ("noobheart", 7, "8, as toolbox_8"),
        ("seq_rppg", 9, "8, as toolbox_8"),
    ],
)
def test_a_crop_that_does_not_fit_is_one_line(name: str, side: int, fitting: str) -> None:
    networks = {
        "ibvpnet": "DifferencingNetwork",
        "factorizephys": "FactorisingNetwork",
        "physmamba": "SlowFastNetwork",
        "rhythmmamba": "RhythmNetwork",
        "rhythmformer": "RhythmNetwork",
        "noobheart": "SmallNetwork",
        "seq_rppg": "SequenceNetwork",
    }
    network = getattr(part(f"{name}.network"), networks[name])()
    line = f"{name}: a crop of {side} pixels does not fit; choose one of {fitting}"
    with pytest.raises(BenchError, match=f"^{line}$"):
        network(torch.zeros(1, 9, 3, side, side))


def test_names_of_losses_and_forms_are_checked() -> None:
    with pytest.raises(BenchError, match="loss 'pearsons'; did you mean 'pearson'"):
        choose_correlation_loss("pearsons")
    with pytest.raises(BenchError, match="form 'kera'; did you mean 'keras'"):
        part("noobheart.network").SmallNetwork(form="kera")


def test_the_largest_of_parts_is_that_of_adaptive_pooling() -> None:
    largest_in_parts = part("ibvpnet.network").largest_in_parts
    torch.manual_seed(0)
    for size, parts in ((31, 16), (171, 160), (12, 12), (7, 3), (5, 8)):
        x = torch.randn(2, 3, size)
        expected = torch.nn.functional.adaptive_max_pool1d(x, parts)
        torch.testing.assert_close(largest_in_parts(x, parts), expected)


def test_factorisation_is_used_in_training_alone_unless_at_test_too() -> None:
    network = part("factorizephys.network").FactorisingNetwork(2, factorise=True)
    head = torch.randn(2, 4, 9, 7, 7)
    assert network.eval().scale(head) is head
    assert not torch.equal(network.train().scale(head), head)
    network.at_test = True
    assert not torch.equal(network.eval().scale(head), head)
    plain = part("factorizephys.network").FactorisingNetwork(2, factorise=False)
    assert plain.train().scale(head) is head
    names = {name for name, _ in network.named_parameters()}
    assert {name for name, _ in plain.named_parameters()} < names
