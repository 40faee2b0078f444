"""What the page's script compares two methods from."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rppgbench.core.estimate import EstimateKey
from rppgbench.core.waveform import Array, Waveform
from rppgbench.report.inputs import ReportInputs
from rppgbench.report.recording_comparison import (
    LETTERS,
    MAX_LETTERS,
    REACH_SD,
    RecordingComparison,
    compare_recordings,
)

from ..factories.pages import Run, make_page, stored

RUN = Run(["s1", "s2", "s3"], methods=("pos", "two_sr", "constant"), evaluators=("one",))


@pytest.fixture(scope="module")
def page() -> ReportInputs:
    return make_page(RUN)


def made(page: ReportInputs) -> RecordingComparison:
    comparison = compare_recordings(page)
    assert comparison is not None
    return comparison


def read(letters: str) -> Array:
    """Letters back to standard deviations; a blank is NaN."""
    step = 2 * REACH_SD / (len(LETTERS) - 1)
    values = [
        LETTERS.index(letter) * step - REACH_SD if letter != " " else np.nan for letter in letters
    ]
    return np.array(values)


def test_errors_are_those_of_the_windows_of_each_recording(page: ReportInputs) -> None:
    comparison = made(page)
    windows = page.scores[0].windows
    for name, errors in zip(comparison.names, comparison.errors, strict=True):
        for facts, error in zip(comparison.recordings, errors, strict=True):
            chosen = (windows["method"] == name) & (windows["recording"] == facts[1])
            assert error == pytest.approx(windows.loc[chosen, "error_bpm"].abs().mean())
    assert len(comparison.recordings) == 6
    assert {facts[3] for facts in comparison.recordings} == {"rest", "talking"}


def test_a_waveform_is_the_middle_of_what_is_stored(page: ReportInputs) -> None:
    comparison = made(page)
    pos = comparison.names.index("pos")
    _, recording, _, _ = comparison.recordings[0]
    key = EstimateKey(
        dataset="made_up",
        recording=recording,
        method="pos",
        fold="fold0",
        seed=0,
        condition="none",
        region="skin",
    )
    waveform = stored(key).waveform
    assert waveform is not None
    begin = round(comparison.starts_s[0] * waveform.fs)
    blocks = waveform.samples[begin : begin + 360].reshape(-1, 2).mean(axis=1)
    expected = np.clip((blocks - blocks.mean()) / blocks.std(), -REACH_SD, REACH_SD)
    got = read(comparison.waveforms[pos][0][1:])
    assert comparison.rates_hz[0] == 15.0
    assert np.abs(got - expected).max() <= REACH_SD / (len(LETTERS) - 1) + 1e-9


def test_a_pulse_that_falls_where_the_reference_rises_is_turned(page: ReportInputs) -> None:
    def negated(key: object) -> object:
        found = page.estimate(key)  # type: ignore[arg-type]
        assert found is not None
        assert found.waveform is not None
        return replace(found, waveform=Waveform(-found.waveform.samples, found.waveform.fs))

    turned = made(replace(page, estimate=negated))  # type: ignore[arg-type]
    usual = made(page)
    pos = usual.names.index("pos")
    for before, after in zip(usual.waveforms[pos], turned.waveforms[pos], strict=True):
        assert before[0] != after[0]
        assert read(before[1:]) == pytest.approx(read(after[1:]), abs=0.08)


def test_missing_samples_are_blanks_and_missing_waveforms_are_empty(page: ReportInputs) -> None:
    def broken(key: object) -> object:
        found = page.estimate(key)  # type: ignore[arg-type]
        assert found is not None
        assert found.waveform is not None
        if found.method == "two_sr":
            return None
        samples = found.waveform.samples.copy()
        samples[900] = np.nan
        return replace(found, waveform=Waveform(samples, found.waveform.fs))

    comparison = made(replace(page, estimate=broken))  # type: ignore[arg-type]
    assert set(comparison.waveforms[comparison.names.index("two_sr")]) == {""}
    assert comparison.waveforms[comparison.names.index("pos")][0].count(" ") == 1


def test_no_text_ends_the_element_of_the_page(page: ReportInputs) -> None:
    scores = page.scores[0]
    windows = scores.windows.assign(scenario="</script><b>")
    text = made(replace(page, scores=(replace(scores, windows=windows),))).script()
    assert "<" not in text
    assert json.loads(text)["recordings"][0][3] == "</script><b>"


def test_one_method_has_nothing_to_be_compared_with() -> None:
    alone = make_page(Run(["s1", "s2"], methods=("pos",), evaluators=("one",)))
    assert compare_recordings(alone) is None


def test_many_recordings_stay_under_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With little room excerpts get shorter first; then recordings go, and the page says so."""
    page = make_page(RUN)
    place = "rppgbench.report.recording_comparison.MAX_LETTERS"
    monkeypatch.setattr(place, 6 * 4 * 90)
    short = made(page)
    assert {len(text) for row in short.waveforms for text in row} == {91}
    assert short.note == ""
    monkeypatch.setattr(place, 4 * 4 * 90)
    fewer = made(page)
    assert [bool(text) for text in fewer.waveforms[0]] == [True] * 4 + [False] * 2
    assert fewer.note == "The waveforms of 2 recordings would make the page too large."
    assert MAX_LETTERS < 5e6
