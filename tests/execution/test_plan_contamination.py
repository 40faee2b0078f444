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
from rppgbench.execution.plan_contamination import SideComparison, compare_sides, frame_warnings
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


def compared(compared_plan: Plan, cache: Path) -> SideComparison:
    comparison = compare_sides(compared_plan, NamedLines(), cache)
    assert comparison is not None
    return comparison


def test_a_copy_on_the_other_side_is_named(tmp_path: Path) -> None:
    comparison = compared(plan("a copy", "b c"), tmp_path)
    (note,) = comparison.notes
    assert note.startswith("contamination: fold 1 learns from ubfc_rppg/copy and tests on ")
    again = compared(plan("a copy", "b c"), tmp_path)
    assert again.notes == [note]
    said = comparison.to_dict()
    assert said == again.to_dict()
    assert said["folds"] == [{"fold": "1", "learned": 2, "tested": 2}]
    (pair,) = said["pairs"]
    assert (said["count"], pair["learned"], pair["tested"]) == (1, "ubfc_rppg/copy", "ubfc_rppg/b")
    assert (pair["learned_person"], pair["tested_person"]) == ("copy", "b")
    assert pair["evidence"].startswith("the same pulse for 38 s")


def test_a_video_file_on_both_sides_is_named_without_labels(tmp_path: Path) -> None:
    without_labels = plan("a", "c")
    recordings_with_files = {}
    for key, planned in without_labels.recordings.items():
        file = tmp_path / f"{key[1]}.avi"
        file.write_bytes(b"frames" if key[1] in "ac" else b"others")
        recordings_with_files[key] = replace(planned, files=(file,))
    comparison = compared(replace(without_labels, recordings=recordings_with_files), tmp_path)
    (pair,) = comparison.pairs
    assert pair.evidence == "the same video file, byte for byte"
    assert comparison.sides == {"1": (1, 1)}


def test_people_of_two_data_sets_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "rppgbench.execution.plan_contamination"
    monkeypatch.setattr(f"{module}.shared_people", lambda protocol, recordings: ["the same people"])
    assert compared(plan("a", "c"), tmp_path).to_dict()["people"] == ["the same people"]


def test_the_manifest_names_the_first_pairs_and_counts_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rppgbench.execution.plan_contamination.MOST_PAIRS", 0)
    said = compared(plan("a copy", "b c"), tmp_path).to_dict()
    assert (said["count"], said["pairs"]) == (1, [])


@pytest.mark.parametrize(("learned", "tested"), [("b copy", "a c"), ("a c", "b copy"), ("a", "c")])
def test_repeats_on_one_side_are_none(learned: str, tested: str, tmp_path: Path) -> None:
    assert compared(plan(learned, tested), tmp_path).notes == []


def test_where_no_method_learns_no_label_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "rppgbench.contamination.label_fingerprints.fingerprint_labels"
    monkeypatch.setattr(name, lambda recording: pytest.fail("read"))
    classical = replace(plan("a", "b"), fits=())
    assert compare_sides(classical, NamedLines(), tmp_path) is None


def test_many_repeats_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rppgbench.execution.plan_contamination.MOST_LINES", 0)
    (note,) = compared(plan("copy", "b"), tmp_path).notes
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
    assert compared(flat_plan, tmp_path).notes == []
