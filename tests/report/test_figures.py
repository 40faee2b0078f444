"""Figures of a report: what is drawn, in which colours, and from which data."""

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.bland_altman import bland_altman as limits_of_agreement
from rppgbench.evaluation.windows import RateWindow
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures import registry, window_panels
from rppgbench.report.figures import series as series_module
from rppgbench.report.figures.bland_altman import plot_bland_altman
from rppgbench.report.figures.drawing import (
    INK,
    MARKERS,
    SERIES,
    Download,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.figures.errors import MAX_CURVES, plot_errors
from rppgbench.report.figures.evaluators import plot_evaluators
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.figures.prediction import draw_prediction, save_prediction
from rppgbench.report.figures.registry import figure, render_figures, report_figures
from rppgbench.report.figures.scatter import plot_scatter
from rppgbench.report.figures.seeds import plot_seeds
from rppgbench.report.figures.series import Series, summary_series, windows_download
from rppgbench.report.figures.timing import plot_timings
from rppgbench.report.figures.waveforms import (
    pick_recordings,
    reference_waveform,
    spectrum,
    waveform_figure,
)
from rppgbench.report.inputs import ReportInputs, Timings
from rppgbench.report.page import report_html
from rppgbench.system.errors import BenchError

from ..factories.pages import Run, make_page, stored, summary_frame

SVG = "{http://www.w3.org/2000/svg}"
SMALL = Run(["s1", "s2", "s3"], methods=("pos", "two_sr", "constant"), evaluators=("one", "two"))


@pytest.fixture(scope="module")
def page() -> ReportInputs:
    return make_page(SMALL)


@pytest.fixture(scope="module")
def all_series(page: ReportInputs) -> list[Series]:
    return summary_series(page.scores[0], page.baselines)


DATA = Download("windows.csv", "")


def framed(plot: Plot | None) -> Drawing:
    """A plot in its frame."""
    drawing = draw_framed("k", "t", lambda: plot, marks=DataMarks())
    assert drawing is not None
    return drawing


def test_rows_and_series_have_one_order(page: ReportInputs, all_series: list[Series]) -> None:
    by_error = page.scores[0].summary.sort_values("mae")["method"].tolist()
    assert [one.name for one in all_series] == by_error
    assert [one.baseline for one in all_series] == [name == "constant" for name in by_error]
    assert sum(len(one.windows) for one in all_series) == len(page.scores[0].windows)


def test_scatter_draws_one_point_for_every_window_with_an_estimate(
    all_series: list[Series],
) -> None:
    drawing = framed(plot_scatter(all_series, DATA, evaluator="one"))
    drawn = sum(int(one.windows["estimate_bpm"].notna().sum()) for one in all_series)
    lost = sum(int(one.windows["estimate_bpm"].isna().sum()) for one in all_series)
    assert lost > 0
    assert f"Each point is a window ({drawn})." in drawing.caption
    assert f"{lost} windows without an estimate" in drawing.caption
    root = ET.fromstring(drawing.svg)
    groups = [
        [use for use in group if use.tag == f"{SVG}use"]
        for group in root.iter(f"{SVG}g")
        if "opacity: 0.45" in group.get("style", "")
    ]
    assert sum(len(group) for group in groups) == drawn


def test_many_windows_are_counted_in_hexagons(
    all_series: list[Series], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_panels, "MAX_POINTS", 10)
    few = framed(plot_scatter(all_series, DATA, evaluator="one"))
    assert "as hexagons" in few.caption
    shades = re.findall(r"fill: var\(--blue, #0072b2\); opacity: ([\d.]+)", few.svg)
    assert len(shades) > len(all_series)
    many = framed(plot_bland_altman(all_series, DATA, evaluator="one"))
    assert many.svg.count("<use") < 400


def test_bland_altman_says_the_limits_that_it_draws(all_series: list[Series]) -> None:
    drawing = framed(plot_bland_altman(all_series, DATA, evaluator="one"))
    frame = all_series[0].paired_windows()
    result = limits_of_agreement(frame["reference_bpm"], frame["estimate_bpm"], frame["subject"])
    arguments = f"bias {result.bias:.2f}, limits {result.lower:.2f} to {result.upper:.2f}"
    arguments = arguments.replace("-", "−")
    assert f"{all_series[0].name}: {arguments}" in drawing.alt


def test_bland_altman_leaves_baselines_out_where_there_are_methods(
    all_series: list[Series],
) -> None:
    drawing = framed(plot_bland_altman(all_series, DATA, evaluator="one"))
    baselines = [one.name for one in all_series if one.baseline]
    assert baselines == ["constant"]
    assert "constant" not in drawing.svg
    assert "Not drawn, to keep the scale: constant." in drawing.caption
    alone = framed(
        plot_bland_altman([one for one in all_series if one.baseline], DATA, evaluator="one")
    )
    assert "constant: bias" in alone.alt


def test_distribution_gives_quantiles_in_words(all_series: list[Series]) -> None:
    drawing = framed(plot_errors(all_series, DATA, evaluator="one"))
    frame = all_series[0].paired_windows()
    low, median, high = (frame["estimate_bpm"] - frame["reference_bpm"]).quantile([0.05, 0.5, 0.95])
    arguments = f"median {median:.2f}, middle 90 % {low:.2f} to {high:.2f}".replace("-", "−")
    assert f"{all_series[0].name}: {arguments}" in drawing.alt
    assert MAX_CURVES == 5


def test_overview_has_every_method_under_every_evaluator(page: ReportInputs) -> None:
    drawing = framed(plot_evaluators(page.scores, baselines=page.baselines))
    data = pd.read_csv(io.StringIO(drawing.data.text))
    assert len(data) == 3 * 2
    for scores in page.scores:
        mine = data[data["evaluator"] == scores.name].set_index("method")["mae"]
        truth = scores.summary.set_index("method")["mae"]
        assert mine.to_dict() == pytest.approx(truth.to_dict(), rel=1e-5)
    assert "constant (baseline)" in drawing.svg


@pytest.mark.parametrize(("baseline_bpm", "written"), [(20.0, True), (2.0, False)])
def test_a_baseline_far_beyond_the_methods_is_written_and_not_drawn(
    page: ReportInputs, baseline_bpm: float, written: bool
) -> None:
    """Drawn, it would squeeze every method into one spot of the axis."""
    summary = page.scores[0].summary.copy()
    baseline = summary["method"] == "constant"
    for key, size in (("mae", 1.0), ("mae_low", 0.9), ("mae_high", 1.1)):
        summary[key] = np.where(baseline, baseline_bpm * size, size)
    held = [replace(one, summary=summary) for one in page.scores]
    drawing = framed(plot_evaluators(held, baselines=page.baselines))
    assert ("20.00 →" in drawing.svg) == written
    assert ("beyond the axis" in drawing.caption) == written
    data = pd.read_csv(io.StringIO(drawing.data.text))  # the data lack nothing
    assert (data["method"] == "constant").sum() == 2


def test_a_method_that_one_evaluator_lacks_stays_in_the_rows_of_the_others(
    page: ReportInputs,
) -> None:
    first, second = page.scores
    summary = first.summary[first.summary["method"] != "pos"]
    lacking = replace(first, name="lacking", summary=summary)
    plot = plot_evaluators([second, lacking, first])
    (panel,) = (axes for axes in plot.figure.axes if axes.get_title() == "pos")
    (dots,) = panel.get_lines()
    assert np.asarray(dots.get_ydata()).tolist() == [0, 2]
    maes = [scores.summary.set_index("method")["mae"]["pos"] for scores in (second, first)]
    assert np.asarray(dots.get_xdata()).tolist() == pytest.approx(maes)


def test_seeds_are_dots_and_absent_without_seeds(page: ReportInputs) -> None:
    assert plot_seeds(page.scores[0]) is None
    windows = pd.concat(
        [page.scores[0].windows.assign(seed=seed, error_bpm=seed + 1.0) for seed in range(3)]
    )
    scores = replace(
        page.scores[0],
        windows=windows,
        summary=summary_frame(windows),
        groups={"seed": summary_frame(windows, ("method", "seed"))},
    )
    drawing = framed(plot_seeds(scores))
    assert "pos: mean 2.00, standard deviation 1.00 over 3 seeds" in drawing.alt
    assert len(pd.read_csv(io.StringIO(drawing.data.text))) == 9


def test_timings_are_seconds_for_a_minute_of_video() -> None:
    drawing = framed(plot_timings(Timings(600.0, {"decode": 100.0}, {"slow": 50.0, "fast": 1.0})))
    data = pd.read_csv(io.StringIO(drawing.data.text)).set_index("name")
    assert data["seconds_per_video_minute"].to_dict() == {"decode": 10.0, "fast": 0.1, "slow": 5.0}
    assert list(data.index) == ["decode", "fast", "slow"]
    assert plot_timings(Timings(0.0, {"decode": 1.0})) is None
    assert plot_timings(Timings(60.0)) is None


def one_series(errors: dict[str, list[float]]) -> Series:
    frame = pd.DataFrame(
        [
            {
                "dataset": "d", "recording": name, "method": "m", "fold": "f", "seed": 0,
                "condition": "none", "region": "skin", "reference_bpm": 70.0,
                "estimate_bpm": 70.0 + error,
            }
            for name, values in errors.items()
            for error in values
        ]
    )  # fmt: skip
    return Series(name="m", record={"method": "m"}, windows=frame, baseline=False)


def test_picks_are_best_median_and_worst_by_mean_absolute_error() -> None:
    one = one_series(
        {"a": [4.0, -4.0], "b": [0.0, 1.0], "c": [9.0, 9.0], "d": [2.0, np.nan], "e": [5.0]}
    )
    matches = [(pick.word, pick.case.recording, pick.error_bpm) for pick in pick_recordings(one)]
    assert matches == [("best", "b", 0.5), ("median", "a", 4.0), ("worst", "c", 9.0)]


@pytest.mark.parametrize(
    ("errors", "arguments"),
    [
        ({"a": [1.0]}, ["best"]),
        ({"a": [1.0], "b": [2.0]}, ["best", "worst"]),
        ({"a": [np.nan]}, []),
    ],
)
def test_few_recordings_are_not_drawn_twice(
    errors: dict[str, list[float]], arguments: list[str]
) -> None:
    assert [pick.word for pick in pick_recordings(one_series(errors))] == arguments


def test_spectrum_is_the_periodogram_of_the_longest_segment() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=900)
    gap = samples.copy()
    gap[200] = np.nan
    frequency, power = spectrum(Waveform(gap, 30.0))
    part = (samples[201:] - samples[201:].mean()) * np.hanning(699)
    steps = np.arange(60, 481) / 120
    waves = np.exp(-2j * np.pi * steps[:, None] * np.arange(699) / 30)
    expected = np.abs(waves @ part) ** 2
    np.testing.assert_allclose(frequency, steps)
    np.testing.assert_allclose(power, expected / expected.max(), rtol=1e-6)


