"""Content is found by folder and name, and one broken file hides no other."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.content import (
    PLUGINS,
    add_plugins,
    content_roots,
    find_toml,
    forget,
    load_method_file,
    load_methods,
    toml_files,
)
from rppgbench.errors import BenchError

METHOD = '''
"""A method of somebody else's."""
from .{parts} import shift
from rppgbench.method import method
from rppgbench.waveform import Waveform

@method(title="Theirs", cite="10.1/x")
def {name}(trace: Waveform, *, gain: float = 2.0) -> Waveform:
    """Green, louder, in the unit of the input (T,)."""
    return Waveform(shift(trace.samples[:, 1]) * gain, trace.fs, trace.start_s)
'''


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Path]:
    """A folder of loose content, used and forgotten again."""
    (tmp_path / "methods").mkdir()
    before = os.environ.get(PLUGINS)
    yield tmp_path
    os.environ.pop(PLUGINS, None)
    if before is not None:
        os.environ[PLUGINS] = before
    forget()


def folder_method(plugins: Path, name: str) -> Path:
    folder = plugins / "methods" / name
    folder.mkdir()
    (folder / "__init__.py").write_text(METHOD.format(name=name, parts="parts"))
    (folder / "parts.py").write_text("def shift(x):\n    return x - x.mean()\n")
    return folder


def test_a_plugin_folder_s_method_imports_its_own_parts_and_pickles(plugins: Path) -> None:
    folder_method(plugins, "theirs")
    add_plugins(plugins)
    theirs = load_methods().found["theirs"]
    assert theirs.params == {"gain": 2.0}
    shift = theirs.estimate.__globals__["shift"]
    assert pickle.loads(pickle.dumps(shift)) is shift  # a real module of a real package
    assert "pos" in load_methods().found


def test_a_file_whose_import_is_missing_says_what_to_install(plugins: Path) -> None:
    (plugins / "methods" / "wants.py").write_text("import no_such_package\n")
    add_plugins(plugins)
    loaded = load_methods()
    assert "pip install no_such_package" in loaded.missing["wants"].reason
    assert "pos" in loaded.found
    with pytest.raises(BenchError, match="cannot run"):
        loaded.get("method", "wants", "--methods")


def test_a_broken_file_hides_no_other(plugins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plugins / "methods" / "broken.py").write_text("def (\n")
    assert main(["list", "methods", "--plugins", str(plugins)]) == 0
    said = capsys.readouterr().out
    assert "SyntaxError" in said
    assert "POS" in said


def test_two_of_one_name_are_refused(plugins: Path) -> None:
    (plugins / "methods" / "pos.py").write_text("")
    add_plugins(plugins)
    with pytest.raises(BenchError, match=r"pos\.py has that name already"):
        load_methods()


def test_a_file_must_declare_its_own_name(plugins: Path) -> None:
    (plugins / "methods" / "other.py").write_text("x = 1\n")
    add_plugins(plugins)
    assert "must declare a Method named 'other'" in load_methods().missing["other"].reason


def test_a_folder_without_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds none of the folders"):
        add_plugins(tmp_path)


def test_a_loose_file_loads_by_path(plugins: Path) -> None:
    folder = folder_method(plugins, "loose")
    assert load_method_file(folder).title == "Theirs"


def test_a_near_name_is_offered() -> None:
    with pytest.raises(BenchError, match=r"did you mean 'pos'\?"):
        load_methods().get("method", "poss", "--methods")
    with pytest.raises(BenchError, match=r"no evaluator 'li2032'; did you mean 'li2023'"):
        find_toml("protocols/evaluators", "evaluator", "li2032", "--evaluator")


def test_content_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = set(toml_files("protocols"))
    monkeypatch.chdir(tmp_path)
    assert set(toml_files("protocols")) == here
    assert content_roots()[0].is_dir()


NO_TORCH = """
import json, sys
sys.modules["torch"] = None  # as where it is not installed
from rppgbench.content import load_methods
print(json.dumps({name: stand_in.reason for name, stand_in in load_methods().missing.items()}))
"""


def test_without_torch_every_network_says_what_to_install() -> None:
    """A protocol then runs without them; one found only in its training would end the run."""
    folders = Path(__file__).parents[1] / "methods"
    networks = {
        file.parent.name
        for file in folders.glob("*/*.py")
        if re.search(r"^\s*(import torch|from (rppgbench\.neural|torch))", file.read_text(), re.M)
    }
    assert {"contrast_phys", "efficientphys"} <= networks
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH], capture_output=True, text=True, check=True
    )
    missing = json.loads(done.stdout)
    said = "needs torch: pip install 'rppgbench[neural]'"
    assert {name for name in networks if missing.get(name) == said} == networks
