"""What repeats of labels mean for a data set and for a split."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.contamination import label_fingerprints as module
from rppgbench.contamination import repeats as repeats_module
from rppgbench.contamination.label_fingerprints import LabelFingerprint, label_fingerprints
from rppgbench.contamination.repeats import across_split, known_repeats, repeated_labels
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.waveform import Signal
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.digests.code_digest import Sources
from rppgbench.system.errors import RecordingError

from ..factories.repeats import contact_pulse, part_of, recording, recordings


def made(given_recordings: list[Recording], folder: Path) -> list[LabelFingerprint]:
    lines = [recording.name for recording in given_recordings]
    return label_fingerprints(given_recordings, lines, folder)


@pytest.fixture
def people(tmp_path: Path) -> list[LabelFingerprint]:
    """Four people, of whom `copy` has the label of `b`, 20 s later."""
    pulse = contact_pulse(1, seconds=80.0)
    named = {
        "a": contact_pulse(0),
        "b": part_of(pulse, 0, 60),
        "c": contact_pulse(2),
        "copy": part_of(pulse, 20, 80),
    }
    return made(recordings(named), tmp_path)


def test_a_line_names_what_is_learned_and_tested(people: list[LabelFingerprint]) -> None:
    repeats = repeated_labels(people)
    key = {name: ("ubfc_rppg", name) for name in "abc"} | {"copy": ("ubfc_rppg", "copy")}
    (pair,) = across_split(repeats, {key["a"], key["copy"]}, {key["b"], key["c"]}, "2")
    assert (pair.learned.name, pair.tested.name) == ("copy", "b")
    assert pair.line.startswith(
        "contamination: fold 2 learns from ubfc_rppg/copy and tests on ubfc_rppg/b, which hold"
    )
    assert across_split(repeats, {key["b"], key["copy"]}, {key["a"], key["c"]}, "2") == []


def test_equal_series_of_rates_are_found_where_there_is_no_pulse(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rates = [rng.integers(60, 90, 30).astype(float) for _ in range(3)]
    series = [*rates, rates[1], np.full(30, 70.0), np.full(30, 70.0)]
    given_recordings = [
        recording(str(k), GroundTruth(heart_rate=Signal(values, np.arange(30.0))))
        for k, values in enumerate(series)
    ]
    (repeat,) = repeated_labels(made(given_recordings, tmp_path))
    assert (repeat.first.name, repeat.second.name) == ("1", "3")
    assert repeat.evidence == "the same series of heart rates"


def test_labels_that_cannot_be_read_have_no_fingerprint(tmp_path: Path) -> None:
    def missing() -> GroundTruth:
        raise RecordingError("no file")

    broken = recording("a", GroundTruth())
    object.__setattr__(broken, "ground_truth", missing)
    (fingerprint,) = made([broken], tmp_path)
    assert (fingerprint.pulse, fingerprint.rates) == (None, "")


def test_a_fingerprint_is_read_from_the_cache_until_the_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recordings({"a": contact_pulse(0)})
    (stored,) = made(first, tmp_path)
    calls: list[Recording] = []

    def counted(recording: Recording) -> GroundTruth:
        calls.append(recording)
        return read_labels(recording)

    monkeypatch.setattr(module, "read_labels", counted)
    (again,) = made(first, tmp_path)
    assert calls == []
    assert again.pulse is not None
    assert stored.pulse is not None
    np.testing.assert_allclose(again.pulse.wave, stored.pulse.wave, atol=1e-6)
    np.testing.assert_array_equal(again.pulse.beats_s, stored.pulse.beats_s)
    label_fingerprints(first, ["changed"], tmp_path)
    assert len(calls) == 1


def test_repeats_are_kept_until_the_code_that_reads_labels_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = contact_pulse(1, seconds=80.0)
    named = recordings({"b": part_of(pulse, 0, 60), "copy": part_of(pulse, 20, 80)})
    calls: list[int] = []

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return label_fingerprints(*arguments)

    monkeypatch.setattr(repeats_module, "label_fingerprints", counted)
    found = [known_repeats(named, ["b", "copy"], tmp_path) for _ in range(2)]
    assert [[r.second.name for r in repeats] for repeats in found] == [["copy"], ["copy"]]
    assert len(calls) == 1
    monkeypatch.setattr(repeats_module, "fingerprint_code", lambda dataset: f"new {dataset}")
    known_repeats(named, ["b", "copy"], tmp_path)
    assert len(calls) == 2


def test_the_code_of_a_fingerprint_is_that_of_pulses_and_of_series_of_rates() -> None:
    parts = Sources().closure(module.OWN_CODE).parts
    assert "rppgbench/contamination/pulse_fingerprint.py" in parts
    assert "rppgbench/contamination/label_fingerprints.py" in parts
