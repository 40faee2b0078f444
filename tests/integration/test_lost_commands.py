"""Code of others that ends, keeps or doubles a command: the command says so, or goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rppgbench.cli import _calls_others
from rppgbench.cli.commands import parser
from rppgbench.system.supervisor import can_supervise

from ..faults.runs import BENCH

HEAD = """import ctypes, os, sys, threading, time
from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
"""
DECLARED = '@method("X", "t")\ndef mine(trace):\n    """(T,)"""\n    {body}\n'
PULSE = "return Waveform(-trace.samples[:, 1], trace.fs, trace.start_s)"
PATIENCE_S = 60.0

needs_fork = pytest.mark.skipif(not can_supervise(), reason="needs fork and sigwaitinfo")


def written(folder: Path, text: str, body: str = PULSE) -> Path:
    """A plug-in with one method."""
    (folder / "methods").mkdir()
    (folder / "methods/mine.py").write_text(HEAD + text + DECLARED.format(body=body))
    return folder


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rppgbench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("os._exit(0)\n", True),
        pytest.param("ctypes.CDLL(None)._exit(0)\n", False, marks=needs_fork),
        pytest.param("os.execv(sys.executable, ['python', '-c', ''])\n", False, marks=needs_fork),
        ("threading.Thread(target=time.sleep, args=(1000,)).start()\n", True),
    ],
    ids=["os._exit", "C", "exec", "thread"],
)
def test_a_plug_in_neither_ends_nor_keeps_the_command(
    text: str, lists: bool, tmp_path: Path
) -> None:
    process = bench("list", "methods", "--plugins", written(tmp_path, text))
    if lists:
        assert process.returncode == 0
        assert "mine" in process.stdout
        assert "pos" in process.stdout
    else:
        assert process.returncode == 2
        assert "the import of" in process.stderr
        assert "mine.py ended its process (exit code 0)" in process.stderr


@needs_fork
def test_a_method_that_ends_the_process_in_c_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path, "", "ctypes.CDLL(None)._exit(0)")
    process = bench("check", folder / "methods/mine.py")
    assert process.returncode == 2
    assert "ended its process (exit code 0), and the command with it" in process.stderr


def test_what_a_method_prints_through_c_is_no_part_of_the_answer(tmp_path: Path) -> None:
    prints = "ctypes.CDLL(None).puts(b'from C'); os.write(1, b'from 1'); print('from Python')"
    folder = written(tmp_path, "", f"{prints}; {PULSE}")
    process = bench("check", folder / "methods/mine.py", "--json")
    assert process.stdout.startswith("{")
    for words in ("from C", "from 1", "from Python"):
        assert words not in process.stdout
        assert words in process.stderr


def test_a_method_that_forks_and_comes_back_in_the_child_answers_once(tmp_path: Path) -> None:
    folder = written(tmp_path, "", f"os.fork(); {PULSE}")
    process = bench("check", folder / "methods/mine.py", "--json")
    assert process.stdout.count('"name": "mine"') == 1


@needs_fork
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_command_alone_ends_its_child_too(
    sent: signal.Signals, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    text = f"open({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)\n"
    command = [sys.executable, "-c", BENCH, "list", "--plugins", str(written(tmp_path, text))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + PATIENCE_S
        while not (note.exists() and note.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        child = int(note.read_text())
        assert child != process.pid
        process.send_signal(sent)
        assert process.wait(PATIENCE_S) != 0
    while time.monotonic() < until and _lives(child):
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_command_without_code_of_others_is_not_supervised() -> None:
    arguments = [["report", "results"], ["list"], ["predict", "face.mp4"], ["check", "pos"]]
    assert not [w for w in arguments if _calls_others(parser().parse_args(w))]
    others = [["list", "--plugins", "somewhere"], ["check", "mine.py"]]
    assert all(_calls_others(parser().parse_args(w)) for w in others)
