"""bench new and bench check: every written file passes its check and is used by a run."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.cli.new import KINDS
from rppgbench.core.registry import toml_files
from rppgbench.store.store import Store


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A folder of content of one's own."""
    return tmp_path / "mine"


def write_new(content: Path, kind: str, name: str) -> list[Path]:
    """Write a file of a kind by the command; the files."""
    arguments = ["new", kind, name, "--out", str(content), "--quiet"]
    before = set(content.rglob("*.*"))
    assert main(arguments) == 0
    return sorted(set(content.rglob("*.*")) - before)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_written_file_passes_its_check(
    kind: str, content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_new(content, kind, "fresh")
    assert [file.name.startswith("fresh") for file in files] == [True] * len(KINDS[kind].files)
    assert all("#" in file.read_text() for file in files if file.suffix != ".csv")
    assert main(["check", "fresh", "--kind", kind, "--json", "--plugins", str(content)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["kind"], answer["name"]) == (kind, "fresh")
    assert answer["findings"]
    assert {finding["kept"] for finding in answer["findings"]} <= {True, None}
    assert any(finding["kept"] for finding in answer["findings"])


def test_a_method_a_data_set_a_protocol_and_an_evaluator_run_together(
    content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("method", "dataset", "protocol", "evaluator"):
        write_new(content, kind, f"our_{kind}")
    arguments = ["run", "--protocol", "our_protocol", "--methods", "our_method,pos", "--simulate"]
    arguments += ["--test", "our_dataset", "--evaluator", "our_evaluator", "--json"]
    arguments += ["--subjects", "1", "--seconds", "10", "--plugins", str(content)]
    arguments += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "results")]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["evaluator"] == "our_evaluator"
    rows = {row["method"]: row for row in answer["rows"] if row["evaluator"] == "our_evaluator"}
    assert rows.keys() == {"our_method", "pos"}
    assert rows["pos"]["mae"] < 2
    assert {e.dataset for e in Store(tmp_path / "results").estimates()} == {"our_dataset"}


def test_a_split_makes_the_folds_of_a_protocol(
    content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_new(content, "split", "thirds")
    (file,) = write_new(content, "protocol", "folds")
    text = file.read_text()
    for line in ('# split = "whole"', "# train = []"):
        assert line in text
    text = text.replace('# split = "whole"', 'split = "thirds"')
    file.write_text(text.replace("# train = []", 'train = ["simulated"]'))
    (tmp_path / "tree").mkdir()
    simulate = ["simulate", "simulated", "--out", str(tmp_path / "tree"), "--quiet"]
    assert main([*simulate, "--subjects", "3", "--seconds", "1"]) == 0
    arguments = ["run", "--protocol", "folds", "--methods", "pos", "--dry-run"]
    arguments += ["--data", f"simulated={tmp_path / 'tree'}", "--plugins", str(content)]
    arguments += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "results")]
    assert main(arguments) == 0
    assert "over 3 recordings in 3 folds" in capsys.readouterr().out


def test_a_report_is_a_table_of_printed_values(
    content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_new(content, "report", "theirs")
    arguments = ["table", "theirs", "--stored", "--format", "csv", "--plugins", str(content)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Another method" in out
    assert "\nAnother method,1.5,,2.5," in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["method", "pos"], "bench new: there is a method 'pos' already; give another NAME"),
        (
            ["method", "My-Method"],
            "bench new: 'My-Method' is no name of a method: use small letters",
        ),
        (["dataset", "class"], "bench new: 'class' is no name of a dataset"),
        (["protocol", "quickstart"], "there is a protocol 'quickstart' already"),
        (["split", "../up"], "is no name of a split"),
        (["method", "a" * 300], "is no name of a method"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    arguments: list[str], says: str, content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *arguments, "--out", str(content)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not content.exists()


def test_a_file_that_exists_is_kept(content: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = write_new(content, "evaluator", "mine")
    file.write_text("my work")
    assert main(["new", "evaluator", "mine", "--out", str(content)]) == 2
    assert capsys.readouterr().err == (
        f"bench: {file}: exists; give another NAME, or another --out DIR\n"
    )
    assert file.read_text() == "my work"


@pytest.mark.parametrize(
    ("kind", "old", "new", "clause", "says"),
    [
        ("protocol", '"pos", "chrom"', '"pos", "chromm"', "methods", "did you mean 'chrom'"),
        ("protocol", '["simulated"]', '["nosuch"]', "data sets", "no data set 'nosuch'"),
        ("protocol", '"beats_tukey"', '"beats"', "evaluators", "no evaluator 'beats'"),
        ("protocol", '# split = "whole"', 'split = "pure-6810"', "split", "is of pure"),
        ("protocol", '# split = "whole"', 'split = "official"', "split", "train = [] is not test"),
        ("protocol", '# regions = ["skin"]', 'regions = ["chin"]', "regions", "no region 'chin'"),
        ("protocol", "title =", "titel =", "keys", "did you mean 'title'"),
        ("evaluator", "length_s = 10.0, stride_s = 10.0, shortest_s = 9.0",
         "length_s = 100.0, stride_s = 100.0, shortest_s = 90.0", "tone", "reads no rate"),
        ("split", '["01"]', '["04"]', "checksum", "bench split checksum"),
        ("report", 'protocol = "quickstart"', 'protocol = "slowstart"', "protocols", "no protocol"),
        ("report", 'method = "pos"', 'method = "possible"', "methods", "no method 'possible'"),
        ("report", "MAE = ", "ERR = ", "keys", "no measure 'MAE'"),
        ("dataset", 'licence="ask us"', 'licence=""', "declares", "has no licence"),
        ("dataset", "columns=2", "columns=3", "simulated", "p01"),
    ],
)  # fmt: skip
def test_a_broken_clause_is_named_with_its_reason(
    kind: str,
    old: str,
    new: str,
    clause: str,
    says: str,
    content: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = next(f for f in write_new(content, kind, "broken") if f.suffix in {".toml", ".py"})
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    code = main(["check", "broken", "--kind", kind, "--plugins", str(content)])
    broken = [n for n in capsys.readouterr().out.splitlines() if n.startswith("BROKEN")]
    assert code == 2
    assert [line for line in broken if clause in line.split(":")[0] and says in line]


@pytest.mark.parametrize("name", sorted(toml_files("protocols")))
def test_every_shipped_protocol_passes_its_check(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", name, "--kind", "protocol"]) == 0, capsys.readouterr().out


HALVES = {"contrast_phys"}
"""The rule whose harmonic rule halves clean tones: see the page on evaluators."""


@pytest.mark.parametrize("name", sorted(toml_files("protocols/evaluators")))
def test_every_shipped_evaluator_reads_clean_tones(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check", name, "--kind", "evaluator"])
    out = capsys.readouterr().out
    if name in HALVES:
        assert "reads 36.0 bpm of a tone of 72 bpm" in out
    else:
        assert code == 0, out
