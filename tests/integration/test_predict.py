"""bench predict: a rate only where there is a pulse, and the rate that a run has."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.api.results import load_results
from rppgbench.cli import main
from rppgbench.evaluation.pulse_verdict import ENOUGH_S, verdict

from ..factories.faces import Image, portrait, save_video

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
    save_video(place / "beating.mp4", beating, FS)
    save_video(place / "photograph.mp4", frames(12, 0), FS)
    save_video(place / "short.mp4", beating[: round(3.5 * FS)], FS)
    save_video(place / "tiny.mp4", beating[: round(2.4 * FS)], FS)
    save_video(place / "window.mp4", beating[: round(7 * FS)], FS)
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
        assert (said["pulse"], said["heart_rate_bpm"]) == ("no", None)
        assert "SNR" in said["reason"]
        assert said["windows"]  # what it would have been stays to be seen
        assert text.startswith("photograph.mp4: pulse: no: ")
        assert "a run reads" in text


def test_a_pulse_is_called_one_and_read_as_a_run_reads_it(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean over the evaluator's own windows, not the median of windows a second apart."""
    code, said, text = predict(folder / "beating.mp4", cache, capsys)
    assert code == 0
    assert said["pulse"] == "yes"
    assert said["reason"] == ""
    assert "bpm by pos, read by beats_tukey; pulse: yes (" in text
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


