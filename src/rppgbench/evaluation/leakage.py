"""Windows that a method's shipped weights may have seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def mark_leaks(windows: pd.DataFrame, origins: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the column `leaked`: the data set where the method's weights were learned on it.

    `origins` are those of a run's manifest: method -> {"trained_on": [data set, ...], ...}. The
    data set's name decides, whoever was in its training part: shipped weights do not say who was.
    Simulated recordings in a data set's files bear its name and are marked as the genuine ones are.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"method": ["net", "net", "pos"], "dataset": ["a", "b", "a"]})
    >>> mark_leaks(rows, {"net": {"trained_on": ["a"]}, "pos": {"trained_on": []}})
    >>> rows["leaked"].tolist()
    ['a', '', '']
    """
    seen = {(m, d) for m, facts in origins.items() for d in facts["trained_on"]}
    pairs = zip(windows["method"], windows["dataset"], strict=True)
    windows["leaked"] = [dataset if (method, dataset) in seen else "" for method, dataset in pairs]
