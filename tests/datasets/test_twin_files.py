"""The files of a twin: read as traces with a sensor, and marked as simulated."""

import json
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml, load_datasets
from rppgbench.datasets.layout import is_simulated, twin_of
from rppgbench.datasets.twin_files import write_twin
from rppgbench.extraction.trace_files import read_trace
from rppgbench.simulation.twin import twin_recordings
from rppgbench.simulation.twin_declaration import Twin
from rppgbench.system.errors import BenchError


@pytest.fixture(scope="module")
def twin() -> Twin:
    file = find_toml("benchmarks/twins", "twin", "pure_v1", "test")
    return read_declaration(file, Twin).model_copy(update={"seconds": 12.0, "recordings": 2})


def test_the_reader_of_traces_reads_what_was_drawn(tmp_path: Path, twin: Twin) -> None:
    assert write_twin(tmp_path, twin, dataset="traces", name="pure_v1", seed=3, people=2) == 4
    traces = load_datasets().get("data set", "traces", "test")
    recordings = list(traces.recordings(tmp_path))
    assert [r.subject for r in recordings] == ["person001"] * 2 + ["person002"] * 2
    drawn = list(twin_recordings(twin, name="pure_v1", seed=3, people=2))
    for recording, expected in zip(recordings, drawn, strict=True):
        trace = read_trace(recording.files[0])
        assert trace.pulse is not None
        assert trace.heart_rate is not None
        assert np.abs(trace.pulse.values - expected.pulse).max() < 1e-6
        assert np.abs(trace.heart_rate.values - expected.heart_rate_bpm).max() < 1e-6
        columns = np.loadtxt(recording.files[0], delimiter=",", skiprows=1)
        assert np.abs(columns[:, 1:4] - expected.rgb).max() < 1e-6


def test_the_folder_is_marked_with_the_twin_and_its_version(tmp_path: Path, twin: Twin) -> None:
    write_twin(tmp_path, twin, dataset="traces", name="pure_v1", seed=3, people=1)
    assert is_simulated(tmp_path)
    mark = json.loads((tmp_path / "SIMULATED.json").read_text())
    assert mark == {
        "simulated": True,
        "dataset": "traces",
        "twin": "pure_v1",
        "people": 1,
        "seed": 3,
    }


def test_real_recordings_are_not_written_over(tmp_path: Path, twin: Twin) -> None:
    (tmp_path / "real.csv").write_text("time_s")
    with pytest.raises(BenchError, match="not simulated"):
        write_twin(tmp_path, twin, dataset="traces", name="pure_v1", seed=0, people=1)


def test_the_folder_of_one_person_is_as_simulated_as_all(tmp_path: Path, twin: Twin) -> None:
    write_twin(tmp_path / "all", twin, dataset="traces", name="pure_v1", seed=3, people=1)
    person = tmp_path / "all" / "person001"
    traces = load_datasets().get("data set", "traces", "test")
    assert all(recording.simulated for recording in traces.recordings(person))
    assert twin_of(person) == "pure_v1"
    (tmp_path / "link").symlink_to(person)
    assert twin_of(tmp_path / "link") == "pure_v1"


def test_a_folder_of_genuine_traces_holds_no_twin(tmp_path: Path, twin: Twin) -> None:
    """Else nothing would mark the twin's recordings among the others."""
    write_twin(tmp_path / "twin", twin, dataset="traces", name="pure_v1", seed=3, people=1)
    file = next((tmp_path / "twin").rglob("*.csv"))
    genuine = tmp_path / "traces" / "a"
    genuine.mkdir(parents=True)
    (genuine / "own.csv").write_bytes(file.read_bytes())
    traces = load_datasets().get("data set", "traces", "test")
    assert not any(recording.simulated for recording in traces.recordings(tmp_path / "traces"))
    (genuine / "link.csv").symlink_to(file)
    for root in (tmp_path, tmp_path / "traces"):
        with pytest.raises(BenchError, match="of the simulated tree"):
            list(traces.recordings(root))
