"""The figures of the report page: each module of this package may register one.

A new figure is one file:

    @figure(name="my-figure", title="My figure", place="figures")
    def draw(inputs: ReportInputs) -> Plot | None:
        figure, (axes,) = panels(1, columns=1, width_in=10, panel_height_in=3)
        ...
        return Plot(figure=figure, caption="...", alt="...", data=csv_download("my.csv", frame))
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.inputs import ReportInputs

Place = Literal["summary", "figures"]
"""Where the page shows a figure: below the summary, or in the section of figures."""

Draw = Callable[[ReportInputs], Plot | None]


@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A registered figure: `order` sorts the figures of one place, then the name."""

    name: str
    title: str
    place: Place
    order: int
    draw: Draw

    def render(self, inputs: ReportInputs) -> Drawing | None:
        """The figure of these inputs; None where they hold nothing for the figure to show."""
        return draw_framed(self.name, self.title, lambda: self.draw(inputs), marks=inputs.marks)


_REGISTERED: dict[str, ReportFigure] = {}


def figure(*, name: str, title: str, place: Place, order: int = 100) -> Callable[[Draw], Draw]:
    """Register a function that draws one figure of the report page.

    Args:
        name: Unique name; the id of the figure on the page and the stem of its files.
        title: Title in the caption.
        place: Where the page shows the figure.
        order: Figures of one place are sorted by this number, then by name.

    Returns:
        A decorator; the function stays as it is. The function returns None where the inputs hold
        nothing for the figure to show.

    Raises:
        ValueError: Two functions register the same name.
    """

    def register(draw: Draw) -> Draw:
        earlier = _REGISTERED.get(name)
        if earlier is not None and earlier.draw.__module__ != draw.__module__:
            raise ValueError(
                f"figure {name!r} is registered by {earlier.draw.__module__} and {draw.__module__}"
            )
        _REGISTERED[name] = ReportFigure(
            name=name, title=title, place=place, order=order, draw=draw
        )
        return draw

    return register


def report_figures(place: Place | None = None) -> list[ReportFigure]:
    """The registered figures of one place (by default of all places), in their order."""
    _import_modules()
    figures = sorted(_REGISTERED.values(), key=lambda entry: (entry.order, entry.name))
    return [entry for entry in figures if place in (None, entry.place)]


def render_figures(inputs: ReportInputs, place: Place) -> list[Drawing]:
    """Draw the figures of one place of the report page.

    Args:
        inputs: What the report is made from.
        place: The place on the page.

    Returns:
        The figures that have something to show, in their order.
    """
    drawings = [entry.render(inputs) for entry in report_figures(place)]
    return [drawing for drawing in drawings if drawing is not None]


@cache
def _import_modules() -> None:
    """Import every module of this package, so that its figure is registered."""
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
