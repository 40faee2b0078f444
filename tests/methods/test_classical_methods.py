"""What every classical method does on a face whose pulse is known."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.method import Example, Training
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.system.errors import BenchError

from ..factories.methods import estimate

NAMES = ("green", "ica", "chrom", "pos", "two_sr", "pbv", "lgi", "omit", "pca")
OF_TRACES = tuple(name for name in NAMES if name != "two_sr")
PRESETS = (
    *((name, "paper") for name in NAMES),
    *((name, "toolbox") for name in ("green", "ica", "chrom", "pos", "pbv")),
    *((name, "pyvhr") for name in ("chrom", "pos", "pbv", "pca")),
)
BLOOD_UP = ("chrom",)  # the paper's polarity; in all others brighter skin is up


def face(bpm: float, fs: float, *, seconds: float = 30.0, seed: int = 0) -> tuple[Array, Array]:
    """Pixels (T, 40, 3) of a face under a slow change of light, with noise, and its pulse (T,)."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * fs)) / fs
    pulse = np.sin(2 * np.pi * bpm / 60 * times) + 0.3 * np.sin(4 * np.pi * bpm / 60 * times)
    tones = np.array([160.0, 112.0, 88.0]) * rng.uniform(0.85, 1.1, (40, 1))
    tones = tones * rng.uniform(0.95, 1.05, (40, 3))
    light = 1 + 0.01 * np.sin(2 * np.pi * 0.07 * times)
    colour = 1 - 0.008 * pulse[:, None] * np.array([0.33, 0.77, 0.53])
    pixels = tones * light[:, None, None] * colour[:, None, :]
    return pixels + rng.normal(0, 0.3, pixels.shape), pulse


def given(name: str, pixels: Array, fs: float, start_s: float = 0.0) -> Waveform:
    """What the machine hands to the method: the mean colour, or the mean v vT."""
    if name != "two_sr":
        return Waveform(pixels.mean(axis=-2), fs, start_s)
    moments = np.swapaxes(pixels, -1, -2) @ pixels / pixels.shape[-2]
    return Waveform(moments, fs, start_s)


def peak_bpm(pulse: Array, fs: float) -> float:
    power = np.abs(np.fft.rfft((pulse - pulse.mean()) * np.hanning(len(pulse)), 1 << 15))
    bpm = 60 * np.fft.rfftfreq(1 << 15, 1 / fs)
    band = (bpm >= 40) & (bpm <= 240)
    return float(bpm[band][power[band].argmax()])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("bpm", "fs"), [(50, 30.0), (72, 25.0), (72, 29.97), (120, 20.0)])
def test_the_heart_rate_of_a_clean_face_is_found(name: str, bpm: int, fs: float) -> None:
    pixels, pulse = face(bpm, fs)
    result = estimate(name, given(name, pixels, fs))
    assert abs(peak_bpm(result.samples, fs) - bpm) < 2.0
    inner = slice(60, -60)
    up = 1 if name in BLOOD_UP else -1
    assert up * np.corrcoef(result.samples[inner], pulse[inner])[0, 1] > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_pulse_lies_on_the_clock_of_its_input(name: str) -> None:
    pixels, _ = face(72, 30.0, seconds=20.3)
    result = estimate(name, given(name, pixels, 30.0, start_s=7.5))
    assert (result.fs, result.start_s) == (30.0, 7.5)
    assert result.samples.shape == (609,)
    assert result.samples.dtype == np.float64


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_batch_of_recordings_gives_the_pulse_of_each_recording(name: str, preset: str) -> None:
    chosen = {"preset": preset} if preset != "paper" else {}
    pixels = np.stack([face(60 + 10 * k, 30.0, seed=k)[0] for k in range(4)])
    pixels = pixels.reshape(2, 2, *pixels.shape[1:])
    batch = given(name, pixels, 30.0)
    together = estimate(name, batch, **chosen).samples
    for i in range(2):
        for j in range(2):
            alone = estimate(name, Waveform(batch.samples[i, j], 30.0), **chosen).samples
            limit = 1e-12 * np.abs(alone).max()
            np.testing.assert_allclose(together[i, j], alone, rtol=0, atol=limit)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0.0, 1.0, 97.3], ids=["black", "dark", "still"])
def test_a_face_that_never_changes_gives_zeros(name: str, level: float) -> None:
    tones = level * np.random.default_rng(1).uniform(0.5, 1.5, (1, 40, 3))
    result = estimate(name, given(name, np.repeat(tones, 300, axis=0), 30.0))
    assert not result.samples.any()


@pytest.mark.parametrize("name", ["chrom", "pos", "lgi", "omit"])
def test_flicker_of_grey_light_on_a_grey_card_is_no_pulse(name: str) -> None:
    light = 100 + np.sin(np.arange(300) / 5)
    result = estimate(name, Waveform(np.repeat(light[:, None], 3, axis=1), 30.0))
    assert not result.samples.any()


