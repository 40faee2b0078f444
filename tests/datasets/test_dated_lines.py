"""Lines of a number, a date and a time."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.datasets.dated_lines import read_dated_lines, write_dated_lines
from rppgbench.system.errors import RecordingError

DATE_S = 1_699_885_089.0  # 2023-11-13 14:18:09


def test_numbers_and_microseconds_come_back(tmp_path: Path) -> None:
    times_s = DATE_S + np.array([0.0, 0.010001, 86_400.5])
    write_dated_lines(tmp_path / "a.PW", [71, 72.5, -3], times_s)
    first = (tmp_path / "a.PW").read_text().splitlines()[0]
    assert first.startswith("71 2023-11-13 14:18:09")
    numbers, read_s = read_dated_lines(tmp_path / "a.PW")
    assert numbers.tolist() == [71.0, 72.5, -3.0]
    np.testing.assert_allclose(read_s, times_s, atol=1e-6, rtol=0)


def test_both_separators_and_times_without_a_fraction_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.PW").write_text("1 2023-11-13 14:18:09\n\n2 2023-11-13T14:18:09.25\n")
    numbers, read_s = read_dated_lines(tmp_path / "a.PW")
    assert numbers.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(read_s - DATE_S, [0.0, 0.25], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "line",
    [
        "71 2023-11-13 14:18:09.856232 72",
        "71 2023-11-13 14:18:09+03:00",
        "71 14:18:09.856232",
        "71, 2023-11-13 14:18:09",
        "nan 2023-11-13 14:18:09",
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.PW").write_text(f"71 2023-11-13 14:18:09\n{line}\n")
    with pytest.raises(RecordingError, match=r"line 2: .* is not a number, a date and a time"):
        read_dated_lines(tmp_path / "a.PW")


def test_a_date_that_is_none_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.PW").write_text("71 2023-02-30 14:18:09\n")
    with pytest.raises(RecordingError, match="holds a date that is none"):
        read_dated_lines(tmp_path / "a.PW")
