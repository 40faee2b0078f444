"""A run of VIPL-HR's size with kills: python -m tests.speed.overnight FOLDER --executor local.

The tree has 2,378 short recordings (`factories/vipl_tree.py`). The run is killed and begun again
until it is done, then bundled and opened. Printed and written to FOLDER/EXECUTOR.json: planning
time, time of a recording, memory, open files, sizes.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..factories.vipl_tree import DISTINCT_FOLDS, SUBJECTS, write_vipl_tree

MB = 2**20
METHODS = "green,ica,chrom,pos,two_sr,pbv,lgi,omit,constant,contrast_phys"
SMALL = {"fs": "5.0", "high_bpm": "140.0", "width": "4", "batch": "16"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MAIN = "import sys; from rppgbench.cli import main; sys.exit(main())"
DASK = "from distributed.cli.dask_{0} import main; main()"


@dataclass
class Watch:
    """The greatest values that were seen in the processes of some sessions."""

    sessions: set[int] = field(default_factory=set)
    peaks: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        total = 0.0
        for process in self.processes():
            with suppress(OSError, ValueError, KeyError):  # a process may end meanwhile
                folder = Path(f"/proc/{process}")
                status = dict(
                    line.split(":", 1) for line in (folder / "status").read_text().splitlines()
                )
                role = "worker" if b"spawn_main" in (folder / "cmdline").read_bytes() else "parent"
                if b"dask_" in (folder / "cmdline").read_bytes():
                    role = "dask"
                own = float(status["VmHWM"].split()[0]) / 1024
                anonymous = float(status["RssAnon"].split()[0]) / 1024
                total += anonymous
                self.note(f"{role}: peak of resident memory, MB", own)
                self.note(f"{role}: peak of anonymous memory, MB", anonymous)
                self.note(f"{role}: open files", len(os.listdir(folder / "fd")))  # noqa: PTH208
        self.note("all processes: peak of anonymous memory, MB", total)

    def note(self, name: str, value: float) -> None:
        self.peaks[name] = max(self.peaks.get(name, 0.0), value)

    def processes(self) -> Iterator[int]:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError, IndexError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) in self.sessions and fields[0] != "Z":
                    yield int(stat.parent.name)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        stop = threading.Event()

        def loop() -> None:
            while not stop.wait(0.3):
                self.look()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join()


class Night:
    """One folder, one executor."""

    def __init__(self, folder: Path, executor: str, subjects: int, distinct_folds: int) -> None:
        self.folder, self.executor, self.watch = folder, executor, Watch()
        self.tree, self.out = folder / "tree", folder / f"results-{executor}"
        self.cache = folder / f"cache-{executor}"
        self.numbers: dict[str, Any] = {"executor": executor}
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        if not self.tree.is_dir():
            size = {"subjects": subjects, "distinct_folds": distinct_folds}
            self.timed("tree written, s", lambda: write_vipl_tree(self.tree, **size))

    def timed(self, name: str, act: Callable[[], Any]) -> Any:
        began, before_s = time.monotonic(), processor_s()
        result = act()
        self.numbers[name] = round(time.monotonic() - began, 2)
        self.numbers[f"{name} of processors"] = round(processor_s() - before_s, 2)
        print(f"{name}: {self.numbers[name]}", flush=True)
        return result

    def words(self) -> list[str]:
        words = ["run", "--protocol", "vipl5fold", "--data", f"vipl_hr={self.tree}"]
        words += ["--cache", str(self.cache), "--methods", METHODS, "--preset", "toy"]
        words += ["--out", str(self.out), "--device", "cpu"]
        for name, value in SMALL.items():
            words += ["--param", f"contrast_phys.{name}={value}"]
        if self.executor == "dask":
            return [*words, "--executor", "dask", "--scheduler", self.address()]
        return [*words, "--jobs", "2"]

    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def start(self, *words: str, log: str, main: str = MAIN) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", main, *words],
                stdout=file,
                stderr=file,
                start_new_session=True,
                env=os.environ | ONE_THREAD,
            )
        self.watch.sessions.add(process.pid)
        return process

    def bench(self, *words: str) -> None:
        process = self.start(*words, log=f"{self.executor}.log")
        if process.wait() not in {0, 3}:
            raise SystemExit(f"bench {' '.join(words)}: {process.returncode}; see {self.folder}")

    def serve(self) -> None:
        """Start a scheduler and two workers."""
        by_file = ("--scheduler-file", str(self.folder / "scheduler.json"))
        (self.folder / "scheduler.json").unlink(missing_ok=True)
        self.servers["scheduler"] = self.start(
            *by_file, "--port", "0", "--no-dashboard", log="dask.log", main=DASK.format("scheduler")
        )
        wait_until((self.folder / "scheduler.json").is_file)
        time.sleep(1)
        for name in ("first", "second"):
            self.start_worker(name)

    def start_worker(self, name: str) -> None:
        words = ("--scheduler-file", str(self.folder / "scheduler.json"), "--nthreads", "1")
        self.servers[name] = self.start(
            *words, "--no-nanny", "--no-dashboard", log="dask.log", main=DASK.format("worker")
        )

    def stored(self) -> int:
        import pyarrow.parquet as pq

        files = (self.out / "estimates").glob("[!.]*.parquet")
        return sum(pq.read_metadata(file).num_rows for file in files)

    def models(self) -> int:
        return len(list((self.out / "models").glob("[!.]*/model.json")))

    def kill_worker(self, run: subprocess.Popen[bytes]) -> None:
        if self.executor == "dask":
            self.servers["first"].kill()
            self.servers["first"].wait()
            self.start_worker("first")
            return
        for process in Watch({run.pid}).processes():
            if b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
                return

    def kill_run(self, run: subprocess.Popen[bytes]) -> None:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()

    def kill_parent(self, run: subprocess.Popen[bytes]) -> None:
        run.kill()
        run.wait()
        wait_until(lambda: not list(Watch({run.pid}).processes()))

    def run_with_kills(self, jobs: int) -> None:
        kills: list[tuple[str, Callable[[], bool], Any]] = [
            ("a worker", lambda: self.stored() > 0.1 * jobs, self.kill_worker),
            ("parent and workers", lambda: self.stored() > 0.3 * jobs, self.kill_run),
            ("the parent alone", lambda: self.stored() > 0.5 * jobs, self.kill_parent),
            ("parent and training", lambda: self.models() > 1, self.kill_run),
        ]
        began = time.monotonic()
        run = self.start(*self.words(), log=f"{self.executor}.log")
        for name, due, kill in kills:
            while run.poll() is None and not due():
                time.sleep(1)
            at_s = round(time.monotonic() - began)
            print(f"{at_s} s, kill -9 of {name}: {self.stored()} estimates", flush=True)
            if run.poll() is None:
                kill(run)
            if run.poll() is not None and run.returncode not in {0, 3}:
                run = self.start(*self.words(), log=f"{self.executor}.log")
        if run.wait() not in {0, 3}:
            raise SystemExit(f"the run ended with {run.returncode}; see {self.folder}")

    def stop(self) -> None:
        for server in self.servers.values():
            server.kill()
            server.wait()

    def measure(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        with self.watch.at_work():
            if self.executor == "dask":
                self.serve()
            for name in ("planned first, s", "planned again, s"):
                self.timed(name, lambda: self.bench(*self.words(), "--dry-run"))
            self.numbers["planning"] = dict(self.watch.peaks)
            self.watch.peaks.clear()
            recordings = len(list(self.tree.glob("data/*/*/*/gt_HR.csv")))
            self.timed("run with kills, s", lambda: self.run_with_kills(10 * recordings))
            self.numbers["run"] = dict(self.watch.peaks)
            self.watch.peaks.clear()
            self.timed("run again, all stored, s", lambda: self.bench(*self.words()))
            self.numbers["scoring and page"] = dict(self.watch.peaks)
            bundle = self.folder / f"{self.executor}.zip"
            bundle.unlink(missing_ok=True)
            self.timed("bundle, s", lambda: self.bench("bundle", str(self.out), "-o", str(bundle)))
            self.timed("bundle checked, s", lambda: self.bench("bundle", "--check", str(bundle)))
            page = self.folder / f"{self.executor}.html"
            opened = ("report", str(bundle), "--out", str(page))
            self.timed("page of the bundle, s", lambda: self.bench(*opened))
        self.numbers |= {
            "recordings": recordings,
            "seconds a recording": round(self.numbers["run with kills, s"] / recordings, 3),
            "page, MB": round((self.out / "report.html").stat().st_size / MB, 2),
            "bundle, MB": round(bundle.stat().st_size / MB, 2),
            "parts": len(list((self.out / "estimates").iterdir())),
            "cache, MB": round(
                sum(f.stat().st_size for f in self.cache.rglob("*") if f.is_file()) / MB
            ),
        }


def processor_s() -> float:
    """Processor time of the children that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--executor", choices=["local", "dask"], default="local")
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument("--distinct-folds", type=int, default=DISTINCT_FOLDS)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    night = Night(args.folder.absolute(), args.executor, args.subjects, args.distinct_folds)
    try:
        night.measure()
    finally:
        night.stop()
    text = json.dumps(night.numbers, indent=1)
    (night.folder / f"{args.executor}.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
