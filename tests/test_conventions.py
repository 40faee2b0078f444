"""How code is written here: short functions, documented parameters, records by keyword."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    file
    for folder in ("src/rppgbench", "methods", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MAX_LINES = 60
"""Of a function, its docstring left out."""

MAX_POSITIONAL = 3
"""Fields of a record that may be given by position."""

VAGUE_NAMES = frozenset(
    {"facts", "found", "given", "held", "one", "others", "own", "said", "told", "where", "words"}
)
"""Names that do not say what a value is: `recording`, `matches`, `message`, `location` do."""


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def body_lines(function: ast.FunctionDef) -> int:
    """The lines of a function without those of its docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


@pytest.mark.parametrize("file", [*SOURCES, *TESTS], ids=relative)
def test_a_function_fits_on_a_screen(file: Path) -> None:
    long = {
        f"{relative(file)}:{node.name}"
        for node in ast.walk(parse(file))
        if isinstance(node, ast.FunctionDef) and body_lines(node) > MAX_LINES
    }
    assert not long


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The public functions of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and (
                    not inner.name.startswith("_") or inner.name == "__call__"
                ):
                    yield inner


def undocumented_parameters(function: ast.FunctionDef) -> list[str]:
    """The parameters of a function that its docstring does not describe, if it has two or more."""
    arguments = function.args
    names = [
        argument.arg
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        if argument.arg not in {"self", "cls"}
    ]
    doc = ast.get_docstring(function) or ""
    described = doc.partition("Args:")[2]
    if len(names) < 2:
        return []
    return [n for n in names if not re.search(rf"^\s+\*{{0,2}}{n}\b.*:", described, re.MULTILINE)]


@pytest.mark.parametrize("file", SOURCES, ids=relative)
def test_a_public_function_documents_each_of_its_parameters(file: Path) -> None:
    if file.stem.startswith("_") and file.stem != "__init__":
        return
    missing = {
        function.name: names
        for function in public_functions(parse(file))
        if (names := undocumented_parameters(function))
    }
    assert not missing


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def positional_fields(node: ast.ClassDef) -> int:
    """How many fields of a dataclass may be given by position."""
    if any("kw_only=True" in ast.unparse(decorator) for decorator in node.decorator_list):
        return 0
    annotated = [inner for inner in node.body if isinstance(inner, ast.AnnAssign)]
    kinds = [ast.unparse(inner.annotation) for inner in annotated]
    before = kinds[: kinds.index("KW_ONLY")] if "KW_ONLY" in kinds else kinds
    return sum("ClassVar" not in kind for kind in before)


@pytest.mark.parametrize("file", SOURCES, ids=relative)
def test_a_record_of_many_fields_is_built_by_keyword(file: Path) -> None:
    positional = {
        node.name
        for node in ast.walk(parse(file))
        if isinstance(node, ast.ClassDef)
        and is_dataclass(node)
        and positional_fields(node) > MAX_POSITIONAL
    }
    assert not positional


def assigned_names(tree: ast.Module) -> Iterator[str]:
    """The names that a module assigns: variables, fields, attributes and parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name is not None:
            yield node.name


@pytest.mark.parametrize(
    "file", [f for f in SOURCES if "src" in f.relative_to(ROOT).parts], ids=relative
)
def test_a_name_says_what_its_value_is(file: Path) -> None:
    assert not set(assigned_names(parse(file))) & VAGUE_NAMES


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "for one in x: pass",
        "def f(where): pass",
        "x.words = 1",
        "[own for own in x]",
        "if (held := x): pass",
        "class R:\n    facts: int",
        "lambda *given: 0",
        "try: pass\nexcept E as told: pass",
    ],
)
def test_every_kind_of_assignment_is_seen(code: str) -> None:
    assert set(assigned_names(ast.parse(code))) & VAGUE_NAMES


def test_doctests_of_the_python_reference_stand_in_a_section() -> None:
    """The site shows a bare doctest as nested quotations."""
    page = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    modules = re.findall(r"^::: rppgbench\.([\w.]+)", page, flags=re.MULTILINE)
    names = [ROOT / "src/rppgbench" / Path(*module.split(".")) for module in modules]
    checked = {name.with_suffix(".py") for name in names} | {
        name.parent.with_suffix(".py") for name in names
    }
    checked = {file for file in checked if file.is_file()}
    assert len(checked) > 5
    for file in checked:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = ast.get_docstring(node) or ""
                if ">>>" in text:
                    before = text[: text.index(">>>")].rstrip(" ")
                    assert before.endswith("Examples:\n"), f"{file.name}: {text[:60]}"


@pytest.mark.parametrize("folder", ["protocols", "protocols/evaluators"])
def test_the_readme_names_what_is_shipped(folder: str) -> None:
    words = set(re.findall(r"\w+", (ROOT / "README.md").read_text(encoding="utf-8")))
    shipped = {file.stem for file in (ROOT / folder).glob("*.toml")}
    assert len(shipped) > 10
    assert sorted(shipped - words) == []
