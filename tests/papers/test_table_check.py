"""The check of a paper's table before it is filled."""

from pathlib import Path

import pytest

from rppgbench.papers.table_check import check_table_file

from ..factories.paper_tables import table_head, table_row, table_setting

TABLE = (
    table_head()
    + table_setting(protocol="quickstart", evaluator="li2023", data="simulated")
    + table_row("POS", "pos")
)
VALUES = "paper,table,setting,method,annotations,metric,value,note\np,1,set,POS,,MAE,5.1,\n"


def faults(text: str, folder: Path) -> list[str]:
    """What the check says against a table."""
    (folder / "v.csv").write_text(VALUES)
    file = folder / "t.toml"
    file.write_text(text)
    return [finding.reason for finding in check_table_file(file) if not finding.kept]


def test_a_whole_table_is_kept(tmp_path: Path) -> None:
    assert faults(TABLE, tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('evaluator = ""', 'evaluator = "li2032"', "no evaluator 'li2032'; did you mean 'li2023'?"),
        ('evaluator = "li2023"', 'evaluator = "li2032"', "no evaluator 'li2032'"),
        ('"pos"\nparams = {}', '"pos"\nparams = { window = 2.0 }', "no parameter of pos 'window'"),
        ("params = {}\nrecordings", "params = { eps = 'a' }\nrecordings", "eps of pos is a value"),
        ("pretrain = []", 'pretrain = ["nowhere"]', "no data set 'nowhere'"),
        ('method = "pos"', 'method = "poss"', "no method 'poss'; did you mean 'pos'?"),
    ],
)
def test_a_name_that_no_run_would_take_is_named(
    old: str, new: str, says: str, tmp_path: Path
) -> None:
    assert old in TABLE
    (fault,) = faults(TABLE.replace(old, new), tmp_path)
    assert says in fault
