"""Vector figures that sit inside a page and follow its theme."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rppgbench.report.data_marks import UNMARKED, DataMarks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f24"
MUTED = "#59636e"
RULE = "#d5dae1"
PAPER = "#fefefe"
BLUE = "#0072b2"
VERMILLION = "#d55e00"
GREEN = "#009e73"
ORANGE = "#e69f00"
PURPLE = "#cc79a7"
SKY = "#56b4e9"

SERIES = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK)
"""Series colours, in order: Okabe and Ito, "Color Universal Design" (2008), without the yellow."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h")
"""Series markers: 7 colours and 11 markers do not repeat a pair before the 77th series."""

MAX_BASELINE_RATIO = 3.0
"""A baseline beyond so many times the largest error of a method is written and not drawn."""

ROW_GAP_IN = 0.1
"""Space above and below a row of panels, so that a title does not touch the axis above it."""

_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    PAPER: "paper",
    BLUE: "blue",
    VERMILLION: "vermillion",
    GREEN: "green",
    ORANGE: "orange",
    PURPLE: "purple",
    SKY: "sky",
}

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Download:
    """A file that the page offers: its name and text."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure as a page shows it.

    Attributes:
        key: Name, unique on a page; it prefixes the ids inside the SVG.
        title: Title.
        caption: What the figure shows and how to read it.
        alt: The same for a reader who cannot see the figure.
        svg: The figure as inline SVG.
        data: The drawn numbers as a file.
        data_note: What the file lacks of the drawn data, or empty.
    """

    key: str
    title: str
    caption: str
    alt: str
    svg: str
    data: Download
    data_note: str = ""


def csv_download(name: str, frame: pd.DataFrame) -> Download:
    """A frame as CSV without its index; floats carry six significant digits.

    Args:
        name: Name of the file.
        frame: The table.

    Returns:
        The file.

    >>> import pandas as pd
    >>> csv_download("a.csv", pd.DataFrame({"x": [1 / 3], "y": ["a,b"]}))
    Download(name='a.csv', text='x,y\\n0.333333,"a,b"\\n')
    """
    return Download(name, frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


@contextmanager
def drawing_style(key: str) -> Iterator[None]:
    """Matplotlib's settings for a page's figures; ids and bytes depend on `key` alone.

    Text stays text and is never read as mathematics: names from data may hold a dollar sign.
    """
    import matplotlib as mpl

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": key,
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "font.size": 8.0,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.labelsize": 8.0,
        "axes.titlesize": 8.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.use_mathtext": False,
        "grid.color": RULE,
        "grid.linewidth": 0.5,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "lines.linewidth": 1.1,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "figure.constrained_layout.use": False,
    }
    with mpl.rc_context(settings):
        yield


