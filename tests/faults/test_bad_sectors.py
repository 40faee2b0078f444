"""A disk that cannot read part of a file: one line that names it, and no row for it.

The disk is the kernel's answer to `read` and `pread`, changed by a library that is loaded first
(LD_PRELOAD); the suite itself and FFmpeg's, HDF5's and scipy's libraries are as they are.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rppgbench.store.store import Store

from ..factories import trees
from .conftest import Undisturbed, run_words
from .runs import all_whole, bench, waveforms

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds names in /proc"),
]

BAD_SECTOR = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading bytes from BAD_FROM on (to BAD_TO) of the file BAD_FILE fails as a bad sector does;
   with BAD_TIME, only of the file that was changed then: one that takes its place is sound. */
static int bad(int fd, off_t at, size_t size) {
    const char *file = getenv("BAD_FILE"), *from = getenv("BAD_FROM"), *to = getenv("BAD_TO");
    const char *when = getenv("BAD_TIME");
    char link[64], name[4096];
    struct stat state;
    if (!file || !from) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    if (when && (fstat(fd, &state) || state.st_mtime != atol(when))) return 0;
    if (to && at >= atol(to)) return 0;
    return !strcmp(name, file) && at + (long)size > atol(from);
}

ssize_t read(int fd, void *to, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    if (bad(fd, lseek(fd, 0, SEEK_CUR), size)) { errno = EIO; return -1; }
    return real(fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t at) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real) real = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    if (bad(fd, at, size)) { errno = EIO; return -1; }
    return real(fd, to, size, at);
}

ssize_t pread64(int fd, void *to, size_t size, off_t at) { return pread(fd, to, size, at); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, compiled; skips where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    place = tmp_path_factory.mktemp("bad_sector")
    (place / "bad_sector.c").write_text(BAD_SECTOR)
    made = place / "bad_sector.so"
    arguments = [compiler, "-shared", "-fPIC", "-o", str(made), str(place / "bad_sector.c"), "-ldl"]
    subprocess.run(arguments, check=True)
    return made


@pytest.mark.parametrize("when", ["at the plan", "while it is decoded"])
def test_a_bad_sector_ends_the_run_and_leaves_no_row(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, library: Path, when: str
) -> None:
    """A plan reads a video whole, once, for the digest of its content.

    Where that is known, only the decoder reads it, and FFmpeg takes the fault for an end.
    """
    cache, out = tmp_path / "cache", tmp_path / "out"
    if when == "while it is decoded":
        shutil.copytree(undisturbed.cache / "digests", cache / "digests")
    bad = sorted(tree.glob("*/video.mp4"))[1].resolve()
    half = bad.stat().st_size // 2
    env = {"LD_PRELOAD": str(library), "BAD_FILE": str(bad), "BAD_FROM": str(half)}
    if when != "at the plan":
        env["BAD_TO"] = str(half + 4096)
    arguments = run_words(tree, cache, out)
    code, _, errors = bench(*arguments, env=env)
    assert code == 2, errors
    lines = [line for line in errors.splitlines() if line.startswith("bench: ")]
    assert len(lines) == 1, errors
    assert f"{bad}: the disk could not read it (Input/output error)" in lines[0]
    assert "Traceback" not in errors
    if when == "at the plan":
        assert not out.exists()
    else:
        assert bad.parent.name not in {one.recording for one in Store(out).estimates()}
    code, _, errors = bench(*arguments)
    assert code == 0, errors
    assert waveforms(out) == undisturbed.waves
    all_whole(cache, out)


ASKED = """
import json, os, sys, warnings
from functools import partial
from pathlib import Path
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.fingerprint import fingerprint_line
from rppgbench.extraction.content_digest import content_digest
from rppgbench.video.stream import open_video, sample_frames

warnings.simplefilter("ignore")


def all_frames(recording):
    with open_video(recording.video()) as reader:
        for frame in reader:
            pass


