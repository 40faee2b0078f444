"""bench compare-methods: two methods on the same input."""

import json
from pathlib import Path

import numpy as np
import pytest

from rppgbench.analysis.method_pairs import compare_methods
from rppgbench.cli import main
from rppgbench.core.method import Method
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.system.errors import BenchError
from rppgbench.testing.method_contract import clean_trace

from ..factories.evaluators import evaluator

RULE = evaluator("pyvhr")


def green(name: str, *, scale: float = 1.0, bpm: float = 0.0) -> Method:
    def estimate(trace: Waveform) -> Waveform:
        """Green times `scale`, or a wave of that rate."""
        samples = scale * trace.samples[:, 1]
        if bpm:
            samples = np.sin(2 * np.pi * bpm / 60 * trace.times_s())
        return Waveform(samples, trace.fs, trace.start_s)

    return Method(name=name, title=name, cite="a test", input="trace", estimate=estimate, params={})


def test_a_scaled_and_turned_pulse_is_the_same_pulse() -> None:
    segments = [Waveform(clean_trace(bpm), 30.0) for bpm in (60.0, 90.0)]
    agreement = compare_methods(
        (green("a"), {}), (green("b", scale=-3.0), {}), segments, RULE, repeats=1
    )
    assert (agreement.first, agreement.second, agreement.stretches) == ("a", "b", 2)
    assert agreement.correlation == pytest.approx((1.0, 1.0))
    assert len(agreement.apart_bpm) == 2 * 13  # windows of 8 s each second of 20 s
    assert max(agreement.apart_bpm) == 0
    assert agreement.speed_ratio > 0


def test_another_rate_is_apart_by_the_difference() -> None:
    segments = [Waveform(clean_trace(60.0), 30.0)]
    agreement = compare_methods(
        (green("a"), {}), (green("b", bpm=90.0), {}), segments, RULE, repeats=1
    )
    assert np.abs(np.array(agreement.apart_bpm) - 30).max() < 2 * RULE.resolution_bpm
    assert agreement.correlation[0] < 0.1


def test_what_cannot_be_compared_is_said() -> None:
    methods = load_methods().available
    with pytest.raises(BenchError, match="pos takes trace and two_sr takes second_moments"):
        compare_methods(
            (methods["pos"], methods["pos"].parameters({})), (methods["two_sr"], {}), [], RULE
        )
    with pytest.raises(BenchError, match="constant: must learn"):
        compare_methods((methods["constant"], {}), (methods["pos"], {}), [], RULE)
    short = [Waveform(clean_trace(60.0, seconds=1.0), 30.0)]
    params = methods["pos"].parameters({})
    agreement = compare_methods((methods["pos"], params), (green("b"), {}), short, RULE)
    assert agreement.stretches == 0
    assert agreement.reason == "no window of 48 samples in 30"  # 1.6 s at 30 a second


def test_the_command_reads_traces_and_prints_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rgb = clean_trace(72.0)
    uneven = np.arange(len(rgb)) / 30 + np.random.default_rng(0).normal(0, 1e-3, len(rgb))
    file = tmp_path / "trace.csv"
    table = np.column_stack([uneven, rgb])
    np.savetxt(file, table, delimiter=",", header="time_s,red,green,blue", comments="")
    arguments = ["compare-methods", "green=green", "pos@iphys=pos", "--trace", str(file)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| green = green | 1 | 1.0000 (1.0000) | 0.00 (0.00) |")
    assert lines[3].startswith("| pos@iphys = pos | 1 |")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["green=green"]["correlation"] == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare-methods", "green", "--trace", "t.csv"], "'green' is no pair"),
        (["compare-methods", "green=gren", "--trace", "t.csv"], "did you mean 'green'"),
        (["compare-methods", "green=pos"], "--video FILE or --trace FILE"),
        (["compare-methods", "green=pos", "--trace", "none.csv"], "none.csv"),
        (
            ["compare-methods", "green=pos", "--video", "f.mp4", "--region", "nose"],
            "no region 'nose'",
        ),
    ],
)
def test_a_user_s_fault_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
