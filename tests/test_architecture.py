"""Who may import whom: a layer imports lower layers alone, and content only the machine."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from rppgbench.core.registry import load_methods

ROOT = Path(__file__).parent.parent
MACHINE = ROOT / "src" / "rppgbench"
CONTENT = [
    file for folder in ("methods", "benchmarks") for file in sorted((ROOT / folder).rglob("*.py"))
]
HEAVY = {"torch", "lightning_fabric"}


def modules(file: Path, package: str) -> set[str]:
    """Every module that `file` imports, inside functions too; relative ones made absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def module_name(file: Path) -> str:
    """The dotted name of a module within the machine; a package's is that of its folder."""
    parts = file.relative_to(MACHINE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in MACHINE.rglob("*.py") if file.parent != MACHINE}
FILES |= {module_name(file): file for file in MACHINE.glob("*.py") if file.name != "__init__.py"}
PACKAGES = {name.split(".")[0] for name in FILES if "." in name}


def imports_of_modules() -> dict[str, set[str]]:
    """Module -> the other modules of the machine that it imports."""
    graph: dict[str, set[str]] = {name: set() for name in FILES}
    for name, file in FILES.items():
        package = ".".join(("rppgbench", *file.relative_to(MACHINE).parent.parts))
        for imported in modules(file, package):
            own = imported.removeprefix("rppgbench.")
            if own != imported and own in FILES and own not in PACKAGES:
                graph[name].add(own)
    return {name: others - {name} for name, others in graph.items()}


def floors(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same of packages, the house's larger rooms; a module beside them is one too."""
    rooms: dict[str, set[str]] = {}
    for name, others in graph.items():
        own = name.split(".")[0]
        rooms.setdefault(own, set()).update(other.split(".")[0] for other in others)
    return {name: others - {name} for name, others in rooms.items()}


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
ROOMS = floors(GRAPH)


def room(file: Path) -> str:
    """The package that a file of the machine lies in, or its own name."""
    return file.relative_to(MACHINE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_no_module_imports_itself_in_a_circle(name: str) -> None:
    assert name not in reach(GRAPH, name)


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_no_package_imports_itself_in_a_circle(name: str) -> None:
    assert name not in reach(ROOMS, name)


@pytest.mark.parametrize(
    ("low", "forbidden"),
    [
        ("system", {"core", "digests", "video", "signals", "store", "execution", "report"}),
        ("core", {"video", "signals", "extraction", "store", "execution", "report"}),
        ("store", {"execution", "report", "evaluation", "analysis"}),
        ("report", {"store", "execution", "analysis", "papers", "cli", "core.registry"}),
        ("evaluation", {"store", "execution", "report", "analysis", "papers", "cli"}),
        ("execution", {"report", "analysis", "papers", "cli", "api"}),
        ("execution.runner", {"evaluation"}),
        ("neural", {"execution", "store", "report", "analysis", "papers", "cli", "api"}),
        ("signals", {"extraction", "video", "evaluation", "execution", "core.method"}),
        ("video", {"extraction", "evaluation", "execution", "core.method", "core.protocol"}),
        ("analysis", {"papers", "cli", "api"}),
        ("testing", {"cli", "execution.runner", "report"}),
    ],
)
def test_a_layer_imports_downwards_alone(low: str, forbidden: set[str]) -> None:
    starts = [name for name in GRAPH if name == low or name.startswith(f"{low}.")]
    if not starts:
        pytest.fail(f"no room {low}: the layers have moved; say so here")
    reached = {name for start in starts for name in reach(GRAPH, start)} - set(starts)
    assert not {name for name in reached if {name, name.split(".")[0]} & forbidden}


@pytest.mark.parametrize("name", sorted(set(ROOMS) - {"cli"}))
def test_only_the_command_line_imports_the_command_line(name: str) -> None:
    assert "cli" not in ROOMS[name]


@pytest.mark.parametrize("file", CONTENT, ids=lambda f: str(f.relative_to(ROOT)))
def test_content_imports_the_machine_and_its_own_parts_alone(file: Path) -> None:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    own = ".".join(file.relative_to(ROOT).parts[:2])
    for name in modules(file, package):
        top = name.split(".")[0]
        if top in {"methods", "benchmarks", "rppgbench_content"}:
            assert len(file.relative_to(ROOT).parts) > 2, f"{file} imports {name}"
            assert name.startswith(own), f"{file} imports {name}, another one's content"
        if top == "rppgbench":
            room_name = name.split(".")[1] if "." in name else ""
            assert room_name not in {
                "execution",
                "store",
                "report",
                "cli",
                "api",
                "analysis",
                "papers",
            }


@pytest.mark.parametrize(
    "file",
    [f for f in MACHINE.rglob("*.py") if "neural" not in f.parts],
    ids=lambda f: str(f.relative_to(MACHINE)),
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
    names |= {*load_methods().found, *load_methods().missing}
    return names - {"evaluators", "splits", "simulated", "constant", "green", "printed"}


@pytest.mark.parametrize(
    "file", sorted(MACHINE.rglob("*.py")), ids=lambda f: str(f.relative_to(MACHINE))
)
def test_the_machine_names_no_data_set_method_or_protocol(file: Path) -> None:
    """In code: a string that is just such a name. Prose and crop rules may speak of them."""
    if room(file) in {"cli", "api"} or file.name == "crops.py":
        return  # their defaults, and crop rules that bear a method's name
    tree = ast.parse(file.read_text(encoding="utf-8"))
    strings = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    assert not strings & names_of_content()


@pytest.mark.parametrize(
    "file", [*sorted(MACHINE.rglob("*.py")), *CONTENT], ids=lambda f: str(f.relative_to(ROOT))
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
    ("words", "forbidden"),
    [
        (["list"], LIBRARIES),
        (["list", "protocols"], LIBRARIES),
        (["--help"], LIBRARIES | {"numpy", "rppgbench.core.registry"}),
        (["run", "--help"], LIBRARIES | {"numpy", "rppgbench.core.registry"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_light_commands_load_no_heavy_library(words: list[str], forbidden: set[str]) -> None:
    """So that they answer in less than half a second."""
    code = (
        "import sys\nfrom rppgbench.cli import main\n"
        f"try: main({words})\nexcept SystemExit: pass\n"
        f"loaded = {forbidden} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