@pytest.mark.parametrize("name", OF_TRACES)
def test_black_frames_and_a_dead_channel_give_no_nan(name: str) -> None:
    trace = given(name, face(72, 30.0)[0], 30.0).samples.copy()
    trace[100:200] = 0.0
    assert np.isfinite(estimate(name, Waveform(trace, 30.0)).samples).all()
    trace[:, 2] = 0.0
    assert np.isfinite(estimate(name, Waveform(trace, 30.0)).samples).all()


@pytest.mark.parametrize("name", ["chrom", "pos", "pbv", "pca"])
def test_the_gain_of_each_channel_does_not_matter(name: str) -> None:
    trace = given(name, face(72, 30.0)[0], 30.0).samples
    expected = estimate(name, Waveform(trace, 30.0)).samples
    result = estimate(name, Waveform(trace * [0.4, 3.0, 1.7], 30.0)).samples
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["green", "lgi", "omit"])
def test_the_pulse_scales_with_the_trace(name: str) -> None:
    trace = given(name, face(72, 30.0)[0], 30.0).samples
    expected = 2.5 * estimate(name, Waveform(trace, 30.0)).samples
    result = estimate(name, Waveform(2.5 * trace, 30.0)).samples
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_the_gain_of_each_channel_does_not_change_the_independent_source() -> None:
    trace = given("ica", face(72, 30.0)[0], 30.0).samples
    first, second = (
        estimate("ica", Waveform(trace * gains, 30.0)).samples
        for gains in ([1, 1, 1], [0.4, 3.0, 1.7])
    )
    assert np.corrcoef(first, second)[0, 1] > 1 - 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_not_changed_and_two_calls_agree(name: str) -> None:
    waveform = given(name, face(72, 30.0)[0], 30.0)
    before = waveform.samples.copy()
    waveform.samples.flags.writeable = False
    first, second = estimate(name, waveform).samples, estimate(name, waveform).samples
    np.testing.assert_array_equal(waveform.samples, before)
    np.testing.assert_array_equal(first, second)
    assert first.flags.writeable


@pytest.mark.parametrize(
    ("name", "least"), [("chrom", 48), ("pos", 48), ("pbv", 48), ("two_sr", 31)]
)
def test_a_recording_shorter_than_a_window_is_refused(name: str, least: int) -> None:
    pixels, _ = face(72, 30.0)
    assert np.isfinite(estimate(name, given(name, pixels[:least], 30.0)).samples).all()
    with pytest.raises(ValueError, match=str(least - 1)):
        estimate(name, given(name, pixels[: least - 1], 30.0))


@pytest.mark.parametrize(
    ("name", "wrong", "near"),
    [
        ("pos", {"left_out": "lst"}, "last"),
        ("pos", {"rounding": "upp"}, "up"),
        ("chrom", {"ends": "reflekt"}, "reflect"),
        ("pbv", {"signature": "skn"}, "skin"),
        ("pca", {"variables": "colors"}, "colours"),
    ],
)
def test_an_unknown_option_is_refused_with_near_matches(
    name: str, wrong: dict[str, str], near: str
) -> None:
    with pytest.raises(BenchError, match=f"did you mean '{near}'"):
        estimate(name, given(name, face(72, 30.0)[0], 30.0), **wrong)


def test_strong_periodic_motion_hides_the_pulse_from_green_but_not_from_the_others() -> None:
    """Light that swings by 3 % at 48 bpm, on all channels alike, against a pulse of 0.6 %."""
    pixels, _ = face(90, 30.0)
    swing = 1 + 0.03 * np.sin(2 * np.pi * 0.8 * np.arange(len(pixels)) / 30)
    pixels = pixels * swing[:, None, None]
    rates = {
        name: peak_bpm(estimate(name, given(name, pixels, 30.0)).samples, 30.0) for name in NAMES
    }
    assert abs(rates["green"] - 48) < 2
    for name in ("chrom", "pos", "two_sr", "pbv", "lgi", "omit"):
        assert abs(rates[name] - 90) < 2, name


