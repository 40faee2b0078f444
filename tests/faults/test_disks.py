"""Disks that are full, cannot be written, flip bits or go away: one line, and the way back."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rppgbench.store.store import Store

from .conftest import Undisturbed, run_words
from .runs import (
    all_whole,
    begin,
    bench,
    finish,
    kill_all,
    parts,
    stored_rows,
    until,
    waveforms,
)
from .training import Learned, learn_words

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform == "win32", reason="needs limits and permissions of Unix"),
]

LIMITED = (
    sys.executable,
    "-c",
    # The kernel refuses files over a size, as a disk without room does.
    "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    "os.execv(sys.argv[2], sys.argv[2:])",
)
OBEYING = (
    sys.executable,
    "-c",
    # Root passes over permissions by two capabilities (linux/capability.h: CAP_DAC_OVERRIDE 1,
    # CAP_DAC_READ_SEARCH 2); without them (prctl's PR_CAPBSET_DROP, 24) its programs obey them as
    # everybody's do. Nobody else has them to begin with.
    "import ctypes, os, sys; [ctypes.CDLL(None).prctl(24, cap, 0, 0, 0) for cap in (1, 2)]; "
    "os.execv(sys.argv[1], sys.argv[1:])",
)


def one_line(text: str, *arguments: str) -> str:
    """The one line that tells the fault; nothing of it is a traceback."""
    lines = [line for line in text.splitlines() if line.startswith("bench: ")]
    assert len(lines) == 1, text
    assert "Traceback" not in text, text
    for word in arguments:
        assert word in lines[0], lines[0]
    return lines[0]


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A disk of its own in memory; skips where none may be mounted."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    process = (
        subprocess.run(command, capture_output=True, check=False) if os.getuid() == 0 else None
    )
    if process is None or process.returncode:
        pytest.skip("needs root and mount; the limits on file sizes are tested everywhere")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize(("where", "size"), [("cache", "300k"), ("out", "80k")])
def test_a_full_disk_ends_the_run_and_more_room_finishes_it(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, where: str, size: str
) -> None:
    """A real disk that is too small: features of one person take 3 MB, a run's results 130."""
    with small_disk(tmp_path / "disk", size) as disk:
        place = {"cache": tmp_path / "cache", "out": tmp_path / "out"} | {where: disk / where}
        cache = undisturbed.cache if where == "out" else place["cache"]
        arguments = run_words(tree, cache, place["out"])
        code, _, errors = bench(*arguments)
        assert code == 2, errors
        one_line(errors, str(disk), "No space left on device")
        if where == "cache":
            all_whole(cache, place["out"])
            assert Store(place["out"]).done() == set()
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        code, _, errors = bench(*arguments)
        assert code == 0, errors
        assert waveforms(place["out"]) == undisturbed.waves
        all_whole(cache, place["out"])


@pytest.mark.parametrize("most", [20_000, 200_000, 2_000_000])
def test_files_that_may_not_grow_end_the_run_in_one_line(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, most: int
) -> None:
    """At 20 kB the first feature fails, at 200 kB a longer one, at 2 MB a video."""
    arguments = run_words(tree, tmp_path / "cache", tmp_path / "out")
    if most > 1_000_000:
        arguments = tuple(word for word in arguments if not str(word).startswith("simulated="))
        arguments = tuple(word for word in arguments if word != "--data")
        arguments = (*arguments, "--subjects", "3", "--seconds", "20")
    code, _, errors = bench(*arguments, before=(*LIMITED, str(most)))
    assert code == 2, errors
    one_line(errors, "File too large")
    if most > 1_000_000:
        assert not list((tmp_path / "cache").glob("simulated/*"))
        return
    assert Store(tmp_path / "out").done() == set()
    all_whole(tmp_path / "cache", tmp_path / "out")
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(tmp_path / "out") == undisturbed.waves


def test_a_training_without_room_goes_on_when_there_is_some(
    tree: Path, trained: Learned, tmp_path: Path
) -> None:
    arguments = learn_words(tree, trained.cache, tmp_path / "out")
    code, _, errors = bench(*arguments, before=(*LIMITED, "2000"))
    assert code == 2, errors
    one_line(errors, str(tmp_path / "out"))
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(tmp_path / "out") == trained.waves


def test_a_cache_that_may_not_be_written_is_read_all_the_same(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """What it holds is used; what it lacks ends the run in one line that names it."""
    whole, lacking = tmp_path / "whole", tmp_path / "lacking"
    shutil.copytree(undisturbed.cache, whole)
    lacking.mkdir()
    for place in (whole, lacking):
        forbid(place)
    try:
        for place in (whole, lacking):
            out = tmp_path / f"out-{place.name}"
            code, _, errors = bench(*run_words(tree, place, out), before=OBEYING)
            if place is lacking:
                assert code == 2, errors
                one_line(errors, str(place), "cannot be written: Permission denied")
                assert not (out / "estimates").exists()  # told before the first frame
            else:
                assert code == 0, errors
                assert waveforms(out) == undisturbed.waves
    finally:
        for place in (whole, lacking):
            subprocess.run(["chmod", "-R", "u+w", str(place)], check=True)


def forbid(place: Path) -> None:
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(place)], check=True)


