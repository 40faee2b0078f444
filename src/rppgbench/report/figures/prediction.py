"""One picture of what a method said of one video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.bland_altman import bland_altman
from rppgbench.evaluation.windows import RateWindow
from rppgbench.report.figures.drawing import BLUE, INK, MUTED, RULE, VERMILLION, drawing_style
from rppgbench.report.figures.waveforms import (
    BAND_HZ,
    draw_pulse,
    reference_waveform,
    spectrum,
)
from rppgbench.report.tables.columns import metric
from rppgbench.system.errors import BenchError
from rppgbench.system.io_errors import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")
"""What a picture can be, by the end of its file's name."""

RATE, REFERENCE = map(RateWindow._fields.index, ("heart_rate_bpm", "reference_bpm"))


def draw_prediction(
    waveform: Waveform,
    windows: Sequence[RateWindow],
    reference: GroundTruth | None = None,
    *,
    title: str = "",
    band_hz: tuple[float, float] | None = None,
) -> Figure:
    """Draw pulse, heart rate of each window and spectrum; with a reference the errors as well.

    Args:
        waveform: The pulse (T,), NaN where there is none.
        windows: The windows of the evaluator.
        reference: The ground truth where it is known, drawn behind.
        title: Title of the figure: file, method and evaluator.
        band_hz: Lower and upper edge of the evaluator's band, drawn in the spectrum.

    Returns:
        The figure, which a notebook shows.
    """
    from matplotlib.figure import Figure

    truth = reference or GroundTruth()
    table = np.array(windows, dtype=float).reshape(-1, len(RateWindow._fields))
    compared = bool(np.isfinite(table[:, RATE] - table[:, REFERENCE]).any())
    rows = ["pp", "rs", *(["ea"] if compared else [])]
    with drawing_style("prediction"):
        figure = Figure(figsize=(9, 6.6 if compared else 4.6), layout="constrained")
        figure.set_facecolor("white")
        axes = figure.subplot_mosaic("\n".join(rows))
        if title:
            figure.suptitle(title, fontsize=9, color=INK, x=0.01, ha="left")
        draw_pulse(axes["p"], waveform, truth)
        axes["p"].set_xlabel("Time (s)")
        axes["p"].set_ylabel("Pulse (standard deviations)")
        axes["p"].set_title("Pulse")
        if truth.pulse is not None:
            axes["p"].legend(loc="upper right", ncols=2)
        _draw_rates(axes["r"], table)
        _draw_power(axes["s"], waveform, truth, band_hz)
        if compared:
            _draw_errors(axes["e"], table)
            _draw_agreement(axes["a"], table)
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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with drawing_style("prediction"):
            figure.savefig(path, format=kind[1:], dpi=160, facecolor="white", metadata=no_date)
    return path


def _middle_s(table: Array) -> Array:
    """The middle of each window (W,) in seconds."""
    middle: Array = table[:, 0] + table[:, 1] / 2
    return middle


def _draw_rates(place: Axes, table: Array) -> None:
    """A dot at the middle of every window, the reference behind; the median as a line."""
    place.set_title("Heart rate of each window")
    place.set_xlabel("Time (s)")
    place.set_ylabel("Heart rate (bpm)")
    rate = table[:, RATE]
    place.plot(
        _middle_s(table), table[:, REFERENCE], "o-", color=VERMILLION, linewidth=2.2, alpha=0.45
    )
    place.plot(_middle_s(table), rate, "o-", color=BLUE, markersize=3.5, linewidth=0.9)
    finite_rates = rate[np.isfinite(rate)]
    if not len(finite_rates):
        place.annotate(
            "no window with a rate", (0.5, 0.5), xycoords="axes fraction", ha="center", color=MUTED
        )
        return
    median = float(np.median(finite_rates))
    place.axhline(median, color=INK, linewidth=0.8, linestyle="--")
    _write_corner(place, f"median {metric('mae').write(median)} bpm")
    shown = np.concatenate([finite_rates, table[np.isfinite(table[:, REFERENCE]), REFERENCE]])
    reach = max(8.0, float(np.abs(shown - median).max()) * 1.15)
    place.set_ylim(median - reach, median + reach)


def _draw_errors(place: Axes, table: Array) -> None:
    """Estimate less reference of every window over time."""
    error = table[:, RATE] - table[:, REFERENCE]
    place.set_title("Error of each window")
    place.set_xlabel("Time (s)")
    place.set_ylabel("Estimate − reference (bpm)")
    place.axhline(0, color=MUTED, linewidth=0.6)
    place.plot(_middle_s(table), error, "o-", color=BLUE, markersize=3.5, linewidth=0.9)
    mean = float(np.nanmean(np.abs(error)))
    _write_corner(place, f"mean absolute error {metric('mae').write(mean)} bpm")


def _draw_agreement(place: Axes, table: Array) -> None:
    """Difference against mean of estimate and reference, with bias and limits of agreement."""
    estimate, truth = table[:, RATE], table[:, REFERENCE]
    limits = bland_altman(truth, estimate)
    place.set_title("Bland-Altman")
    overlap = bool((np.diff(table[:, 0]) < table[:-1, 1]).any())
    place.set_xlabel(f"Mean of estimate and reference (bpm){'; windows overlap' * overlap}")
    place.set_ylabel("Estimate − reference (bpm)")
    place.plot((estimate + truth) / 2, estimate - truth, "o", color=BLUE, markersize=3.5, alpha=0.6)
    place.axhline(limits.bias, color=INK, linewidth=1.0)
    for limit in (limits.lower, limits.upper):
        if np.isfinite(limit):
            place.axhline(limit, color=INK, linewidth=0.8, linestyle="--")
    if np.isfinite(limits.lower):
        _write_corner(
            place,
            f"bias {limits.bias:+.2f}, limits {limits.lower:+.2f} to {limits.upper:+.2f} bpm",
        )


def _write_corner(place: Axes, text: str) -> None:
    place.set_title(text, loc="right", fontsize=7.5, fontweight="normal", color=MUTED)


def _draw_power(
    place: Axes, waveform: Waveform, truth: GroundTruth, band_hz: tuple[float, float] | None
) -> None:
    place.set_title("Spectrum of the longest stretch")
    place.set_xlabel("Heart rate (bpm)")
    place.set_ylabel("Power (of its peak)")
    place.set_xlim(BAND_HZ[0] * 60, BAND_HZ[1] * 60)
    place.set_ylim(0, 1.08)
    if band_hz is not None:
        for edge_hz in band_hz:
            place.axvline(edge_hz * 60, color=MUTED, linewidth=0.8, linestyle=":")
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
    _write_corner(place, f"peak {float(frequency_hz[power.argmax()] * 60):.1f} bpm")
