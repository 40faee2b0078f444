"""Labels of clips beside what corrects them and the sensor."""

from __future__ import annotations

from collections.abc import Sequence

from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.report.figures.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    VERMILLION,
    Drawing,
    csv_download,
    drawing_style,
    panels,
    to_svg,
)
from rppgbench.report.figures.waveforms import CLIP_SD, reference_waveform, standardised

SENSOR_OFFSET_SD = 5.0
"""How far below the label the sensor's pulse stands, in standard deviations."""


def correction_figure(
    clips: Sequence[tuple[Estimate, Estimate, GroundTruth]], *, key: str, simulated: bool = False
) -> Drawing | None:
    """A row a clip: label, what takes its place, and the sensor's pulse; None without clips.

    All are standardised over the clip; the sensor's stands below, on the same time axis.
    """
    import pandas as pd

    if not clips:
        return None
    parts, words = [], []
    with drawing_style(key):
        figure, axes = panels(
            len(clips),
            columns=1,
            width_in=10,
            panel_height_in=1.35 + 0.5 / len(clips),
            share=False,
            margins_in=(0.3, 0.5, 0.1, 0.6),
        )
        figure.subplots_adjust(hspace=0.5)
        for place, (label, peer, truth) in zip(axes, clips, strict=True):
            assert label.waveform is not None
            assert peer.waveform is not None
            times = label.waveform.times_s()
            drawn = {
                "time_s": times.round(3),
                label.method: standardised(label.waveform.samples).round(3),
                peer.method: standardised(peer.waveform.samples).round(3),
            }
            place.set_title(f"{label.recording} ({label.fold})")
            place.plot(times, drawn[label.method], color=GREEN, label=label.method)
            place.plot(times, drawn[peer.method], color=BLUE, label=peer.method, linestyle="--")
            sensor = reference_waveform(truth, label.waveform)
            if sensor is None:
                place.set_title("no pulse of a sensor", loc="right", fontsize=7.5, color=MUTED)
            else:
                drawn["sensor"] = standardised(sensor.samples).round(3)
                place.plot(
                    times,
                    drawn["sensor"] - SENSOR_OFFSET_SD,
                    color=VERMILLION,
                    label="sensor (below)",
                )
            place.set_yticks([])
            place.set_ylim(-SENSOR_OFFSET_SD - CLIP_SD, CLIP_SD)
            place.margins(x=0)
            parts.append(pd.DataFrame(drawn).assign(clip=label.recording, fold=label.fold))
            words.append(f"{label.recording} ({label.fold})")
        axes[-1].set_xlabel("Time (s)")
        figure.supylabel("Pulse (standardised)", fontsize=8, color=INK, x=0.005)
        named = [place.get_legend_handles_labels() for place in axes]
        figure.legend(*max(named, key=lambda found: len(found[1])), loc="upper left", ncols=3)
        alt = f"Labels, what corrects them, and the sensor's pulse, in {'; '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        "Clips of the training whose labels are chosen for correction at its end, from the least "
        "to the greatest error of the label among all that were chosen: the label, what takes its "
        "place, and below them the sensor's pulse, each standardised; the fold whose training it "
        "is stands in brackets."
    )
    data = csv_download(f"{key}.csv", pd.concat(parts, ignore_index=True))
    return Drawing(key, "Labels that are corrected", caption, alt, svg, data)
