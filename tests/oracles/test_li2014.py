"""Oracle `li2014`: rectification, cutting of motion and filters of bob.rppg.base."""

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.illumination import rectify_illumination
from rppgbench.signals.motion_segments import join_segments, segment_spreads, spread_limit
from rppgbench.system.errors import TooShortError

from .oracle import cases, far, load

EXPECTED, FACTS = load("li2014")
CASES = cases(EXPECTED, "in_face")
SETTINGS = sorted(FACTS["params"])
THRESHOLDS = ("set", "tight")


def setting(name: str) -> dict[str, float]:
    return dict(FACTS["params"][name])


def rectified(name: str, case: str) -> tuple[Array, Array]:
    face, background = EXPECTED[f"in_face__{case}"], EXPECTED[f"in_bg__{case}"]
    values = setting(name)
    return rectify_illumination(face, background, taps=int(values["length"]), step=values["step"])


def joined(name: str, threshold: str, case: str, *, from_unshifted: bool = False) -> Array:
    length = int(EXPECTED[f"seglength__{name}__{case}"])
    signal, _ = rectified(name, case)
    kept = segment_spreads(signal, length) <= EXPECTED[f"threshold__{name}__{threshold}"]
    np.testing.assert_array_equal(kept, EXPECTED[f"kept__{name}__{threshold}__{case}"])
    return join_segments(signal, kept, length, from_unshifted=from_unshifted)


def estimate(face: Array, background: Array, fs: float, **params: object) -> Waveform:
    declared = load_methods().available["li2014"]
    samples = np.stack([face, background], axis=-1)[..., None].repeat(3, axis=-1)
    return declared.estimate(Waveform(samples, fs), **declared.parameters(params))


def filters_of(name: str) -> dict[str, object]:
    """Parameters by which the method filters a signal as the reference filters a joined one."""
    values = setting(name)
    return {
        "preset": "bob",
        "rectified": False,
        "motion": "kept",
        "smoothness": float(values["Lambda"]),
        "average": values["window"],
        "order": values["order"],
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", SETTINGS)
def test_the_light_of_the_background_is_taken_off_as_there(name: str, case: str) -> None:
    signal, weights = rectified(name, case)
    assert far(weights, EXPECTED[f"nlms_w__{name}__{case}"]) < 1e-9
    assert far(signal, EXPECTED[f"rectified__{name}__{case}"]) < 1e-9


@pytest.mark.parametrize("name", SETTINGS)
def test_the_limit_of_all_recordings_equals_that_of_the_script(name: str) -> None:
    spreads = [EXPECTED[f"segment_std__{name}__{case}"] for case in CASES]
    limit = spread_limit(np.concatenate(spreads), setting(name)["cutoff"])
    assert limit == pytest.approx(float(EXPECTED[f"threshold_script__{name}"]), rel=1e-9)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("name", SETTINGS)
def test_kept_segments_are_joined_as_there(name: str, threshold: str, case: str) -> None:
    length = int(EXPECTED[f"seglength__{name}__{case}"])
    spreads = segment_spreads(rectified(name, case)[0], length)
    assert far(spreads, EXPECTED[f"segment_std__{name}__{case}"]) < 1e-9
    expected = EXPECTED[f"stitched__{name}__{threshold}__{case}"]
    result = joined(name, threshold, case)
    assert not len(expected) or far(result, expected) < 1e-9
    key = f"stitched_cvpr14__{name}__{threshold}__{case}"
    if key in EXPECTED and len(EXPECTED[key]):
        assert far(joined(name, threshold, case, from_unshifted=True), EXPECTED[key]) < 1e-9


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("name", SETTINGS)
def test_the_filters_give_what_they_give_there(name: str, threshold: str, case: str) -> None:
    signal, fs = joined(name, threshold, case), float(EXPECTED[f"fs__{case}"])
    expected = EXPECTED[f"filtered__{name}__{threshold}__{case}"]
    if not len(expected):
        with pytest.raises(TooShortError, match="too few for a filter"):
            estimate(signal, signal, fs, **filters_of(name))
        return
    result = estimate(signal, signal, fs, **filters_of(name)).samples
    assert far(result, expected) < 1e-8


@pytest.mark.parametrize("case", CASES)
def test_the_preset_runs_the_steps_in_the_order_of_the_script(case: str) -> None:
    """With the share of one recording in place of the limit of the set."""
    face, background = EXPECTED[f"in_face__{case}"], EXPECTED[f"in_bg__{case}"]
    fs, length = float(EXPECTED[f"fs__{case}"]), int(EXPECTED[f"seglength__guide__{case}"])
    signal, _ = rectified("guide", case)
    spreads = segment_spreads(signal, length)
    expected = join_segments(signal, spreads <= spread_limit(spreads, 0.05), length)
    if len(expected) <= 387:
        pytest.skip("shorter than the filter: another case holds this")
    result = estimate(face, background, fs, preset="bob_guide")
    filtered = estimate(expected, expected, fs, **filters_of("guide"))
    assert far(result.samples, filtered.samples) < 1e-12
    assert result.start_s == pytest.approx(2 / fs)
