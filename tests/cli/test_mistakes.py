"""Fifty mistakes and more: exit code 2, and one line that names the mistake and the way out."""

import shutil
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.store.store import Store

from ..factories import stores, trees

RUN = "run --protocol quickstart --methods pos"
PURE = "run --protocol pure_toolbox --methods pos --data pure=tree"

COMMAND_LINE = [
    ("rnu", "'rnu'", "did you mean run?"),
    ("--versin", "--versin", "did you mean --version?"),
    ("run", "--protocol", "bench run --help"),
    ("run quickstart", "--protocol", "bench run --help"),
    ("run --protocol quickstart extra", "'extra'", "bench run --help"),
    (f"{RUN} --metods chrom", "--metods", "did you mean --methods"),
    (f"{RUN} --jobs 0", "--jobs", "a whole number from 1"),
    (f"{RUN} --device gpu", "--device", "auto, cpu, cuda, mps"),
    (f"{RUN} --seconds -3", "--seconds", "no length from 1 to 3600 s"),
    (f"{RUN} --data pure", "--data", "NAME=PATH"),
    (f"{RUN} --param window_s=3", "--param", "METHOD.NAME=VALUE"),
    (f"{RUN} --methods pos,,chrom", "--methods", "write A,B"),
    (f"{RUN} --seeds 1,1", "--seeds", "twice"),
    (f"{RUN} --json --quiet", "--quiet", "not allowed with argument --json"),
    ("list methds", "'methds'", "did you mean methods?"),
    ("data chek", "'chek'", "did you mean check?"),
    ("data check", "NAME", "bench data check --help"),
    ("new methd mine", "'methd'", "did you mean method?"),
    ("completion tcsh", "'tcsh'", "bash, zsh, fish"),
    ("report", "results", "bench report --help"),
]
"""Command line, what the line names, and the way out that it tells."""

NAMES = [
    ("run --protocol quickstrt", "--protocol", "did you mean 'quickstart'"),
    ("run --protocol mine", "--protocol", "--plugins DIR"),
    (f"{RUN},chromm", "--methods", "did you mean 'chrom'"),
    (f"{RUN} --methods theirs", "--methods", "--plugins DIR"),
    (f"{RUN} --param pos.windw_s=3", "--param", "did you mean 'window_s'"),
    (f"{RUN} --param pos.window_s=long", "--param", "a value like 1.6"),
    (f"{RUN} --param pos.window_s=inf", "--param", "a value like 1.6, not inf"),
    (f"{RUN} --param pos.window_s=1.6,1.60", "--param", "has a value twice"),
    ("table li2023_table2 --stored --param pos.window_s=1,2", "--param", "bench run"),
    (f"{RUN} --param chrom.order=1,2", "--param", "add it with --methods"),
    (f"{RUN} --param pos.window_s=1 --param pos.window_s=2", "--param", "pos.window_s=1,2"),
    (f"{RUN} --evaluator li2032", "--evaluator", "did you mean 'li2023"),
    (f"{RUN} --region skni", "--region", "did you mean 'skin'"),
    (f"{RUN} --preset smoke", "--preset", "Known: iphys, paper"),
    (f"{RUN} --epochs 3", "--epochs", "leave it out"),
    (f"{RUN} --data simulatd=tree", "--data", "did you mean 'simulated'"),
    (f"{RUN} --data pure=tree", "--data", "uses simulated"),
    (f"{RUN} --data simulated=tree", "tree", "point to the folder"),
    (f"{PURE} --folds 9", "--folds", "Known: whole"),
    (
        "run --protocol pure_intra --methods pos --data pure=train",
        "protocols/pure_intra.toml",
        "bench data check pure",
    ),
    ("show poss", "bench show", "did you mean 'pos'"),
    ("check poss", "bench check", "did you mean 'pos'"),
    ("check contrast_phys", "bench check", "--kind"),
    ("table li2023_table9", "bench table", "did you mean"),
    ("table", "bench table", "bench list reports"),
    ("data show ubfc", "bench data show", "did you mean 'ubfc"),
    ("simulate nosuch --out here", "bench simulate", "bench list benchmarks"),
    ("simulate pure --out thesis/thesis.tex/deep", "thesis.tex", "give another"),
    ("new method pos", "bench new", "another NAME"),
    (f"{RUN} --methods classicl", "--methods", "did you mean 'classical'"),
    (f"{RUN} --folds nine", "--folds", "Known: "),
    ("register --protocol quickstart --folds nine --out r.json", "--folds", "Known: "),
    ("register --protocol pure_intra --folds nine --out r.json", "--folds", "Known: "),
    ("register --protocol quickstart --hypothesis pos<poss --out r.json", "--hypothesis", "'pos'"),
    (
        "register --protocol quickstart --hypothesis pos<ica --hypothesis pos<ica --out r.json",
        "--hypothesis: 'pos < ica'",
        "give it once",
    ),
    ("twin pure --out here", "bench twin", "did you mean 'pure_v1'"),
    ("power --table li2023_tabel2", "--table", "did you mean 'li2023_table2'"),
    ("predict face.mp4 --method poss", "--method", "did you mean 'pos'"),
]

