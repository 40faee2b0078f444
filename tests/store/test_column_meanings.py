"""Every column of the Parquet files has a documented meaning."""

from rppgbench.store.column_meanings import ESTIMATE_COLUMNS, RECORDING_COLUMNS
from rppgbench.store.schema import ESTIMATES, OBSERVED


def test_every_column_has_a_meaning_and_no_other_has() -> None:
    assert set(ESTIMATE_COLUMNS) == set(ESTIMATES.names)
    assert set(RECORDING_COLUMNS) == set(OBSERVED.names)
    assert all({**ESTIMATE_COLUMNS, **RECORDING_COLUMNS}.values())
