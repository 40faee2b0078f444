"""A disk that cannot read part of a file: one line that names it, and no row for it.

The disk is the kernel's answer to `read`, changed by a library that is loaded first (LD_PRELOAD);
the suite itself and FFmpeg's libraries are as they are.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from rppgbench.running.store import Store

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
#include <unistd.h>

/* Reading what lies behind BAD_FROM bytes of the file BAD_FILE fails as a bad sector does. */
static int bad(int fd, size_t size) {
    const char *file = getenv("BAD_FILE"), *from = getenv("BAD_FROM");
    char link[64], name[4096];
    if (!file || !from) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    return !strcmp(name, file) && lseek(fd, 0, SEEK_CUR) + (long)size > atol(from);
}

ssize_t read(int fd, void *to, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    if (bad(fd, size)) { errno = EIO; return -1; }
    return real(fd, to, size);
}
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
    words = [compiler, "-shared", "-fPIC", "-o", str(made), str(place / "bad_sector.c"), "-ldl"]
    subprocess.run(words, check=True)
    return made


@pytest.mark.parametrize("when", ["when it is first read", "while it is decoded"])
def test_a_bad_sector_ends_the_run_and_leaves_no_row(
    tree: Path, undisturbed: Undisturbed, tmp_path: Path, library: Path, when: str
) -> None:
    """Its content is known where only the decoder reads it; FFmpeg takes the fault for an end."""
    cache, out = tmp_path / "cache", tmp_path / "out"
    if when == "while it is decoded":
        shutil.copytree(undisturbed.cache / "digests", cache / "digests")
    bad = sorted(tree.glob("*/video.mp4"))[1].resolve()
    env = {
        "LD_PRELOAD": str(library),
        "BAD_FILE": str(bad),
        "BAD_FROM": str(bad.stat().st_size // 2),
    }
    words = run_words(tree, cache, out)
    code, _, said = bench(*words, env=env)
    assert code == 2, said
    lines = [line for line in said.splitlines() if line.startswith("bench: ")]
    assert len(lines) == 1, said
    assert f"{bad}: the disk could not read it (Input/output error)" in lines[0]
    assert "Traceback" not in said
    assert bad.parent.name not in {one.recording for one in Store(out).estimates()}
    code, _, said = bench(*words)
    assert code == 0, said
    assert waveforms(out) == undisturbed.waves
    all_whole(cache, out)
