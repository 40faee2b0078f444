"""What the run's time went into, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping

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
from rppgbench.report.inputs import Timings


def timing_figure(
    timings: Timings, *, key: str = "timings", simulated: bool = False
) -> Drawing | None:
    """Seconds of computing for a minute of video: shared stages, then methods by their cost.

    None where nothing was timed. The axis is logarithmic: methods differ by orders of magnitude.
    """
    import pandas as pd

    rows = [
        (kind, name, seconds)
        for kind, group in (("stage", timings.stages), ("method", _by_cost(timings.methods)))
        for name, seconds in group.items()
        if seconds > 0
    ]
    if not rows or timings.video_s <= 0:
        return None
    table = pd.DataFrame(rows, columns=["kind", "name", "seconds"])
    table["seconds_per_video_minute"] = table["seconds"] / timings.video_s * 60
    with drawing_style(key):
        figure, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=0.75 + 0.24 * len(rows))
        axes.set_xscale("log")
        for kind, colour, marker in (("stage", VERMILLION, "s"), ("method", BLUE, "o")):
            part = table[table["kind"] == kind]
            label = "once for all methods" if kind == "stage" else "the method itself"
            cost = part["seconds_per_video_minute"]
            axes.plot(cost, part.index, marker, color=colour, markersize=5.5, label=label)
            for row, seconds in cost.items():
                axes.annotate(
                    f"{seconds:.3g} s",
                    (seconds, row),
                    xytext=(7, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7.5,
                    color=INK,
                )
        axes.axvline(60, color=MUTED, linewidth=0.8, linestyle="--")
        axes.annotate(
            "real time",
            (60, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -2),
            textcoords="offset points",
            va="top",
            fontsize=7.5,
            color=MUTED,
        )
        low = float(table["seconds_per_video_minute"].min())
        high = max(60.0, float(table["seconds_per_video_minute"].max()))
        axes.set_xlim(low / 2, high * 4)
        axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}")
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), list(table["name"]))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("Seconds of computing for a minute of video (logarithmic)")
        figure.legend(loc="outside upper left", ncols=2, handletextpad=0.2)
        words = [
            f"{name} {seconds:.3g}"
            for name, seconds in zip(table["name"], table["seconds_per_video_minute"], strict=True)
        ]
        alt = f"Seconds of computing for a minute of video: {', '.join(words)}."
        svg = to_svg(figure, key, alt, simulated=simulated)
    caption = (
        f"Computing time for a minute of video, over {timings.video_s / 60:.1f} minutes of video. "
        "A method's own is the median over recordings. Left of the dashed line is faster than "
        "real time."
    )
    return Drawing(key, "Timings", caption, alt, svg, csv_download("timings.csv", table))


def _by_cost(methods: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(methods.items(), key=lambda item: (item[1], item[0])))
