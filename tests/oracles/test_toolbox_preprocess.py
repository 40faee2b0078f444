"""Oracle `toolbox_preprocess`: normalised differences, standardising, resampling."""

import numpy as np

from rppgbench.core.waveform import Signal
from rppgbench.neural.frame_differences import pulse_differences, standardise

from ..factories.frame_inputs import normalised_video
from .oracle import load

ARRAYS, _ = load("toolbox_preprocess")


def test_differences_of_pictures() -> None:
    out = normalised_video(ARRAYS["video"])
    assert out.dtype == ARRAYS["diff_video"].dtype
    np.testing.assert_allclose(out, ARRAYS["diff_video"], rtol=1e-9, atol=1e-9)
    assert not out[-1].any()


def test_bytes_give_what_their_values_give_and_do_not_wrap_around() -> None:
    pictures = ARRAYS["video_u8"]
    assert pictures.dtype == np.uint8
    np.testing.assert_allclose(
        normalised_video(pictures),
        normalised_video(pictures.astype(np.float64)),
        rtol=1e-6,  # the result is in single precision
        atol=1e-6,
    )
    wrapped = ARRAYS["diff_video_u8input"]  # what the reference gives for bytes: not what is meant
    assert np.abs(normalised_video(pictures) - wrapped).max() > 0.1


def test_pictures_are_standardised_as_in_the_toolbox() -> None:
    np.testing.assert_allclose(
        standardise(ARRAYS["video"]), ARRAYS["std_video"], rtol=1e-9, atol=1e-9
    )


def test_labels_are_differenced_and_standardised_as_in_the_toolbox() -> None:
    label = ARRAYS["label"]
    np.testing.assert_allclose(pulse_differences(label), ARRAYS["diff_label"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(standardise(label), ARRAYS["std_label"], rtol=1e-9, atol=1e-9)


def test_a_label_at_other_times_is_interpolated_linearly() -> None:
    label = ARRAYS["label"]
    name = next(key for key in ARRAYS if key.startswith("resample_"))
    count = len(ARRAYS[name])
    times = np.linspace(0.0, 1.0, len(label))
    out = Signal(label, times).at(np.linspace(0.0, 1.0, count), np.inf)
    np.testing.assert_allclose(out, ARRAYS[name], rtol=1e-9, atol=1e-9)
