"""What a rule cannot see, or was not made for, is counted and named: bands, rates, drift."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.estimate import Estimate
from rppgbench.core.method import method
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.band_edge import at_edge, wide_rates
from rppgbench.evaluation.ensembles import ensemble_rates
from rppgbench.evaluation.evaluator import EDGE_BPM, Evaluator, read_evaluator
from rppgbench.evaluation.rate_chain import SegmentSamples, Welch
from rppgbench.evaluation.rate_reading import read_pulses
from rppgbench.evaluation.rule_notes import mark_rule_notes
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.neural.frame_differences import integrate
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.scores import describe_band_edge, method_table
from rppgbench.system.errors import BenchError

from ..factories.evaluators import FOLDER, NAMES, OF_HEART_RATES, evaluator
from ..factories.pulses import make_pulses
from ..factories.records import make_estimate, make_sine

FS, SECONDS = 30.0, 60.0


def contact(bpm: float, fs: float = 60.0) -> GroundTruth:
    values = make_sine(bpm, fs, SECONDS + 1)
    return GroundTruth(pulse=Signal(values, np.arange(len(values)) / fs))


def device(bpm: float) -> GroundTruth:
    return GroundTruth(heart_rate=Signal(np.full(62, bpm), np.arange(62.0)))


def estimate(recording: str, samples: Array, fs: float = FS, name: str = "pos") -> Estimate:
    return make_estimate(Waveform(samples, fs), recording, subject=recording, method=name)


def edges(rule: Evaluator, truth: GroundTruth, bpm: float) -> tuple[bool, Array]:
    reading = read_pulses(rule, make_pulses(make_sine(bpm), FS), [truth])
    assert reading.band_edge.any() == reading.band_edge.all()
    return bool(reading.band_edge.any()), reading.reference_bpm


# Bands


@pytest.mark.parametrize("name", ["li2023", "toolbox_2023", "sinc"])
def test_a_rate_beyond_the_band_agrees_with_itself_and_is_counted(name: str) -> None:
    """185 and 200 bpm: both sides are read as a rate within, with an error of 0."""
    rule = evaluator(name)
    high = 60 * rule.estimate.band.high_hz
    for bpm in (high + 5, high + 20):
        counted, reference = edges(rule, contact(bpm), bpm)
        assert counted
        assert (reference <= high + 1).all()
    assert not edges(rule, contact(high - EDGE_BPM - 6), 80)[0]
    assert edges(rule, contact(high - EDGE_BPM + 2), 80)[0]


@pytest.mark.parametrize(("bpm", "counted"), [(200, True), (210, True), (220, True), (150, False)])
def test_a_rate_that_a_narrow_filter_takes_away_is_counted(bpm: float, counted: bool) -> None:
    """The band of physformer goes up to 240 bpm, its filter up to 180."""
    assert edges(evaluator("physformer"), contact(bpm), bpm)[0] is counted
    assert edges(evaluator("physformer"), device(bpm), bpm)[0] is counted


@pytest.mark.parametrize("name", [n for n in NAMES if evaluator(n).estimate.band.low_hz < 0.7])
@pytest.mark.parametrize("bpm", [72.0, 95.0, 120.0])
def test_ordinary_rates_are_not_at_an_edge(name: str, bpm: float) -> None:
    both = GroundTruth(pulse=contact(bpm).pulse, heart_rate=device(bpm).heart_rate)
    if name == "contrast_phys":  # it halves some of them, so that they are
        both = GroundTruth(pulse=contact(100.0).pulse)
    assert not edges(evaluator(name), both, bpm)[0]


@pytest.mark.parametrize(("bpm", "counted"), [(38, True), (43, True), (60, False), (200, True)])
@pytest.mark.parametrize("name", ["li2023", "vipl", "v4v"])
def test_a_device_rate_at_the_edge_counts_as_it_is_stored(
    name: str, bpm: float, counted: bool
) -> None:
    assert edges(evaluator(name), device(bpm), 72.0)[0] is counted


def test_a_recording_counts_where_any_of_its_windows_does() -> None:
    rising = GroundTruth(heart_rate=Signal(np.linspace(60, 190, 62), np.arange(62.0)))
    assert edges(evaluator("vipl"), rising, 72.0)[0]


def test_a_window_without_truth_is_at_no_edge() -> None:
    unknown: Array = np.array([np.nan, 72.0])
    assert at_edge(evaluator("li2023"), unknown, np.array([300.0, np.nan])).tolist() == [0, 0]


@pytest.mark.parametrize("fs", [0.5, 6.0, 10.0, 30.0, 120.0])
def test_the_wide_reading_goes_as_far_as_the_samples_tell(fs: float) -> None:
    for bpm in (50.0, 100.0, 200.0):
        (result,) = wide_rates(make_sine(bpm, fs, 20.0)[None] + 3.0, fs)
        if bpm / 60 < 0.45 * fs - 0.1 and fs > 2:
            assert result == pytest.approx(bpm, abs=1.0)
        else:
            assert not abs(result - bpm) < 1


def test_genuine_references_have_no_false_alarm(real: Path) -> None:
    """Seven contact pulses at 87 to 134 bpm, full of drift: none is read outside 45 to 150 bpm."""
    files = [*sorted((real / "ubfc-labels").glob("*/*.txt")), real / "ubfc-trace/ground_truth.txt"]
    assert len(files) == 7
    for file in files:
        values, _, times_s = np.loadtxt(file)
        truth = GroundTruth(pulse=Signal(values, times_s).in_order())
        for name in ("li2023", "toolbox_2023", "sinc"):
            pulses = make_pulses(make_sine(100.0), FS, float(times_s[0]))
            assert not read_pulses(evaluator(name), pulses, [truth]).band_edge.any(), (file, name)


def test_edges_are_a_column_of_the_summary_and_a_sentence() -> None:
    truths = {("set", "a"): contact(72.0), ("set", "b"): contact(185.0)}
    made = [
        estimate(name, make_sine(bpm), name=m)
        for m in ("pos", "chrom")
        for name, bpm in (("a", 72.0), ("b", 185.0))
    ]
    windows = score_windows(evaluator("li2023"), made, truths)
    windows = ensemble_rates(windows, "both", ("pos", "chrom"), evaluator("li2023"))
    summary = summarise(windows, resamples=0)
    assert dict(zip(summary["method"], summary["n_band_edge"], strict=True)) == {
        "pos": 6, "chrom": 6, "both": 6,
    }  # fmt: skip
    scores = Scores(name="li2023", windows=windows, summary=summary)
    (text,) = describe_band_edge(scores)
    assert text.startswith(
        "Under li2023 the true heart rate of 6 of 12 windows lies outside the band, 40 to 180 bpm, "
        "or within 5 bpm of its edge"
    )
    assert text.endswith("for reference and estimate alike, so a small error there is no evidence.")
    table = method_table(scores)
    assert text in table.notes
    place = [column.key for column in table.columns].index("n_band_edge")
    assert [row.cells[place].text for row in table.rows] == ["6", "6", "6"]
    inside = score_windows(evaluator("li2023"), made[:1], truths)
    assert (
        describe_band_edge(
            Scores(name="li2023", windows=inside, summary=summarise(inside, resamples=0))
        )
        == []
    )


# Rates of samples


def test_rules_that_count_samples_say_for_which_rates() -> None:
    """A segment of so many samples is another time at another rate."""
    for name in NAMES:
        rule = evaluator(name)
        spectrum = rule.estimate.spectrum
        counts = isinstance(spectrum, Welch) and isinstance(spectrum.segment, SegmentSamples)
        assert (rule.made_for_fs is not None) == counts, name


@pytest.mark.parametrize("name", ["pyvhr", "physbench"])
def test_a_sampling_rate_that_a_rule_was_not_made_for_is_noted(name: str) -> None:
    """At 120 samples a second 72 bpm are read as 49 (pyvhr) and 69: faithful, and said."""
    rule = evaluator(name)
    assert rule.made_for_fs is not None
    truths = {("set", "a"): contact(72.0, 240.0), ("set", "b"): contact(72.0)}
    made = [
        estimate("a", make_sine(72.0, 120.0), 120.0),
        estimate("b", make_sine(72.0), name="chrom"),
    ]
    windows = score_windows(rule, made, truths)
    mark_rule_notes(windows, rule)
    summary = summarise(windows, resamples=0).set_index("method")
    low, high = rule.made_for_fs
    text = f"120 samples a second, the rule is made for {low:g} to {high:g}"
    assert summary["rule_note"].to_dict() == {"pos": text, "chrom": ""}
    table = method_table(Scores(name=name, windows=windows, summary=summary.reset_index()))
    assert f"pos: {text}." in table.notes
    assert text in [row.cells[0].below for row in table.rows]


def test_other_rules_need_no_range_and_a_range_changes_no_digest(tmp_path: Path) -> None:
    text = (FOLDER / "pyvhr.toml").read_text()
    line = "made_for_fs   = [20, 35]\n"
    assert line in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(line, ""))
    assert read_evaluator(file).digest == evaluator("pyvhr").digest
    file.write_text(text.replace("[20, 35]", "[35, 20]"))
    with pytest.raises(BenchError, match="made_for_fs must be the lowest rate"):
        read_evaluator(file)
    file.write_text(text.replace("[20, 35]", "[20]"))
    with pytest.raises(BenchError, match="made_for_fs"):
        read_evaluator(file)


# Cumulated outputs


def test_a_method_says_that_its_output_is_cumulated() -> None:
    @method("Summed", "none", cumulated=True)
    def summed(trace: Waveform) -> Waveform:
        """Nothing."""
        return trace

    @method("Plain", "none")
    def plain(trace: Waveform) -> Waveform:
        """Nothing."""
        return trace

    assert (summed.cumulated, plain.cumulated) == (True, False)


@pytest.mark.parametrize("name", OF_HEART_RATES)
def test_cumulated_output_under_a_rule_without_detrending_is_named(name: str) -> None:
    rule = evaluator(name)
    both = GroundTruth(pulse=contact(72.0).pulse, heart_rate=device(72.0).heart_rate)
    made = [estimate("a", make_sine(72.0), name=m) for m in ("summed", "pos")]
    windows = score_windows(rule, made, {("set", "a"): both})
    mark_rule_notes(windows, rule, {"summed"})
    notes = windows.groupby("method")["rule_note"].unique().to_dict()
    named = "" if rule.removes_drift else "cumulated output, the rule does not detrend"
    assert {key: list(value) for key, value in notes.items()} == {"summed": [named], "pos": [""]}
    assert rule.removes_drift == name.startswith("toolbox")


def test_our_networks_of_changes_take_the_drift_off_themselves() -> None:
    """So they are no cumulated outputs: a plain sum is read wrongly without detrending."""
    generator = np.random.default_rng(0)
    change = np.diff(make_sine(72.0), append=0.0)[None] + generator.normal(0, 0.3, (20, 1800))
    change = change + 0.3 * generator.choice([-1, 1], (20, 1))  # no network's mean is 0
    kinds = {"plain": np.cumsum(change, axis=1), "ours": np.stack([*map(integrate, change)])}
    off_bpm = {}
    for name in ("gideon2021", "sinc", "toolbox_2023"):
        for kind, pulses in kinds.items():
            many = make_pulses(pulses, FS)
            reading = read_pulses(evaluator(name), many, [GroundTruth()] * 20)
            off_bpm[name, kind] = float(np.nanmean(np.abs(reading.bpm - 72.0)))
    assert off_bpm["gideon2021", "plain"] > 20
    assert off_bpm["sinc", "plain"] > 1.5
    assert off_bpm["toolbox_2023", "plain"] < 1
    assert max(value for (_, kind), value in off_bpm.items() if kind == "ours") < 1
