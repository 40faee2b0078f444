"""The loss of each training over its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import BLUE, Drawing, csv_download, panels
from rppgbench.report.figures.frame import Plot, draw_framed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LOSS = "loss"


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """The losses of one stage of one training.

    Attributes:
        method: name of the method.
        fold: name of the fold.
        condition: the condition of the videos that were learned from.
        seed: seed of the training.
        stage: name of the stage.
        epochs: the mean of each loss term, epoch by epoch; `loss` is their weighted sum.
    """

    method: str
    fold: str
    condition: str
    seed: int
    stage: str
    epochs: Sequence[Mapping[str, float]]


def loss_figure(curves: Sequence[LossCurve], *, marks: DataMarks = UNMARKED) -> Drawing | None:
    """A panel for each method and stage, with the loss of each training as a line.

    Args:
        curves: The losses of the trainings.
        marks: What is simulated or imported.

    Returns:
        The figure; None where no stage has two epochs.
    """
    drawn = [curve for curve in curves if len(curve.epochs) > 1]
    return draw_framed("losses", "Losses in training", lambda: _plot(drawn), marks=marks)


def _plot(curves: Sequence[LossCurve]) -> Plot | None:
    groups: dict[tuple[str, str], list[LossCurve]] = {}
    for curve in curves:
        groups.setdefault((curve.method, curve.stage), []).append(curve)
    if not groups:
        return None
    drawing, places = panels(len(groups), columns=3, width_in=10, panel_height_in=2.4, share=False)
    texts = []
    for axes, ((method, stage), members) in zip(places, groups.items(), strict=True):
        _draw_group(axes, members)
        axes.set_title(f"{method}, {stage}")
        first, last = (_mean_loss(members, epoch) for epoch in (0, -1))
        texts.append(f"{method}, {stage}: {first:.4g} in the first epoch, {last:.4g} in the last")
    places[0].set_ylabel("Loss")
    return Plot(
        figure=drawing,
        caption=(
            "The mean loss of each epoch, a line for each training. The file has all terms of "
            "the loss. A loss that falls does not show that a pulse was learned: see the verdicts."
        ),
        alt=f"Mean loss over the trainings. {'; '.join(texts)}.",
        data=csv_download("losses.csv", _terms(curves)),
    )


def _draw_group(axes: Axes, members: Sequence[LossCurve]) -> None:
    from matplotlib.ticker import MaxNLocator

    for curve in members:
        values = [epoch[LOSS] for epoch in curve.epochs]
        axes.plot(range(1, len(values) + 1), values, color=BLUE, alpha=0.75)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_xlabel("Epoch")


def _mean_loss(members: Sequence[LossCurve], epoch: int) -> float:
    return sum(curve.epochs[epoch][LOSS] for curve in members) / len(members)


def _terms(curves: Sequence[LossCurve]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            (*_labels(curve), number, term, value)
            for curve in curves
            for number, epoch in enumerate(curve.epochs, 1)
            for term, value in epoch.items()
        ],
        columns=["method", "fold", "condition", "seed", "stage", "epoch", "term", "value"],
    )


def _labels(curve: LossCurve) -> tuple[str, str, str, int, str]:
    return curve.method, curve.fold, curve.condition, curve.seed, curve.stage
