"""Declare open-rppg's pretrained networks and run them in a subprocess.

open-rppg 0.1.1 (github KegangWangCCNU/open-rppg) is called as it was installed, through its public
`Model`. It installs JAX, Keras, ONNX Runtime and another OpenCV, a gigabyte in all, so it may be
installed in an environment of its own. The environment variable `RPPGBENCH_OPEN_RPPG_PYTHON` names
the Python of that environment; without the variable, open-rppg is looked for in this environment.
In both cases open-rppg runs in a subprocess, which loads each network once.

The frames come from the crop rule `open_rppg`, which is open-rppg's rule for face boxes. open-rppg
works at 30 frames a second: at another rate it repeats or drops frames, as it does with videos.
"""

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.method import Method, method
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.system.errors import BenchError, NoPulseError

PYTHON = "RPPGBENCH_OPEN_RPPG_PYTHON"
PACKAGES = ("open-rppg", "keras", "jax", "numpy")
LICENCE = (
    "code MIT; weights under the terms of the model's authors, "
    "which open-rppg claims no right to pass on"
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """One of open-rppg's networks, without its weights.

    Attributes:
        title: name in tables.
        cite: publication.
        crop: rule by which open-rppg cuts out the face for this network.
        reads: how many frames the network reads at a time, as the end of "It reads ...".
        note: a further remark for the method's docstring.
    """

    title: str
    cite: str
    crop: str
    reads: str
    note: str = ""


def check_installed() -> None:
    """Return if there is a Python that may have open-rppg; BenchError says what to install."""
    _find_python()


def _find_python() -> str:
    configured = os.environ.get(PYTHON, "")
    if configured and not Path(configured).is_file():
        raise BenchError(f"{PYTHON}: {configured} is no file; name the Python that has open-rppg")
    if not configured and importlib.util.find_spec("rppg") is None:
        raise BenchError(
            f"needs open-rppg: pip install 'rppgbench[open-rppg]', or set {PYTHON} to the Python "
            "of an environment that has it"
        )
    return configured or sys.executable


def versions() -> dict[str, str]:
    """Versions of open-rppg and of the packages that it computes with."""
    return dict(_query_versions(_find_python()))


@cache
def _query_versions(python: str) -> dict[str, str]:
    code = (
        "import json, sys; from importlib.metadata import version; "
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    process = subprocess.run(
        [python, "-c", code, *PACKAGES], capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise BenchError(f"{python}: has no open-rppg: {_last_line(process.stderr)}")
    answer: dict[str, str] = json.loads(process.stdout)
    return answer


def pretrained(home: str, name: str, model: str, network: Network) -> Method:
    """Declare one of open-rppg's networks with its weights.

    Args:
        home: `__name__` of the module that declares the method.
        name: name of the method; the variable that holds the declaration has the same name.
        model: open-rppg's name of the model, NETWORK.DATASET; DATASET is the training set.
        network: the network without its weights.

    Returns:
        The method; open-rppg itself is started at the first estimate.
    """
    trained_on = model.partition(".")[2]

    def estimate(clip: Waveform, *, crop: str = network.crop, processed: bool = False) -> Waveform:
        return run_model(model, clip, processed=processed)

    estimate.__module__, estimate.__name__ = home, name
    note = f"\n    {network.note}" if network.note else ""
    estimate.__doc__ = f"""open-rppg's model `{model}`: frames (T, S, S, 3) to a pulse (T',).

    At 30 frames a second it reads {network.reads}.{note}
    The confidence of the pulse is open-rppg's signal quality, SQI: the highest autocorrelation at
    a lag of 1/3 to 2 s, in windows of 10 s, one each second.

    Args:
        clip: frames of the face.
        crop: rule by which the face is cut out; open-rppg's own by default.
        processed: band-pass filter and level the beats, as open-rppg does for its heart rates.

    Raises:
        NoPulseError: the segment is shorter than the network needs, or gives no numbers.
    """
    declare = method(
        f"{network.title} (open-rppg, learned on {trained_on.upper()})",
        network.cite,
        "clip",
        trained_on=(trained_on,),
        licence=LICENCE,
        versions=versions,
        requires=check_installed,
    )
    return declare(estimate)


def run_model(model: str, clip: Waveform, *, processed: bool = False) -> Waveform:
    """Run one of open-rppg's models on a clip.

    Without `processed`, the pulse is the network's output, cumulated and detrended where that
    output is a derivative. The pulse ends before the first value that is not a number.

    Args:
        model: open-rppg's name of the model, NETWORK.DATASET.
        clip: frames (T, S, S, 3) uint8.
        processed: apply open-rppg's band-pass filter and levelling of the beats, as open-rppg does
            for its heart rates.

    Returns:
        The pulse (T',) at open-rppg's sampling rate, with open-rppg's signal quality as confidence.

    Raises:
        NoPulseError: the segment is shorter than the network's block, or less than two seconds of
            its pulse are numbers.
        BenchError: open-rppg fails.
    """
    header, body = _server(_find_python(), os.getpid()).request(
        {
            "model": model,
            "shape": list(clip.samples.shape),
            "fs": clip.fs,
            "processed": processed,
        },
        np.ascontiguousarray(clip.samples, np.uint8).tobytes(),
    )
    if "fault" in header:
        raise BenchError(f"open-rppg's {model} fails: {header['fault']}")
    if "error" in header:
        raise NoPulseError(f"open-rppg's {model} {header['error']}")
    samples = np.frombuffer(body, np.float64)
    if not np.isfinite(samples).all():
        raise NoPulseError(f"open-rppg's {model} gives values that are not numbers here")
    times_s = clip.start_s + np.asarray(header["quality_times_s"], np.float64)
    quality = Signal(np.asarray(header["quality"], np.float64), times_s)
    return Waveform(samples, header["fs"], clip.start_s, confidence=quality)


class _Server:
    """The subprocess that runs open-rppg; it ends with this process."""

    def __init__(self, python: str) -> None:
        self._python = python
        # The file of the subprocess's messages stays open as long as the subprocess.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        script = Path(__file__).with_name("open_rppg_server.py")
        self._process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            start_new_session=True,  # Ctrl-C reaches this process only; its input then ends
        )
        atexit.register(self.close)

    def request(self, question: dict[str, Any], pixels: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a question with its pixels; return the answer's header and the pulse's bytes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n" + pixels)
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            _server.cache_clear()
            self.close()
            self._messages.seek(0)
            message = _last_line(self._messages.read().decode(errors="replace"))
            raise BenchError(f"{self._python}: open-rppg's process ended: {message}")
        header: dict[str, Any] = json.loads(line)
        return header, self._process.stdout.read(8 * header.get("length", 0))

    def close(self) -> None:
        """End the subprocess, by force if it does not end with its input."""
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
    """One server for each process: a forked process must not write into its parent's pipe."""
    return _Server(python)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "without a message"
