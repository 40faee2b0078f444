"""open-rppg's pretrained networks, in a process of their own.

open-rppg 0.1.1 (github KegangWangCCNU/open-rppg) is called as it was installed, through its public
`Model`: it brings JAX, Keras, ONNX Runtime and another OpenCV, a gigabyte in all. So it may live in
an environment of its own, whose Python `RPPGBENCH_OPEN_RPPG_PYTHON` names; else it is looked for in
this one. Either way it runs in a process beside this one, which loads each network once.

Its pictures come from the crop rule `open_rppg`, its own rule for boxes. It takes 30 pictures a
second: at another rate it repeats or leaves out pictures, as it does with videos.
"""

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.method import Method, method
from rppgbench.core.waveform import Waveform
from rppgbench.system.errors import BenchError, NoPulseError

PYTHON = "RPPGBENCH_OPEN_RPPG_PYTHON"
PACKAGES = ("open-rppg", "keras", "jax", "numpy")
LICENCE = (
    "code MIT; weights under the terms of the model's authors, "
    "which open-rppg claims no right to pass on"
)


def installed() -> None:
    """Return where there is a Python that should have open-rppg; BenchError says what to do."""
    _python()


def _python() -> str:
    named = os.environ.get(PYTHON, "")
    if named and not Path(named).is_file():
        raise BenchError(f"{PYTHON}: {named} is no file; name the Python that has open-rppg")
    if not named and importlib.util.find_spec("rppg") is None:
        raise BenchError(
            f"needs open-rppg: pip install 'rppgbench[open-rppg]', or set {PYTHON} to the Python "
            "of an environment that has it"
        )
    return named or sys.executable


def versions() -> dict[str, str]:
    """Versions of open-rppg and of what it computes with."""
    return dict(_versions(_python()))


@cache
def _versions(python: str) -> dict[str, str]:
    code = (
        "import json, sys; from importlib.metadata import version; "
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [python, "-c", code, *PACKAGES], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{python}: has no open-rppg: {_last_line(done.stderr)}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def pretrained(home: str, model: str, *, title: str, cite: str, crop: str, takes: str) -> Method:
    """Declare one of open-rppg's networks with its weights; BenchError says how to install it.

    Args:
        home: `__name__` of the module that declares it: the method bears its last part.
        model: open-rppg's own name, NETWORK.DATASET: the data set is what the weights saw.
        title: the network's name in tables.
        cite: its publication.
        crop: rule by which open-rppg cuts the face out for it.
        takes: what it takes at a time, in words.
    """
    installed()
    learned_on = model.partition(".")[2]

    def estimate(clip: Waveform, *, crop: str = crop, processed: bool = False) -> Waveform:
        return pulse(model, clip, processed=processed)

    estimate.__module__, estimate.__name__ = home, home.rpartition(".")[2]
    estimate.__doc__ = f"""open-rppg's model `{model}`: pictures (T, S, S, 3) to a pulse (T',).

    It takes {takes} at 30 a second.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        NoPulseError: the stretch is shorter than what it takes at a time, or gives no numbers.
    """
    declare = method(
        f"{title} (open-rppg, learned on {learned_on.upper()})",
        cite,
        "clip",
        trained_on=(learned_on,),
        licence=LICENCE,
        versions=versions,
    )
    return declare(estimate)


def pulse(model: str, clip: Waveform, *, processed: bool = False) -> Waveform:
    """The pulse of one of open-rppg's models: pictures (T, S, S, 3) uint8 to (T',) at its own rate.

    `processed` applies open-rppg's band-pass and its levelling of the beats, as its own heart rates
    do; else it is the network's output (summed up and detrended where that is a derivative).
    What follows a value that is not a number is left out. NoPulseError where the stretch is shorter
    than the network's block, or no two seconds are numbers; BenchError where open-rppg fails.
    """
    head, body = _server(_python(), os.getpid()).ask(
        {
            "model": model,
            "shape": list(clip.samples.shape),
            "fs": clip.fs,
            "processed": processed,
        },
        np.ascontiguousarray(clip.samples, np.uint8).tobytes(),
    )
    if "fault" in head:
        raise BenchError(f"open-rppg's {model} breaks down: {head['fault']}")
    if "error" in head:
        raise NoPulseError(f"open-rppg's {model} {head['error']}")
    samples = np.frombuffer(body, np.float64)
    if not np.isfinite(samples).all():
        raise NoPulseError(f"open-rppg's {model} gives values that are not numbers here")
    return Waveform(samples, head["fs"], clip.start_s)


class _Server:
    """The process that has open-rppg; it ends when this one does."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        script = Path(__file__).with_name("open_rppg_server.py")
        self._process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,  # Ctrl-C is for us; it ends with its input
        )
        atexit.register(self.close)

    def ask(self, question: dict[str, Any], pixels: bytes) -> tuple[dict[str, Any], bytes]:
        """Question and pictures in, answer and pulse out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n" + pixels)
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            _server.cache_clear()
            self.close()
            self._said.seek(0)
            said = _last_line(self._said.read().decode(errors="replace"))
            raise BenchError(f"{self._python}: open-rppg's process ended: {said}")
        head: dict[str, Any] = json.loads(line)
        return head, self._process.stdout.read(8 * head.get("length", 0))

    def close(self) -> None:
        """End the process, by force where it does not end with its input."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@cache
def _server(python: str, process: int) -> _Server:
    """One server a process: a fork must not write into its parent's pipe."""
    return _Server(python)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
