"""What changed between two results: settings, waveforms, errors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.analysis.compare import (
    changed_settings,
    compare_errors,
    compare_results,
    compare_waveforms,
)
from rppgbench.cli import main
from rppgbench.core.estimate import Estimate
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.scores import score_windows
from rppgbench.store.store import Store

from ..factories import stores as made_store
from ..factories.evaluators import evaluator

METHODS = ("pos", "chrom")


def other_sample(one: Estimate) -> Estimate:
    """The same estimate with one sample moved by its own standard deviation."""
    assert one.waveform is not None
    samples = one.waveform.samples.copy()
    samples[100] += samples.std()
    return replace(one, waveform=Waveform(samples, one.waveform.fs))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """Two stores: in the second a parameter, a package, and one sample of one pulse differ."""
    folder = tmp_path_factory.mktemp("pair")
    estimates = made_store.estimates(METHODS)
    params = {"pos": {"window_s": 1.6}, "chrom": {}}
    first = made_store.write(folder / "first", estimates, params=params)
    moved = [other_sample(e) if e.method == "pos" and e.subject == "bob" else e for e in estimates]
    second = made_store.write(
        folder / "second",
        moved,
        params=params | {"pos": {"window_s": 2.0}},
        made_by=made_store.MADE_BY | {"packages": {"numpy": "2.1"}},
    )
    return first, second


def test_a_changed_parameter_and_version_are_named_and_nothing_else(
    pair: tuple[Store, Store],
) -> None:
    by_name = {one.what: (one.first, one.second) for one in compare_results(*pair).changes}
    assert by_name == {
        "methods.pos.window_s": ("1.6", "2.0"),
        "provenance.packages.numpy": ("2.0", "2.1"),
    }


def test_a_changed_waveform_is_found(pair: tuple[Store, Store]) -> None:
    chrom, pos = compare_results(*pair).waveforms
    assert (pos.method, pos.both, pos.same) == ("pos", 4, 3)
    assert pos.largest == pytest.approx(1.0)
    assert (chrom.method, chrom.both, chrom.same, chrom.largest) == ("chrom", 4, 4, 0.0)


def test_a_store_against_itself_has_no_change(pair: tuple[Store, Store]) -> None:
    comparison = compare_results(pair[0], pair[0])
    assert comparison.changes == ()
    assert all(one.same == one.both == 4 for one in comparison.waveforms)
    assert all((p.difference, p.low, p.high) == (0, 0, 0) for p in comparison.paired)


def test_words_of_a_protocol_are_no_change_and_new_places_are() -> None:
    before = {"protocol": {"title": "a", "split": "whole"}, "methods": {"pos": {}}}
    after = {"protocol": {"title": "b", "split": "parts"}, "methods": {"pos": {}, "chrom": {}}}
    assert [(c.what, c.first, c.second) for c in changed_settings(before, after)] == [
        ("protocol.split", "whole", "parts"),
        ("methods.chrom", "", "{}"),
    ]


def test_estimates_that_only_one_has_are_counted() -> None:
    estimates = made_store.estimates(("pos",))
    (comparison,) = compare_waveforms(estimates, estimates[1:])
    assert (comparison.both, comparison.only_first, comparison.only_second) == (3, 1, 0)
    shorter = [replace(estimates[0], waveform=Waveform(np.zeros(5), 30.0)), *estimates[1:]]
    (comparison,) = compare_waveforms(estimates, shorter)
    assert comparison.same == 3
    assert np.isnan(comparison.largest)


def test_differences_are_paired_over_recordings_in_any_order() -> None:
    """Worked by hand: each recording's error, second less first, in whatever order they come."""
    rule: Evaluator = evaluator("li2023")
    truths = {("made_up", f"{s}-1"): made_store.truth(s) for s in made_store.SUBJECTS}
    noisy = made_store.estimates(("green",), seed=1)
    clean = made_store.estimates(("green",), seed=2)[::-1][:3]  # ann is only in the first
    first, second = (score_windows(rule, held, truths) for held in (noisy, clean))
    (comparison,) = compare_errors(first, second)
    own = {}
    for name, windows in (("first", first), ("second", second)):
        for subject in ("bob", "cem", "dee"):
            errors = windows.loc[windows["subject"] == subject, "error_bpm"]
            own[name, subject] = float(np.abs(errors).mean())
    differences = [own["second", s] - own["first", s] for s in ("bob", "cem", "dee")]
    assert (comparison.recordings, comparison.subjects) == (3, 3)
    assert comparison.difference == pytest.approx(np.mean(differences), abs=1e-9)
    assert comparison.second - comparison.first == pytest.approx(comparison.difference, abs=1e-9)
    half = 4.302653 * np.std(differences, ddof=1) / np.sqrt(3)  # t with 2 degrees of freedom
    assert comparison.low == pytest.approx(comparison.difference - half, rel=1e-6)
    assert comparison.high == pytest.approx(comparison.difference + half, rel=1e-6)


def test_the_command_tells_both(
    pair: tuple[Store, Store], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", str(pair[0].folder), str(pair[1].folder)]
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert "methods.pos.window_s: 1.6 -> 2.0" in output
    assert "pos: 3 of 4 the same to the bit" in output
    assert "SIMULATED" in output
    assert main([*arguments, "--json", "--evaluator", "sinc"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["evaluator"] == "sinc"
    assert {row["method"] for row in answer["paired"]} == set(METHODS)


def test_folders_without_anything_in_common_are_one_line(
    tmp_path: Path, pair: tuple[Store, Store], capsys: pytest.CaptureFixture[str]
) -> None:
    estimates = [replace(e, recording=f"other-{e.subject}") for e in made_store.estimates(("pos",))]
    made_store.write(tmp_path / "other", estimates)
    assert main(["compare", str(pair[0].folder), str(tmp_path / "other")]) == 2
    assert "no recording in common" in capsys.readouterr().err
    assert main(["compare", str(pair[0].folder), str(tmp_path / "none")]) == 2
    assert "no results here" in capsys.readouterr().err
