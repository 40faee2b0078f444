"""What a metric is: its meaning, its formulas, and how a table shows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.metric_sums import Sums


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: its meaning, its formulas, and how a table shows it.

    Attributes:
        name: Name in summaries and in table.csv.
        label: Heading of its column.
        unit: Unit of the value; "" for a number without one.
        better: Which direction is better.
        range: Smallest and largest possible value.
        definition: One sentence for a reader of the table.
        source: DOI, or another reference.
        compute: The plain formula of (reference, estimate) in bpm, or of the column's values.
        from_sums: The same value from the sums of `TERMS` by name, each (...,).
        column: The column of windows that `compute` takes; "" where it takes heart rates.
        group: What the metric is of: heart rates, or beats and their variability. A page has a
            table for each group.
        optional: Whether a summary has it only where the windows have its column.
        seed_std: Whether a summary has its standard deviation over seeds.
        decimals: Decimals in a table.
        percent: Whether a table shows the share in percent.
        place: Tables sort their columns by this number, then in the order of `METRICS`.
        on_page: Whether the table of a page has it; table.csv has every metric.
    """

    name: str
    label: str
    unit: str = ""
    better: Literal["lower", "higher"]
    range: tuple[float, float]
    definition: str
    source: str
    compute: Callable[..., float] = field(repr=False)
    from_sums: Callable[[Sums], Array] = field(repr=False)
    column: str = ""
    group: Literal["rates", "beats"] = "rates"
    optional: bool = False
    seed_std: bool = False
    decimals: int = 2
    percent: bool = False
    place: int = 9
    on_page: bool = True

    @property
    def worst(self) -> float:
        """The worst possible value."""
        return self.range[1] if self.better == "lower" else self.range[0]


def mean_of_known(values: Array) -> float:
    """Mean over the windows that have the value (SNR, correlation); NaN where none has.

    >>> mean_of_known(np.array([1.0, 4.0, np.nan]))
    2.5
    """
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
