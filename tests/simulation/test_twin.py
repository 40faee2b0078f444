"""A twin: what it declares is in the mean colours that are drawn."""

import re
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml, toml_files
from rppgbench.core.waveform import Array
from rppgbench.simulation.twin import TwinRecording, twin_recordings
from rppgbench.simulation.twin_declaration import Twin
from rppgbench.system.errors import BenchError

NAME = "pure_v1"
QUIET = {"pulse_log_sd": 0.0, "recordings_log_sd": 0.0, "bursts_log_sd": 0.0}
NOTHING = {"pulse": 0.0, "light": 0.0, "specular": 0.0, "noise": 0.0}


@pytest.fixture(scope="module")
def twin() -> Twin:
    return read_declaration(find_toml("benchmarks/twins", "twin", NAME, "test"), Twin)


def changed(twin: Twin, **strengths: float) -> Twin:
    """The twin with these strengths, all others 0."""
    strength = twin.strength.model_copy(update={**NOTHING, **QUIET, **strengths})
    return twin.model_copy(update={"strength": strength})


def drawn(twin: Twin, seed: int = 0, people: int = 2) -> list[TwinRecording]:
    return list(twin_recordings(twin, name=NAME, seed=seed, people=people))


def relative(twin: Twin, recording: TwinRecording) -> Array:
    """Relative change of the mean colours (T, 3)."""
    change: Array = recording.rgb / np.array(twin.colour.level) - 1
    return change


def rms(values: Array) -> Array:
    out: Array = np.sqrt((values**2).mean(axis=0))
    return out


def test_noise_has_the_declared_strength_in_each_channel(twin: Twin) -> None:
    noisy = changed(twin, noise=0.002)
    strength = rms(relative(noisy, drawn(noisy)[0]))
    expected = 0.002 * np.array(twin.colour.noise) / twin.colour.noise[1]
    assert strength == pytest.approx(expected, rel=0.05)


def test_light_is_the_same_in_all_channels_and_slow(twin: Twin) -> None:
    lit = changed(twin, light=0.004)
    change = relative(lit, drawn(lit)[0])
    assert change[:, 0] == pytest.approx(change[:, 1], abs=1e-12)
    assert change[:, 2] == pytest.approx(change[:, 1], abs=1e-12)
    assert rms(change[:, 1]) == pytest.approx(0.004, rel=0.01)
    power = np.abs(np.fft.rfft(change[:, 1])) ** 2
    hz = np.fft.rfftfreq(len(change), 1 / twin.fs)
    # Power as 1 / f^2: between 0.05 and 0.65 Hz it is 14 times that between 0.65 and 4 Hz.
    slow, fast = (power[(hz >= a) & (hz < b)].sum() for a, b in ((0.05, 0.65), (0.65, 4.0)))
    assert 5 < slow / fast < 40


def test_specular_reflection_is_a_share_of_light_by_channel(twin: Twin) -> None:
    both = changed(twin, light=0.004, specular=0.5)
    shiny = [relative(both, recording) for recording in drawn(both)]
    plain = [relative(twin, recording) for recording in drawn(changed(twin, light=0.004))]
    for a, b in zip(shiny, plain, strict=True):
        expected = 0.002 * np.array(twin.colour.specular)
        assert rms(a - b) == pytest.approx(expected, rel=0.01)


def test_the_pulse_has_its_strength_its_colour_and_the_rate_of_the_sensor(twin: Twin) -> None:
    pulsing = changed(twin, pulse=0.002)
    for recording in drawn(pulsing):
        change = relative(pulsing, recording)
        expected = 0.002 * np.array(twin.colour.pulse) / twin.colour.pulse[1]
        assert rms(change) == pytest.approx(expected, rel=0.06)
        hz = np.fft.rfftfreq(len(change), 1 / twin.fs)
        peak_bpm = 60 * hz[np.abs(np.fft.rfft(change[:, 1] - change[:, 1].mean())).argmax()]
        assert abs(peak_bpm - np.median(recording.heart_rate_bpm)) < 6


def test_numbers_change_and_the_draws_stay(twin: Twin) -> None:
    weak, strong = drawn(changed(twin, pulse=0.001)), drawn(changed(twin, pulse=0.003))
    for a, b in zip(weak, strong, strict=True):
        assert relative(twin, b) == pytest.approx(3 * relative(twin, a), abs=1e-12)
        assert np.array_equal(a.pulse, b.pulse)


def test_people_differ_as_declared_and_sessions_of_one_as_declared(twin: Twin) -> None:
    strength = changed(twin, noise=0.001).strength.model_copy(update={"recordings_log_sd": 0.8})
    short = twin.model_copy(update={"seconds": 10.0, "strength": strength})
    recordings = drawn(short, people=150)
    noise = np.log([rms(relative(short, r))[1] for r in recordings])
    assert noise.std() == pytest.approx(0.8, rel=0.1)
    rates = np.array([r.heart_rate_bpm.mean() for r in recordings]).reshape(150, -1)
    assert np.median(rates) == pytest.approx(twin.heart_rate.median_bpm, rel=0.08)
    of_people = np.log(rates.mean(axis=1))
    assert of_people.std() == pytest.approx(twin.heart_rate.people_log_sd, rel=0.2)


def test_a_person_is_the_same_among_few_and_many_and_another_with_another_seed(twin: Twin) -> None:
    few, many = drawn(twin, people=1), drawn(twin, people=2)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(few, many, strict=False))
    assert not np.array_equal(few[0].rgb, drawn(twin, seed=1)[0].rgb)
    rates = [[r.heart_rate_bpm.mean() for r in drawn(twin, seed=s, people=1)] for s in (0, 2)]
    assert abs(np.mean(rates[0]) - np.mean(rates[1])) > 20  # another person, not another session
    assert not np.array_equal(few[0].rgb, few[1].rgb)
    assert not np.array_equal(many[0].rgb, many[twin.recordings].rgb)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pulse", "[0.5, 0.0, 0.6]", "colour: pulse: green is 0"),
        ("noise", "[0.5, 0.0, 0.6]", "colour: noise: green is 0"),
        ("specular", "[0.5, nan, 0.6]", "colour.specular.1"),
        ("level", "[100.0, 90.0]", "colour.level"),
    ],
)
def test_colours_without_a_meaning_are_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = find_toml("benchmarks/twins", "twin", NAME, "test").read_text()
    before, colour = text.split("[colour]")
    colour = re.sub(rf"^{old}( *)=.*$", f"{old} = {new}", colour, count=1, flags=re.MULTILINE)
    file = tmp_path / "own_v1.toml"
    file.write_text(f"{before}[colour]{colour}")
    with pytest.raises(BenchError, match=re.escape(message)):
        read_declaration(file, Twin)


@pytest.mark.parametrize("name", sorted(toml_files("benchmarks/twins")))
def test_a_shipped_twin_has_a_version_and_says_what_it_was_fitted_to(name: str) -> None:
    shipped = read_declaration(find_toml("benchmarks/twins", "twin", name, "test"), Twin)
    stem, _, version = name.rpartition("_v")
    assert stem
    assert version.isdecimal()
    assert "fitted" in shipped.strength.source
    assert "POS and LGI" in shipped.strength.source
