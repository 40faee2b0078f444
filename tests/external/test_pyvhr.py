"""pyVHR's methods give the oracle's samples, and loading pyVHR leaves no module behind."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform

from ..oracles.oracle import cases, far, load

NAMES = ("green", "ica", "pca", "chrom", "pos", "lgi", "pbv", "omit", "ssr")
INSTALLED = all(importlib.util.find_spec(name) for name in ("pyVHR", "sklearn"))
needs_pyvhr = pytest.mark.skipif(not INSTALLED, reason="needs the extra pyvhr")

TRACES, TRACE_FACTS = load("traces")
EXPECTED, _ = load("unsup_pyvhr")
PICTURES, PICTURE_FACTS = load("two_sr")
CASES = cases(TRACES, "in_rgb")


def trace(case: str) -> Waveform:
    return Waveform(TRACES[f"in_rgb__{case}"], float(TRACE_FACTS["params"][case]["fs"]), 2.0)


def estimate(name: str, signal: Waveform) -> Array:
    pulse = load_methods().available[f"pyvhr_{name}"].estimate(signal)
    assert (pulse.fs, pulse.start_s) == (signal.fs, signal.start_s)
    return pulse.samples


@needs_pyvhr
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "key", "row"),
    [
        ("green", "GREEN", 0),
        ("chrom", "CHROM", 0),
        ("pos", "POS", 0),
        ("lgi", "LGI", 0),
        ("pbv", "PBV", 0),
        ("omit", "OMIT", 0),
        ("ica", "ICA_all", 1),
        ("pca", "PCA_all", 1),
    ],
)
def test_every_sample_is_the_oracle_s(name: str, key: str, row: int, case: str) -> None:
    assert far(estimate(name, trace(case)), EXPECTED[f"{key}__{case}"][row]) < 1e-8


def has_no_sign_flip(case: str) -> bool:
    return int(PICTURE_FACTS["summary"][case]["u1_sign_flips_in_numpy_eig"]) == 0


@needs_pyvhr
@pytest.mark.parametrize("case", [c for c in cases(PICTURES, "frames") if has_no_sign_flip(c)])
def test_ssr_of_second_moments_is_ssr_of_the_frames(case: str) -> None:
    """Three pixels with a frame's moments replace the frame; pyVHR's eigenvectors are float32."""
    frames = PICTURES[f"frames__{case}"].astype(np.float64)
    assert (frames > 0).all()  # pyVHR leaves out black pixels, the moments include them
    pixels = frames.reshape(len(frames), -1, 3)
    moments = np.swapaxes(pixels, 1, 2) @ pixels / pixels.shape[1]
    signal = Waveform(moments, float(PICTURE_FACTS["summary"][case]["fs"]))
    assert far(estimate("ssr", signal), np.ravel(PICTURES[f"pyvhr_cpu_SSR__{case}"])) < 1e-3


@needs_pyvhr
@pytest.mark.parametrize("name", ["chrom", "pbv", "ica"])
def test_a_trace_that_pyvhr_cannot_process_has_a_reason(name: str) -> None:
    with pytest.raises(ValueError, match=r"pyVHR's cpu_\w+ (gives values|fails)"):
        estimate(name, Waveform(np.full((300, 3), 100.0), 30.0))


@needs_pyvhr
def test_loading_pyvhr_leaves_no_replaced_module_behind() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from rppgbench.external import pyvhr; import numpy as np; solve = np.linalg.solve\n"
        "from rppgbench.core.waveform import Waveform\n"
        "rgb = 100 + np.random.default_rng(0).normal(size=(300, 3))\n"
        "pyvhr.run_on_trace('cpu_PBV', Waveform(rgb, 30.0))\n"
        "left = [n for n in sys.modules if n.split('.')[0] in {'pyVHR', 'cupy', 'torch'}]\n"
        "assert left == [], left\n"
        "assert np.linalg.solve is solve\n"
    )
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr


@needs_pyvhr
def test_a_method_states_versions_and_licence() -> None:
    method = load_methods().available["pyvhr_pos"]
    assert method.versions is not None
    assert method.versions()["pyVHR"] == "2.0"
    assert "GPL-3.0" in method.licence
    assert not method.trained_on


@pytest.mark.skipif(INSTALLED, reason="the extra pyvhr is installed")
@pytest.mark.parametrize("name", NAMES)
def test_without_pyvhr_the_list_and_the_run_say_what_to_install(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (place,) = (number for number, line in enumerate(lines) if f"pyvhr_{name}" in line)
    assert "pip install 'rppgbench[pyvhr]'" in lines[place + 1]
    assert main(["run", "--protocol", "quickstart", "--methods", f"pos,pyvhr_{name}"]) == 2
    (message,) = capsys.readouterr().err.strip().splitlines()
    assert "pip install 'rppgbench[pyvhr]'" in message
