"""Every digest moves with the code that it stands for, and with no other."""

import ast
import importlib
import shutil
import subprocess
import sys
from collections.abc import Container, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import rppgbench
from rppgbench.core.content_roots import FOLDERS
from rppgbench.core.registry import PACKAGE, load_datasets, load_methods
from rppgbench.digests import closures as what_computes
from rppgbench.digests import module_places
from rppgbench.digests.code_digest import Closure, Part, Sources
from rppgbench.digests.module_places import OWN

from ..test_architecture import GRAPH, reach

ROOT = Path(__file__).parents[2]
TREES = {"rppgbench": ROOT / "src" / "rppgbench", **{n: ROOT / n for n in FOLDERS[:2]}}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all code whose files may be edited."""
    base = tmp_path_factory.mktemp("code")
    leave_out = shutil.ignore_patterns("__pycache__", "_content")
    for name, folder in TREES.items():
        shutil.copytree(folder, base / name, ignore=leave_out)
    return base


@pytest.fixture(scope="module")
def sources(copied: Path) -> Sources:
    """The code of the copy."""
    return Sources({OWN: [copied / "rppgbench"], PACKAGE: [copied]})


SOME = ("pos", "constant", "two_sr", "physnet", "co_rectification", "pure", "simulated", "cohface")


def closures(sources: Sources, names: Container[str] | None = None) -> dict[str, Closure]:
    """The closures that enter digests, by what they are of: all, or those of some content."""
    by_name = {
        "features": what_computes.extractor_code(sources),
        "conditions": what_computes.condition_code(sources),
    }
    for name, method in load_methods().available.items():
        if names is not None and name not in names:
            continue
        by_name[f"method {name}"] = what_computes.method_code(method, sources)
    for name, dataset in load_datasets().available.items():
        if names is not None and name not in names:
            continue
        by_name[f"reader {name}"] = what_computes.reader_code(dataset, sources)
        if dataset.simulate is not None:
            by_name[f"simulated {name}"] = what_computes.simulation_code(dataset, sources)
    return by_name


@pytest.fixture(scope="module")
def before(sources: Sources) -> Mapping[str, Closure]:
    """The closures of the copy as it is."""
    return closures(sources)


def edited(text: str) -> str:
    """The code with the last number changed that is no statement by itself.

    What `bench data check` alone calls enters no result, so a number of `_leftovers` stays.
    """
    tree = ast.parse(text)
    alone = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "_leftovers":
            alone |= {id(node) for node in ast.walk(function)}
    matches = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and type(node.value) in {int, float}
        and id(node) not in alone
    ]
    if not matches:
        return text + "\nEDITED = 1\n"
    matches[-1].value = 12345
    return ast.unparse(tree)


MODULES = sorted(
    f"{name}/{file.relative_to(folder).as_posix()}"
    for name, folder in TREES.items()
    for file in folder.rglob("*.py")
    if "_content" not in file.parts
)
UNREACHABLE = ("report", "cli", "papers", "store", "analysis", "testing", "profiling")


@pytest.mark.parametrize("module", MODULES)
def test_an_edited_module_moves_exactly_the_digests_whose_code_imports_it(
    module: str, copied: Path, sources: Sources, before: Mapping[str, Closure]
) -> None:
    file = copied / module
    original = file.read_bytes()
    some = (*SOME, Path(module).parts[1].removesuffix(".py"))
    try:
        file.write_text(edited(original.decode()), encoding="utf-8")
        after = closures(sources, some)
    finally:
        file.write_bytes(original)
    expected = {name for name in after if module in before[name].parts}
    moved = {name for name in after if before[name].digest != after[name].digest}
    if module.startswith("benchmarks/"):  # of a data set, reader and writer move apart
        assert moved <= expected
        assert moved or Path(module).stem not in load_datasets().available
    else:
        assert moved == expected
    if module.split("/")[1] in UNREACHABLE and module.startswith("rppgbench/"):
        assert not moved


def test_of_a_file_that_declares_several_methods_each_has_a_digest_of_its_own(
    copied: Path, sources: Sources
) -> None:
    load_methods()  # makes the package of content, so that its modules import
    declared = vars(importlib.import_module(f"{PACKAGE}.methods.pyvhr"))
    names = sorted(name for name in declared if name.startswith("pyvhr_"))
    assert len(names) == 9

    def digests() -> dict[str, str]:
        return {n: what_computes.method_code(declared[n], sources).digest for n in names}

    def changed(old: str, new: str) -> set[str]:
        """The methods whose digests an edit of the table changes."""
        file = copied / "methods" / "pyvhr.py"
        original, before = file.read_text(), digests()
        assert old in original
        try:
            file.write_text(original.replace(old, new))
            return {name for name, digest in digests().items() if digest != before[name]}
        finally:
            file.write_text(original)

    assert changed('"cpu_LGI"', '"cpu_OMIT"') == {"pyvhr_lgi"}
    added = 'pyvhr_new = declare_ssr(__name__, "pyvhr_new", cite="10.1/x")\n'
    assert changed("pyvhr_ssr = ", f"{added}pyvhr_ssr = ") == set()


def test_the_list_of_exported_names_is_in_no_digest(
    copied: Path, sources: Sources, before: Mapping[str, Closure]
) -> None:
    file = copied / "rppgbench" / "__init__.py"
    original = file.read_text()
    try:
        file.write_text(original.replace("_MODULES = {", "_MODULES = {'os': ('path',),"))
        assert file.read_text() != original
        after = closures(sources)
    finally:
        file.write_text(original)
    for name, closure in before.items():
        assert "rppgbench/__init__.py" not in closure.parts, name
        assert after[name].digest == closure.digest, name


@pytest.mark.parametrize("module", MODULES[:: len(MODULES) // 12])
def test_remarks_and_formatting_move_nothing(
    module: str, copied: Path, sources: Sources, before: Mapping[str, Closure]
) -> None:
    file = copied / module
    original = file.read_bytes()
    tree = ast.parse(original)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = "Other words."
    try:
        file.write_text(f"# A remark.\n\n\n{ast.unparse(tree)}\n# Another.\n", encoding="utf-8")
        after = closures(sources)
    finally:
        file.write_bytes(original)
    assert {n: c.digest for n, c in after.items()} == {n: c.digest for n, c in before.items()}


@pytest.mark.torch
def test_closures_are_neither_too_narrow_nor_too_wide(before: Mapping[str, Closure]) -> None:
    pos, constant = before["method pos"].parts, before["method constant"].parts
    assert {"methods/pos.py", "rppgbench/core/features.py", "package numpy", "python"} <= pos.keys()
    assert "rppgbench/signals/spectrum.py" in constant
    assert "rppgbench/execution/training_examples.py" in constant
    assert not before["method pos"].uses("torch")
    assert not {"methods/chrom.py", "rppgbench/neural/__init__.py"} & pos.keys()
    network = before["method physnet"]
    assert network.uses("torch")
    assert "rppgbench/neural/clips.py" in network.parts
    features = before["features"].parts
    assert {"rppgbench/video/stream.py", "package av", "package cv2"} <= features.keys()
    assert sum(name.endswith(".tflite") for name in features) == 2
    made, read = before["simulated pure"].parts, before["reader pure"].parts
    assert "rppgbench/simulation/portraits/hopper.jpg" in made
    assert {"rppgbench/datasets/simulated_writers.py", "rppgbench/video/writing.py"} <= made.keys()
    assert "rppgbench/datasets/ground_truth.py" in read
    assert (
        not {"rppgbench/datasets/simulated_writers.py", "rppgbench/simulation/scene.py"}
        & read.keys()
    )
    assert made["benchmarks/pure.py"] != read["benchmarks/pure.py"]
    plumbing = {
        "rppgbench/execution/planner.py",
        "rppgbench/execution/plan_records.py",
        "rppgbench/execution/job_layout.py",
        "rppgbench/execution/recording_task.py",
        "rppgbench/core/registry.py",
    }
    for name, closure in before.items():
        assert not plumbing & closure.parts.keys(), name
        rooms = {part.split("/")[1] for part in closure.parts if part.startswith("rppgbench/")}
        assert not rooms & set(UNREACHABLE), name


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ('GIDEON = (\n    "bad', 'GIDEON = (\n    "very bad', {"reader pure"}),
        ("range(1, 1)", "range(1, 1)", set()),
        ("face_height=0.55", "face_height=0.56", {"simulated pure"}),
        ('ORDER = ("01", "10"', 'ORDER = ("10", "01"', {"simulated pure"}),
        ('title="PURE', 'title="THE PURE', set()),
    ],
    ids=["reader", "nothing", "writer", "order of subjects", "title"],
)
def test_reader_writer_and_declaration_of_a_data_set_count_apart(
    old: str, new: str, moved: set[str], copied: Path, sources: Sources
) -> None:
    file = copied / "benchmarks" / "pure.py"
    original = file.read_text()
    assert old == new or old in original
    first = closures(sources)
    try:
        file.write_text(original.replace(old, new))
        after = closures(sources)
    finally:
        file.write_text(original)
    assert {name for name in first if first[name].digest != after[name].digest} == moved


def test_red_and_blue_changed_about_are_noticed(
    copied: Path, sources: Sources, before: Mapping[str, Closure]
) -> None:
    file = copied / "rppgbench" / "core" / "features.py"
    original = file.read_text()
    swapped = original.replace("self.rgb[:, at].sum", "self.rgb[:, at, ::-1].sum")
    assert swapped != original
    try:
        file.write_text(swapped)
        after = closures(sources, SOME)
    finally:
        file.write_text(original)
    for name in after:
        if name.startswith("method "):
            assert before[name].digest != after[name].digest


@pytest.fixture
def loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package without `__init__` of its own, and a module on the path beside it."""
    (tmp_path / "content" / "methods").mkdir(parents=True)
    (tmp_path / "path").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "path")
    return tmp_path


