"""What `bench table` is asked to run: methods, parameters, folds, seeds; the dry run; failures."""

import csv
import io
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.store.store import Store
from rppgbench.video.stream import decode_counts

from ..factories import trees
from ..factories.paper_results import store
from ..factories.paper_tables import table_head, table_row, table_setting
from ..factories.vipl_tree import write_vipl_tree

pytestmark = pytest.mark.torch  # the papers' methods are networks


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    trees.vipl_hr(tmp_path / "vipl")
    return tmp_path


def table(here: Path, *more: str, name: str = "li2023_table2") -> int:
    data = ["--data", f"vipl_hr={here / 'vipl'}", "--cache", str(here / "cache")]
    return main(["table", name, *data, *more])


def test_the_dry_run_says_what_would_be_run_and_decodes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = decode_counts.copy()
    assert table(here, "--dry-run", "--methods", "pos,co_rectification") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "vipl5fold: 4 estimates of 1 method over 4 recordings in 2 folds, 0 trainings; 0 are stored"
    )
    assert any("by 4 container headers" in line and "declared: measured" in line for line in lines)
    assert any("disk: at most" in line and "are free" in line for line in lines)
    assert lines[-1].startswith(
        "vipl5fold: cannot run: co_rectification: clips of 10 s are longer than each of the"
    )
    assert decode_counts == before
    assert not (here / "results").exists()


def test_the_dry_run_says_what_a_whole_run_lacks(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table(here, "--dry-run", "--methods", "pos", "--folds", "fold9") == 0
    line = "vipl5fold: cannot run: --folds: no fold 'fold9'"
    assert capsys.readouterr().out.startswith(line)


def test_the_dry_run_says_that_simulated_data_fill_no_genuine_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_vipl_tree(tmp_path / "vipl", subjects=5, seconds=1.0)
    assert table(tmp_path, "--dry-run", "--methods", "pos") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        f"vipl5fold: not run: the data in {tmp_path / 'vipl'} is simulated; use --simulate"
    )


def test_the_dry_run_names_data_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["table", "qian2024_table2", "--dry-run"]) == 0
    (line,) = capsys.readouterr().out.splitlines()  # once, not for each of the rows
    assert line.startswith("repss3_track1: cannot run: disfa: no data")


def test_the_dry_run_counts_steps_and_hours(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--methods", "co_rectification", "--device", "cpu", "--seeds", "0,1"]
    params = ["--param", "co_rectification.clip_s=0.625", "--param", "co_rectification.epochs=2000"]
    assert table(here, "--dry-run", *chosen, *params, "--folds", "fold1") == 0
    output = capsys.readouterr().out
    assert "in 1 fold, 2 trainings" in output
    # three recordings train in fold 1, one clip each or more: one batch an epoch
    assert (
        "co_rectification: 2 trainings of 2,000 steps each, 1.26 h on one cpu (measured:" in output
    )
    assert "1.4 min on one cuda (arithmetic, not measured" in output  # 4,000 x 0.021 s


def test_a_group_stands_for_those_of_its_methods_that_the_table_has(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table(here, "--dry-run", "--methods", "classical") == 0
    of_group = capsys.readouterr().out
    assert table(here, "--dry-run", "--methods", "chrom,pos") == 0
    assert of_group == capsys.readouterr().out
    assert main(["table", "qian2024_table1", "--dry-run", "--methods", "classical"]) == 2
    assert "--methods: no row with a method of classical" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--methods", "physnet"], "--methods: no row with the method 'physnet'"),
        (["--param", "pos"], "is not METHOD.NAME=VALUE"),
        (["--param", "pos.windwo=3"], "--param: no parameter of pos 'windwo'"),
        (["--param", "physnet.epochs=3"], "--param: no row with the method 'physnet'"),
        (["--seeds", "0,0"], "names 0 twice"),
        (["--stored", "--folds", "fold1"], "--folds: has no effect beside --stored"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(
    more: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["table", "li2023_table2", *more])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert says in capsys.readouterr().err


def test_another_parameter_is_another_folder_and_no_verdict(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--dry-run", "--methods", "pos", "--param", "pos.window_s=2.0"]
    assert table(here, *asked) == 0
    assert "4 estimates" in capsys.readouterr().out
    store(here / "results/vipl5fold", "vipl5fold", methods={"pos": 0.0})
    assert main(["table", "li2023_table2", "--stored", "--param", "pos.window_s=2.0"]) == 0
    capsys.readouterr()
    assert main(["table", "li2023_table2", "--stored", "--format", "csv"]) == 0
    assert "POS,15.3," in capsys.readouterr().out


PLUGIN = """
from rppgbench.core.method import Model, method
from rppgbench.system.errors import BenchError

def fit(examples, training, **params):
    raise BenchError("batch of nobody: is odd; give an even number")

@method("Nobody", "nobody", fit=fit)
def nobody(rgb, model):
    return rgb
"""


def test_one_failing_method_never_empties_a_table(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its training is refused: its cell has the reason, the others ran, the exit code says so."""
    own = here / "own"
    (own / "methods").mkdir(parents=True)
    (own / "reports").mkdir()
    (own / "methods/nobody.py").write_text(PLUGIN)
    (own / "reports/v.csv").write_text(
        "paper,table,setting,method,annotations,metric,value,note\np,1,set,pos,with,MAE,5,\n"
    )
    text = table_head() + "".join(
        table_row(name, name, "not printed") for name in ("nobody", "pos")
    )
    text += table_setting(protocol="vipl5fold", evaluator="gideon2021", data="vipl_hr", folds=2)
    (own / "reports/own_table.toml").write_text(text)
    small = ["--simulate", "--subjects", "2", "--seconds", "6", "--cache", str(here / "cache")]
    more = ["own_table", *small, "--plugins", str(own), "--format", "csv"]
    for stored in ([], ["--stored"]):
        code = main(["table", *more, *stored])
        captured = capsys.readouterr()
        rows = {row["method"]: row for row in csv.DictReader(io.StringIO(captured.out))}
        assert code == (0 if stored else 3)
        assert rows["pos"]["mae_simulated"] != "", captured.out + captured.err
        assert float(rows["pos"]["mae_simulated"]) < 60
        assert rows["nobody"]["mae_simulated"] == ""
        if not stored:
            reason = "nobody: batch of nobody: is odd; give an even number"
            assert "failed: vipl5fold-" in captured.err
            assert reason in captured.err
    (folder,) = (here / "results").glob("vipl5fold*")
    assert {e.method for e in Store(folder).estimates()} == {"pos"}
