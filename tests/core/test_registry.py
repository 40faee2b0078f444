"""Content is found by folder and name, and one broken file hides no other."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import rppgbench
from rppgbench.cli import main
from rppgbench.core import content_roots as content
from rppgbench.core.content_roots import PLUGINS, content_roots
from rppgbench.core.registry import (
    add_plugins,
    clear_registry,
    find_toml,
    load_method_file,
    load_methods,
    toml_files,
)
from rppgbench.system.errors import BenchError

METHOD = '''
"""A method of somebody else's."""
from .{parts} import shift
from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform

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
    clear_registry()


def folder_method(plugins: Path, name: str) -> Path:
    folder = plugins / "methods" / name
    folder.mkdir()
    (folder / "__init__.py").write_text(METHOD.format(name=name, parts="parts"))
    (folder / "parts.py").write_text("def shift(x):\n    return x - x.mean()\n")
    return folder


def test_a_plugin_folder_s_method_imports_its_own_parts_and_pickles(plugins: Path) -> None:
    folder_method(plugins, "theirs")
    add_plugins(plugins)
    theirs = load_methods().available["theirs"]
    assert theirs.params == {"gain": 2.0}
    shift = theirs.estimate.__globals__["shift"]
    assert pickle.loads(pickle.dumps(shift)) is shift  # a real module of a real package
    assert "pos" in load_methods().available


def test_a_file_whose_import_is_missing_says_what_to_install(plugins: Path) -> None:
    (plugins / "methods" / "wants.py").write_text("import no_such_package\n")
    add_plugins(plugins)
    loaded = load_methods()
    assert "pip install no_such_package" in loaded.unavailable["wants"].reason
    assert "pos" in loaded.available
    with pytest.raises(BenchError, match="cannot run"):
        loaded.get("method", "wants", "--methods")


def test_a_broken_file_hides_no_other(plugins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plugins / "methods" / "broken.py").write_text("def (\n")
    assert main(["list", "methods", "--plugins", str(plugins)]) == 0
    output = capsys.readouterr().out
    assert "SyntaxError" in output
    assert "POS" in output


def test_two_of_one_name_are_refused(plugins: Path) -> None:
    (plugins / "methods" / "pos.py").write_text("")
    add_plugins(plugins)
    with pytest.raises(BenchError, match=r"pos\.py has that name already"):
        load_methods()


def test_a_file_must_declare_its_own_name(plugins: Path) -> None:
    (plugins / "methods" / "other.py").write_text("x = 1\n")
    add_plugins(plugins)
    assert "must declare a Method named 'other'" in load_methods().unavailable["other"].reason


TABLE = """
from rppgbench.core.method import method
from rppgbench.system.errors import BenchError

def check_installed():
    raise BenchError("needs theirs: pip install theirs")

def declare(name, requires=None):
    def estimate(trace):
        return trace
    estimate.__module__, estimate.__name__ = __name__, name
    return method("Theirs", "10.1/x", requires=requires)(estimate)

{lines}
"""


def declare_table(plugins: Path, *lines: str) -> None:
    (plugins / "methods" / "theirs.py").write_text(TABLE.format(lines="\n".join(lines)))
    add_plugins(plugins)


def test_a_file_may_declare_several_methods_whose_names_begin_with_its_name(plugins: Path) -> None:
    declare_table(
        plugins,
        'theirs_a = declare("theirs_a")',
        'theirs_b = declare("theirs_b", check_installed)',
    )
    methods = load_methods()
    assert methods.available["theirs_a"].title == "Theirs"
    assert methods.unavailable["theirs_b"].reason == "needs theirs: pip install theirs"
    assert "theirs" not in {*methods.available, *methods.unavailable}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('theirs_a = declare("theirs_b")', "write 'theirs' in place of 'theirs_a'"),
        ('other_a = declare("other_a")', "write 'theirs' in place of 'other_a'"),
        ("x = 1", "must declare a Method named 'theirs'"),
    ],
)
def test_a_method_of_several_with_another_name_is_refused(
    plugins: Path, line: str, says: str
) -> None:
    declare_table(plugins, line)
    assert says in load_methods().unavailable["theirs"].reason


def test_a_method_of_several_may_not_have_the_name_of_a_file(plugins: Path) -> None:
    (plugins / "methods" / "theirs_a.py").write_text("")
    declare_table(plugins, 'theirs_a = declare("theirs_a")')
    with pytest.raises(BenchError, match=r"theirs\.py has that name already"):
        load_methods()