@pytest.mark.parametrize("samples", [np.full(300, np.nan), np.zeros(300), np.arange(30.0)])
def test_a_pulse_without_a_spectrum_has_none(samples: np.ndarray) -> None:
    assert spectrum(Waveform(samples, 30.0))[0].size == 0


def test_the_reference_is_taken_at_the_times_of_the_estimate() -> None:
    truth = GroundTruth(pulse=Signal(np.array([0.0, 10.0, 30.0]), np.array([0.0, 0.1, 0.2])))
    result = reference_waveform(truth, Waveform(np.zeros(5), 20.0, 0.05))
    assert result is not None
    np.testing.assert_allclose(result.samples, [5, 10, 20, 30, np.nan])
    assert reference_waveform(GroundTruth(), Waveform(np.zeros(5), 2.0)) is None


def test_waveforms_show_the_peak_of_the_stored_pulse(all_series: list[Series]) -> None:
    one = all_series[0]
    times = np.arange(0, 60, 0.02)
    truths = {
        ("made_up", name): GroundTruth(pulse=Signal(np.sin(2 * np.pi * 1.2 * times), times))
        for name in one.windows["recording"].unique()
    }

    def at_90(case: EstimateKey) -> Estimate | None:
        wave = np.sin(2 * np.pi * 1.5 * np.arange(1800) / 30)
        return replace(stored(case), waveform=Waveform(wave, 30.0))

    drawing = waveform_figure(one, at_90, truths, key="w")
    assert drawing is not None
    data = pd.read_csv(io.StringIO(drawing.data.text))
    assert set(data["pick"]) == {"best", "median", "worst"}
    for _, part in data[data["part"] == "spectrum"].groupby("pick"):
        rate = part["heart_rate_bpm"].to_numpy()
        assert rate[part["estimate"].argmax()] == pytest.approx(90, abs=0.5)
        assert rate[part["reference"].argmax()] == pytest.approx(72, abs=0.5)
    pulse = data[(data["part"] == "pulse") & (data["pick"] == "best")]
    assert pulse["time_s"].min() >= 24
    assert pulse["estimate"].std() == pytest.approx(1, abs=0.01)


