"""The contract: our methods keep it, and planted faults of others' are caught."""

from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.core.registry import load_method_file, load_methods
from rppgbench.testing.method_contract import check_method

HEAD = '''
"""Somebody's method."""
import itertools
import numpy as np
from rppgbench.core.method import method
from rppgbench.core.waveform import Signal, Waveform

COUNT = itertools.count()

@method(title="{title}", cite="{cite}")
def theirs(trace: Waveform) -> Waveform:
    """The green channel, in the unit of the input (T,)."""
'''
FINE = "    return Waveform(-trace.samples[:, 1], trace.fs, trace.start_s)\n"
SURE = (
    "    n = len(trace.samples)\n"
    "    stated = Signal({values}, {start} + np.arange(n) / trace.fs)\n"
    "    return Waveform(-trace.samples[:, 1], trace.fs, trace.start_s, confidence=stated)\n"
)
FAULTS = {
    "finds a clean pulse": "    t = np.arange(len(trace.samples)) / trace.fs\n"
    "    return Waveform(trace.samples.std() * np.sin(7.54 * t), trace.fs, trace.start_s)\n",
    "leaves its input untouched": "    trace.samples[:] -= 1\n" + FINE,
    "says the same twice": "    moved = trace.samples[:, 1] + 1e-9 * next(COUNT)\n"
    "    return Waveform(-moved, trace.fs, trace.start_s)\n",
    "gives a pulse on the clock of its input": "    return Waveform("
    "-trace.samples[:, 1], trace.fs)\n",
    "survives gaps": "    if len(trace.samples) < 400:\n        raise RuntimeError('short')\n"
    + FINE,
    "invents no pulse on a flat input": "    rng = np.random.default_rng(0)\n"
    "    return Waveform(-trace.samples[:, 1] + 1e-3 * rng.normal(size=len(trace.samples)),"
    " trace.fs, trace.start_s)\n",
}


def write(folder: Path, body: str, title: str = "Theirs", cite: str = "10.1/x") -> Path:
    file = folder / "theirs.py"
    file.write_text(HEAD.format(title=title, cite=cite) + body)
    return file


@pytest.mark.parametrize("name", sorted(load_methods().available))
def test_every_method_keeps_the_contract(name: str) -> None:
    broken = [f for f in check_method(load_methods().available[name]) if f.kept is False]
    assert not broken


def test_a_fine_method_keeps_every_clause(tmp_path: Path) -> None:
    findings = check_method(load_method_file(write(tmp_path, FINE)))
    without = {f.clause for f in findings if f.kept is None}
    assert without == {"gives a confidence from 0 to 1", "streams as declared"}
    assert all(f.kept for f in findings if f.clause not in without)
    body = SURE.format(values="np.linspace(0, 1, n)", start="trace.start_s")
    sure = check_method(load_method_file(write(tmp_path, body)))
    assert {f.clause for f in sure if not f.kept} == {"streams as declared"}


@pytest.mark.parametrize(
    ("values", "start", "clause"),
    [
        ("np.linspace(0, 100, n)", "trace.start_s", "gives a confidence from 0 to 1"),
        ("np.ones(n)", "0.0", "gives a confidence from 0 to 1"),
        ("np.full(n, 0.1 * (next(COUNT) % 7))", "trace.start_s", "says the same twice"),
    ],
)
def test_a_planted_fault_of_the_confidence_is_caught(
    tmp_path: Path, values: str, start: str, clause: str
) -> None:
    body = SURE.format(values=values, start=start)
    findings = check_method(load_method_file(write(tmp_path, body)))
    assert clause in {f.clause for f in findings if f.kept is False}


@pytest.mark.parametrize(("ahead", "is_kept"), [(1, True), (0, False)])
def test_a_false_declaration_of_a_stream_is_caught(
    tmp_path: Path, ahead: int, is_kept: bool
) -> None:
    file = write(
        tmp_path,
        "    green = np.append(trace.samples[1:, 1], trace.samples[-1, 1])\n"
        "    return Waveform(-green, trace.fs, trace.start_s)\n",
    )
    rule = f"streaming=lambda params, fs: Streaming(hop=1, past=0, ahead={ahead})"
    text = file.read_text().replace('cite="10.1/x"', f'cite="10.1/x", {rule}')
    imported = "from rppgbench.core.streaming import Streaming\n"
    file.write_text(text.replace("import itertools\n", f"import itertools\n{imported}"))
    findings = {f.clause: f for f in check_method(load_method_file(file))}
    assert findings["streams as declared"].kept is is_kept


@pytest.mark.parametrize("clause", FAULTS)
def test_a_planted_fault_is_caught(tmp_path: Path, clause: str) -> None:
    findings = check_method(load_method_file(write(tmp_path, FAULTS[clause])))
    assert clause in {f.clause for f in findings if f.kept is False}


def test_a_method_without_a_source_is_caught(tmp_path: Path) -> None:
    findings = check_method(load_method_file(write(tmp_path, FINE, cite="")))
    (broken,) = (f for f in findings if f.kept is False)
    assert "cites nothing" in broken.reason


def test_a_docstring_without_shape_or_unit_is_caught(tmp_path: Path) -> None:
    file = write(tmp_path, FINE)
    file.write_text(file.read_text().replace(", in the unit of the input (T,)", ""))
    (broken,) = (f for f in check_method(load_method_file(file)) if f.kept is False)
    assert "neither the shape of what comes back, as (T,), nor its unit" in broken.reason


def test_the_command_says_a_line_a_clause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(write(tmp_path, FAULTS["survives gaps"]))]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("BROKEN")] == [
        "BROKEN     survives gaps: raises RuntimeError: short"
    ]
    assert len(lines) == 9


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none.py")]) == 2
    assert "no such file" in capsys.readouterr().err
