"""Pulse and spectrum of the best, median and worst recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.report.figures.drawing import (
    BLUE,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.figures.series import Series
from rppgbench.report.inputs import EstimateKey
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
    ", but turned upside down where the panel says so, because it falls where the sensor's pulse "
    "rises (as brightness does: blood absorbs light); heart rates do not heed the sign, MCC does"
)

_STEP_HZ = 1 / 120


@dataclass(frozen=True)
class Pick:
    """A recording chosen for a series, by its mean absolute error in bpm."""

    word: str  # "best", "median" or "worst"
    case: EstimateKey
    error_bpm: float


def pick_recordings(one: Series) -> list[Pick]:
    """Best, median (the lower middle) and worst recording of a series among those with a waveform.

    A recording's error is the mean absolute error of its windows that have an estimate; ties go by
    name. Fewer than three recordings give fewer picks.
    """
    keys = ["dataset", "recording", "method", "fold", "seed", "condition", "region"]
    drawn = one.drawn()
    errors = drawn.assign(error=(drawn["estimate_bpm"] - drawn["reference_bpm"]).abs())
    means = errors.groupby(keys, sort=True, dropna=False)["error"].mean().reset_index()
    means = means.sort_values(["error", *keys], kind="stable", ignore_index=True)
    last = len(means) - 1
    chosen = {}
    for word, place in (("best", 0), ("worst", last), ("median", last // 2)):
        if last >= 0 and place not in chosen:
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
            chosen[place] = Pick(word, case, float(record["error"]))
    return [chosen[place] for place in sorted(chosen)]


def waveform_figure(
    one: Series,
    estimate: Callable[[EstimateKey], Estimate | None],
    truths: Mapping[tuple[str, str], GroundTruth],
    *,
    key: str,
    simulated: bool = False,
) -> Drawing | None:
    """Pulse and spectrum of the picks of one series, the reference behind the estimate.

    Both are standardised (mean 0, standard deviation 1) and otherwise as stored: no filter of an
    evaluator is applied. An estimate that falls where the reference rises is drawn upside down, and
    says so (`draw_pulse`). None where no waveform is stored.
    """
    import pandas as pd

    found = []
    for pick in pick_recordings(one):
        stored = estimate(pick.case)
        if stored is not None and stored.waveform is not None:
            found.append((pick, stored.waveform))
    if not found:
        return None
    parts, words = [], []
    with drawing_style(key):
        figure, axes = panels(
            2 * len(found),
            columns=2,
            width_in=10,
            panel_height_in=1.25 + 1.1 / len(found),
            share=False,
            width_ratios=(2.4, 1),
            margins_in=(0.6, 0.5, 0.1, 0.6),
        )
        figure.subplots_adjust(wspace=0.05, hspace=0.45)
        for row, (pick, waveform) in enumerate(found):
            truth = truths.get((pick.case.dataset, pick.case.recording), GroundTruth())
            left, right = axes[2 * row], axes[2 * row + 1]
            bpm = metric("mae").write(pick.error_bpm)
            drawn = draw_pulse(left, waveform, truth)
            turned = "sign" in drawn and drawn["sign"].iloc[0] < 0
            said = f"error {bpm} bpm{'; drawn upside down' if turned else ''}"
            left.set_title(f"{pick.word.capitalize()}: {pick.case.recording}")
            left.set_title(said, loc="right", fontsize=7.5, fontweight="normal", color=MUTED)
            facts = {"recording": pick.case.recording, "pick": pick.word, "part": "pulse"}
            parts.append(drawn.assign(**facts))
            parts += _draw_spectrum(right, waveform, truth, pick)
            words.append(f"{pick.word}: {pick.case.recording}, mean absolute error {bpm} bpm")
        axes[-2].set_xlabel("Time (s)")
        axes[-1].set_xlabel("Heart rate (bpm)")
        figure.supylabel("Pulse (standard deviations)", fontsize=8, color=INK, x=0.005)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper left", ncols=2)
        alt = f"Waveforms and power spectra of {one.name}. {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    data = pd.concat(parts, ignore_index=True)
    any_turned = "sign" in data and bool((data["sign"] < 0).any())
    caption = (
        "The recordings with the lowest, middle and highest mean absolute error. "
        f"Left, {EXCERPT_S:g} s from the middle, standardised, as stored"
        f" and cut off at ±{CLIP_SD:g}{SIGN_NOTE if any_turned else ''}; right, the power spectrum "
        "of the longest stretch without a gap (Hann window, scaled to its own peak)."
    )
    first = ["recording", "pick", "part"]
    data = data[[*first, *data.columns.difference(first, sort=False)]]
    return Drawing(
        key, f"Waveforms of {one.name}", caption, alt, svg, csv_download(f"{key}.csv", data)
    )


def spectrum(waveform: Waveform) -> tuple[Array, Array]:
    """Frequencies in Hz (F,) and power (F,), scaled to a peak of 1 within 0.5 to 4 Hz.

    The periodogram of the longest stretch without NaN, Hann window, zero-padded to steps of
    1/120 Hz. Empty where less than two seconds are left, or where nothing varies.

    >>> f, power = spectrum(Waveform(np.sin(2 * np.pi * 1.5 * np.arange(300) / 30), 30.0))
    >>> round(float(f[power.argmax()]), 3)
    1.5
    """
    samples = _longest_stretch(waveform.samples)
    centred = samples - samples.mean() if len(samples) else samples
    if len(centred) < 2 * waveform.fs or not np.ptp(centred) > 0:
        return np.empty(0), np.empty(0)
    size = max(len(centred), round(waveform.fs / _STEP_HZ))
    power: Array = np.abs(np.fft.rfft(centred * np.hanning(len(centred)), n=size)) ** 2
    frequencies = np.arange(len(power)) * waveform.fs / size
    inside = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    peak = power[inside].max()
    return frequencies[inside], power[inside] / (peak if peak > 0 else 1.0)


def standardised(samples: Array) -> Array:
    """Mean 0 and standard deviation 1 over the samples that are there; flat ones become 0.

    >>> standardised(np.array([1.0, 3.0, np.nan]))
    array([-1.,  1., nan])
    """
    if not np.isfinite(samples).any():
        return samples
    spread = np.nanstd(samples)
    out: Array = (samples - np.nanmean(samples)) / (spread if spread > 0 else 1.0)
    return out


def reference_waveform(truth: GroundTruth, waveform: Waveform) -> Waveform | None:
    """The reference pulse at the times of the estimate, NaN in its gaps; None without a pulse."""
    if truth.pulse is None or not len(truth.pulse.times_s):
        return None
    values = replace(truth, pulse=truth.pulse.in_order()).pulse_at(waveform.times_s())
    return Waveform(values.reshape(len(values), -1)[:, 0], waveform.fs, waveform.start_s)


def _longest_stretch(samples: Array) -> Array:
    """The longest run of finite samples.

    >>> _longest_stretch(np.array([1.0, np.nan, 2.0, 3.0]))
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
    """
    import pandas as pd

    times = waveform.times_s()
    finite = np.flatnonzero(np.isfinite(waveform.samples))
    middle = times[finite[len(finite) // 2]] if len(finite) else times.mean()
    here = np.abs(times - middle) <= EXCERPT_S / 2
    reference = reference_waveform(truth, waveform)
    drawn = {
        "time_s": times[here].round(3),
        "estimate": standardised(waveform.samples[here]).round(3),
    }
    if reference is not None:
        drawn["reference"] = standardised(reference.samples[here]).round(3)
        opposed = bool(np.nansum(drawn["estimate"] * drawn["reference"]) < 0)
        drawn["sign"] = np.full(len(drawn["time_s"]), -1.0 if opposed else 1.0)
        drawn["estimate"] = drawn["estimate"] * drawn["sign"]
        place.plot(
            drawn["time_s"],
            drawn["reference"],
            color=VERMILLION,
            linewidth=2.2,
            alpha=0.45,
            label="reference",
        )
    place.plot(drawn["time_s"], drawn["estimate"], color=BLUE, label="estimate")
    place.set_yticks([-2, 0, 2])
    place.set_ylim(-CLIP_SD, CLIP_SD)
    place.margins(x=0)
    return pd.DataFrame(drawn)


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
        its_frequency, its_power = spectrum(reference)
        place.fill_between(its_frequency * 60, its_power, color=VERMILLION, alpha=0.3, linewidth=0)
        place.plot(its_frequency * 60, its_power, color=VERMILLION, linewidth=1.2, alpha=0.7)
        own = _spectrum_frame(pick, "reference", its_frequency, its_power)
        if np.array_equal(its_frequency, frequency):
            frames[0]["reference"] = own["reference"]
        else:
            frames.append(own)
    elif truth.heart_rate is not None and len(truth.heart_rate.values):
        rate = float(np.nanmean(truth.heart_rate.values))
        place.axvline(rate, color=VERMILLION, linewidth=2.2, alpha=0.6)
    place.plot(frequency * 60, power, color=BLUE)
    return frames


def _spectrum_frame(pick: Pick, column: str, frequency_hz: Array, power: Array) -> pd.DataFrame:
    import pandas as pd

    facts = {"recording": pick.case.recording, "pick": pick.word, "part": "spectrum"}
    rates = {"heart_rate_bpm": (frequency_hz * 60).round(2), column: power.round(4)}
    return pd.DataFrame({**facts, **rates})
