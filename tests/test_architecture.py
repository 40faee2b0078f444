"""Who may import whom: a layer imports lower layers alone, and content only the machine."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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


def room(file: Path) -> str:
    """The module or sub-package of the machine that a file belongs to: the unit of the layers."""
    return file.relative_to(MACHINE).parts[0].removesuffix(".py")


def imports_of_rooms() -> dict[str, set[str]]:
    """Room -> the other rooms that it imports."""
    rooms = {
        room(f) for f in MACHINE.rglob("*.py") if f.name != "__init__.py" or f.parent != MACHINE
    }
    graph: dict[str, set[str]] = {name: set() for name in rooms}
    for file in MACHINE.rglob("*.py"):
        if file == MACHINE / "__init__.py":
            continue
        package = ".".join(("rppgbench", *file.relative_to(MACHINE).parent.parts))
        for name in modules(file, package):
            parts = name.split(".")
            if parts[0] == "rppgbench" and len(parts) > 1 and parts[1] in rooms:
                graph[room(file)].add(parts[1])
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


GRAPH = imports_of_rooms()


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_no_room_imports_itself_in_a_circle(name: str) -> None:
    assert name not in reach(GRAPH, name)


@pytest.mark.parametrize(
    ("low", "forbidden"),
    [
        ("store", {"runner", "work", "plan", "report", "scores", "evaluation", "results", "cli"}),
        ("report", {"runner", "work", "plan", "store", "results", "cli", "content"}),
        ("scores", {"runner", "work", "plan", "store", "report", "results", "cli"}),
        ("method", {"runner", "store", "report", "content", "protocol", "plan"}),
        ("runner", {"report", "scores", "results", "cli"}),
        ("features", {"method", "protocol", "plan"}),
        ("contract", {"cli", "runner", "report"}),
    ],
)
def test_a_layer_imports_downwards_alone(low: str, forbidden: set[str]) -> None:
    if low not in GRAPH:
        pytest.fail(f"no room {low}: the layers have moved; say so here")
    assert not reach(GRAPH, low) & forbidden


@pytest.mark.parametrize("name", sorted(set(GRAPH) - {"cli"}))
def test_only_the_command_line_imports_the_command_line(name: str) -> None:
    assert "cli" not in GRAPH[name]


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
            assert room_name not in {"runner", "store", "plan", "work", "report", "cli", "results"}


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
        for folder in ("methods", "benchmarks", "protocols", "reports")
        for f in (ROOT / folder).iterdir()
        if not f.name.startswith((".", "_"))
    }
    return names - {"evaluators", "splits", "simulated", "constant", "green", "printed"}


@pytest.mark.parametrize(
    "file", sorted(MACHINE.rglob("*.py")), ids=lambda f: str(f.relative_to(MACHINE))
)
def test_the_machine_names_no_data_set_method_or_protocol(file: Path) -> None:
    """In code: a string that is just such a name. Prose and crop rules may speak of them."""
    if room(file) == "cli" or file.name == "crops.py":
        return  # defaults of the command line and the crop rules that bear a method's name
    tree = ast.parse(file.read_text(encoding="utf-8"))
    strings = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    assert not strings & names_of_content()


@pytest.mark.parametrize(
    "file", [*sorted(MACHINE.rglob("*.py")), *CONTENT], ids=lambda f: str(f.relative_to(ROOT))
)
def test_a_module_begins_with_a_short_caption(file: Path) -> None:
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if file.name == "__init__.py" and not file.read_text(encoding="utf-8").strip():
        return
    assert doc is not None
    assert len(doc.splitlines()[0]) <= 60


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
        (["--help"], LIBRARIES | {"numpy", "rppgbench.content"}),
        (["run", "--help"], LIBRARIES | {"numpy", "rppgbench.content"}),
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