def answer(question):
    try:
        question()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "read"


def answers(dataset, root, recording):
    return {
        "labels": answer(recording.ground_truth),
        "folds": answer(lambda: dataset.folds and dataset.folds(root)),
        "frames": answer(partial(all_frames, recording)),
        "three frames": answer(lambda: sample_frames(recording.video())),
        "fingerprint": answer(partial(fingerprint_line, recording)),
        "content": answer(lambda: content_digest(recording.video())),
    }


def disturbed(dataset, root, begin):
    os.environ.pop("BAD_FILE", None)
    recordings = dataset.recordings(root)
    recording = next(r for r in recordings if all(file.is_file() for file in r.files))
    found = {"": answers(dataset, root, recording)}
    for file in [*recording.files, *root.glob("fold/*")]:
        os.environ["BAD_FILE"] = str(file.resolve())
        os.environ["BAD_FROM"] = str(int(begin * file.stat().st_size))
        os.utime(file)  # what was read of it before is forgotten
        found[str(file)] = answers(dataset, root, recording)
    return found


print(json.dumps({
    folder.name: {begin: disturbed(load_datasets().available[folder.name], folder, float(begin))
                  for begin in ("0", "0.5")}
    for folder in Path(sys.argv[1]).iterdir()
}))
"""


Answers = dict[str, dict[str, dict[str, dict[str, str]]]]
"""By data set, where the bad part begins, file, and question."""


@pytest.fixture(scope="module")
def answers(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What readers say of a recording of each set, one of its files after the other being bad."""
    root = tmp_path_factory.mktemp("sets")
    for name, write in trees.WRITERS.items():
        (root / name).mkdir()
        write(root / name)
    env = os.environ | {"LD_PRELOAD": str(library)}
    arguments = [sys.executable, "-c", ASKED, str(root)]
    process = subprocess.run(arguments, env=env, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    answer: Answers = json.loads(process.stdout)
    return answer


@pytest.mark.parametrize("begin", ["0", "0.5"])
@pytest.mark.parametrize("name", sorted(trees.WRITERS))
def test_every_reader_of_a_data_set_names_the_file(answers: Answers, name: str, begin: str) -> None:
    """Text, JSON, XML, MAT, HDF5, images and videos: none is called damaged, missing or short."""
    result = answers[name][begin]
    sound, files = result[""], [file for file in result if file]
    assert files
    for file in files:
        text = result[file]
        line = (
            f"MachineError: {file}: the disk could not read it (Input/output error); "
            "run this again when it can, or copy the file from elsewhere first"
        )
        for question, answer in text.items():
            assert answer in {sound[question], line}, question
        if file.endswith(".bdf") and begin != "0":
            continue  # EDFlib reads by streams of the C library, which call no `read` of ours
        assert line in {text["labels"], text["frames"], text["folds"]}


def test_features_on_a_bad_sector_are_named_and_made_again(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, library: Path
) -> None:
    """They can be made again from the video, so nothing ends for it; the others are not touched."""
    cache = tmp_path / "cache"
    shutil.copytree(undisturbed.cache, cache)
    bad, *others = (f.resolve() for f in sorted(cache.glob("features/*/*/base/landmarks.npy")))
    before = {f: f.stat().st_mtime_ns for f in others}
    os.utime(bad, (1e9, 1e9))
    half = str(bad.stat().st_size // 2)
    env = {"LD_PRELOAD": str(library), "BAD_FILE": str(bad), "BAD_FROM": half}
    env |= {"BAD_TIME": "1000000000"}
    code, _, errors = bench(*run_words(tree, cache, tmp_path / "out"), env=env)
    assert code == 0, errors
    (named,) = [line for line in errors.splitlines() if "deleted, extracted again" in line]
    assert str(bad.parent) in named
    assert "Input/output error" in named
    assert waveforms(tmp_path / "out") == undisturbed.waves
    assert {f: f.stat().st_mtime_ns for f in others} == before
