"""Code that a result comes through by a detour is in its digest: factories, the API, data files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rppgbench.core.content_roots import PLUGINS
from rppgbench.core.registry import PACKAGE, clear_registry, load_datasets, load_methods
from rppgbench.digests.closures import method_code, reader_code
from rppgbench.digests.code_digest import Part, Sources

IMPORTS = """from functools import partial, wraps
from rppgbench.core.method import method
from rppgbench.core.recording import Dataset
from rppgbench.core.waveform import Waveform
"""
METHOD = '@method("M", "x")\ndef {name}(trace: Waveform) -> Waveform:\n    {body}\n'
DATASET = """{name} = Dataset(
    name="{name}", title="t", cite="c", licence="l", url="u", recordings={given}, expected={{}}
)
"""
FACTORY = (
    "def make(name, gain):\n"
    "    def estimate(trace: Waveform) -> Waveform:\n"
    "        return Waveform(trace.samples[:, 1] * gain, trace.fs)\n"
    "    estimate.__name__ = name\n"
    '    return method("M", "x")(estimate)\n'
)
READERS = (
    "def make(unit):\n    def recordings(root):\n        return [unit][:0]\n    return recordings\n"
    "def plain(root, unit):\n    return []\n"
)
REGISTERED = (
    "READERS = {}\n"
    "def register(kind):\n    return lambda f: READERS.setdefault(kind, f)\n"
    "def _read(root):\n    return READERS['csv'](root)[:0]\n"
)


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of plug-ins that the registry looks into."""
    for name in ("methods", "benchmarks"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv(PLUGINS, str(tmp_path))
    clear_registry()
    yield tmp_path
    monkeypatch.delenv(PLUGINS)
    clear_registry()


def moves(file: Path, old: str, new: str, method: str = "", dataset: str = "") -> bool:
    """Whether the digest of a method or of a reader is another after an edit of a file."""

    def digest() -> str:
        sources = Sources()
        if method:
            return method_code(load_methods().available[method], sources).digest
        return reader_code(load_datasets().available[dataset], sources).digest

    text = file.read_text()
    assert old in text
    before = digest()
    file.write_text(text.replace(old, new))
    return digest() != before


@pytest.mark.parametrize(
    "text",
    [
        'from ._lib import make\nmine_m = make("mine_m", 2.0)\n',
        IMPORTS + "from ._lib import fn\n@wraps(fn)\ndef run(trace):\n    return fn(trace) * 2.0\n"
        'run.__name__ = "mine_m"\nmine_m = method("M", "x")(run)\n',
    ],
    ids=["factory", "wraps"],
)
def test_the_file_that_declares_a_method_counts(text: str, plugins: Path) -> None:
    lib = IMPORTS + FACTORY + "def fn(trace: Waveform) -> Waveform:\n    return trace\n"
    (plugins / "methods/_lib.py").write_text(lib)
    file = plugins / "methods/mine_m.py"
    file.write_text(text)
    assert moves(file, "2.0", "0.0", method="mine_m")
    assert moves(plugins / "methods/_lib.py", "[:, 1]", "[:, 2]", method="mine_m")


@pytest.mark.parametrize(
    "given",
    ["make(1000.0)", "partial(plain, unit=1000.0)", "lambda root: plain(root, 1000.0)"],
)
def test_a_declaration_that_makes_its_reader_counts(given: str, plugins: Path) -> None:
    (plugins / "benchmarks/_lib.py").write_text(READERS)
    file = plugins / "benchmarks/mine_r.py"
    declared = DATASET.format(name="mine_r", given=given)
    file.write_text(f"{IMPORTS}from ._lib import make, plain\n{declared}")
    assert moves(file, "1000.0", "1.0", dataset="mine_r")
    assert moves(plugins / "benchmarks/_lib.py", "return []", "return [][:]", dataset="mine_r")


@pytest.mark.parametrize(
    ("helper", "counts"),
    [
        ('@register("csv")\ndef _csv(file):\n    return [1000.0]\n', True),
        ('_ = register("csv")(lambda file: [1000.0])\n', True),
        ("@wraps(print)\ndef _csv(file):\n    return [1000.0]\n", False),
    ],
    ids=["decorator", "call", "of the library"],
)
def test_what_registers_itself_counts(helper: str, counts: bool, plugins: Path) -> None:
    file = plugins / "benchmarks/mine_r.py"
    declared = DATASET.format(name="mine_r", given="_read")
    file.write_text(IMPORTS + REGISTERED + helper + declared)
    assert moves(file, "1000.0", "1.0", dataset="mine_r") == counts


@pytest.mark.parametrize(
    ("imports", "use", "parts"),
    [
        ("import rppgbench as rb", "rb.methods.pos(trace)", {"methods/pos.py"}),
        ("import rppgbench", 'rppgbench.methods["pos"](trace)', {"methods/pos.py"}),
        ("from rppgbench import methods as m", "m.pos(trace)", {"methods/pos.py"}),
        ("from rppgbench.api.methods import methods", "methods.pos()", {"methods/pos.py"}),
        ("from rppgbench import methods", "methods[trace]", {"methods/pos.py", "methods/lgi.py"}),
        ("import rppgbench as rb", "f(rb)", {"methods/pos.py", "methods/lgi.py"}),
        ("from rppgbench import *", "methods.lgi(trace)", {"methods/lgi.py"}),
        ("from rppgbench import Waveform", "Waveform()", {"rppgbench/core/waveform.py"}),
        (
            "import rppgbench.signals as signals",
            "signals.subspace.x(trace)",
            {"rppgbench/signals/subspace.py"},
        ),
    ],
)
def test_what_is_reached_by_attributes_counts(
    imports: str, use: str, parts: set[str], tmp_path: Path
) -> None:
    (tmp_path / "methods").mkdir()
    for name in ("pos", "lgi"):
        (tmp_path / f"methods/{name}.py").write_text("A = 1\n")
    text = f"{imports}\ndef f(trace):\n    return {use}\n"
    (tmp_path / "methods/mine.py").write_text(text)
    package = Path(__file__).parents[2] / "src" / "rppgbench"
    sources = Sources({PACKAGE: [tmp_path], "rppgbench": [package]})
    found = sources.closure(f"{PACKAGE}.methods.mine").parts
    assert parts <= found.keys()
    methods = {part for part in found if part.startswith("methods/")} - {"methods/mine.py"}
    assert methods == {part for part in parts if part.startswith("methods/")}


@pytest.mark.parametrize(
    ("code", "data", "counts"),
    [
        ('P = (H / "data" / "w.json")', "data/w.json", True),
        ('P = H / "data/w.json"', "data/w.json", True),
        ('P = (H / "data").glob("*.json")', "data/inner/w.json", True),
        ('P = H / f"data/{X}.json"', "data/w.json", True),
        ('P = H / "weights"', "weights", True),
        ('P = H / "notes.md"', "notes.md", True),
        ("", "data/w.json", False),
        ("", "weights", False),
    ],
)
def test_data_beside_a_loose_module(code: str, data: str, counts: bool, tmp_path: Path) -> None:
    file = tmp_path / "methods" / data
    file.parent.mkdir(parents=True)
    (tmp_path / "methods/mine.py").write_text(f"H = __file__\n{code}\n")
    digests = set()
    for text in ("1", "2000"):
        file.write_text(text)
        digests.add(Sources({PACKAGE: [tmp_path]}).closure(f"{PACKAGE}.methods.mine").digest)
    assert (len(digests) == 2) == counts


def test_data_without_a_suffix_in_a_package_counts_and_a_licence_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "methods/mine"
    (folder / "data").mkdir(parents=True)
    for name in ("__init__.py", "data/gain", "LICENSE", "README.md"):
        (folder / name).write_text("")
    parts = Sources({PACKAGE: [tmp_path]}).closure(f"{PACKAGE}.methods.mine").parts
    assert {part for part in parts if part.startswith("methods/")} == {
        "methods/mine/__init__.py",
        "methods/mine/data/gain",
    }


def test_quotes_around_an_annotation_move_nothing(tmp_path: Path) -> None:
    (tmp_path / "methods").mkdir()
    file = tmp_path / "methods/mine.py"
    plain = "A = 1\nx: A = 2\ndef f(a: A) -> A:\n    return a\n"
    digests = set()
    for text in (plain, plain.replace("x: A", 'x: "A"').replace("a: A) -> A", "a: 'A') -> 'A'")):
        file.write_text(text)
        part = Part(f"{PACKAGE}.methods.mine", ("f",))
        digests.add(Sources({PACKAGE: [tmp_path]}).closure(part).digest)
    assert len(digests) == 1


def test_the_file_that_declares_several_methods_by_a_factory_counts(plugins: Path) -> None:
    (plugins / "methods/_lib.py").write_text(IMPORTS + FACTORY)
    file = plugins / "methods/mine.py"
    file.write_text(
        'from ._lib import make\nmine_a = make("mine_a", 2.0)\nmine_b = make("mine_b", 3.0)\n'
    )
    assert moves(file, "2.0", "0.0", method="mine_a")
    assert not moves(file, "3.0", "1.0", method="mine_a")
