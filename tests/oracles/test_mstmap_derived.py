"""MSTmap arithmetic against what was derived from its MATLAB source (`mstmap_derived`)."""

import numpy as np

from rppgbench.signals.spatial_maps import (
    combine_regions,
    normalise_mstmap,
    region_combinations,
    yuv_matlab,
)

from .oracle import far, load

ARRAYS, _ = load("mstmap_derived")


def test_order_of_the_63_rows() -> None:
    np.testing.assert_array_equal(region_combinations(), ARRAYS["ff2n_rows_1_to_63"])


def test_combined_by_pixel_count() -> None:
    result = combine_regions(ARRAYS["roi_signals"], ARRAYS["roi_pixel_counts"])
    assert far(result, ARRAYS["combined_63x6"]) < 1e-9


def test_yuv_in_bytes() -> None:
    rgb = ARRAYS["rgb_u8"].astype(np.uint8)
    np.testing.assert_array_equal(yuv_matlab(rgb), ARRAYS["yuv_matlab_uint8"])


def test_moving_mean_and_stretch() -> None:
    row = normalise_mstmap(ARRAYS["row"][:, None, None])[:, 0, 0]
    assert far(row, ARRAYS["row_movmean3_minmax255"]) < 1e-9