def test_the_confidence_of_a_method_is_shown_and_stored(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The patches of a beating face agree. POS gives no confidence."""
    patches = ("--method", "multi_patch_median")
    _, beating, text = predict(folder / "beating.mp4", cache, capsys, *patches)
    assert beating["confidence"] > 0.8
    assert f"the method's own confidence: {beating['confidence']:.2f} of 1 at most" in text
    assert "confidence" not in predict(folder / "beating.mp4", cache, capsys)[1]
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "beating.mp4").symlink_to(folder / "beating.mp4")
    methods = ("--methods", "multi_patch_median,pos", "--cache", str(cache))
    out = tmp_path / "results"
    data = ("--data", f"video_folder={videos}", "--out", str(out))
    assert main(["run", "--protocol", "videos", *methods, *data]) == 0
    windows = load_results(out).windows("li2023")
    confidence = windows.groupby("method")["confidence"]
    assert confidence.count().to_dict() == {"multi_patch_median": 2, "pos": 0}
    assert confidence.mean()["multi_patch_median"] == pytest.approx(beating["confidence"], abs=0.1)


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
    assert said["pulse"] == "doubtful"
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
        ([72.0], [3.0], 10.0, "yes"),
        ([72.0], [2.9], 10.0, "doubtful"),
        ([72.0], [9.0], ENOUGH_S - 0.1, "doubtful"),
        ([72.0], [-0.1], 10.0, "no"),
        ([72.0, 72, 73, 74, 90], [-1.0] * 5, 10.0, "doubtful"),  # weak, and steady
        ([72.0, 72, 73, 74, 90], [-2.1] * 5, 10.0, "no"),
        ([72.0, 72, 50, 110, 90], [5.0] * 5, 10.0, "doubtful"),  # strong, and disagreeing
        ([72.0, 72, 50, 110, 90], [1.0] * 5, 10.0, "no"),
        ([np.nan], [np.nan], 10.0, "no"),
    ],
)
def test_the_verdict_follows_its_rule(
    bpm: list[float], snr_db: list[float], lasts_s: float, word: str
) -> None:
    text = verdict(np.array(bpm), np.array(snr_db), lasts_s)
    assert text.word == word
    assert bool(text.reason) == (word != "yes")


def test_noise_is_no_pulse_in_nineteen_of_twenty_and_a_pulse_in_none() -> None:
    """Camera noise alone, through three methods: the rates in docs/measurements/verdict.md."""
    from rppgbench.core.registry import load_methods
    from rppgbench.core.waveform import Waveform
    from rppgbench.evaluation.evaluator_lookup import find_evaluator
    from rppgbench.execution.prediction_reading import read_rates

    rule = find_evaluator("li2023", "a test")
    rng, arguments = np.random.default_rng(0), []
    for _ in range(40):
        trace = np.array([150.0, 110.0, 90.0]) + rng.normal(0, 0.05, (300, 3))
        for name in ("green", "chrom", "pos"):
            method = load_methods().available[name]
            pulse = method.estimate(Waveform(trace, 30.0), **method.parameters({}))
            read = read_rates(pulse, rule)
            arguments.append(verdict(read.bpm[0], read.snr_db[0], 10.0).word)
    assert arguments.count("no") >= 0.95 * len(arguments)
    assert "yes" not in arguments


@pytest.mark.real
def test_a_known_pulse_is_read_from_a_genuine_face_and_none_from_unreadable_ones(
    real: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One face whose pulse is known, and two in which nobody reads one."""
    code, text, _ = predict(real / "evm-face" / "face.mp4", cache, capsys)
    assert (code, text["pulse"]) == (0, "yes")
    assert text["heart_rate_bpm"] == pytest.approx(53, abs=1.5)
    for name in ("csiro.mp4", "63-61_2.mp4"):
        code, text, _ = predict(real / "face-clips-no-truth" / name, cache, capsys)
        assert (code, text["pulse"]) == (3, "no")
    code, text, _ = predict(real / "pexels-and-occlusion" / "single.mp4", cache, capsys)
    assert code == 3
    assert text["reason"].startswith("the video is too short: its frames span 2.4 s")


def write_reference(place: Path, *videos: str) -> Path:
    """A pulse of 60 to 90 bpm over 20 s, sampled at 60 Hz, of each video."""
    time_s = np.arange(0, 20, 1 / 60)
    pulse = np.sin(2 * np.pi * (time_s + 0.5 * time_s**2 / 40))
    lines = [
        f"{video},{time:.4f},{value:.5f}"
        for video in videos
        for time, value in zip(time_s, pulse, strict=True)
    ]
    place.write_text("\n".join(["video,time_s,pulse", *lines]) + "\n")
    return place


def test_a_reference_gives_errors_in_text_json_tables_and_picture(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rate of the video rises by 1.5 bpm each second: in its windows by known means."""
    reference = write_reference(tmp_path / "oximeter.csv", "any")
    more = ["--reference", str(reference), "--samples", str(tmp_path / "samples.csv")]
    more += ["--windows", str(tmp_path / "windows.json"), "--plot", str(tmp_path / "p.svg")]
    code, said, text = predict(folder / "beating.mp4", cache, capsys, *more)
    assert code == 0
    assert said["reference_bpm"] == pytest.approx(75, abs=1)
    assert said["mae_bpm"] < 1.5
    assert f"mean absolute error {said['mae_bpm']:.2f} bpm" in text
    windows = json.loads((tmp_path / "windows.json").read_text())
    assert [row["start_s"] for row in windows] == [w["start_s"] for w in said["windows"]]
    for row in windows:
        middle_s = row["start_s"] + row["duration_s"] / 2
        assert row["reference_bpm"] == pytest.approx(60 + 1.5 * middle_s, abs=1)
        assert row["error_bpm"] == pytest.approx(row["heart_rate_bpm"] - row["reference_bpm"])
    with (tmp_path / "samples.csv").open(newline="") as table:
        samples = list(csv.DictReader(table))
    assert (samples[0]["method"], samples[0]["evaluator"]) == ("pos", "beats_tukey")
    pulse, truth = (
        np.array([float(row[name]) for row in samples]) for name in ("pulse", "reference_pulse")
    )
    middle = slice(len(pulse) // 4, 3 * len(pulse) // 4)
    assert abs(np.corrcoef(pulse[middle], truth[middle])[0, 1]) > 0.7
    picture = (tmp_path / "p.svg").read_text(encoding="utf-8")
    for words in ("beating.mp4: pos, read by beats_tukey", "Bland-Altman", "Error of each window"):
        assert words in picture


def test_several_videos_and_folders_each_have_an_answer(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no video costs the others nothing; references are matched by name."""
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("beating.mp4", "window.mp4"):
        (clips / name).symlink_to(folder / name)
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    reference = write_reference(tmp_path / "oximeter.csv", "beating", "stranger")
    arguments = ["predict", str(clips), str(broken), "--cache", str(cache)]
    arguments += ["--reference", str(reference), "--windows", str(tmp_path / "w.csv")]
    code = main([*arguments, "--plot", str(tmp_path / "pictures"), "--json"])
    captured = capsys.readouterr()
    assert code == 3
    answers = json.loads(captured.out)["predictions"]
    assert [Path(one["video"]).name for one in answers] == [
        "beating.mp4",
        "window.mp4",
        "broken.mp4",
    ]
    assert answers[0]["mae_bpm"] < 1.5
    assert "mae_bpm" not in answers[1]
    assert answers[2]["heart_rate_bpm"] is None
    assert str(broken) in answers[2]["reason"]
    assert "no reference of 2 videos: window.mp4, broken.mp4" in captured.err
    assert "no video of 1 reference: stranger" in captured.err
    assert {file.name for file in (tmp_path / "pictures").iterdir()} == {
        "beating.png",
        "window.png",
    }
    with (tmp_path / "w.csv").open(newline="") as table:
        videos = {Path(row["video"]).name for row in csv.DictReader(table)}
    assert videos == {"beating.mp4", "window.mp4"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["{clips}", "--plot", "p.png"], "p.png is one picture of 5 videos; give a folder"),
        (["{clip}", "--windows", "w.xlsx"], "w.xlsx: no table of kind '.xlsx'; known: .csv, .json"),
        (["{clip}", "--windows", "w.csv", "--samples", "./w.csv"], "is the file of --samples too"),
        (["{clip}", "--samples", "{empty}/../empty.csv"], "is a folder; name a file in it"),
        (["{clip}", "--plot", "p.jpg"], "p.jpg: no picture of kind '.jpg'"),
        (["{clip}", "--plot", "{clip}/p.png"], "cannot be made"),
        (["{clip}", "--reference-fs", "60"], "--reference-fs: has no effect without --reference"),
        (["{clip}", "--reference", "{names}"], "no video has such a name"),
        (["{empty}"], "holds no video by its name"),
        ([], "give it videos, or --trace FILE"),
    ],
)
def test_what_predict_cannot_do_is_one_line(
    folder: Path,
    cache: Path,
    tmp_path: Path,
    more: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.csv").mkdir()
    names = write_reference(tmp_path / "names.csv", "a", "b")
    places = {"clips": folder, "clip": folder / "tiny.mp4", "empty": tmp_path / "empty"}
    arguments = [part.format(names=names, **places) for part in more]
    assert main(["predict", *arguments, "--cache", str(cache)]) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert len(error.splitlines()) == 1


def test_videos_of_one_name_have_pictures_and_references_of_their_own(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that is given twice is one video; `--quiet` leaves nothing but errors."""
    clips = [tmp_path / place / "face.mp4" for place in ("a/1", "b/1")]
    for clip in clips:
        clip.parent.mkdir(parents=True)
        clip.symlink_to(folder / "window.mp4")
    arguments = ["predict", *map(str, clips), str(clips[0]), "--cache", str(cache)]
    shared = write_reference(tmp_path / "shared.csv", "face")
    assert main([*arguments, "--reference", str(shared)]) == 2
    assert "'face' is the name of " in capsys.readouterr().err
    own = write_reference(tmp_path / "own.csv", *map(str, clips))
    tables = ["--windows", str(tmp_path / "new" / "w.csv"), "--plot", str(tmp_path / "pictures")]
    assert main([*arguments, "--reference", str(own), *tables, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert (tmp_path / "new" / "w.csv").is_file()
    pictures = {file.name for file in (tmp_path / "pictures").iterdir()}
    assert pictures == {"a-1-face.mp4.png", "b-1-face.mp4.png"}


def test_a_trace_with_its_own_pulse_is_compared_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time_s = np.arange(0, 20, 1 / 30)
    wave = np.sin(2 * np.pi * 1.2 * time_s)
    colours = np.array([150.0, 110.0, 90.0]) * (1 - np.outer(wave, BLOOD))
    rows = [
        f"{t:.4f},{r:.4f},{g:.4f},{b:.4f},{w:.4f}"
        for t, (r, g, b), w in zip(time_s, colours, wave, strict=True)
    ]
    place = tmp_path / "forehead.csv"
    place.write_text("\n".join(["time_s,red,green,blue,pulse", *rows]) + "\n")
    assert main(["predict", "--trace", str(place), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["reference_bpm"] == pytest.approx(72, abs=0.3)
    assert said["mae_bpm"] < 0.3
