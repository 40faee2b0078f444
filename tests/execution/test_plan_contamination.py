"""A plan names recordings that are learned from and tested in one fold under two names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.contamination.repeats import Repeat
from rppgbench.core.protocol import read_protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import toml_files
from rppgbench.core.waveform import Signal
from rppgbench.datasets.catalog import Catalog
from rppgbench.execution.plan_contamination import contamination_notes, frame_warnings
from rppgbench.execution.plan_records import Fit, Job, Plan

from ..factories.repeats import contact_pulse, part_of, recordings

PULSE = contact_pulse(1, seconds=80.0)
PULSES = {"a": contact_pulse(0), "b": part_of(PULSE, 0, 60), "c": contact_pulse(2),
          "copy": part_of(PULSE, 20, 80)}  # fmt: skip


class NamedLines(Catalog):
    """A catalog of recordings without files: the name of each stands for them."""

    def line(self, recording: Recording) -> str:
        return recording.name


def plan(learned: str, tested: str) -> Plan:
    """A fold that learns from some of the recordings and tests others; names apart by blanks."""
    by_key = {(r.dataset, r.name): r for r in recordings(PULSES)}
    keys = {name: ("ubfc_rppg", name) for name in PULSES}
    fit = Fit(
        digest="f", method="constant", fold="1", seed=0, region="skin", condition="none",
        train=tuple(keys[name] for name in learned.split()), pretrain=(),
    )  # fmt: skip
    jobs = tuple(
        Job(digest=name, dataset="ubfc_rppg", recording=name, method="constant",
            fold="1", seed=0, region="skin", condition="none", fit="f")
        for name in tested.split()
    )  # fmt: skip
    return Plan(
        protocol=read_protocol(toml_files("protocols")["ubfc_intra"]),
        name="ubfc_intra", methods={}, roots={}, recordings=by_key, jobs=jobs, fits=(fit,),
        pretrainings=(), expected=len(jobs), fingerprints={}, prints={},
    )  # fmt: skip


def test_a_copy_on_the_other_side_is_named(tmp_path: Path) -> None:
    (note,) = contamination_notes(plan("a copy", "b c"), NamedLines(), tmp_path)
    assert note.startswith("contamination: fold 1 learns from ubfc_rppg/copy and tests on ")
    again = contamination_notes(plan("a copy", "b c"), NamedLines(), tmp_path)
    assert again == [note]


@pytest.mark.parametrize(("learned", "tested"), [("b copy", "a c"), ("a c", "b copy"), ("a", "c")])
def test_repeats_on_one_side_are_none(learned: str, tested: str, tmp_path: Path) -> None:
    assert contamination_notes(plan(learned, tested), NamedLines(), tmp_path) == []


def test_where_no_method_learns_no_label_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "rppgbench.contamination.label_fingerprints.fingerprint_labels"
    monkeypatch.setattr(name, lambda recording: pytest.fail("read"))
    classical = replace(plan("a", "b"), fits=())
    assert contamination_notes(classical, NamedLines(), tmp_path) == []


def test_many_repeats_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rppgbench.execution.plan_contamination.MOST_LINES", 0)
    (note,) = contamination_notes(plan("copy", "b"), NamedLines(), tmp_path)
    assert note == "contamination: 1 more pair across the sides of a fold"


@pytest.mark.parametrize("most_lines", [5, 0])
def test_videos_across_the_sides_are_named_or_counted(
    most_lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "rppgbench.execution.plan_contamination"
    named = {recording.name: recording for recording in recordings(PULSES)}
    repeat = Repeat(first=named["b"], second=named["copy"], evidence="the same frames for 9 s")
    monkeypatch.setattr(f"{module}.repeated_videos", lambda videos: [repeat])
    monkeypatch.setattr(f"{module}.MOST_LINES", most_lines)
    (line,) = frame_warnings(plan("copy", "b"), tmp_path)
    if most_lines:
        assert line.endswith("tests on ubfc_rppg/b, which hold the same frames for 9 s")
    else:
        assert line == "contamination: 1 more pair across the sides of a fold"


def test_labels_of_one_value_are_no_repeats(tmp_path: Path) -> None:
    flat = Signal(np.full(900, 1.0), np.arange(900) / 30)
    assert len(recordings({"a": flat, "b": flat})) == 2
    by_key = {("ubfc_rppg", r.name): r for r in recordings({"a": flat, "b": flat})}
    flat_plan = replace(plan("a", "b"), recordings=by_key)
    assert contamination_notes(flat_plan, NamedLines(), tmp_path) == []