def panels(
    count: int,
    *,
    columns: int,
    width_in: float,
    panel_height_in: float,
    share: bool = True,
    width_ratios: tuple[float, ...] | None = None,
    margins_in: tuple[float, float, float, float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels in rows of `columns`, with the unused places left empty.

    `margins_in` are the inches left, below, right and above, where they are known beforehand: to
    lay panels out by what they hold takes longer than to draw them.

    Args:
        count: Number of panels.
        columns: Panels in a row.
        width_in: Width of the figure in inches.
        panel_height_in: Height of a row of panels in inches.
        share: Whether all panels share both axes.
        width_ratios: Relative widths of the columns.
        margins_in: Fixed margins in inches: left, below, right, above.

    Returns:
        The figure and its panels, row by row.
    """
    from matplotlib.figure import Figure

    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    height_in = rows * panel_height_in
    figure = Figure(figsize=(width_in, height_in), layout=None if margins_in else "constrained")
    layout = figure.get_layout_engine()
    if layout is not None and rows > 1:
        layout.set(h_pad=ROW_GAP_IN)  # type: ignore[call-arg]
    if margins_in:
        left, below, right, above = margins_in
        figure.subplots_adjust(
            left / width_in, below / height_in, 1 - right / width_in, 1 - above / height_in
        )
    grid = figure.subplots(
        rows, columns, squeeze=False, sharex=share, sharey=share, width_ratios=width_ratios
    )
    axes: list[Axes] = list(grid.flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    if share:
        for upper in axes[max(0, count - columns) : (rows - 1) * columns]:
            upper.tick_params(labelbottom=True)
    return figure, axes[:count]


def to_svg(figure: Figure, key: str, alt: str, *, marks: DataMarks = UNMARKED) -> str:
    """The figure as SVG text to stand inside HTML, in colours that follow the page's theme.

    Ids that are referred to get the prefix `key`, the others go; colours of the palette become
    CSS variables with the light value to fall back on; numbers keep two decimals. `marks`
    are written into the figure itself, since a figure travels without its caption.

    Args:
        figure: The figure.
        key: Name of the figure, unique on its page.
        alt: What the figure shows, for a reader who cannot see it.
        marks: What is simulated or imported.

    Returns:
        The SVG element.
    """
    if marks.present:
        _stamp(figure, marks.short)
    raw = io.BytesIO()
    empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(raw, format="svg", metadata=empty)
    ET.register_namespace("", _SVG)
    root = ET.fromstring(raw.getvalue())
    for child in list(root):
        if child.tag == f"{{{_SVG}}}metadata" or child.find(f"{{{_SVG}}}style") is not None:
            root.remove(child)
    _name_ids(root, key)
    _share_styles(root)
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("class", "drawing")
    width_pt, height_pt = root.get("viewBox", "0 0 0 0").split()[2:]
    root.set("width", f"{float(width_pt):.0f}pt")
    root.set("height", f"{float(height_pt):.0f}pt")
    _compact(root)
    return re.sub(r">\s+<", "><", ET.tostring(root, encoding="unicode"))


def _stamp(figure: Figure, text: str) -> None:
    """Write the marks of the data into a strip of its own above the panels and the legend.

    The layout reserves no space for a legend with an anchor of its own, so it is reserved here.
    """
    strip, gap = 0.17 / figure.get_figheight(), 0.05 / figure.get_figheight()
    heights = [
        gap + legend.get_window_extent().height / figure.bbox.height for legend in figure.legends
    ]
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.set(rect=(0, 0, 1, 1 - strip - max(heights, default=0.0)))  # type: ignore[call-arg]
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, 0, 1, 1 - strip), transform=figure.transFigure)
    figure.text(
        0.998,
        0.998,
        text,
        ha="right",
        va="top",
        fontsize=7,
        color=VERMILLION,
        fontweight="bold",
    )


def _name_ids(root: ET.Element, key: str) -> None:
    """Prefix the ids that something refers to, and drop the rest: two figures share a page."""
    used: set[str] = set()
    for element in root.iter():
        link = element.attrib.pop(_LINK, None)
        if link is not None:
            used.add(link[1:])
            element.set("href", f"#{key}-{link[1:]}")
        clip = element.get("clip-path")
        if clip is not None:
            used.add(clip[5:-1])
            element.set("clip-path", f"url(#{key}-{clip[5:-1]})")
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{key}-{name}")


def _share_styles(root: ET.Element) -> None:
    """Move a style that all children of a group have to the group: points repeat it otherwise."""
    for group in root.iter(f"{{{_SVG}}}g"):
        styles = {child.get("style") for child in group}
        if len(group) < 2 or len(styles) != 1 or None in styles or group.get("style"):
            continue
        if any(child.tag != f"{{{_SVG}}}use" for child in group):
            continue
        group.set("style", styles.pop() or "")
        for child in group:
            del child.attrib["style"]


def _compact(root: ET.Element) -> None:
    """Theme colours, two decimals, no font of the machine that drew it; labels stay untouched."""
    for element in root.iter():
        style = element.get("style")
        if style is not None:
            style = re.sub(r"#[0-9a-f]{6}\b", lambda match: _themed(match[0]), style)
            element.set("style", re.sub(r"font-family: [^;]*;? ?", "", style).rstrip("; "))
        for name in ("d", "x", "y", "transform"):
            value = element.get(name)
            if value is not None:
                value = re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", value)
                element.set(name, " ".join(value.split()))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]


def _themed(colour: str) -> str:
    name = _VARIABLES.get(colour)
    return f"var(--{name}, {colour})" if name else colour


def style_row_names(axes: Axes) -> None:
    """Names of rows read as text, without ticks or an axis line."""
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    axes.spines["left"].set_visible(False)


def annotate_beyond_axis(axes: Axes, row: int, text: str) -> None:
    """Write at the right end of a row what lies beyond the axis.

    Args:
        axes: The panel.
        row: Position of the row.
        text: The values beyond the axis.
    """
    axes.annotate(
        f"{text} →",
        (1.0, row),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8,
        color=MUTED,
    )