def test_a_loose_file_with_several_methods_names_them(plugins: Path) -> None:
    declare_table(plugins, *(f'theirs_{x} = declare("theirs_{x}")' for x in "ab"))
    with pytest.raises(BenchError, match=r"several methods \(theirs_a, theirs_b\)"):
        load_method_file(plugins / "methods" / "theirs.py")


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
from rppgbench.core.registry import load_methods
print(json.dumps({name: stand_in.reason for name, stand_in in load_methods().unavailable.items()}))
"""


def test_without_torch_every_network_says_what_to_install() -> None:
    """A protocol then runs without them; one found only in its training would end the run."""
    folders = Path(__file__).parents[2] / "methods"
    networks = {
        file.parent.name
        for file in folders.glob("*/*.py")
        if re.search(r"^\s*(import torch|from (rppgbench\.neural|torch))", file.read_text(), re.M)
    }
    assert {"contrast_phys", "efficientphys"} <= networks
    process = subprocess.run(
        [sys.executable, "-c", NO_TORCH], capture_output=True, text=True, check=True
    )
    missing = json.loads(process.stdout)
    text = re.compile(r"needs torch( and lightning_fabric)?: pip install 'rppgbench\[neural\]'")
    assert {name for name in networks if text.fullmatch(missing.get(name, ""))} == networks


def results_of_somebody(folder: Path, project: str = "theirs") -> None:
    """A folder that holds folders of the same names, with a method that leaves a mark."""
    for name in ("protocols", "methods", "benchmarks"):
        (folder / name).mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    (folder / "methods" / "theirs.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")


LISTED = """
import sys
from rppgbench.cli import main
raise SystemExit(main(["list", "--json"]))
"""


def listed(cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """What `bench list` says in a process that begins in a folder."""
    return subprocess.run(
        [sys.executable, "-c", LISTED],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(content.__file__).parents[1]), **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("project", ["theirs", "rppgbench"])
def test_folders_of_these_names_around_the_current_one_are_not_content(
    tmp_path: Path, project: str
) -> None:
    """The code of a checkout goes with the content of that checkout, whatever lies around."""
    results_of_somebody(tmp_path / "deep", project)
    (tmp_path / "deep" / "reports").mkdir()
    process = listed(tmp_path / "deep" / "reports")
    assert process.returncode == 0, process.stderr
    assert not (tmp_path / "deep" / "ran").exists()
    methods = json.loads(process.stdout)["methods"]
    assert "pos" in methods
    assert "theirs" not in methods


def test_a_checkout_is_known_by_its_project(tmp_path: Path) -> None:
    """For code that was installed: the current folder is content where it is this project's."""
    results_of_somebody(tmp_path / "a")
    results_of_somebody(tmp_path / "b", "rppgbench")
    assert [content._is_checkout(tmp_path / name) for name in "ab"] == [False, True]


BAD_IMPORTS = {
    "leaves": "import sys\nsys.exit(0)\n",
    "likes": "class Stop(KeyboardInterrupt): pass\nraise Stop('like Ctrl-C')\n",
    "based": "raise BaseException('no Exception')\n",
    "prints": "print('{not json')\nimport no_such_package\n",
}