def test_an_estimate_of_the_other_sign_is_drawn_upside_down_and_says_so(
    all_series: list[Series],
) -> None:
    times = np.arange(0, 60, 1 / 60)
    beat = np.sin(2 * np.pi * 1.2 * times)
    truths = {
        ("made_up", name): GroundTruth(pulse=Signal(beat, times))
        for name in all_series[0].windows["recording"].unique()
    }

    def of_sign(sign: float) -> Drawing:
        def made(case: EstimateKey) -> Estimate:
            result = stored(case)
            assert result is not None
            wave = Waveform(sign * np.sin(2 * np.pi * 1.2 * np.arange(1500) / 30 + 0.3), 30.0)
            return replace(result, waveform=wave)

        drawing = waveform_figure(all_series[0], made, truths, key="w")
        assert drawing is not None
        return drawing

    for sign in (1.0, -1.0):
        drawing = of_sign(sign)
        pulse = pd.read_csv(io.StringIO(drawing.data.text)).query("part == 'pulse'")
        assert set(pulse["sign"]) == {sign}
        assert (pulse["estimate"] * pulse["reference"]).mean() == pytest.approx(0.955, abs=0.02)
        assert ("drawn upside down" in drawing.svg) == (sign < 0)
        assert ("MCC does" in drawing.caption) == (sign < 0)


