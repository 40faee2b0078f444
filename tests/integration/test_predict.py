"""bench predict: a rate only where there is a pulse, and the rate that a run has."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.evaluation.pulse_verdict import ENOUGH_S, verdict

from ..factories.faces import Image, film, portrait

FS = 25.0
BLOOD = np.array([0.006, 0.016, 0.009])


def frames(seconds: float, strength: float) -> list[Image]:
    """The portrait with a pulse that goes from 60 to 90 bpm in 20 s, under the camera's noise.

    The noise changes each band of lines as one, so that averaging over the face leaves some.
    """
    rng, made = np.random.default_rng(7), []
    for number in range(round(seconds * FS)):
        time = number / FS
        beats = time + 0.5 * time**2 / 40
        level = portrait() * (1 - strength * BLOOD * np.sin(2 * np.pi * beats))
        noise = rng.normal(0, 1, level.shape) + rng.normal(0, 0.4, (1, 1, 3))
        made.append(np.clip(np.rint(level + noise), 0, 255).astype(np.uint8))
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds with a pulse, as long a photograph, and the first seconds of the former."""
    place = tmp_path_factory.mktemp("clips")
    beating = frames(20, 1)
    film(place / "beating.mp4", beating, FS)
    film(place / "photograph.mp4", frames(12, 0), FS)
    film(place / "short.mp4", beating[: round(3.5 * FS)], FS)
    film(place / "tiny.mp4", beating[: round(2.4 * FS)], FS)
    film(place / "window.mp4", beating[: round(7 * FS)], FS)
    return place


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def predict(
    video: Path, cache: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON, and what a reader without --json sees."""
    arguments = ["predict", str(video), "--cache", str(cache), *more]
    code = main([*arguments, "--json"])
    output = json.loads(capsys.readouterr().out)
    assert main(arguments) == code
    return code, output, capsys.readouterr().out


def test_a_photograph_has_no_pulse_and_no_rate(
    folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in ("pos", "chrom", "green"):
        code, said, text = predict(folder / "photograph.mp4", cache, capsys, "--method", method)
        assert code == 3
        assert (said["verdict"], said["heart_rate_bpm"]) == ("no pulse", None)
        assert "SNR" in said["reason"]
        assert said["windows"]  # what it would have been stays to be seen
        assert text.startswith("no pulse: ")
        assert "a run reads" in text


def test_a_pulse_is_called_one_and_read_as_a_run_reads_it(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean over the evaluator's own windows, not the median of windows a second apart."""
    code, said, text = predict(folder / "beating.mp4", cache, capsys)
    assert code == 0
    assert said["verdict"] == "pulse"
    assert said["reason"] == ""
    assert "bpm by pos: pulse (" in text
    assert "mean of 2 windows of 10 s, as in a run" in text
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "beating.mp4").symlink_to(folder / "beating.mp4")
    arguments = ["run", "--protocol", "videos", "--methods", "pos", "--cache", str(cache)]
    out = tmp_path / "results"
    assert main([*arguments, "--data", f"video_folder={videos}", "--out", str(out)]) == 0
    assert "bench predict says whether there is one" in capsys.readouterr().out
    with (out / "heart_rates.csv").open(newline="") as table:
        (row,) = csv.DictReader(table)
    assert said["heart_rate_bpm"] == pytest.approx(float(row["heart_rate_bpm"]), abs=5e-4)
    median = np.median([window["heart_rate_bpm"] for window in said["windows"]])
    assert said["heart_rate_bpm"] != pytest.approx(median, abs=0.01)


