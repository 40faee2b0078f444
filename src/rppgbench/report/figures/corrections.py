"""Training labels beside their corrections and the sensor's pulse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    panels,
)
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.figures.waveforms import CLIP_SD, reference_waveform, standardise

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SENSOR_OFFSET_SD = 5.0
"""Vertical distance of the sensor's pulse below the label, in standard deviations."""


def correction_figure(
    clips: Sequence[tuple[Estimate, Estimate, GroundTruth]],
    *,
    key: str,
    marks: DataMarks = UNMARKED,
) -> Drawing | None:
    """A row for each clip: the label, its replacement, and the sensor's pulse below.

    All are standardised over the clip and share one time axis.

    Args:
        clips: Label, replacement and ground truth of each clip.
        key: Name of the figure, unique on its page.
        marks: What is simulated or imported.

    Returns:
        The figure; None without clips.
    """
    if not clips:
        return None
    return draw_framed(key, "Labels that are corrected", lambda: _plot(clips, key), marks=marks)


def _plot(clips: Sequence[tuple[Estimate, Estimate, GroundTruth]], key: str) -> Plot:
    import pandas as pd

    figure, axes = panels(
        len(clips),
        columns=1,
        width_in=10,
        panel_height_in=1.35 + 0.5 / len(clips),
        share=False,
        margins_in=(0.3, 0.5, 0.1, 0.6),
    )
    figure.subplots_adjust(hspace=0.5)
    parts = [_draw_clip(panel, *clip) for panel, clip in zip(axes, clips, strict=True)]
    axes[-1].set_xlabel("Time (s)")
    figure.supylabel("Pulse (standardised)", fontsize=8, color=INK, x=0.005)
    legends = [panel.get_legend_handles_labels() for panel in axes]
    figure.legend(*max(legends, key=lambda legend: len(legend[1])), loc="upper left", ncols=3)
    names = "; ".join(f"{label.recording} ({label.fold})" for label, _, _ in clips)
    return Plot(
        figure=figure,
        caption=(
            "Training clips whose labels are chosen for correction at the end of the training, "
            "from the least to the greatest error of the label among all chosen clips: the label, "
            "its replacement, and below both the sensor's pulse, each standardised. The fold of "
            "the training stands in brackets."
        ),
        alt=f"Labels, their replacements, and the sensor's pulse, in {names}.",
        data=csv_download(f"{key}.csv", pd.concat(parts, ignore_index=True)),
    )


def _draw_clip(panel: Axes, label: Estimate, peer: Estimate, truth: GroundTruth) -> pd.DataFrame:
    """Draw one clip and return the drawn samples."""
    import pandas as pd

    assert label.waveform is not None
    assert peer.waveform is not None
    times = label.waveform.times_s()
    columns = {
        "time_s": times.round(3),
        label.method: standardise(label.waveform.samples).round(3),
        peer.method: standardise(peer.waveform.samples).round(3),
    }
    panel.set_title(f"{label.recording} ({label.fold})")
    panel.plot(times, columns[label.method], color=GREEN, label=label.method)
    panel.plot(times, columns[peer.method], color=BLUE, label=peer.method, linestyle="--")
    sensor = reference_waveform(truth, label.waveform)
    if sensor is None:
        panel.set_title("no pulse of a sensor", loc="right", fontsize=7.5, color=MUTED)
    else:
        columns["sensor"] = standardise(sensor.samples).round(3)
        lowered = columns["sensor"] - SENSOR_OFFSET_SD
        panel.plot(times, lowered, color=VERMILLION, label="sensor (below)")
    panel.set_yticks([])
    panel.set_ylim(-SENSOR_OFFSET_SD - CLIP_SD, CLIP_SD)
    panel.margins(x=0)
    return pd.DataFrame(columns).assign(clip=label.recording, fold=label.fold)
