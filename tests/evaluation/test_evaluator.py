"""Evaluator files: what they must say, and what they say wrong in one line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.scores import score_windows
from rppgbench.system.errors import BenchError

from ..factories.evaluators import FOLDER, NAMES, evaluator
from ..factories.records import make_estimate, make_ground_truth, make_pulse

LI2023 = (FOLDER / "li2023.toml").read_text()


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str], Path]:
    def change(old: str, new: str) -> Path:
        assert old in LI2023
        file = tmp_path / "mine.toml"
        file.write_text(LI2023.replace(old, new, 1))
        return file

    return change


FIVE = """
title = "t"
source = "s"
meaning = "The highest peak of the spectrum of a window."
window = { kind = "fixed", length_s = 10.0, stride_s = 10.0, shortest_s = 9.0 }

[estimate]
filter = { kind = "none" }
spectrum = { kind = "periodogram", taper = "hann", symmetric = false, centred = true, nfft = "length" }
band = { low_hz = 0.66, high_hz = 3.0, edges = "inclusive" }
peak = { kind = "bin" }
"""  # noqa: E501


def test_five_keys_are_enough_and_read_the_rate_of_a_wave(tmp_path: Path) -> None:
    file = tmp_path / "five.toml"
    file.write_text(FIVE)
    rule = read_evaluator(file)
    assert (rule.reference, rule.unit, rule.missing) == ("same", "window", "farthest_band_edge")
    wave = make_pulse(72.0, seconds=20.0)
    estimate = make_estimate(wave)
    truth = {(estimate.dataset, estimate.recording): make_ground_truth(72.0, seconds=20.0)}
    rows = score_windows(rule, [estimate], truth)
    assert rows["estimate_bpm"].tolist() == pytest.approx([72.0, 72.0])
    assert rows["reference_bpm"].tolist() == pytest.approx([72.0, 72.0])


def test_the_presets_of_the_peers_are_there() -> None:
    expected = "toolbox_2023 toolbox_now pyvhr contrast_phys sinc gideon2021 physbench li2023"
    assert {*expected.split(), "hfut2024", "physformer", "vipl", "v4v"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_has_a_title_a_source_and_notes(name: str) -> None:
    rule = evaluator(name)
    assert rule.title
    assert len(rule.notes.split()) > 20
    assert len(rule.meaning.split()) > 8
    assert rule.meaning[0].isupper()
    assert re.search(r"heart rate|bin|frequency|peak|rate", rule.meaning)
    assert any(mark in rule.source for mark in ("@", "arXiv", "10.", "ICCV", "github"))
    assert Evaluator.model_validate(rule.model_dump()) == rule


def test_no_two_presets_have_the_same_digest() -> None:
    assert len({evaluator(name).digest for name in NAMES}) == len(NAMES)


def test_the_digest_ignores_texts_and_nothing_else() -> None:
    rule = evaluator("li2023")
    assert (
        rule.model_copy(update={"notes": "x", "title": "y", "source": "z", "meaning": "m"}).digest
        == rule.digest
    )
    for change in ({"gap_share": 0.3}, {"snr": "toolbox"}, {"unit": "recording_mean"}):
        assert rule.model_copy(update=change).digest != rule.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gap_share ", "gap_shore ", "no key 'gap_shore'; did you mean 'gap_share'"),
        ("source  = ", "# ", "missing source"),
        ('"farthest_band_edge"', '"skip"', "missing: Input should be 'farthest_band_edge'"),
        ("order = 1", 'order = "1"', "order"),
        ("high_hz = 3.0, edges", "high_hz = 0.3, edges", "high_hz must be above low_hz"),
        ('kind = "butterworth"', 'kind = "butter"', "filter"),
        ("fast_factor = 8", "fast_factor = 8, twice = true", "twice"),
        ("[window]", "[window", "not readable as TOML"),
        ('"hann"', "{ tukey = 1.5 }", "tukey: Input should be less than or equal to 1"),
        (
            'truth         = ["pulse"',
            'truth         = ["beats"',
            'needs a reference of kind "beats"',
        ),
        ('reference     = "same"', "reference     = 3", "reference"),
        ("meaning = ", "# ", "missing meaning"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(
    changed: Callable[[str, str], Path], old: str, new: str, message: str
) -> None:
    file = changed(old, new)
    with pytest.raises(BenchError) as error:
        read_evaluator(file)
    assert message in str(error.value)
    assert "Value error" not in str(error.value)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_a_fault_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="not readable"):
        read_evaluator(tmp_path / "none.toml")


def test_an_evaluator_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        evaluator("li2023").gap_share = 0.9


def test_the_resolution_of_each_evaluator_is_the_stated_one() -> None:
    """60 fs / nfft at 30 frames a second: 512 for 10 s, 2048 for 60 s, and so on."""
    stated = {
        "toolbox_now_10s": 1800 / 512,
        "toolbox_now": 1800 / 2048,
        "contrast_phys": 2.0,
        "sinc": 1 / 3,
        "pyvhr": 1800 / 2048,
        "gideon2021": 1 / 101,
        "physbench": 1800 / 3333,
        "physformer": 1800 / 8192,
    }
    for name, bpm in stated.items():
        assert evaluator(name).resolution_bpm == pytest.approx(bpm)
    assert evaluator("li2023").resolution_bpm <= 0.1


def test_the_parameters_of_the_study_of_the_peers() -> None:
    """facts/peers.md 3.7: order and band of each filter, window and stride, band in bpm."""
    table = {
        "toolbox_2023": (1, 0.75, 2.5, 0, 45, 150),
        "toolbox_now": (1, 0.6, 3.3, 0, 36, 198),
        "pyvhr": (6, 0.65, 4.0, 8, 39, 240),
        "contrast_phys": (2, 0.6, 4.0, 30, 36, 240),
        "physbench": (3, 0.5, 3.0, 0, 30, 180),
    }
    for name, (order, low, high, window_s, low_bpm, high_bpm) in table.items():
        rule = evaluator(name)
        steps, band = rule.estimate.filter, rule.estimate.band
        assert (steps.order, steps.low_hz, steps.high_hz) == (order, low, high)  # type: ignore[union-attr]
        assert rule.window_s == window_s
        assert (60 * band.low_hz, 60 * band.high_hz) == pytest.approx((low_bpm, high_bpm))
    assert evaluator("sinc").estimate.band.low_hz == pytest.approx(40 / 60, abs=1e-5)
    assert evaluator("gideon2021").border_frames == 15
