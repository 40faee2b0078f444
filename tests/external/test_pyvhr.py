"""pyVHR's methods behind our door: as the oracle has them, and nothing of the bridge left over."""

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
THERE = all(importlib.util.find_spec(name) for name in ("pyVHR", "sklearn"))
needs_pyvhr = pytest.mark.skipif(not THERE, reason="needs the extra pyvhr")

TRACES, TRACE_FACTS = load("traces")
EXPECTED, _ = load("unsup_pyvhr")
PICTURES, PICTURE_FACTS = load("two_sr")
CASES = cases(TRACES, "in_rgb")


def trace(case: str) -> Waveform:
    return Waveform(TRACES[f"in_rgb__{case}"], float(TRACE_FACTS["params"][case]["fs"]), 2.0)


def pulse(name: str, given: Waveform) -> Array:
    made = load_methods().found[f"pyvhr_{name}"].estimate(given)
    assert (made.fs, made.start_s) == (given.fs, given.start_s)
    return made.samples


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
    assert far(pulse(name, trace(case)), EXPECTED[f"{key}__{case}"][row]) < 1e-8


def still(case: str) -> bool:
    return int(PICTURE_FACTS["summary"][case]["u1_sign_flips_in_numpy_eig"]) == 0


@needs_pyvhr
@pytest.mark.parametrize("case", [c for c in cases(PICTURES, "frames") if still(c)])
def test_ssr_of_second_moments_is_ssr_of_the_pictures(case: str) -> None:
    """Three pixels with a picture's moments stand for it; pyVHR keeps eigenvectors in float32."""
    frames = PICTURES[f"frames__{case}"].astype(np.float64)
    assert (frames > 0).all()  # pyVHR would leave out black pixels, and our moments hold them
    pixels = frames.reshape(len(frames), -1, 3)
    moments = np.swapaxes(pixels, 1, 2) @ pixels / pixels.shape[1]
    given = Waveform(moments, float(PICTURE_FACTS["summary"][case]["fs"]))
    assert far(pulse("ssr", given), np.ravel(PICTURES[f"pyvhr_cpu_SSR__{case}"])) < 1e-3


@needs_pyvhr
@pytest.mark.parametrize("name", ["chrom", "pbv", "ica"])
def test_what_pyvhr_cannot_do_has_a_reason(name: str) -> None:
    with pytest.raises(ValueError, match=r"pyVHR's cpu_\w+ (gives values|breaks down)"):
        pulse(name, Waveform(np.full((300, 3), 100.0), 30.0))


@needs_pyvhr
def test_the_bridge_leaves_no_stand_in_behind() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from rppgbench.external import pyvhr; import numpy as np; solve = np.linalg.solve\n"
        "from rppgbench.core.waveform import Waveform\n"
        "rgb = 100 + np.random.default_rng(0).normal(size=(300, 3))\n"
        "pyvhr.of_traces('cpu_PBV', Waveform(rgb, 30.0))\n"
        "left = [n for n in sys.modules if n.split('.')[0] in {'pyVHR', 'cupy', 'torch'}]\n"
        "assert left == [], left\n"
        "assert np.linalg.solve is solve\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_pyvhr
def test_versions_and_licence_are_told() -> None:
    one = load_methods().found["pyvhr_pos"]
    assert one.versions is not None
    assert one.versions()["pyVHR"] == "2.0"
    assert "GPL-3.0" in one.licence
    assert not one.trained_on


@pytest.mark.skipif(THERE, reason="the extra pyvhr is installed")
@pytest.mark.parametrize("name", NAMES)
def test_without_it_the_list_and_the_run_say_what_to_install(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "methods"]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if f" pyvhr_{name} " in x)
    assert "pip install 'rppgbench[pyvhr]'" in line
    asked = ["run", "--protocol", "quickstart", "--methods", f"pos,pyvhr_{name}"]
    assert main(asked) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "pip install 'rppgbench[pyvhr]'" in said[0]
