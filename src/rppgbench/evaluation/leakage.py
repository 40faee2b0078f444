"""Windows of data sets that a method's shipped weights were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def mark_leaks(windows: pd.DataFrame, origins: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the column `leaked`: the data set where the method's weights were trained on it.

    The name of the data set decides, not its subjects: shipped weights do not say which subjects
    were in their training part. Simulated recordings in a data set's files have its name and are
    marked as the genuine ones are.

    Args:
        windows: The rows of `score_windows`; the column is added in place.
        origins: Those of a run's manifest: method -> {"trained_on": [data set, ...], ...}.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"method": ["net", "net", "pos"], "dataset": ["a", "b", "a"]})
    >>> mark_leaks(rows, {"net": {"trained_on": ["a"]}, "pos": {"trained_on": []}})
    >>> rows["leaked"].tolist()
    ['a', '', '']
    """
    trained_on = {
        (method, name) for method, origin in origins.items() for name in origin["trained_on"]
    }
    pairs = zip(windows["method"], windows["dataset"], strict=True)
    windows["leaked"] = [
        dataset if (method, dataset) in trained_on else "" for method, dataset in pairs
    ]