def test_what_a_plug_in_does_when_imported_ends_no_command(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in BAD_IMPORTS.items():
        (plugins / "methods" / f"{name}.py").write_text(text)
    assert main(["list", "methods", "--json", "--plugins", str(plugins)]) == 0
    captured = capsys.readouterr()
    methods = json.loads(captured.out)["methods"]
    assert "pos" in methods
    assert "sys.exit(0)" in methods["leaves"]["not_available"]
    assert "like Ctrl-C" in methods["likes"]["not_available"]
    assert "no Exception" in methods["based"]["not_available"]
    assert "{not json" in captured.err
    with pytest.raises(BenchError, match=r"sys\.exit"):
        load_method_file(plugins / "methods" / "leaves.py")


def test_ctrl_c_while_content_loads_stays_ctrl_c(plugins: Path) -> None:
    (plugins / "methods" / "slow.py").write_text("raise KeyboardInterrupt\n")
    add_plugins(plugins)
    with pytest.raises(KeyboardInterrupt):
        load_methods()


def test_what_a_method_prints_or_ends_is_no_part_of_the_answer(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """bench check calls it; standard output stays one JSON object."""
    text = METHOD.format(name="loud", parts="parts").replace("from .parts import shift\n", "")
    body = text.replace("shift(trace.samples[:, 1])", "-trace.samples[:, 1]")
    loud = plugins / "methods" / "loud.py"
    loud.write_text(body.replace("    return", "    print('mid-way')\n    return"))
    main(["check", str(loud), "--json"])
    captured = capsys.readouterr()
    assert json.loads(captured.out)["name"] == "loud"
    assert "mid-way" in captured.err
    loud.write_text(body.replace("    return", "    raise SystemExit(0)\n    return"))
    assert main(["check", str(loud)]) == 2
    assert "sys.exit(0)" in capsys.readouterr().out


LEAVES = """
from rppgbench.core.recording import Dataset

def recordings(root):
    raise SystemExit(0)

leaves = Dataset(
    name="leaves", title="", cite="", licence="", url="", expected={}, recordings=recordings
)
"""


def test_code_of_others_that_ends_the_program_ends_no_command_as_done(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plugins / "benchmarks").mkdir()
    (plugins / "benchmarks" / "leaves.py").write_text(LEAVES)
    arguments = ["data", "check", "leaves", str(plugins), "--plugins", str(plugins)]
    assert main(arguments) == 2
    assert "RuntimeError: it called sys.exit(0)" in capsys.readouterr().err


ENTRIES = {
    "no_parent": "no_such_parent.content",
    "blank": "my package",
    "relative": ".content",
    "absent": "no_such_package_at_all",
    "empty": "email",
}


def test_a_broken_entry_point_is_a_line_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [EntryPoint(name, value, "rppgbench") for name, value in ENTRIES.items()]
    monkeypatch.setattr(content, "entry_points", lambda group: points)
    content._installed_roots.cache_clear()
    clear_registry()
    try:
        assert main(["list", "methods", "--json"]) == 0
        methods = json.loads(capsys.readouterr().out)["methods"]
    finally:
        monkeypatch.undo()
        content._installed_roots.cache_clear()
        clear_registry()
    assert "pos" in methods
    for name, value in ENTRIES.items():
        assert f"{name} = {value!r}: " in methods[f"entry point {name}"]["not_available"]


def test_plug_in_folders_of_the_environment_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PLUGINS, str(tmp_path / "gone"))
    with pytest.raises(BenchError, match=f"{PLUGINS}.*gone: no such folder"):
        content_roots()


def test_titles_reach_the_terminal_as_text(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plugins / "protocols").mkdir()
    (plugins / "protocols" / "odd.toml").write_text('title = "red \\u001b[31m\\u202e"\n')
    (plugins / "protocols" / "deep.toml").write_text("title = " + "[" * 100_000 + "\n")
    assert main(["list", "protocols", "--plugins", str(plugins)]) == 0
    output = capsys.readouterr().out
    assert "red \\x1b[31m\\u202e" in output
    assert "\x1b" not in output
    assert "not readable as TOML: nested too deeply" in output


HANDLES = """
import resource, sys
from rppgbench.cli import main
from rppgbench.system.processes import start_worker
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
main(["list", "evaluators"])
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
start_worker()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
print("of a worker")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file handles")
def test_commands_and_workers_take_the_file_handles_that_they_may_have() -> None:
    """A training on a thousand clips holds a thousand; and a worker has no answers to print."""
    process = subprocess.run(
        [sys.executable, "-c", HANDLES], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert "li2023" in process.stdout
    assert "of a worker" in process.stderr


def test_what_is_printed_at_import_is_no_answer_of_the_library_either(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plugins / "methods" / "prints.py").write_text("print('at import')\n")
    add_plugins(plugins)
    assert "prints" in load_methods().unavailable
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "at import" in captured.err


ODD = '''
"""Theirs: \x1b[2J clears a terminal."""
from rppgbench.core.recording import Dataset

odd = Dataset(
    name="odd", title="Odd", cite="", licence="", url="", expected={}, recordings=lambda root: ()
)
'''


def test_escape_codes_of_a_docstring_are_shown_and_not_obeyed(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command prints goes through one place."""
    (plugins / "benchmarks").mkdir()
    (plugins / "benchmarks" / "odd.py").write_text(ODD.lstrip())
    assert main(["data", "show", "odd", "--plugins", str(plugins)]) == 0
    output = capsys.readouterr().out
    assert "Theirs: \\x1b[2J clears" in output
    assert "\x1b" not in output


def test_plugins_given_twice_are_both_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["list", "methods"]
    for name in ("mine_one", "mine_two"):
        (tmp_path / name / "methods").mkdir(parents=True)
        text = (
            "from rppgbench.core.method import method\n"
            f'@method("X", "t")\ndef {name}(trace):\n    """(T,)"""\n    return trace\n'
        )
        (tmp_path / name / "methods" / f"{name}.py").write_text(text)
        arguments += ["--plugins", str(tmp_path / name)]
    try:
        assert main(arguments) == 0
    finally:
        os.environ.pop(PLUGINS)
        clear_registry()
    output = capsys.readouterr().out
    assert "mine_one" in output
    assert "mine_two" in output


def test_the_decorator_can_be_called_after_the_methods_were_used() -> None:
    rgb = np.random.default_rng(0).normal(100.0, 1.0, (300, 3))
    assert rppgbench.methods.pos(rgb, fs=30.0).samples.shape == (300,)
    assert callable(rppgbench.method("A title", "a source"))
