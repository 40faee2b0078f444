"""Rows of a CSV file with declared columns."""

from pathlib import Path

import pytest

from rppgbench.papers.csv_rows import read_rows
from rppgbench.system.errors import BenchError


def test_a_row_knows_its_line_after_an_empty_line(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_text('method,note\n\nPOS,"a, b"\n')
    assert read_rows(file, ("method", "note")) == [
        (f"{file}: line 3", {"method": "POS", "note": "a, b"})
    ]
    file.write_text("method,note\n\nPOS,a,b\n")
    with pytest.raises(BenchError, match="line 3 has not 2 cells"):
        read_rows(file, ("method", "note"))


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_bytes(b"method\n\xff\n")
    with pytest.raises(BenchError, match=r"not readable: .*; save it as CSV in UTF-8"):
        read_rows(file, ("method",))