FILES = [
    (f"{RUN} --plugins nowhere", "--plugins: nowhere", "no such folder"),
    (f"{RUN} --plugins tree", "--plugins: tree", "DIR/methods/"),
    ("run --protocol pure_toolbox --methods pos", "RPPGBENCH_DATA_PURE", "--simulate"),
    ("run --protocol pure_toolbox --methods pos --data pure=/nope", "/nope", "--simulate"),
    (f"{RUN} --simulate --out thesis", "thesis", "give another --out"),
    (f"{RUN} --simulate --out results", "other settings", "give another --out"),
    ("data check pure /nope", "/nope", "no such folder"),
    ("simulate pure --out thesis", "thesis", "give a new one"),
    ("report nowhere", "nowhere", "no results here"),
    ("report stopped", "stopped", "bench report --partial"),
    ("report results results", "--out", "give a FILE"),
    ("report results --out .", "--out", "name a file in it"),
    ("report results --out tree", "tree", "name a file in it"),
    ("report results --format latex --json", "--json", "leave it out"),
    ("decompose results --out .", "--out", "name a file in it"),
    ("atlas --out .", "--out", "name a file in it"),
    ("table li2023_table1 --stored --out .", "--out", "name a file in it"),
    ("report results --evaluator li2032", "--evaluator", "did you mean 'li2023"),
    ("register --protocol quickstart --out tree", "--out: tree", "name a file in it"),
    (f"{RUN} --registration nowhere.json", "nowhere.json", "cannot be read"),
    (f"{RUN} --registration tree", "tree", "cannot be read"),
    (f"{RUN} --registration thesis/thesis.tex", "thesis.tex", "a file of bench register"),
    (f"{RUN} --registration thesis/deep.json", "deep.json", "a file of bench register"),
    ("limit nowhere", "nowhere", "no results here"),
    ("limit stopped", "stopped", "bench report --partial"),
    ("limit results --region skni", "--region", "did you mean 'skin'"),
    ("power stopped", "stopped", "bench report --partial"),
    ("power thesis/thesis.tex", "thesis.tex", "not a bundle"),
    ("power results --evaluator li2032", "--evaluator", "did you mean 'li2023"),
    ("power results --difference nan", "--difference", "above 0 bpm"),
    ("twin pure_v1 --people 10001 --out here", "--people", "10000 people at most"),
    ("twin pure_v1 --out tree", "tree", "give a new one"),
    ("compare results nowhere", "nowhere", "no results here"),
    ("bundle", "bench bundle", "--check FILE"),
    ("bundle nowhere", "nowhere", "no results here"),
    ("bundle --check thesis/thesis.tex", "thesis.tex", "bench bundle RESULTS"),
    ("predict nowhere.mp4", "nowhere.mp4", "no such video; check the path"),
    ("predict", "bench predict", "--trace FILE"),
    ("split checksum thesis/thesis.tex", "thesis.tex", "not readable as TOML"),
    ("split checksum nowhere.toml", "nowhere.toml", "not readable"),
    ("check nowhere.py", "nowhere.py", "no such file"),
    ("check thesis/odd.toml", "odd.toml", "--kind"),
    (
        "check nowhere.py --kind split",
        "--kind: nowhere.py is a method, not a split",
        "leave it out",
    ),
    ("new evaluator mine --out thesis/thesis.tex", "thesis.tex", "give another"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with results, a stopped run, a tree of PURE, and a thesis; the current folder."""
    stores.write(tmp_path / "results", stores.estimates())
    stores.write(tmp_path / "stopped", stores.estimates())
    next((tmp_path / "stopped" / "estimates").glob("*.parquet")).unlink()
    Store(tmp_path / "stopped").add(stores.estimates()[:2])
    for tree in ("tree", "train"):
        trees.pure(tmp_path / tree)
    shutil.rmtree(tmp_path / "train" / "10-01")  # the one test subject of pure_intra
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("\\section{Pulse}\n")
    (tmp_path / "thesis" / "deep.json").write_text("[" * 100_000)
    (tmp_path / "thesis" / "odd.toml").write_text("colour = 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "names", "way_out"),
    [pytest.param(*mistake, id=mistake[0]) for mistake in [*COMMAND_LINE, *NAMES, *FILES]],
)
def test_a_mistake_is_one_line_that_names_it_and_the_way_out(
    line: str, names: str, way_out: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {place.name for place in folder.iterdir()}
    try:
        code = main(line.split())
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    captured = capsys.readouterr()
    told = captured.err.splitlines()
    assert code == 2
    assert captured.out == ""
    assert len(told) == 1, captured.err
    assert told[0].startswith("bench")
    assert not told[0].startswith("bench: bench")
    assert names in told[0]
    assert way_out in told[0]
    assert len(told[0]) < 600
    assert {place.name for place in folder.iterdir()} == before
