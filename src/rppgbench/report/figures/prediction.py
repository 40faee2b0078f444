"""One picture of what a method said of one video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.recording import GroundTruth, rate_gap_s
from rppgbench.core.waveform import Array, Waveform
from rppgbench.report.figures.drawing import BLUE, INK, MUTED, RULE, VERMILLION, drawing_style
from rppgbench.report.figures.waveforms import (
    BAND_HZ,
    draw_pulse,
    reference_waveform,
    spectrum,
)
from rppgbench.report.tables.columns import metric
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")
"""What a picture can be, by the end of its file's name."""


def draw_prediction(
    waveform: Waveform,
    windows: Sequence[tuple[float, float, float, float]],
    reference: GroundTruth | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw pulse, heart rate of each window and spectrum.

    Args:
        waveform: The pulse (T,), NaN where there is none.
        windows: Start in s, duration in s, heart rate in bpm and SNR in dB of each window.
        reference: The ground truth where it is known, drawn behind.
        title: Title of the pulse.

    Returns:
        The figure, which a notebook shows.
    """
    from matplotlib.figure import Figure

    truth = reference or GroundTruth()
    with drawing_style("prediction"):
        figure = Figure(figsize=(9, 4.6), layout="constrained", facecolor="white")
        axes = figure.subplot_mosaic([["pulse", "pulse"], ["rate", "spectrum"]])
        draw_pulse(axes["pulse"], waveform, truth)
        axes["pulse"].set_xlabel("Time (s)")
        axes["pulse"].set_ylabel("Pulse (standard deviations)")
        axes["pulse"].set_title(title or "Pulse")
        if truth.pulse is not None:
            axes["pulse"].legend(loc="upper right", ncols=2)
        _draw_rates(axes["rate"], windows, truth)
        _draw_power(axes["spectrum"], waveform, truth)
    return figure


def save_prediction(figure: Figure, path: Path) -> Path:
    """Write a picture of `draw_prediction`: same inputs, same bytes.

    Args:
        figure: The picture.
        path: The file; its suffix is the kind of picture (`KINDS`).

    Returns:
        `path`.

    Raises:
        BenchError: The suffix is unknown, or the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise BenchError(f"{path}: no picture of kind {path.suffix!r}; known: {', '.join(KINDS)}")
    no_date = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with drawing_style("prediction"):
            figure.savefig(path, format=kind[1:], dpi=160, facecolor="white", metadata=no_date)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _draw_rates(
    place: Axes, windows: Sequence[tuple[float, float, float, float]], truth: GroundTruth
) -> None:
    """A dot at the middle of every window; the median as a line."""
    place.set_title("Heart rate of each window")
    place.set_xlabel("Time (s)")
    place.set_ylabel("Heart rate (bpm)")
    table = np.array(windows, dtype=float).reshape(-1, 4)
    middle, rate = table[:, 0] + table[:, 1] / 2, table[:, 2]
    if truth.heart_rate is not None and len(truth.heart_rate.values):
        heart_rate = truth.heart_rate.broken(rate_gap_s(truth.heart_rate))
        values = heart_rate.values.reshape(len(heart_rate.values), -1)[:, 0]
        place.plot(heart_rate.times_s, values, color=VERMILLION, linewidth=2.2, alpha=0.45)
    place.plot(middle, rate, "o-", color=BLUE, markersize=3.5, linewidth=0.9)
    finite_rates = rate[np.isfinite(rate)]
    if not len(finite_rates):
        place.annotate(
            "no window with a rate", (0.5, 0.5), xycoords="axes fraction", ha="center", color=MUTED
        )
        return
    median = float(np.median(finite_rates))
    place.axhline(median, color=INK, linewidth=0.8, linestyle="--")
    place.set_title(
        f"median {metric('mae').write(median)} bpm",
        loc="right",
        fontsize=7.5,
        fontweight="normal",
        color=MUTED,
    )
    reach = max(8.0, float(np.abs(finite_rates - median).max()) * 1.15)
    place.set_ylim(median - reach, median + reach)


def _draw_power(place: Axes, waveform: Waveform, truth: GroundTruth) -> None:
    place.set_title("Spectrum of the longest stretch")
    place.set_xlabel("Heart rate (bpm)")
    place.set_ylabel("Power (of its peak)")
    place.set_xlim(BAND_HZ[0] * 60, BAND_HZ[1] * 60)
    place.set_ylim(0, 1.08)
    behind = reference_waveform(truth, waveform)
    if behind is not None:
        frequency, power = spectrum(behind)
        place.fill_between(frequency * 60, power, color=VERMILLION, alpha=0.3, linewidth=0)
    frequency, power = spectrum(waveform)
    place.fill_between(frequency * 60, power, color=RULE, linewidth=0)
    place.plot(frequency * 60, power, color=BLUE)
    if len(power):
        _mark_peak(place, frequency, power)


def _mark_peak(place: Axes, frequency_hz: Array, power: Array) -> None:
    peak = float(frequency_hz[power.argmax()] * 60)
    place.set_title(
        f"peak {peak:.1f} bpm", loc="right", fontsize=7.5, fontweight="normal", color=MUTED
    )
