"""Figures of confidences: error against the share of windows kept, and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.evaluation.calibration import Calibration
from rppgbench.report.figures.drawing import (
    BLUE,
    MARKERS,
    MUTED,
    SERIES,
    VERMILLION,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot
from rppgbench.report.sections.judged_confidence import JudgedConfidence
from rppgbench.report.tables.columns import format_bpm
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

DRAWN_POINTS = 100

MAX_PANELS = 9
"""Methods whose reliability is drawn: those with the smallest areas."""

TITLE_WIDTH = 26
"""Characters of a line in the title of a panel."""

MIN_BIN = 5
"""Windows of a bin from which on it is drawn."""


def plot_risk(judged: Sequence[JudgedConfidence]) -> Plot:
    """Error of the windows kept; a method's own confidence is dashed, in the method's colour.

    Args:
        judged: The confidences, at least one.
    """
    import pandas as pd

    figure, (axes,) = panels(1, columns=1, width_in=7.5, panel_height_in=3.2)
    methods = list(dict.fromkeys(confidence.method for confidence in judged))
    tables = []
    for confidence in judged:
        curve, number = confidence.curve, methods.index(confidence.method)
        points = np.unique(
            np.linspace(0, len(curve.coverage) - 1, DRAWN_POINTS).round().astype(int)
        )
        share, risk = 100 * curve.coverage[points], curve.risk_bpm[points]
        is_own = confidence.source == "the method's own"
        axes.plot(
            share,
            risk,
            color=SERIES[number % len(SERIES)],
            linestyle="--" if is_own else "-",
            marker=MARKERS[number % len(MARKERS)],
            markevery=0.2,
            markersize=4,
            markerfacecolor="none" if is_own else None,
            label=_label(confidence),
        )
        names = {"method": confidence.method, "confidence": confidence.source}
        tables.append(pd.DataFrame({**names, "coverage": share, "mae_bpm": risk}))
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Windows kept, those of the highest confidence first (%)")
    axes.set_ylabel("Mean absolute error (bpm)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    errors = ", ".join(
        f"{_label(confidence)} {format_bpm(confidence.curve.risk_at(0.5))} and "
        f"{format_bpm(confidence.curve.risk_at(1.0))}"
        for confidence in judged
    )
    dashed = " Dashed: the method's own confidence." if _has_own(judged) else ""
    return Plot(
        figure=figure,
        caption=(
            "Mean absolute error of the windows that are kept, those of the highest confidence "
            "first. A curve that rises to the right belongs to a confidence that is lower where "
            f"errors are larger; a level one is not.{dashed}"
        ),
        alt=f"Mean absolute error in bpm of the surest half and of all windows: {errors}.",
        data=csv_download("risk-coverage.csv", pd.concat(tables, ignore_index=True)),
    )


def plot_reliability(judged: Sequence[JudgedConfidence]) -> Plot | None:
    """Share of correct windows against the probability, a panel for each method.

    A confidence from 0 to 1 is drawn as stated, one in dB as fitted on other people.

    Args:
        judged: The confidences.

    Returns:
        The figure; None where no method has a probability.
    """
    import pandas as pd

    drawn: dict[str, list[JudgedConfidence]] = {}
    for confidence in judged:
        if confidence.calibrations:
            drawn.setdefault(confidence.method, []).append(confidence)
    if not drawn:
        return None
    shown = list(drawn)[:MAX_PANELS]
    width_in = max(2.5 * min(len(shown), 3), 5.0)  # the legend takes 5 inches
    figure, axes = panels(len(shown), columns=3, width_in=width_in, panel_height_in=2.6)
    for panel, method in zip(axes, shown, strict=True):
        panel.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8)
        panel.set_title(fill(method, TITLE_WIDTH), fontsize=8)
        panel.set_aspect("equal")
        for confidence in drawn[method]:
            _draw_bins(panel, confidence)
    for panel in axes[-min(3, len(axes)) :]:
        panel.set_xlabel("Stated probability")
    for panel in axes[::3]:
        panel.set_ylabel("Share correct")
    axes[0].set_xlim(0, 1)
    axes[0].set_ylim(0, 1)
    by_label: dict[str, Artist] = {}
    for panel in axes:
        handles, labels = panel.get_legend_handles_labels()
        by_label |= dict(zip(labels, handles, strict=True))
    figure.legend(
        list(by_label.values()), list(by_label), loc="outside upper left", ncols=2, frameon=False
    )
    left_out = len(drawn) - len(shown)
    more = f" {left_out} more methods are in the file alone." if left_out else ""
    errors = ", ".join(
        f"{_label(confidence)} {_drawn(confidence).error:.2f}"
        for method in shown
        for confidence in drawn[method]
    )
    return Plot(
        figure=figure,
        caption=(
            f"Share of windows with an error of {CORRECT_BPM:g} bpm at most, in tenths of the "
            "stated probability, with 95 % intervals over people. Points below the line belong to "
            "a confidence that is too high. A tenth with fewer than "
            f"{MIN_BIN} windows is not drawn.{more}"
        ),
        alt=f"Reliability of stated probabilities; expected calibration errors: {errors}.",
        data=csv_download(
            "reliability.csv",
            pd.concat(
                [_bin_table(confidence) for confidence in judged if confidence.calibrations],
                ignore_index=True,
            ),
        ),
    )


def _drawn(confidence: JudgedConfidence) -> Calibration:
    """The calibration that is drawn: as stated where there is one, else the fitted one."""
    return confidence.calibrations[0][1]


def _draw_bins(panel: Axes, confidence: JudgedConfidence) -> None:
    bins = [part for part in _drawn(confidence).bins if part.windows >= MIN_BIN]
    is_own = confidence.source == "the method's own"
    colour = VERMILLION if is_own else BLUE
    stated, correct, low, high = (
        np.array([getattr(part, name) for part in bins])
        for name in ("stated", "correct", "low", "high")
    )
    panel.vlines(stated, low, high, color=colour, linewidth=0.8)
    panel.plot(
        stated,
        correct,
        color=colour,
        marker="s" if is_own else "o",
        markersize=4,
        markerfacecolor="none" if is_own else None,
        linestyle="--" if is_own else "-",
        label="the method's own, as stated" if is_own else "SNR and agreement, fitted on others",
    )


def _bin_table(confidence: JudgedConfidence) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "method": confidence.method,
            "confidence": confidence.source,
            "probability": basis,
            "bin": number + 1,
            "windows": part.windows,
            "stated": part.stated,
            "correct": part.correct,
            "correct_low": part.low,
            "correct_high": part.high,
        }
        for basis, measured in confidence.calibrations
        for number, part in enumerate(measured.bins)
    ]
    return pd.DataFrame(rows)


def _has_own(judged: Sequence[JudgedConfidence]) -> bool:
    return any(confidence.source == "the method's own" for confidence in judged)


def _label(confidence: JudgedConfidence) -> str:
    return (
        f"{confidence.method}, its own"
        if confidence.source == "the method's own"
        else confidence.method
    )