def written(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


METHOD = f"{PACKAGE}.methods.mine"


@pytest.mark.parametrize(
    ("code", "files", "part"),
    [
        (
            "from stalehelper_a import GAIN",
            {"path/stalehelper_a.py": "GAIN = %d"},
            "stalehelper_a.py",
        ),
        (
            "from ._common import GAIN",
            {"content/methods/_common.py": "GAIN = %d"},
            "methods/_common.py",
        ),
        (
            "from rppgbench_content.methods.usesh import GAIN",
            {"content/methods/usesh.py": "GAIN = %d"},
            "methods/usesh.py",
        ),
        (
            "def f():\n    import stalehelper_b",
            {"path/stalehelper_b/__init__.py": "", "path/stalehelper_b/__main__.py": "%d"},
            "",
        ),
        (
            "def f():\n    from stalehelper_c import inner",
            {"path/stalehelper_c/__init__.py": "", "path/stalehelper_c/inner.py": "A = %d"},
            "stalehelper_c/inner.py",
        ),
        (
            "from importlib import import_module\nx = import_module('stalehelper_d')",
            {"path/stalehelper_d.py": "A = %d"},
            "stalehelper_d.py",
        ),
        ("W = 'weights.json'", {"content/methods/weights.json": "[%d]"}, "methods/weights.json"),
        ("", {"content/methods/mine.npz": "%d"}, "methods/mine.npz"),
        ("", {"content/methods/other.npz": "%d"}, ""),
        ("S = 'server.py'", {"content/methods/server.py": "A = %d"}, "methods/server.py"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import stalehelper_e",
            {"path/stalehelper_e.py": "A = %d"},
            "",
        ),
    ],
    ids=[
        *("on the path", "sibling", "other method", "not imported part", "lazy", "by name"),
        *("named data", "own data", "another's data", "script", "for typing"),
    ],
)
def test_what_a_loose_method_is_made_of(
    code: str, files: Mapping[str, str], part: str, loose: Path
) -> None:
    written(loose / "content/methods/mine.py", code)
    digests = []
    for value in (1, 1000):
        for name, text in files.items():
            written(loose / name, text % value if "%d" in text else text)
        closure = Sources({PACKAGE: [loose / "content"]}).closure(METHOD)
        digests.append(closure.digest)
        assert not part or part in closure.parts
    assert (digests[0] != digests[1]) == bool(part)


def test_a_package_that_is_not_there_counts_when_it_comes(loose: Path) -> None:
    written(loose / "content/methods/mine.py", "import stalehelper_f")
    places = {PACKAGE: [loose / "content"]}
    without = Sources(places).closure(METHOD)
    assert without.parts["package stalehelper_f"] == "not installed"
    written(loose / "path/stalehelper_f.py", "A = 1")
    assert "stalehelper_f.py" in Sources(places).closure(METHOD).parts


def test_of_a_part_only_what_it_uses_counts(loose: Path) -> None:
    text = "A = 1\nB = 2\ndef f():\n    return A\ndef g():\n    return B\n"
    file = loose / "content/methods/mine.py"
    written(file, text)
    sources = Sources({PACKAGE: [loose / "content"]})
    first = sources.closure(Part(METHOD, ("f",))).digest
    written(file, text.replace("B = 2", "B = 21"))
    assert sources.closure(Part(METHOD, ("f",))).digest == first
    written(file, text.replace("A = 1", "A = 11"))
    assert sources.closure(Part(METHOD, ("f",))).digest != first


def test_the_package_under_test_is_the_one_here() -> None:
    assert Path(rppgbench.__file__).parent == TREES["rppgbench"]


@pytest.mark.parametrize(
    "start",
    [
        what_computes.EXTRACTOR,
        what_computes.CONDITIONS,
        what_computes.ESTIMATING,
        what_computes.LEARNING,
    ],
)
def test_a_closure_holds_all_that_python_loads_and_nothing_that_nobody_imports(start: str) -> None:
    code = (
        f"import sys, {start}\n"
        "print(*(m for m in sys.modules if m.split('.')[0] in {'rppgbench', 'numpy', 'av'}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(process.stdout.split())
    assert start in loaded
    parts = Sources().closure(start).parts
    own = {name for name in loaded if name.startswith("rppgbench.")}
    files = {f"{name.replace('.', '/')}.py" for name in own}
    assert {f for f in files if (ROOT / "src" / f).is_file()} <= parts.keys()
    for package in {"numpy", "av"} & loaded:
        assert f"package {package}" in parts
    within = start.removeprefix("rppgbench.")
    reached = {within, *reach(GRAPH, within)}
    for part in parts:
        if part.startswith("rppgbench/") and part.endswith(".py") and "__init__" not in part:
            assert part.removeprefix("rppgbench/").removesuffix(".py").replace("/", ".") in reached


def test_the_owner_of_a_package_is_the_one_that_importlib_finds() -> None:
    expected = packages_distributions()
    names = [name for name in expected if not name.startswith("_")]
    assert len(names) > 20
    for name in names:
        assert set(module_places._owners(name)) == set(expected[name]), name
    assert module_places._owners("no_such_package") == ()
