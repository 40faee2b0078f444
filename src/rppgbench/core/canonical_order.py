"""The canonical order of estimates, recordings and windows.

A sum of floating-point numbers depends on the order of its terms, and a resample depends on which
subject stands in which place. So everything that is stored or scored is put into the order of
`KEYS` before it is used, in whatever order it was computed, stored or asked for. Names are compared
letter by letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset",
    "subject",
    "recording",
    "condition",
    "method",
    "fold",
    "seed",
    "region",
    "window",
)
"""The first decides, then the next."""

VALUES = ("start_s", "reference_bpm", "estimate_bpm", "error_bpm", "missing", "snr_db", "reason")
"""What decides between rows of a table that are the same in all keys."""

Record = TypeVar("Record")
Key = TypeVar("Key")


def record_key(record: Any) -> tuple[Any, ...]:
    """The place of an estimate, or of what was seen of a recording, among others of its kind.

    >>> from types import SimpleNamespace as Some
    >>> record_key(Some(recording="r", method="pos", dataset="d", seed=0))
    ('d', 'r', 'pos', 0)
    """
    return tuple(getattr(record, key) for key in KEYS if hasattr(record, key))


def ordered_records(records: Iterable[Record]) -> list[Record]:
    """Estimates, or what was seen of recordings, in the order of `KEYS`."""
    return sorted(records, key=record_key)


def ordered_items(mapping: Mapping[Any, Record]) -> dict[Any, Record]:
    """The mapping in the order of its keys.

    >>> ordered_items({"pos": 1, "chrom": 2})
    {'chrom': 2, 'pos': 1}
    """
    return dict(sorted(mapping.items()))


def ordered_rows(windows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of windows in the order of those of `KEYS` that are columns of it.

    Rows that are the same in all of these are ordered by the columns of `VALUES`; a missing value
    comes last. Rows keep their labels, the table its `attrs`. A table that is in order comes back
    as it is.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"recording": ["b", "a"], "error_bpm": [1.0, 2.0]})
    >>> ordered_rows(rows)["recording"].tolist()
    ['a', 'b']
    """
    keys = [_ranks(windows[key]) for key in KEYS if key in windows]
    if _is_increasing(keys):
        return windows
    keys += [_ranks(windows[name]) for name in VALUES if name in windows]
    ordered = windows.iloc[np.lexsort(keys[::-1])]
    ordered.attrs = dict(windows.attrs)
    return ordered


def _ranks(column: pd.Series) -> NDArray[np.int64]:
    """The place of each value among the column's distinct values: (n,); a missing one is last."""
    codes, distinct = column.factorize()
    ranks = np.empty(len(distinct) + 1, np.int64)
    ranks[sorted(range(len(distinct)), key=list(distinct).__getitem__)] = np.arange(len(distinct))
    ranks[-1] = len(distinct)
    row_ranks: NDArray[np.int64] = ranks[codes]
    return row_ranks


def _is_increasing(keys: list[NDArray[np.int64]]) -> bool:
    """Whether each row lies after the row before by the first key in which they differ."""
    if not keys or len(keys[0]) < 2:
        return True
    equal = np.ones(len(keys[0]) - 1, bool)
    for ranks in keys:
        step = np.diff(ranks)
        if np.any(equal & (step < 0)):
            return False
        equal &= step == 0
    return not equal.any()