def test_no_stored_waveform_is_no_figure(all_series: list[Series]) -> None:
    assert waveform_figure(all_series[0], lambda case: None, {}, key="w") is None


def test_a_heart_rate_alone_is_a_line_in_the_spectrum(all_series: list[Series]) -> None:
    rate = GroundTruth(heart_rate=Signal(np.full(3, 80.0), np.arange(3.0)))
    truths = {("made_up", name): rate for name in all_series[0].windows["recording"].unique()}
    drawing = waveform_figure(all_series[0], stored, truths, key="w")
    assert drawing is not None
    assert "reference" not in pd.read_csv(io.StringIO(drawing.data.text)).columns
    assert drawing.svg.count("var(--vermillion, #d55e00)") == 3


def test_windows_come_wide_with_a_column_for_every_method(page: ReportInputs) -> None:
    download, note = windows_download(page.scores[0])
    assert note == ""
    wide = pd.read_csv(io.StringIO(download.text))
    windows = page.scores[0].windows
    assert len(wide) == len(windows) / 3
    row = windows[windows["method"] == "two_sr"].iloc[5]
    mine = wide[(wide["recording"] == row["recording"]) & (wide["window"] == row["window"])]
    assert mine["two_sr (bpm)"].item() == pytest.approx(row["estimate_bpm"], abs=6e-4, nan_ok=True)
    assert mine["reference_bpm"].item() == pytest.approx(row["reference_bpm"], abs=6e-4)


def test_too_many_windows_become_means_over_recordings(
    page: ReportInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_module, "CSV_LIMIT", 1000)
    download, note = windows_download(page.scores[0])
    assert "means over each recording" in note
    table = pd.read_csv(io.StringIO(download.text))
    windows = page.scores[0].windows
    assert len(table) == windows["recording"].nunique()
    truth = windows[windows["method"] == "pos"].groupby("recording")["estimate_bpm"].mean()
    mine = table.set_index("recording")["pos (bpm)"]
    assert mine.to_dict() == pytest.approx(truth.to_dict(), rel=1e-4)


def drawing_of(label: str, key: str = "k", *, simulated: bool = False) -> str:
    with drawing_style(key):
        figure, (axes,) = panels(1, columns=1, width_in=3, panel_height_in=2)
        axes.plot([1, 2, 3], [3, 1, 2], "o", color=SERIES[0], label=label)
        axes.set_title(label)
        axes.set_xlabel("12.3456789")
        return to_svg(figure, key, f"alt {label}", marks=DataMarks(simulated=simulated))


@pytest.mark.parametrize("label", ["$x^2$", "<script>alert(1)</script>", 'a"b&c', "#0072b2"])
def test_labels_come_through_as_they_are(label: str) -> None:
    root = ET.fromstring(drawing_of(label))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert label in texts
    assert "12.3456789" in texts
    assert root.get("aria-label") == f"alt {label}"


def test_a_drawing_is_the_same_every_time_and_carries_no_date() -> None:
    assert drawing_of("a") == drawing_of("a")
    assert "metadata" not in drawing_of("a")


def test_ids_are_apart_between_figures_and_all_links_lead_somewhere() -> None:
    svgs = {key: drawing_of("a", key) for key in ("one", "two")}
    by_name = {key: set(re.findall(r'\bid="([^"]+)"', svg)) for key, svg in svgs.items()}
    assert by_name["one"]
    assert not by_name["one"] & by_name["two"]
    for key, svg in svgs.items():
        links = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg))
        assert {a or b for a, b in links} == by_name[key]


def test_colours_follow_the_theme_of_the_page() -> None:
    svg = drawing_of("a")
    plain = re.sub(r"var\(--\w+, #[0-9a-f]{6}\)", "", svg)
    assert not re.search(r"(fill|stroke): #", plain)
    assert f"var(--ink, {INK})" in svg


def test_a_simulated_drawing_says_so_itself() -> None:
    assert "SIMULATED DATA" in drawing_of("a", simulated=True)
    assert "SIMULATED" not in drawing_of("a")


def test_series_are_told_apart_in_grey() -> None:
    pairs = [(SERIES[k % len(SERIES)], MARKERS[k % len(MARKERS)]) for k in range(77)]
    assert len(set(pairs)) == 77
    assert len(set(MARKERS)) == len(MARKERS)


def test_every_figure_has_words_units_and_data(page: ReportInputs) -> None:
    drawings = [*render_figures(page, "summary"), *render_figures(page, "figures")]
    assert [drawing.key for drawing in drawings] == [
        "evaluators",
        "scatter",
        "bland-altman",
        "errors",
        "timings",
    ]
    for drawing in drawings:
        assert "(bpm)" in drawing.svg or "Seconds" in drawing.svg
        assert "SIMULATED DATA" in drawing.svg
        assert len(drawing.alt) > 40
        assert drawing.caption.endswith(".")
        assert drawing.data.text.count("\n") > 3


