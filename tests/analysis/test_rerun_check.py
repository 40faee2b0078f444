"""Whether stored waveforms come back, on a tiny run of simulated people."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.analysis.rerun_check import TOLERANCE, Finding, compare_estimates, draw_sample
from rppgbench.cli import main
from rppgbench.core.estimate import Estimate
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.simulation import SimulationPlan
from rppgbench.store.store import Store

from ..factories import stores as made_store
from ..factories.datasets import write_tree

PEOPLE = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished run of two methods, one of which learned, on two people of 4 s; and its data."""
    folder = tmp_path_factory.mktemp("verify")
    tree, out = folder / "people", folder / "results"
    tree.mkdir()
    write_tree(
        "simulated", tree, SimulationPlan(subjects=PEOPLE, seconds=10.0, seed=0, difficulty="easy")
    )
    arguments = ["--protocol", "quickstart", "--methods", "green,constant", "--out", str(out)]
    assert (
        main(["run", *arguments, "--data", f"simulated={tree}", "--cache", str(folder / "c")]) == 0
    )
    return out, tree


def verified(out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["rerun-check", str(out), "--json", *more])
    answer = json.loads(capsys.readouterr().out)
    assert answer["fit"] == (code == 0)
    return code, [one["verdict"] for one in answer["findings"]]


def test_waveforms_come_back_to_the_bit_also_of_a_stored_model(
    run: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, verdicts = verified(run[0], capsys, "--sample", "4")
    assert code == 0
    assert verdicts == ["same bits"] * 2 * PEOPLE


def test_one_flipped_sample_is_found(
    run: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another store with the same plan, one sample of one pulse with its sign turned."""
    held = Store(run[0])
    stored = list(held.estimates())
    at = next(k for k, e in enumerate(stored) if e.method == "green")
    wave = stored[at].waveform
    assert wave is not None
    samples = wave.samples.copy()
    samples[30] = -samples[30]
    stored[at] = replace(stored[at], waveform=Waveform(samples, wave.fs, wave.start_s))
    out = tmp_path / "edited"
    shutil.copytree(run[0], out)
    shutil.rmtree(out / "estimates")
    (out / "estimates").mkdir()
    Store(out).add(stored)
    capsys.readouterr()
    assert main(["rerun-check", str(out), "--sample", "4"]) == 3
    output = capsys.readouterr().out
    assert f"differs           simulated/{stored[at].recording}: green" in output
    assert "1 of" in output
    assert "3 the same to the bit" in output
    assert "1 different" in output


def test_data_that_is_gone_is_one_line(
    run: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rerun-check", str(run[0]), "--data", f"simulated={tmp_path}"]) == 2
    assert "no recordings" in capsys.readouterr().err


def pulse(samples: Array) -> Estimate:
    return replace(made_store.estimates(("pos",))[0], waveform=Waveform(samples, 30.0))


WAVE: Array = np.sin(np.arange(200) / 5)
SPREAD = float(WAVE.std())


@pytest.mark.parametrize(
    ("moved", "verdict"),
    [(0.0, "same bits"), (0.9, "within tolerance"), (1.1, "differs")],
)
def test_the_tolerance_is_what_it_says(moved: float, verdict: str) -> None:
    other = WAVE.copy()
    other[7] += moved * TOLERANCE * SPREAD
    comparison = compare_estimates(pulse(WAVE), pulse(other))
    assert comparison.verdict == verdict
    assert comparison.difference == pytest.approx(moved * TOLERANCE, rel=1e-6)


def test_gaps_rates_and_missing_waveforms_differ() -> None:
    gap = WAVE.copy()
    gap[3] = np.nan
    assert compare_estimates(pulse(gap), pulse(gap.copy())).verdict == "same bits"
    cases: list[Finding] = [
        compare_estimates(pulse(WAVE), pulse(gap)),
        compare_estimates(pulse(WAVE), pulse(WAVE[:-1])),
        compare_estimates(pulse(WAVE), replace(pulse(WAVE), waveform=None, reason="no face")),
        compare_estimates(replace(pulse(WAVE), waveform=None, reason="no face"), pulse(WAVE)),
    ]
    assert [one.verdict for one in cases] == ["differs"] * 4
    assert "1 samples are gaps in one" in cases[0].detail
    assert "now there is no waveform: no face" in cases[2].detail


def test_a_confidence_is_repeated_where_one_is_stored() -> None:
    def stating(values: list[float]) -> Estimate:
        times_s = np.arange(len(values), dtype=np.float64)
        return replace(pulse(WAVE), confidence=Signal(np.array(values), times_s))

    stored = stating([0.5, np.nan, 1.0])
    for again, verdict in (
        (stating([0.5, np.nan, 1.0 - 1e-9]), "same bits"),
        (stating([0.5, np.nan, 0.9]), "differs"),
        (stating([0.5, np.nan]), "differs"),
        (pulse(WAVE), "differs"),
    ):
        assert compare_estimates(stored, again).verdict == verdict
    assert compare_estimates(pulse(WAVE), stored).verdict == "same bits"  # an older store has none


def test_a_sample_takes_the_methods_in_turn_and_is_the_same_for_a_seed() -> None:
    stored = made_store.estimates()
    drawn = draw_sample(stored, 6, 4)
    assert sorted(e.method for e in drawn) == ["chrom", "chrom", "green", "green", "pos", "pos"]
    assert drawn == draw_sample(stored[::-1], 6, 4)
    assert drawn != draw_sample(stored, 6, 5)
    assert len(draw_sample(stored, 99, 0)) == len(stored)