@pytest.mark.parametrize(
    ("clip", "says"),
    [
        ("tiny.mp4", "the video is too short: its frames span 2.4 s, and 3 s are needed"),
        ("short.mp4", "too short: the pulse lasts 3.5 s, and a heart rate takes at least 4 s"),
    ],
)
def test_too_short_is_the_reason_with_the_length_that_is_needed(
    folder: Path, cache: Path, clip: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, text = predict(folder / clip, cache, capsys)
    assert code == 3
    assert said["heart_rate_bpm"] is None
    assert said["reason"].startswith(says)
    assert says in text


def test_less_than_a_window_is_doubtful_and_says_that_a_run_has_no_rate(
    folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, text = predict(folder / "window.mp4", cache, capsys)
    assert code == 0
    assert said["verdict"] == "doubtful"
    assert "so a run gives it no rate" in text


@pytest.mark.torch
def test_options_of_predict_without_effect_are_refused(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    arguments = ["predict", str(folder / "tiny.mp4"), "--cache", str(cache)]
    assert main([*arguments, "--weights", str(tmp_path / "w.safetensors")]) == 2
    assert "--weights: pos takes none" in capsys.readouterr().err
    assert main([*arguments, "--plot", str(tmp_path / "p.png")]) == 3
    assert "p.png is not drawn: there is no pulse" in capsys.readouterr().err
    (tmp_path / "tiny.mp4").symlink_to(folder / "tiny.mp4")
    (tmp_path / "tiny.csv").write_text("time_s,pulse\n")
    assert main(["predict", str(tmp_path / "tiny.mp4"), "--cache", str(cache)]) == 3
    assert "tiny.csv is not read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bpm", "snr_db", "lasts_s", "word"),
    [
        ([72.0], [3.0], 10.0, "pulse"),
        ([72.0], [2.9], 10.0, "doubtful"),
        ([72.0], [9.0], ENOUGH_S - 0.1, "doubtful"),
        ([72.0], [-0.1], 10.0, "no pulse"),
        ([72.0, 72, 73, 74, 90], [-1.0] * 5, 10.0, "doubtful"),  # weak, and steady
        ([72.0, 72, 73, 74, 90], [-2.1] * 5, 10.0, "no pulse"),
        ([72.0, 72, 50, 110, 90], [5.0] * 5, 10.0, "doubtful"),  # strong, and disagreeing
        ([72.0, 72, 50, 110, 90], [1.0] * 5, 10.0, "no pulse"),
        ([np.nan], [np.nan], 10.0, "no pulse"),
    ],
)
def test_the_verdict_follows_its_rule(
    bpm: list[float], snr_db: list[float], lasts_s: float, word: str
) -> None:
    text = verdict(np.array(bpm), np.array(snr_db), lasts_s)
    assert text.word == word
    assert bool(text.reason) == (word != "pulse")


def test_noise_is_no_pulse_in_nineteen_of_twenty_and_a_pulse_in_none() -> None:
    """Camera noise alone, through three methods: the rates in docs/measurements/verdict.md."""
    from rppgbench.core.registry import find_toml, load_methods
    from rppgbench.core.waveform import Waveform
    from rppgbench.evaluation.evaluator import read_evaluator
    from rppgbench.execution.prediction import read_rates

    rule = read_evaluator(find_toml("protocols/evaluators", "evaluator", "li2023", "a test"))
    rng, arguments = np.random.default_rng(0), []
    for _ in range(40):
        trace = np.array([150.0, 110.0, 90.0]) + rng.normal(0, 0.05, (300, 3))
        for name in ("green", "chrom", "pos"):
            method = load_methods().available[name]
            pulse = method.estimate(Waveform(trace, 30.0), **method.parameters({}))
            read = read_rates(pulse, rule)
            arguments.append(verdict(read.bpm[0], read.snr_db[0], 10.0).word)
    assert arguments.count("no pulse") >= 0.95 * len(arguments)
    assert "pulse" not in arguments


@pytest.mark.real
def test_genuine_clips(real: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One face whose pulse is known, and two in which nobody reads one."""
    code, text, _ = predict(real / "evm-face" / "face.mp4", cache, capsys)
    assert (code, text["verdict"]) == (0, "pulse")
    assert text["heart_rate_bpm"] == pytest.approx(53, abs=1.5)
    for name in ("csiro.mp4", "63-61_2.mp4"):
        code, text, _ = predict(real / "face-clips-no-truth" / name, cache, capsys)
        assert (code, text["verdict"]) == (3, "no pulse")
    code, text, _ = predict(real / "pexels-and-occlusion" / "single.mp4", cache, capsys)
    assert code == 3
    assert text["reason"].startswith("the video is too short: its frames span 2.4 s")