def test_a_flipped_bit_in_the_cache_is_named_and_made_again(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(undisturbed.cache, cache)
    bad = sorted(cache.glob("features/*/*/base/rgb.npy"))[0]
    flip(bad)
    before = {f: f.stat().st_mtime_ns for f in cache.glob("features/*/*/base/rgb.npy") if f != bad}
    code, _, errors = bench(*run_words(tree, cache, tmp_path / "out"))
    assert code == 0, errors
    named = [line for line in errors.splitlines() if "does not agree with its checksum" in line]
    assert len(named) == 1, errors
    assert str(bad.parent) in named[0]
    assert "deleted, extracted again" in named[0]
    assert waveforms(tmp_path / "out") == undisturbed.waves
    all_whole(cache, tmp_path / "out")
    assert {f: f.stat().st_mtime_ns for f in before} == before  # the others were not made again


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_flipped_bit_in_a_model_is_named_and_no_estimate_made_by_it(
    tree: Path, trained: Learned, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    arguments = learn_words(tree, trained.cache, out)
    run = begin(*arguments)
    assert until(lambda: bool(list(out.glob("models/[!.]*/model.json"))), run)
    kill_all(run)
    model = sorted(out.glob("models/[!.]*/model.json"))[0].parent
    shutil.rmtree(out / "estimates")
    flip(model / name)
    code, _, errors = bench(*arguments)
    assert code == 2, errors
    one_line(errors, str(model), "delete the folder to learn it again")
    shutil.rmtree(model)
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == trained.waves


def test_a_flipped_bit_in_the_store_is_named_by_every_command(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed.out, out)
    bad = sorted((out / "estimates").iterdir())[1]
    flip(bad)
    for words in (("report", out), run_words(tree, undisturbed.cache, out)):
        code, _, errors = bench(*words)
        assert code == 2, errors
        one_line(errors, str(bad), "damaged", "delete it and run the protocol again")
    bad.unlink()
    code, _, errors = bench(*run_words(tree, undisturbed.cache, out))
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves


def flip(file: Path) -> None:
    """One bit in the middle of a file."""
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def test_a_store_of_a_newer_version_is_left_alone(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed.out, out)
    manifest = out / "manifest.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(facts | {"format": facts["format"] + 1, "new": [1]}))
    held = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    for words in (
        run_words(tree, undisturbed.cache, out),
        ("report", out),
        ("decompose", out),
        ("compare", out, undisturbed.out),
        ("rerun-check", out),
    ):
        code, _, errors = bench(*words)
        assert code == 2, errors
        one_line(errors, str(manifest), "newer version", "update rppgbench")
    now = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    now.pop(out / ".lock", None)
    held.pop(out / ".lock", None)
    assert now == held


def test_of_two_runs_on_one_store_one_works_and_nothing_is_done_twice(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    arguments = run_words(tree, tmp_path / "cache", tmp_path / "out")
    runs = [begin(*arguments), begin(*arguments)]
    ends = sorted(finish(run) for run in runs)
    assert ends[0][0] == 0, ends
    if ends[1][0] == 0:  # the second began when the first had ended: it found everything
        assert "were stored already" in ends[1][1]
    else:
        assert ends[1][0] == 2
        line = one_line(ends[1][2], str(tmp_path / "out"), "another run is at work here")
        assert str(min(run.pid for run in runs)) in line or str(runs[1].pid) in line
    assert waveforms(tmp_path / "out") == undisturbed.waves
    assert stored_rows(tmp_path / "out") == len(undisturbed.waves)
    all_whole(tmp_path / "cache", tmp_path / "out")


def test_two_runs_with_one_cache_do_not_harm_each_other(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    outs = [tmp_path / "one", tmp_path / "other"]
    runs = [begin(*run_words(tree, tmp_path / "cache", out)) for out in outs]
    for out, run in zip(outs, runs, strict=True):
        code, _, errors = finish(run)
        assert code == 0, errors
        assert waveforms(out) == undisturbed.waves
        all_whole(tmp_path / "cache", out, swept=False)


def test_files_out_of_the_future_change_nothing(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """What a clock that jumped back leaves: files that were written in a year's time."""
    cache, out = tmp_path / "cache", tmp_path / "out"
    arguments = run_words(tree, cache, out)
    run = begin(*arguments)
    assert until(lambda: parts(out) >= 2, run)
    kill_all(run)
    later = time.time() + 365 * 86400
    for file in (*out.rglob("*"), *cache.rglob("*")):
        os.utime(file, (later, later))
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves
    all_whole(cache, out)


def test_the_last_that_was_seen_counts_whatever_the_clock_said(tmp_path: Path) -> None:
    """A recording that failed and was repaired, seen in this order by a clock that goes back."""
    from dataclasses import replace

    from ..factories import stores as made_store

    estimates = made_store.estimates(methods=["pos"])
    store = made_store.write(tmp_path / "out", estimates)
    one = next(iter(store.observed().values()))
    for reason in ("the disk was gone", "the cable was loose", ""):
        again = Store(tmp_path / "out")
        again.begin(made_store.manifest({"pos": {}}, ["skin"]), [e.job for e in estimates])
        again.add_observed([replace(one, reason=reason)])
    files = sorted((tmp_path / "out" / "recordings").iterdir(), key=lambda f: f.stat().st_mtime_ns)
    for age, file in enumerate(files):
        os.utime(file, (1e9 - age, 1e9 - age))
    key = (one.dataset, one.recording, one.condition)
    assert Store(tmp_path / "out").observed()[key].reason == ""


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs libfaketime (apt: faketime)")
def test_a_clock_that_jumps_back_changes_nothing(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """The first half runs in the year 2030, the rest in 2001, and its clock stands still.

    Only the clock of the day does: Python's own pool of processes waits by the monotonic one, and
    would wait for ever on one that stood still, which no machine's does.
    """
    fake = ("faketime", "--exclude-monotonic", "-f")
    cache, out = tmp_path / "cache", tmp_path / "out"
    arguments = run_words(tree, cache, out)
    run = begin(*arguments, before=(*fake, "@2030-01-01 00:00:00"))
    assert until(lambda: parts(out) >= 2, run)
    kill_all(run)
    code, _, errors = bench(*arguments, before=(*fake, "2001-01-01 00:00:00"))
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves
    all_whole(cache, out)


@pytest.mark.parametrize("how", ["renamed", "emptied"])
def test_a_data_root_that_disappears_ends_the_run_and_its_return_finishes_it(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, how: str
) -> None:
    """No recording fails for it, as none is at fault."""
    root, away = tmp_path / "data", tmp_path / "away"
    shutil.copytree(tree, root)
    cache, out = tmp_path / "cache", tmp_path / "out"
    arguments = run_words(root, cache, out)
    run = begin(*arguments)
    assert until(lambda: any(cache.glob("features/*/.*/base/rgb.npy")), run)
    if how == "renamed":
        root.rename(away)
    else:  # a disk that was taken off leaves the folder that it was mounted on
        away.mkdir()
        for entry in list(root.iterdir()):
            entry.rename(away / entry.name)
    code, _, errors = finish(run)
    assert code == 2, errors
    one_line(errors, str(root), "gone")
    stored = list(Store(out).estimates())
    assert len(stored) < len(undisturbed.waves)
    assert not any(one.reason for one in stored)
    code, _, errors = bench(*arguments)  # still away
    assert code == 2, errors
    one_line(errors, str(root))
    if how == "renamed":
        away.rename(root)
    else:
        for entry in list(away.iterdir()):
            entry.rename(root / entry.name)
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves


def test_a_root_that_disappears_before_a_training_leaves_no_model_of_fewer(
    tree: Path, trained: Learned, tmp_path: Path
) -> None:
    """A model that was to learn from three people is not learned from the two that are there."""
    root, cache, out = tmp_path / "data", tmp_path / "cache", tmp_path / "out"
    shutil.copytree(tree, root)
    arguments = learn_words(root, cache, out)
    run = begin(*arguments)
    assert until(lambda: len(list(cache.glob("features/*/[!.]*/base"))) >= 2, run)
    (root / "02").rename(tmp_path / "02")
    (root / "03").rename(tmp_path / "03")
    code, _, errors = finish(run)
    assert code == 2, errors
    one_line(errors, "gone")
    assert not list(out.glob("models/[!.]*/model.json"))
    (tmp_path / "02").rename(root / "02")
    (tmp_path / "03").rename(root / "03")
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == trained.waves


def test_a_video_that_is_replaced_while_it_is_read_is_not_kept(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """Half of one and half of another are features of neither."""
    root, cache, out = tmp_path / "data", tmp_path / "cache", tmp_path / "out"
    shutil.copytree(tree, root)
    arguments = run_words(root, cache, out, "--jobs", "1")
    run = begin(*arguments)
    assert until(lambda: any(cache.glob("features/*/.*/base/rgb.npy")), run)
    videos = sorted(root.glob("*/video.mp4"))
    kept = {video: video.read_bytes() for video in videos}
    for video in videos:
        video.write_bytes(kept[video][: len(kept[video]) // 2])
    code, _, errors = finish(run)
    assert code == 2, errors
    assert "changed" in one_line(errors, "run this again")
    for video in videos:
        video.write_bytes(kept[video])
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves
