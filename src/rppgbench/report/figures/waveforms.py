"""Pulse and spectrum of the best, median and worst recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.figures.series import Series
from rppgbench.report.inputs import unit_of
from rppgbench.report.tables.columns import metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EXCERPT_S = 12.0
"""How much of a recording is drawn as a waveform."""

BAND_HZ = (0.5, 4.0)
"""The range of the spectra: 30 to 240 bpm."""

CLIP_SD = 4.0
"""Standard deviations on either side of the mean beyond which a waveform is cut off."""

SIGN_NOTE = (
    ", and drawn upside down where the panel says so, because it falls where the sensor's pulse "
    "rises (as brightness does: blood absorbs light); heart rates do not depend on the sign, MCC "
    "does"
)

_STEP_HZ = 1 / 120


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A recording chosen for a series, by its mean absolute error."""

    word: str  # "best", "median" or "worst"
    case: EstimateKey
    error_bpm: float
    unit: str = "bpm"

    @property
    def error_text(self) -> str:
        """The error with its unit."""
        return f"{metric('mae').write(self.error_bpm)} {self.unit}"


def pick_recordings(series: Series) -> list[Pick]:
    """Best, median (the lower middle) and worst recording of a series among those with a waveform.

    A recording's error is the mean absolute error of its windows that have an estimate; ties go by
    name. Fewer than three recordings give fewer picks.
    """
    keys = ["dataset", "recording", "method", "fold", "seed", "condition", "region"]
    paired_windows = series.paired_windows()
    errors = paired_windows.assign(
        error=(paired_windows["estimate_bpm"] - paired_windows["reference_bpm"]).abs()
    )
    means = errors.groupby(keys, sort=True, dropna=False)["error"].mean().reset_index()
    means = means.sort_values(["error", *keys], kind="stable", ignore_index=True)
    last = len(means) - 1
    picks = {}
    for word, place in (("best", 0), ("worst", last), ("median", last // 2)):
        if last >= 0 and place not in picks:
            record = means.iloc[place]
            case = EstimateKey(
                dataset=str(record["dataset"]),
                recording=str(record["recording"]),
                method=str(record["method"]),
                fold=str(record["fold"]),
                seed=int(record["seed"]),
                condition=str(record["condition"]),
                region=str(record["region"]),
            )
            picks[place] = Pick(
                word=word, case=case, error_bpm=float(record["error"]), unit=unit_of(series.windows)
            )
    return [picks[place] for place in sorted(picks)]


def waveform_figure(
    series: Series,
    estimate: Callable[[EstimateKey], Estimate | None],
    ground_truths: Mapping[tuple[str, str], GroundTruth],
    *,
    key: str,
    marks: DataMarks = UNMARKED,
) -> Drawing | None:
    """Pulse and spectrum of the picked recordings of one series, with the reference behind.

    Both waveforms are standardised (mean 0, standard deviation 1) and otherwise as stored: no
    filter of an evaluator is applied. For the sign of the estimate see `draw_pulse`.

    Args:
        series: The series.
        estimate: Fetches one stored estimate, or None.
        ground_truths: Ground truth by data set and recording.
        key: Name of the figure, unique on its page.
        marks: What is simulated or imported.

    Returns:
        The figure; None where no waveform is stored.
    """
    picked = []
    for pick in pick_recordings(series):
        stored = estimate(pick.case)
        if stored is not None and stored.waveform is not None:
            truth = ground_truths.get((pick.case.dataset, pick.case.recording), GroundTruth())
            picked.append((pick, stored.waveform, truth))
    if not picked:
        return None
    title = f"Waveforms of {series.name}"
    return draw_framed(key, title, lambda: _plot(title, picked, key), marks=marks)


def _plot(title: str, picked: Sequence[tuple[Pick, Waveform, GroundTruth]], key: str) -> Plot:
    """A row of two panels for each picked recording."""
    import pandas as pd

    figure, axes = panels(
        2 * len(picked),
        columns=2,
        width_in=10,
        panel_height_in=1.25 + 1.1 / len(picked),
        share=False,
        width_ratios=(2.4, 1),
        margins_in=(0.6, 0.5, 0.1, 0.6),
    )
    figure.subplots_adjust(wspace=0.05, hspace=0.45)
    parts: list[pd.DataFrame] = []
    for row, (pick, waveform, truth) in enumerate(picked):
        parts.append(_draw_excerpt(axes[2 * row], waveform, truth, pick))
        parts += _draw_spectrum(axes[2 * row + 1], waveform, truth, pick)
    axes[-2].set_xlabel("Time (s)")
    axes[-1].set_xlabel("Heart rate (bpm)")
    figure.supylabel("Pulse (standard deviations)", fontsize=8, color=INK, x=0.005)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", ncols=2)
    data = pd.concat(parts, ignore_index=True)
    first = ["recording", "pick", "part"]
    inverted = "sign" in data and bool((data["sign"] < 0).any())
    errors = [
        f"{pick.word}: {pick.case.recording}, mean absolute error {pick.error_text}"
        for pick, _, _ in picked
    ]
    return Plot(
        figure=figure,
        caption=(
            "The recordings with the lowest, middle and highest mean absolute error. "
            f"Left, {EXCERPT_S:g} s from the middle, standardised, as stored and cut off at "
            f"±{CLIP_SD:g}{SIGN_NOTE if inverted else ''}; right, the power spectrum of the "
            "longest segment without a gap (Hann window, scaled to its own peak)."
        ),
        alt=f"{title.replace('Waveforms', 'Waveforms and power spectra')}. {'; '.join(errors)}.",
        data=csv_download(
            f"{key}.csv", data[[*first, *data.columns.difference(first, sort=False)]]
        ),
    )


def _draw_excerpt(panel: Axes, waveform: Waveform, truth: GroundTruth, pick: Pick) -> pd.DataFrame:
    """The pulse of one picked recording, with its name and error as titles."""
    samples = draw_pulse(panel, waveform, truth)
    inverted = "sign" in samples and samples["sign"].iloc[0] < 0
    error = f"error {pick.error_text}{'; drawn upside down' if inverted else ''}"
    panel.set_title(f"{pick.word.capitalize()}: {pick.case.recording}")
    panel.set_title(error, loc="right", fontsize=7.5, fontweight="normal", color=MUTED)
    return samples.assign(recording=pick.case.recording, pick=pick.word, part="pulse")


def spectrum(waveform: Waveform) -> tuple[Array, Array]:
    """Frequencies in Hz (F,) and power (F,), scaled to a peak of 1 within 0.5 to 4 Hz.

    The periodogram of the longest segment without NaN, Hann window, zero-padded to steps of
    1/120 Hz. Empty where less than two seconds are left, or where nothing varies.

    >>> f, power = spectrum(Waveform(np.sin(2 * np.pi * 1.5 * np.arange(300) / 30), 30.0))
    >>> round(float(f[power.argmax()]), 3)
    1.5
    """
    samples = _longest_segment(waveform.samples)
    centred = samples - samples.mean() if len(samples) else samples
    if len(centred) < 2 * waveform.fs or not np.ptp(centred) > 0:
        return np.empty(0), np.empty(0)
    size = max(len(centred), round(waveform.fs / _STEP_HZ))
    power: Array = np.abs(np.fft.rfft(centred * np.hanning(len(centred)), n=size)) ** 2
    frequencies = np.arange(len(power)) * waveform.fs / size
    inside = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    peak = power[inside].max()
    return frequencies[inside], power[inside] / (peak if peak > 0 else 1.0)


def standardise(samples: Array) -> Array:
    """Mean 0 and standard deviation 1 over the samples that are there; flat ones become 0.

    >>> standardise(np.array([1.0, 3.0, np.nan]))
    array([-1.,  1., nan])
    """
    if not np.isfinite(samples).any():
        return samples
    spread = np.nanstd(samples)
    out: Array = (samples - np.nanmean(samples)) / (spread if spread > 0 else 1.0)
    return out


def reference_waveform(truth: GroundTruth, waveform: Waveform) -> Waveform | None:
    """The reference pulse at the times of the estimate, NaN in its gaps; None without a pulse.

    Args:
        truth: The ground truth of the recording.
        waveform: The estimate.

    Returns:
        The reference at the sampling rate of the estimate, NaN in gaps; None without a pulse.
    """
    if truth.pulse is None or not len(truth.pulse.times_s):
        return None
    values = replace(truth, pulse=truth.pulse.in_order()).pulse_at(waveform.times_s())
    return Waveform(values.reshape(len(values), -1)[:, 0], waveform.fs, waveform.start_s)


def _longest_segment(samples: Array) -> Array:
    """The longest run of finite samples.

    >>> _longest_segment(np.array([1.0, np.nan, 2.0, 3.0]))
    array([2., 3.])
    """
    finite = np.concatenate([[False], np.isfinite(samples), [False]])
    starts = np.flatnonzero(np.diff(finite.astype(int)) == 1)
    ends = np.flatnonzero(np.diff(finite.astype(int)) == -1)
    if not len(starts):
        return np.empty(0)
    longest = int(np.argmax(ends - starts))
    return samples[starts[longest] : ends[longest]]


def draw_pulse(place: Axes, waveform: Waveform, truth: GroundTruth) -> pd.DataFrame:
    """Draw `EXCERPT_S` from the middle, the reference behind, and return what is drawn.

    Columns: time_s, estimate and, where there is one, reference; standardised over the excerpt.
    With a reference `sign` is -1 where the two are correlated negatively over the excerpt: the
    estimate is then drawn, and returned, times -1.

    Args:
        place: The panel.
        waveform: The estimate.
        truth: The ground truth of the recording.

    Returns:
        The drawn samples.
    """
    import pandas as pd

    times = waveform.times_s()
    finite = np.flatnonzero(np.isfinite(waveform.samples))
    middle = times[finite[len(finite) // 2]] if len(finite) else times.mean()
    excerpt = np.abs(times - middle) <= EXCERPT_S / 2
    reference = reference_waveform(truth, waveform)
    columns = {
        "time_s": times[excerpt].round(3),
        "estimate": standardise(waveform.samples[excerpt]).round(3),
    }
    if reference is not None:
        columns["reference"] = standardise(reference.samples[excerpt]).round(3)
        opposed = bool(np.nansum(columns["estimate"] * columns["reference"]) < 0)
        columns["sign"] = np.full(len(columns["time_s"]), -1.0 if opposed else 1.0)
        columns["estimate"] = columns["estimate"] * columns["sign"]
        place.plot(
            columns["time_s"],
            columns["reference"],
            color=VERMILLION,
            linewidth=2.2,
            alpha=0.45,
            label="reference",
        )
    place.plot(columns["time_s"], columns["estimate"], color=BLUE, label="estimate")
    place.set_yticks([-2, 0, 2])
    place.set_ylim(-CLIP_SD, CLIP_SD)
    place.margins(x=0)
    return pd.DataFrame(columns)


def _draw_spectrum(
    place: Axes, waveform: Waveform, truth: GroundTruth, pick: Pick
) -> list[pd.DataFrame]:
    place.set_xlim(BAND_HZ[0] * 60, BAND_HZ[1] * 60)
    place.set_ylim(0, 1.15)
    place.set_yticks([])
    place.spines["left"].set_visible(False)
    reference = reference_waveform(truth, waveform)
    frequency, power = spectrum(waveform)
    frames = [_spectrum_frame(pick, "estimate", frequency, power)]
    if reference is not None:
        frequency_hz, reference_power = spectrum(reference)
        rates_bpm = frequency_hz * 60
        place.fill_between(rates_bpm, reference_power, color=VERMILLION, alpha=0.3, linewidth=0)
        place.plot(rates_bpm, reference_power, color=VERMILLION, linewidth=1.2, alpha=0.7)
        reference_frame = _spectrum_frame(pick, "reference", frequency_hz, reference_power)
        if np.array_equal(frequency_hz, frequency):
            frames[0]["reference"] = reference_frame["reference"]
        else:
            frames.append(reference_frame)
    elif truth.heart_rate is not None and len(truth.heart_rate.values):
        rate = float(np.nanmean(truth.heart_rate.values))
        place.axvline(rate, color=VERMILLION, linewidth=2.2, alpha=0.6)
    place.plot(frequency * 60, power, color=BLUE)
    return frames


def _spectrum_frame(pick: Pick, column: str, frequency_hz: Array, power: Array) -> pd.DataFrame:
    import pandas as pd

    labels = {"recording": pick.case.recording, "pick": pick.word, "part": "spectrum"}
    rates = {"heart_rate_bpm": (frequency_hz * 60).round(2), column: power.round(4)}
    return pd.DataFrame({**labels, **rates})
