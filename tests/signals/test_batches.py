"""A batch in blocks gives what each recording alone gives."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.batches import BLOCK, blocks, in_blocks


@pytest.mark.parametrize("samples", [0, 1, 900, BLOCK, 3 * BLOCK])
@pytest.mark.parametrize("recordings", [0, 1, 2, 70])
def test_blocks_hold_every_recording_once(recordings: int, samples: int) -> None:
    cut = list(blocks(recordings, samples))
    held = [index for block in cut for index in range(block.start, block.stop)]
    assert held == list(range(recordings))
    assert all((b.stop - b.start) * samples <= BLOCK or b.stop - b.start == 1 for b in cut)


def test_results_stand_where_their_recordings_stood() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3, 8, BLOCK // 4, 3)), rng.normal(size=(3, 8, BLOCK // 4))
    seen = []

    def estimate(colours: Array, weights: Array) -> Array:
        seen.append(len(colours))
        weighed: Array = colours[:, :, 1] * weights[:, :1]
        return weighed

    result = in_blocks(
        lambda colours, weights: estimate(colours, weights[..., 0]),
        first,
        second[..., None],
        inner=2,
    )
    np.testing.assert_array_equal(result, first[..., 1] * second[..., :1])
    assert seen == [4] * 6


def test_a_single_recording_needs_no_batch_and_an_empty_batch_is_refused() -> None:
    one = np.arange(12.0).reshape(4, 3)
    result = in_blocks(lambda block: block.sum(axis=-1), one, inner=2)
    np.testing.assert_array_equal(result, [3.0, 12.0, 21.0, 30.0])
    with pytest.raises(ValueError, match="no recordings"):
        in_blocks(lambda block: block, np.zeros((0, 4, 3)), inner=2)