def test_a_figure_that_a_module_registers_is_on_the_page(
    page: ReportInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list is edited: the module's decorator is enough."""
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @figure(name="mine", title="My figure", place="figures", order=15)
    def draw(inputs: ReportInputs) -> Plot | None:
        drawing, (axes,) = panels(1, columns=1, width_in=3, panel_height_in=2)
        axes.plot([1, 2])
        data = csv_download("mine.csv", pd.DataFrame({"x": [1]}))
        return Plot(figure=drawing, caption="Mine.", alt="A line.", data=data)

    assert [one.name for one in report_figures("figures")][:3] == [
        "scatter",
        "mine",
        "bland-altman",
    ]
    html = report_html(page)
    assert '<figure id="mine">' in html
    assert "My figure." in html
    assert "SIMULATED_mine.csv" in html


def test_two_figures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'scatter' is registered by .*scatter and .*"):
        figure(name="scatter", title="", place="figures")(lambda inputs: None)


def test_every_module_of_figures_is_found() -> None:
    names = {one.name for one in report_figures()}
    assert names == {"evaluators", "scatter", "bland-altman", "errors", "seeds", "timings", "cost"}


def test_csv_of_a_frame_keeps_quotes_and_commas() -> None:
    frame = pd.DataFrame({"name": ['a,"b"\n<'], "x": [0.1 + 0.2]})
    back = pd.read_csv(io.StringIO(csv_download("f.csv", frame).text))
    assert back["name"].tolist() == ['a,"b"\n<']
    assert back["x"].tolist() == [0.3]


WINDOWS = [
    RateWindow(0.0, 10.0, 72.0, 6.0, 71.0),
    RateWindow(1.0, 10.0, float("nan"), float("nan")),
    RateWindow(2.0, 10.0, 73.0, 5.0, 74.5),
]


@pytest.mark.parametrize(
    ("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_prediction_becomes_a_picture(kind: str, start: bytes, tmp_path: Path) -> None:
    wave = Waveform(np.sin(2 * np.pi * 1.2 * np.arange(600) / 30), 30.0)
    truth = GroundTruth(pulse=Signal(np.sin(np.arange(600.0)), np.arange(600) / 30))
    path = save_prediction(draw_prediction(wave, WINDOWS, truth), tmp_path / "new" / f"p.{kind}")
    assert path.read_bytes().startswith(start)
    again = save_prediction(draw_prediction(wave, WINDOWS, truth), tmp_path / f"again.{kind}")
    assert again.read_bytes() == path.read_bytes()


def test_a_prediction_says_median_and_peak(tmp_path: Path) -> None:
    wave = Waveform(np.sin(2 * np.pi * 1.2 * np.arange(600) / 30), 30.0)
    path = save_prediction(draw_prediction(wave, WINDOWS), tmp_path / "p.svg")
    text = path.read_text(encoding="utf-8")
    assert "median 72.50 bpm" in text
    assert "peak 72.0 bpm" in text


@pytest.mark.parametrize(("stride_s", "overlap"), [(1.0, True), (10.0, False)])
def test_a_prediction_with_a_reference_shows_errors_and_agreement(
    stride_s: float, overlap: bool, tmp_path: Path
) -> None:
    """Differences 1 and -1.5 bpm: standard deviation 1.77 bpm."""
    wave = Waveform(np.sin(2 * np.pi * 1.2 * np.arange(600) / 30), 30.0)
    windows = [row._replace(start_s=stride_s * place) for place, row in enumerate(WINDOWS)]
    path = save_prediction(draw_prediction(wave, windows), tmp_path / "p.svg")
    text = path.read_text(encoding="utf-8")
    assert "mean absolute error 1.25 bpm" in text
    assert "bias -0.25, limits -3.71 to +3.21 bpm" in text
    assert ("windows overlap" in text) == overlap


def test_a_prediction_without_a_pulse_is_still_a_picture(tmp_path: Path) -> None:
    gaps = Waveform(np.full(90, np.nan), 30.0)
    path = save_prediction(draw_prediction(gaps, []), tmp_path / "p.svg")
    assert "no window with a rate" in path.read_text(encoding="utf-8")


def test_a_picture_of_another_kind_is_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"p\.gif: no picture of kind '\.gif'; known: \.png"):
        save_prediction(draw_prediction(Waveform(np.zeros(9), 30.0), []), tmp_path / "p.gif")
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(BenchError, match=r"p\.png: cannot be written"):
        save_prediction(draw_prediction(Waveform(np.zeros(9), 30.0), []), blocked / "p.png")
