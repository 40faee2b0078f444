"""A sweep whose disk fills in the middle: one line, nothing half-written, and the way back."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rppgbench.core.recording import VideoSource
from rppgbench.video.stream import open_video

from .runs import Waves, all_whole, bench, stored_rows, waveforms
from .test_disks import one_line, small_disk

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform == "win32", reason="needs mounts of Unix"),
]

SECONDS, FRAMES = 11, 330
CONDITIONS: dict[str, tuple[str, dict[str, str | int | float]]] = {
    "raw": ("none", {}),
    "crf_12": ("compression", {"codec": "libx264", "preset": "ultrafast", "crf": 12}),
    "crf_30": ("compression", {"codec": "libx264", "preset": "ultrafast", "crf": 30}),
    "slow": ("frame_rate", {"fps_out": 15.0}),
}


@dataclass(frozen=True)
class Sweep:
    """A sweep over two people, what it gives undisturbed, and what its files come to."""

    words: tuple[str | Path, ...]
    waves: Waves
    cache_bytes: int
    videos_bytes: int

    def run(self, cache: Path, out: Path, videos: Path) -> tuple[str | Path, ...]:
        """The command, with these folders."""
        return (*self.words, "--cache", cache, "--out", out, "--keep-videos", videos)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    base = tmp_path_factory.mktemp("sweep")
    people = ("--subjects", "2", "--seconds", str(SECONDS), "--seed", "1")
    code, _, errors = bench("simulate", "video_folder", "--out", base / "people", *people)
    assert code == 0, errors
    shipped = Path(__file__).parents[2] / "protocols" / "videos_crf.toml"
    head = shipped.read_text(encoding="utf-8").split("[[conditions]]")[0]
    tables = [
        f"[[conditions]]\nname = {json.dumps(name)}\nkind = {json.dumps(kind)}\nparams = {{ "
        + ", ".join(f"{key} = {json.dumps(value)}" for key, value in params.items())
        + " }\n"
        for name, (kind, params) in CONDITIONS.items()
    ]
    (base / "plugins" / "protocols").mkdir(parents=True)
    (base / "plugins" / "protocols" / "small_sweep.toml").write_text(head + "\n".join(tables))
    arguments = (
        *("run", "--protocol", "small_sweep", "--plugins", base / "plugins"),
        *("--methods", "pos,green", "--data", f"video_folder={base / 'people'}"),
    )
    whole = Sweep(arguments, {}, 0, 0)
    code, _, errors = bench(*whole.run(base / "cache", base / "out", base / "videos"))
    assert code == 0, errors
    sizes = [
        sum(file.stat().st_size for file in (base / name).rglob("*") if file.is_file())
        for name in ("cache", "videos")
    ]
    return Sweep(arguments, waveforms(base / "out"), *sizes)


@pytest.mark.parametrize("where", ["cache", "videos"])
def test_a_disk_that_fills_in_the_middle_of_a_sweep(
    sweep: Sweep, tmp_path: Path, where: str
) -> None:
    """The disk holds the first person and part of the second, which the first half pays for."""
    needed = sweep.cache_bytes if where == "cache" else sweep.videos_bytes
    with small_disk(tmp_path / "disk", str(int(0.7 * needed))) as disk:
        places = {name: tmp_path / name for name in ("cache", "out", "videos")}
        places[where] = disk / where
        code, _, errors = bench(*sweep.run(**places))
        assert code == 2, errors
        one_line(errors, str(disk), "No space left on device", "make room")
        assert 0 < stored_rows(places["out"]) < len(sweep.waves)  # what was done stays
        all_whole(places["cache"], places["out"])
        assert not list(places["videos"].rglob(".*"))
        for video in places["videos"].rglob("crf_*.mkv"):
            with open_video(VideoSource(video)) as reader:
                assert sum(1 for _ in reader) == FRAMES
        subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
        code, _, errors = bench(*sweep.run(**places))
        assert code == 0, errors
        assert waveforms(places["out"]) == sweep.waves
        all_whole(places["cache"], places["out"])
        kept = {str(v.relative_to(places["videos"])) for v in places["videos"].rglob("crf_*.mkv")}
        assert len(kept) == 4
