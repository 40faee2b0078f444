"""Published values: read from files and declared tables, grouped, and shown as a page."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.papers import atlas, published
from rppgbench.papers.atlas import atlas_html, summarise
from rppgbench.papers.published import PublishedValue, group_values, read_file
from rppgbench.system.errors import BenchError

HEADER = "method,tested_on,trained_on,metric,value,source,kind,rule,note"
VALUE = PublishedValue(
    method="POS",
    tested_on="pure",
    trained_on="none",
    metric="mae",
    value=2.0,
    source="first",
    kind="paper",
    rule="unknown",
    note="",
)
ROOT = Path(__file__).parents[2]


def values(
    *numbers: float, method: str = "POS", metric: str = "mae", trained_on: str = "none"
) -> list[PublishedValue]:
    base = replace(VALUE, method=method, metric=metric, trained_on=trained_on)
    return [replace(base, value=number, source=f"source {k}") for k, number in enumerate(numbers)]


def test_the_shipped_file_is_read_and_the_papers_values_are_there() -> None:
    """Three toolboxes report 3.67, 1.29 and 0.39 bpm for POS on PURE."""
    groups = group_values(published.read_published_values())
    (pos,) = [g for g in groups if (g.method, g.tested_on, g.metric) == ("POS", "pure", "mae")]
    assert {3.67, 1.29, 0.39} <= {value.value for value in pos.values}
    assert (pos.least, pos.most) == (0.39, 3.67)
    (own,) = [
        value
        for value in published.printed_values()
        if value.method == "Co-rectification"
        and (value.tested_on, value.trained_on, value.metric) == ("ubfc_rppg", "pure", "mae")
    ]
    assert own.rule == "li2023"
    assert "n = 42" in own.note


def test_every_printed_mae_and_rmse_of_a_table_of_data_is_a_value() -> None:
    with (ROOT / "reports" / "printed_values.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["paper"] == "li2023"
            and row["table"] in "124"
            and row["metric"] in ("MAE", "RMSE")
        ]
    shown = [
        value
        for value in published.printed_values()
        if re.match(r"li2023, table [124] ", value.source)
    ]
    assert len(shown) == len(rows)
    assert sorted(value.value for value in shown) == sorted(float(row["value"]) for row in rows)


def test_groups_with_several_sources_come_first_by_their_ratio() -> None:
    groups = group_values(
        [
            *values(1.0, 2.0),
            *values(1.0, 5.0, method="ICA"),
            *values(9.0, method="LGI"),
            *values(1.0, 2.0, metric="rmse"),
        ]
    )
    assert [(g.method, g.metric, g.ratio) for g in groups] == [
        ("ICA", "mae", 5.0),
        ("POS", "mae", 2.0),
        ("POS", "rmse", 2.0),
        ("LGI", "mae", 1.0),
    ]
    assert (groups[0].sources, groups[0].median) == (2, 3.0)


def test_the_order_of_lines_changes_nothing() -> None:
    several = [*values(3.0, 1.0, 2.0), *values(4.0, 1.0, method="ICA")]
    assert group_values(several) == group_values(several[::-1])


def test_the_summary_counts_what_differs() -> None:
    groups = group_values([*values(1.0, 4.0), *values(3.0, 3.0, method="ICA")])
    assert summarise(groups)[0] == (
        "Of methods that learn nothing, 2 groups of method, data sets and metric have values of "
        "several sources; 1 of them differ. Where they differ, the largest value is 4.0 times the "
        "smallest in the median, and 4.0 times at most."
    )
    assert "cite" in summarise(group_values(values(3.0, 3.0, trained_on="pure")))[0]
    assert summarise([]) == ["No method and data set have values of two sources."]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("POS,pure,none,mae,-1,s,paper,r,", "line 2: value '-1' is no error in bpm"),
        ("POS,pure,none,mae,nan,s,paper,r,", "line 2: value 'nan' is no error in bpm"),
        ("POS,pure,none,r,0.9,s,paper,r,", "line 2: metric 'r' is not one of mae, rmse"),
        ("POS,pure,none,mae,1,s,rumour,r,", "line 2: kind 'rumour' is not one of paper"),
        ("POS,pure,,mae,1,s,paper,r,", "line 2: no trained_on; fill it in"),
        ("POS,pure,none,mae,1,s,paper", "line 2 has not 9 cells"),
    ],
)
def test_a_line_at_fault_is_named(line: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "published_values.csv"
    file.write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(BenchError, match=re.escape(f"{file}: {says}")):
        read_file(file)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "published_values.csv"
    file.write_text("method,value\nPOS,1\n")
    with pytest.raises(BenchError, match="its columns must be method, tested_on"):
        read_file(file)


def test_a_plugin_adds_values_and_causes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page escapes what files say, and holds the cause beside its group."""
    (tmp_path / "reports").mkdir()
    lines = [HEADER, "<b>X</b>,pure,none,mae,1,a,paper,r,", "<b>X</b>,pure,none,mae,3,b,paper,r,"]
    (tmp_path / "reports" / "published_values.csv").write_text("\n".join(lines))
    (tmp_path / "reports" / "published_causes.csv").write_text(
        "tested_on,method,cause,evidence\npure,<b>X</b>,another band,page\n"
    )
    for module in (published, atlas):
        monkeypatch.setattr(module, "content_roots", lambda: (tmp_path,))
    monkeypatch.setattr(published, "toml_files", lambda kind: {})
    page = atlas_html(published.read_published_values(), "bench atlas")
    assert "<b>X</b>" not in page
    assert "&lt;b&gt;X&lt;/b&gt;" in page
    assert "another band (page)" in page
    assert "largest value is 3.0 times" in page
    (tmp_path / "reports" / "published_causes.csv").write_text("a,b\n")
    with pytest.raises(BenchError, match="its columns must be tested_on, method, cause, evidence"):
        atlas_html(published.read_published_values(), "bench atlas")


def test_the_command_writes_the_page_twice_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.html"
    assert main(["atlas", "--out", str(out)]) == 0
    first = out.read_bytes()
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert main(["atlas", "--out", str(out)]) == 0
    assert out.read_bytes() == first
    assert main(["atlas", "--out", str(tmp_path / "none" / "a.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
