"""The frame that all figures share: style, title, marks of the data, alternative text and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.drawing import Download, Drawing, drawing_style, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, eq=False)
class Plot:
    """What one figure shows.

    Attributes:
        figure: The drawn panels.
        caption: What the figure shows and how to read it, in sentences.
        alt: The same for a reader who cannot see it, with the main numbers.
        data: The drawn numbers as a file.
        data_note: What the file lacks of the drawn data, or empty.
    """

    figure: Figure
    caption: str
    alt: str
    data: Download
    data_note: str = ""


def draw_framed(
    key: str, title: str, plot: Callable[[], Plot | None], *, marks: DataMarks
) -> Drawing | None:
    """Draw a figure in the style of the page and put it into the common frame.

    Args:
        key: Name of the figure, unique on its page; also the prefix of the ids in the SVG.
        title: Title in the caption.
        plot: Draws the figure; called with the page's style in force. None: nothing to draw.
        marks: What is simulated or imported.

    Returns:
        The figure as a page shows it; None where `plot` returns None.
    """
    with drawing_style(key):
        content = plot()
        if content is None:
            return None
        svg = to_svg(content.figure, key, content.alt, marks=marks)
    return Drawing(
        key=key,
        title=title,
        caption=content.caption,
        alt=content.alt,
        svg=svg,
        data=content.data,
        data_note=content.data_note,
    )
