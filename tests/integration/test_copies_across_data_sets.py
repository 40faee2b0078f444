"""A recording that stands in two data sets is found by plans of protocols and by the check."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.recording import VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.extraction.extractor import BASE_FEATURES
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.video.writing import write_video

from ..factories.faces import Image, portrait
from ..factories.repeats import contact_pulse, part_of

VIDEO_S, FPS = 14.0, 30.0
PULSE = contact_pulse(1, seconds=60.0)


def lit_face(seed: int) -> list[Image]:
    """A face in light that changes from side to side: each seed is another take."""
    rng = np.random.default_rng(seed)
    times_s, knots_s = np.arange(0, VIDEO_S, 1 / FPS), np.arange(0, VIDEO_S + 1, 0.3)
    steps = rng.normal(0, 0.05, (3, len(knots_s)))
    whole, across, down = (np.interp(times_s, knots_s, knots) for knots in steps)
    rows, columns = np.mgrid[-1:1:256j, -1:1:256j]
    picture = portrait().astype(np.float64)
    gains = 1 + whole[:, None, None] + across[:, None, None] * columns + down[:, None, None] * rows
    return [np.clip(picture * gain[..., None], 0, 255).astype(np.uint8) for gain in gains]


def write_clip(file: Path, frames: list[Image], *, codec: str, **options: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    times = np.arange(len(frames)) / FPS
    write_video(file, frames, times, codec=codec, pixel_format=pixels, options=options)


def ubfc_rppg(root: Path, name: str, pulse: Signal, frames: list[Image]) -> Path:
    """A recording in the layout of UBFC-rPPG, by its native codec."""
    folder = root / "DATASET_2" / name
    write_clip(folder / "vid.avi", frames, codec="mjpeg", qmin="2", qmax="2")
    rows: tuple[Array, ...] = (pulse.values, np.full(len(pulse.values), 71.0), pulse.times_s)
    text = "\n".join("   ".join(f"{value:.7e}" for value in row) for row in rows)
    (folder / "ground_truth.txt").write_text(text)
    return folder / "vid.avi"


def ubfc_rppg_1(root: Path, name: str, pulse: Signal, frames: list[Image]) -> Path:
    """A recording in the layout of the older set: another codec, another clock, another scale."""
    folder = root / "DATASET_1" / name
    smaller = [np.ascontiguousarray(frame[16:240, 16:240]) for frame in frames]
    write_clip(folder / "vid.avi", smaller, codec="libx264", crf="26")
    times_s = np.arange(0, pulse.times_s[-1] - pulse.times_s[0], 0.016)
    values = 40 + 12 * np.interp(times_s + pulse.times_s[0], pulse.times_s, pulse.values)
    lines = [f"{1000 * t:.0f},71,98,{value:.3f}" for t, value in zip(times_s, values, strict=True)]
    (folder / "gtdump.xmp").write_text("\n".join(lines))
    return folder / "vid.avi"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Two data sets of two people, and a cache; `5-gt` is `subject1`, cut and encoded anew."""
    folder = tmp_path_factory.mktemp("sets")
    first, second, cache = (folder / name for name in ("ubfc", "ubfc_1", "cache"))
    videos = [
        ubfc_rppg(first, "subject1", PULSE, lit_face(1)),
        ubfc_rppg(first, "subject3", contact_pulse(3, seconds=60.0), lit_face(3)),
        ubfc_rppg_1(second, "5-gt", part_of(PULSE, 5, 55), lit_face(1)[30:]),
        ubfc_rppg_1(second, "7-gt", contact_pulse(4, seconds=50.0), lit_face(4)),
    ]
    for video in videos:
        cached_features(VideoSource(video), BASE_FEATURES, cache)
    return first, second, cache


def cross(first: Path, second: Path, cache: Path, *, back: bool = False) -> list[str]:
    """A plan that learns from one data set and tests on the other."""
    sets = ["ubfc_rppg", "ubfc_rppg_1"][:: -1 if back else 1]
    return [
        *("run", "--protocol", "cross", "--train", sets[0], "--test", sets[1], "--dry-run"),
        *("--methods", "constant", "--cache", str(cache)),
        *("--data", f"ubfc_rppg={first}", "--data", f"ubfc_rppg_1={second}"),
    ]


@pytest.mark.parametrize("back", [False, True])
def test_a_plan_across_data_sets_names_the_copy_by_label_and_by_frames(
    back: bool, copied: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(cross(*copied, back=back)) == 0
    printed = capsys.readouterr()
    lines = [line for line in (printed.out + printed.err).splitlines() if "contamination:" in line]
    names = ["ubfc_rppg/subject1", "ubfc_rppg_1/5-gt"][:: -1 if back else 1]
    assert all(f"learns from {names[0]} and tests on {names[1]}" in line for line in lines)
    by_label, by_frames = sorted(lines, key=lambda line: line.startswith("warning: "))
    assert by_label.startswith("note: ")
    assert "hold the same pulse for 48 s (correlation 1.000)" in by_label
    assert "hold the same frames for 13 s" in by_frames


def test_the_page_of_a_run_lists_the_copy(
    copied: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [word for word in cross(*copied) if word != "--dry-run"]
    assert main([*command, "--out", str(tmp_path / "results")]) == 0
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "2 recordings that methods learn from were compared with 2 tested: one pair" in page
    row = page.split('id="contamination-table"')[1].split("</tr>")[1]
    assert "ubfc_rppg/subject1 (person subject1)" in row
    assert "ubfc_rppg_1/5-gt (person 5-gt)" in row
    assert "the same pulse for 48 s" in row


def test_the_check_of_a_data_set_names_its_copy_in_another_one(
    copied: tuple[Path, Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second, cache = copied
    monkeypatch.setenv("RPPGBENCH_CACHE", str(cache))
    check = ["data", "check", "ubfc_rppg_1", str(second)]
    main(check)
    assert "hold the same" not in capsys.readouterr().out
    main([*check, "--beside", f"ubfc_rppg={first}"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "hold the same" in line]
    assert line.startswith("warning: 5-gt: ubfc_rppg_1/5-gt (person 5-gt) and ubfc_rppg/subject1")
    assert "the same pulse for 48 s" in line
    assert "and the same frames for 13 s" in line
    assert "leave one of them out" in line
    assert str(second / "DATASET_1" / "5-gt") in line
    assert str(first / "DATASET_2" / "subject1") in line


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        (["ubfc_rppg_1={}"], "--beside: ubfc_rppg_1 is compared already; give each data set once"),
        (["pure={}", "pure={}"], "--beside: pure is compared already; give each data set once"),
        (["pur={}"], "did you mean"),
        (["pure={}/none"], "none: no such folder; give NAME=PATH of pure"),
    ],
)
def test_a_mistake_in_beside_is_one_line(
    beside: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "01-01").mkdir()
    options = [part for text in beside for part in ("--beside", text.format(tmp_path))]
    assert main(["data", "check", "ubfc_rppg_1", str(tmp_path), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