def test_chrom_keeps_its_ends_unless_they_are_dropped() -> None:
    waveform = given("chrom", face(72, 30.0, seconds=10.25)[0], 30.0)
    kept, dropped = (estimate("chrom", waveform, ends=ends).samples for ends in ("reflect", "drop"))
    assert len(kept) == len(waveform.samples) == 308
    assert len(dropped) == 24 * ((308 - 24) // 24 + 1)
    assert dropped[0] == 0.0
    assert np.abs(kept[:6]).max() > 2 * np.abs(dropped[:6]).max()
    np.testing.assert_allclose(kept[24:240], dropped[24:240], atol=1e-12)


def example(subject: str, truth: GroundTruth | None) -> Example:
    return Example(recording=f"{subject} at rest", subject=subject, inputs=(), ground_truth=truth)


def rates(*bpm: float) -> GroundTruth:
    return GroundTruth(heart_rate=Signal(np.array(bpm), np.arange(len(bpm), dtype=np.float64)))


def learned(*examples: Example) -> float:
    method = load_methods().available["constant"]
    assert method.fit is not None
    training = Training(seed=0, device="cpu", folder=Path())
    return float(method.fit(examples, training, **method.parameters({})).metadata["bpm"])


def test_constant_learns_the_mean_over_subjects_not_over_windows() -> None:
    result = learned(
        example("a", rates(60, 62, 64)), example("a", rates(80)), example("b", rates(100, np.nan))
    )
    assert result == pytest.approx(((62 + 80) / 2 + 100) / 2)


def test_constant_learns_from_rates_that_a_heart_can_have_alone() -> None:
    """What no heart beats is no rate to average; without any other, the pulse says it."""
    assert learned(example("a", rates(0, 1, 29, 60, 80, 241, 255, np.nan))) == 70
    times = np.arange(1800) / 30
    pulse = Signal(np.sin(2 * np.pi * 84 / 60 * times), times)
    broken = GroundTruth(pulse=pulse, heart_rate=Signal(np.array([0.0, 255]), np.arange(2.0)))
    assert learned(example("a", broken)) == pytest.approx(84, abs=0.3)


@pytest.mark.parametrize("bpm", [47.0, 83.5, 151.0])
def test_constant_reads_the_rate_off_a_contact_pulse_with_uneven_times(bpm: float) -> None:
    rng = np.random.default_rng(int(bpm))
    times = 3.0 + np.sort(np.arange(1800) / 30 + rng.uniform(-0.01, 0.01, 1800))
    beat = np.sin(2 * np.pi * bpm / 60 * times)
    pulse = 500 + beat + 0.4 * np.sin(4 * np.pi * bpm / 60 * times + 1)
    assert learned(example("a", GroundTruth(pulse=Signal(pulse, times)))) == pytest.approx(
        bpm, abs=0.3
    )


def test_constant_follows_a_rate_that_changes() -> None:
    """From 60 to 100 bpm in two minutes: the mean is 80."""
    times = np.arange(3600) / 30
    turns = times + (100 - 60) / 60 / 120 * times**2 / 2
    pulse = Signal(np.sin(2 * np.pi * turns), times)
    assert learned(example("a", GroundTruth(pulse=pulse))) == pytest.approx(80, abs=1)


@pytest.mark.parametrize(
    "truth",
    [
        GroundTruth(),
        rates(np.nan, np.nan),
        GroundTruth(pulse=Signal(np.ones(900), np.arange(900) / 30)),
        GroundTruth(pulse=Signal(np.ones(60), np.arange(60.0))),
    ],
    ids=["empty truth", "no readings", "flat pulse", "a pulse at 1 Hz"],
)
def test_constant_names_a_recording_without_heart_rate(truth: GroundTruth) -> None:
    with pytest.raises(BenchError, match="b at rest has no heart rate"):
        learned(example("a", rates(60)), example("b", truth))
    with pytest.raises(BenchError, match="no training recordings"):
        learned()


def test_constant_skips_examples_without_labels() -> None:
    assert learned(example("a", None), example("b", rates(60)), example("c", None)) == 60
    with pytest.raises(BenchError, match="no training recordings with labels"):
        learned(example("a", None))


def test_constant_has_the_learned_rate_whatever_the_trace() -> None:
    method = load_methods().available["constant"]
    assert method.needs_labels
    assert method.baseline
    assert method.fit is not None
    model = method.fit(
        [example("a", rates(75))],
        Training(seed=0, device="cpu", folder=Path()),
        window_s=10,
        step_s=5,
    )
    params = method.parameters({})
    late = method.estimate(Waveform(np.zeros((2, 900, 3)), 30.0, 4.0), model, **params)
    assert late.samples.shape == (2, 900)
    assert abs(peak_bpm(late.samples[1], 30.0) - 75) < 0.2
    early = method.estimate(Waveform(np.ones((300, 3)), 30.0), model, **params)
    np.testing.assert_allclose(early.samples[120:], late.samples[0, :180], atol=1e-9)


@pytest.mark.real
@pytest.mark.parametrize("name", ["pos", "chrom", "ica"])
def test_a_genuine_trace_agrees_with_its_contact_sensor(name: str, real: Path) -> None:
    """UBFC-rPPG, one subject: under 1 bpm in the mean over windows of 10 s every 5 s."""
    from scipy.io import loadmat

    from rppgbench.signals.filters import butterworth

    ppg, _, times = np.loadtxt(real / "ubfc-trace" / "ground_truth.txt")
    colours = Signal(loadmat(real / "ubfc-trace" / "mean_rgb.mat")["mean_rgb"].astype(float), times)
    fs = colours.fs
    grid = np.linspace(times[0], times[-1], len(times))
    result = estimate(name, Waveform(colours.at(grid, np.inf), fs)).samples
    both = butterworth(np.stack([result, Signal(ppg, times).at(grid, np.inf)]), fs, 0.66, 3.0, 1)
    width, step = round(10 * fs), 5 * fs
    starts = [round(k * step) for k in range(int((len(grid) - width) / step) + 1)]
    measured, reference = ([peak_bpm(x[s : s + width], fs) for s in starts] for x in both)
    assert len(measured) >= 11
    assert np.abs(np.array(measured) - np.array(reference)).mean() < 1.0
