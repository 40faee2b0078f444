"""Which module may import which: packages import lower layers only, content only the library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from rppgbench.core.registry import load_methods

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "src" / "rppgbench"
CONTENT = [
    file for folder in ("methods", "benchmarks") for file in sorted((ROOT / folder).rglob("*.py"))
]
HEAVY = {"torch", "lightning_fabric"}


def modules(file: Path, package: str) -> set[str]:
    """Every module that `file` imports, inside functions too; relative ones made absolute."""
    result: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            result |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            result |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return result


LAYERS = (
    ("system",),
    ("core",),
    ("digests", "external", "signals", "simulation", "store", "video"),
    ("datasets", "evaluation", "face"),
    ("predictions",),
    ("extraction", "report"),
    ("contamination", "neural", "profiling"),
    ("execution",),
    ("analysis", "importing", "testing"),
    ("sharing",),
    ("api", "papers"),
    ("cli",),
)
"""The packages from bottom to top. A package imports packages of lower layers only."""

LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}


def module_name(file: Path) -> str:
    """The dotted name of a module within the library; a package's is that of its folder."""
    parts = file.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in LIBRARY.rglob("*.py") if file.parent != LIBRARY}
PACKAGES = {name.split(".")[0] for name in FILES}


def imports_of_modules() -> dict[str, set[str]]:
    """Module -> the other modules of the library that it imports."""
    graph: dict[str, set[str]] = {name: set() for name in FILES}
    for name, file in FILES.items():
        package = ".".join(("rppgbench", *file.relative_to(LIBRARY).parent.parts))
        for imported in modules(file, package):
            inner = imported.removeprefix("rppgbench.")
            if inner != imported and inner in FILES and inner not in PACKAGES:
                graph[name].add(inner)
    return {name: others - {name} for name, others in graph.items()}


def reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """Everything that `start` imports, directly or not."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for other in graph[todo.pop()] - seen:
            seen.add(other)
            todo.append(other)
    return seen


GRAPH = imports_of_modules()


def test_nothing_lies_loose_beside_the_packages() -> None:
    loose = {entry.name for entry in LIBRARY.iterdir() if entry.is_file()}
    assert loose == {"__init__.py", "__main__.py", "py.typed"}


def test_every_package_has_a_layer() -> None:
    assert sorted(LAYER_OF) == sorted(PACKAGES)


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_no_module_imports_itself_in_a_circle(name: str) -> None:
    assert name not in reach(GRAPH, name)


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_a_module_imports_its_own_package_and_lower_layers_only(name: str) -> None:
    package = name.split(".", maxsplit=1)[0]
    upward = {
        other
        for other in GRAPH[name]
        if other.split(".")[0] != package and LAYER_OF[other.split(".")[0]] >= LAYER_OF[package]
    }
    assert not upward


@pytest.mark.parametrize(
    ("start", "forbidden"),
    [
        ("evaluation", {"store"}),
        ("neural", {"store", "execution"}),
        ("report", {"store", "datasets", "core.registry"}),
        ("execution.runner", {"evaluation"}),
        ("signals", {"core.method", "core.registry"}),
        ("video", {"core.method", "core.protocol", "core.registry"}),
        ("testing", {"execution.runner", "store", "report"}),
    ],
)
def test_what_a_package_is_about_stays_apart(start: str, forbidden: set[str]) -> None:
    """Rules beyond the layers: scores and pages are made from records, not from a store."""
    starts = [name for name in GRAPH if name == start or name.startswith(f"{start}.")]
    assert starts, f"there is no {start}"
    reached = {name for start in starts for name in reach(GRAPH, start)} - set(starts)
    assert not {name for name in reached if {name, name.split(".")[0]} & forbidden}


def test_the_architecture_page_shows_the_layers() -> None:
    page = (ROOT / "docs" / "concepts" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    shown = [(row.split("|")[1].strip(" `"), row.split("|")[2].strip()) for row in rows]
    summaries = {
        name: ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")))
        for name in PACKAGES
    }
    assert [name for name, _ in shown] == [name for layer in LAYERS[::-1] for name in layer]
    assert dict(shown) == {name: (text or "").splitlines()[0] for name, text in summaries.items()}


@pytest.mark.parametrize("file", CONTENT, ids=lambda f: str(f.relative_to(ROOT)))
def test_content_imports_the_library_and_its_own_parts_only(file: Path) -> None:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    own = ".".join(file.relative_to(ROOT).parts[:2])
    for name in modules(file, package):
        top = name.split(".")[0]
        if top in {"methods", "benchmarks", "rppgbench_content"}:
            assert len(file.relative_to(ROOT).parts) > 2, f"{file} imports {name}"
            assert name.startswith(own), f"{file} imports {name}, content of another one"
        if top == "rppgbench":
            used = name.split(".")[1] if "." in name else ""
            assert used not in {
                *LAYERS[-1],
                *LAYERS[-2],
                "execution",
                "store",
                "report",
                "analysis",
                "sharing",
            }


@pytest.mark.parametrize(
    "file",
    [f for f in LIBRARY.rglob("*.py") if "neural" not in f.parts],
    ids=lambda f: str(f.relative_to(LIBRARY)),
)
def test_nothing_but_neural_code_imports_torch(file: Path) -> None:
    assert not {name.split(".")[0] for name in modules(file, "rppgbench")} & HEAVY


def names_of_content() -> set[str]:
    """The names of data sets, methods and protocols, but for words that mean something else too."""
    names = {
        f.stem
        for folder in ("benchmarks", "protocols", "reports")
        for f in (ROOT / folder).iterdir()
        if not f.name.startswith((".", "_"))
    }
    names |= {*load_methods().available, *load_methods().unavailable}
    return names - {
        "evaluators",
        "splits",
        "templates",
        "simulated",
        "constant",
        "green",
        "printed",
    }


@pytest.mark.parametrize(
    "file", sorted(LIBRARY.rglob("*.py")), ids=lambda f: str(f.relative_to(LIBRARY))
)
def test_the_library_names_no_data_set_method_or_protocol(file: Path) -> None:
    """In code: a string that is just such a name. Prose and crop rules may speak of them."""
    if file.relative_to(LIBRARY).parts[0] in {"cli", "api"} or file.name == "crops.py":
        return  # defaults of commands and functions, and crop rules named after a method
    tree = ast.parse(file.read_text(encoding="utf-8"))
    strings = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    assert not strings & names_of_content()


@pytest.mark.parametrize(
    "file", [*sorted(LIBRARY.rglob("*.py")), *CONTENT], ids=lambda f: str(f.relative_to(ROOT))
)
def test_a_module_begins_with_a_summary_line(file: Path) -> None:
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if file.name == "__init__.py" and not file.read_text(encoding="utf-8").strip():
        return
    assert doc is not None
    assert len(doc.splitlines()[0]) <= 100


LIBRARIES = HEAVY | {
    *("ai_edge_litert", "av", "cv2", "dask", "distributed", "h5py", "jinja2", "matplotlib"),
    *("pandas", "pyarrow", "pydantic", "safetensors", "scipy", "seaborn", "tqdm"),
}
"""What takes a tenth of a second or more to load, or leads there."""


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["list"], LIBRARIES),
        (["list", "protocols"], LIBRARIES),
        (["--help"], LIBRARIES | {"numpy", "rppgbench.core.registry"}),
        (["run", "--help"], LIBRARIES | {"numpy", "rppgbench.core.registry"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_light_commands_load_no_heavy_library(arguments: list[str], forbidden: set[str]) -> None:
    """So that they answer in less than half a second."""
    code = (
        "import sys\nfrom rppgbench.cli import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        f"loaded = {forbidden} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert process.returncode == 0, process.stderr
