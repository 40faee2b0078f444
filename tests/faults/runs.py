"""Runs of the command in processes of their own, and what they left on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.model_files import read_model
from rppgbench.extraction.array_files import array_sha256, read_array
from rppgbench.extraction.verified_files import VERIFIED
from rppgbench.store.store import Store

BENCH = (
    "import signal, sys; from rppgbench.cli import main; "
    # what started us may ignore Ctrl-C, as a shell does for what runs in the background
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "sys.exit(main())"
)
LONG_S = 600.0
"""After this a run counts as hanging: ten times what the longest takes on two busy cores."""

Waves = dict[str, tuple[bytes, float, float]]


def begin(
    *arguments: str | Path, before: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `bench WORDS` in a session of its own, so that all its processes can be killed."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", BENCH, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (env or {}),
    )


def finish(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was said on standard error."""
    out, err = run.communicate(timeout=LONG_S)
    return run.returncode, out, err


def bench(*arguments: str | Path, **more: Any) -> tuple[int, str, str]:
    """Run `bench WORDS` to its end."""
    return finish(begin(*arguments, **more))


def until(seen: Callable[[], bool], run: subprocess.Popen[str]) -> bool:
    """Wait until something is seen; False where the run ended before."""
    deadline = time.monotonic() + LONG_S
    while run.poll() is None:
        if seen():
            return True
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.01)
    return False


def under(parent: int) -> list[int]:
    """The processes that `parent` began, from /proc."""
    collected = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            collected.append(int(status.parent.name))
    return collected


def workers(parent: int) -> list[int]:
    """Those of them that work: the one that only counts shared resources is none."""
    return [p for p in under(parent) if b"spawn_main" in _command(p)]


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def kill_all(run: subprocess.Popen[str]) -> None:
    """kill -9 of a run and everything under it."""
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=LONG_S)


def waveforms(out: Path) -> Waves:
    """Every stored waveform by its job, to the bit; none is missing, none is there twice."""
    store, by_name = Store(out), {}
    for one in store.estimates():
        assert one.waveform is not None, one.reason
        samples = np.ascontiguousarray(one.waveform.samples).tobytes()
        assert one.job not in by_name
        by_name[one.job] = (samples, one.waveform.fs, one.waveform.start_s)
    assert store.missing() == 0
    return by_name


def stored_rows(out: Path) -> int:
    """How many estimates the parts hold, each as often as it was made."""
    import pyarrow.parquet as pq

    files = (out / "estimates").glob("*.parquet")
    return sum(pq.read_metadata(file).num_rows for file in files)


def parts(out: Path) -> int:
    """How many parts of estimates there are by now."""
    return len(list((out / "estimates").glob("*.parquet"))) if out.is_dir() else 0


def all_whole(cache: Path, out: Path, *, swept: bool = True) -> None:
    """No file of a cache or store is half-written: each fits its checksum.

    Drafts begin with a dot and are read by nobody; with `swept` there are none of them either.
    """
    for entry in cache.glob("features/*/*"):
        if entry.name.startswith("."):
            continue
        for folder in (f for f in entry.iterdir() if f.is_dir()):
            facts = json.loads((folder / "facts.json").read_text())
            assert facts["sha256"], folder
            for name, checksum in facts["sha256"].items():
                assert array_sha256(read_array(folder / f"{name}.npy")) == checksum
    for note in (file for file in cache.glob("digests/**/[!.]*") if file.is_file()):
        text = note.read_text()
        if note.parents[1].name == VERIFIED:  # the state of the files of a folder
            assert (text[:2], text[-2:]) == ("[(", ")]"), note
        else:
            assert len(text) == 64, note
    store = Store(out)
    if (out / "manifest.json").exists():
        store.manifest["protocol"]
        store.planned()
        store.done()  # every part fits the checksum in its name
        store.observed()
    for folder in (out / "models").glob("[!.]*"):
        if not folder.name.endswith("-training"):
            read_model(folder)
    if swept:
        drafts = [*cache.glob("features/*/.*"), *cache.glob("simulated/.*")]
        drafts += [*out.glob("[!.]*/.*"), *out.glob(".partial*")]
        assert not drafts
