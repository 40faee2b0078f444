"""The top-level statements of a module: what they bind, use and import, read from its file.

Parsing takes a tenth of a second for the extractor's modules, so what was read is kept in the cache
as notes. A note goes by the content of the module and of this file and by the version of Python,
never by times, so it cannot be out of date; a note that does not agree with its checksum is made
again.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from rppgbench.system.default_cache import default_cache
from rppgbench.system.file_digest import read_note, write_note

NOTES = "statements"
"""The folder of the notes, in `digests` of the cache."""

MOST_PATH_CHARACTERS = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class Statement:
    """A top-level statement: what it binds, uses and imports."""

    binds: frozenset[str]
    uses: frozenset[str]
    tree: str  # its digest
    imports: tuple[tuple[int, str, str], ...]  # level, module, name ("" of a plain import)
    files: frozenset[str]  # the parts of strings that may name a file or folder beside the module
    aliases: tuple[tuple[str, int, str, str], ...]  # name, then as in `imports`
    chains: frozenset[tuple[str, ...]]  # names with their attributes: `a.b.c` is (a, b, c)
    runs: frozenset[str]  # what is called when it is: decorators, base classes, functions


@cache
def module_statements(file: Path, mtime_ns: int, size: int) -> tuple[Sequence[Statement], str]:
    """The top-level statements of a module, tidied, and their digest.

    Each import for each name is a statement by itself.

    Args:
        file: the module's file.
        mtime_ns: when it was changed; a file that was changed is read again.
        size: its size in bytes.
    """
    source = file.read_bytes()
    key = hashlib.sha256(repr(sys.version_info).encode() + _own_source() + source).hexdigest()
    note = default_cache() / "digests" / NOTES / key[:2] / key
    statements = _from_note(read_note(note))
    if statements is None:
        statements = parse_statements(source)
        write_note(note, _to_note(statements))
    return statements, digest_statements(statements)


@cache
def _own_source() -> bytes:
    return Path(__file__).read_bytes()


def parse_statements(source: bytes) -> tuple[Statement, ...]:
    """The top-level statements of a module's source."""
    tree = _Tidied().visit(ast.parse(source))
    return tuple(_statement(part) for node in tree.body for part in _split_imports(node))


def _to_note(statements: Iterable[Statement]) -> str:
    """A checksum, and the fields of all statements as JSON; sets in order."""
    names = [field.name for field in fields(Statement)]
    rows = [
        [
            sorted(value) if isinstance(value, frozenset) else value
            for value in (getattr(statement, name) for name in names)
        ]
        for statement in statements
    ]
    text = json.dumps(rows)
    return hashlib.sha256(text.encode()).hexdigest() + text


def _from_note(note: str) -> tuple[Statement, ...] | None:
    """The statements of a note; None where it is damaged or missing."""
    checksum, text = note[:64], note[64:]
    if hashlib.sha256(text.encode()).hexdigest() != checksum:
        return None
    return tuple(_from_row(*row) for row in json.loads(text))


def _from_row(
    binds: Any, uses: Any, tree: str, imports: Any, files: Any, aliases: Any, chains: Any, runs: Any
) -> Statement:
    return Statement(
        binds=frozenset(binds),
        uses=frozenset(uses),
        tree=tree,
        imports=tuple(map(tuple, imports)),
        files=frozenset(files),
        aliases=tuple(map(tuple, aliases)),
        chains=frozenset(map(tuple, chains)),
        runs=frozenset(runs),
    )


def short_digest(data: bytes) -> str:
    """Sixteen hex digits of some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def is_for_types(node: ast.If) -> bool:
    """Whether a branch is for type checkers alone."""
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def digest_statements(statements: Iterable[Statement]) -> str:
    """Sixteen hex digits of some statements."""
    return short_digest("\n".join(statement.tree for statement in statements).encode())


def _split_imports(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module != "__future__":
        return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
    return [node]


class _Tidied(ast.NodeTransformer):
    """A tree without what does not compute: docstrings, lone constants, imports for typing."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Leave out what stands by itself: docstrings of modules, functions and names."""
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Leave out what only type checkers see."""
        if not is_for_types(node):
            return self.generic_visit(node)
        return [out for inner in node.orelse if (out := self.visit(inner)) is not None]

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Take an annotation out of its quotes."""
        node.annotation = _unquote_annotation(node.annotation)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Take an annotation out of its quotes."""
        node.returns = _unquote_annotation(node.returns)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Take an annotation out of its quotes."""
        node.annotation = _unquote_annotation(node.annotation) or node.annotation
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Leave out the version: it says nothing of what is computed."""
        names = [getattr(target, "id", "") for target in node.targets]
        return None if names == ["__version__"] else self.generic_visit(node)


def _unquote_annotation(annotation: ast.expr | None) -> ast.expr | None:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        with suppress(SyntaxError):
            return ast.parse(annotation.value, mode="eval").body
    return annotation


def _statement(node: ast.stmt) -> Statement:
    uses, files = set[str](), set[str]()
    imports: list[tuple[int, str, str]] = []
    aliases: list[tuple[str, int, str, str]] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            uses.add(inner.id)
        elif isinstance(inner, ast.Import):
            imports += [(0, alias.name, "") for alias in inner.names]
            for alias in inner.names:
                top = alias.name.split(".")[0]
                target = alias.name if alias.asname else top
                aliases.append((alias.asname or top, 0, target, ""))
        elif isinstance(inner, ast.ImportFrom):
            level, base = inner.level, inner.module or ""
            imports += [(level, base, alias.name) for alias in inner.names]
            aliases += [(a.asname or a.name, level, base, a.name) for a in inner.names]
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            if len(inner.value) <= MOST_PATH_CHARACTERS:
                files.update(filter(None, re.split(r"[/\\]", inner.value)))
        elif isinstance(inner, ast.Call):
            imports += _dynamic_imports(inner)
    chains = _Chains()
    chains.visit(node)
    return Statement(
        binds=frozenset(_bound_names(node)),
        uses=frozenset(uses),
        tree=hashlib.sha256(ast.dump(node).encode()).hexdigest(),
        imports=tuple(imports),
        files=frozenset(files),
        aliases=tuple(aliases),
        chains=frozenset(chains.chains),
        runs=frozenset(_run_at_definition(node)),
    )


def _bound_names(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module != "__future__":
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        stored = [t for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)]
        return {t.id for t in stored if isinstance(t.ctx, ast.Store)}
    return set()


def _run_at_definition(node: ast.stmt) -> set[str]:
    """The names of what runs when a statement is: decorators, base classes, functions called."""
    ran: list[ast.expr] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        ran += node.decorator_list
    if isinstance(node, ast.ClassDef):
        ran += [*node.bases, *(keyword.value for keyword in node.keywords)]
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        outer = _walk_outside_functions(node.value)
        ran += [call.func for call in outer if isinstance(call, ast.Call)]
    return {
        name.id for expression in ran for name in ast.walk(expression) if isinstance(name, ast.Name)
    }


def _walk_outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.Lambda):
            yield from _walk_outside_functions(inner)


class _Chains(ast.NodeVisitor):
    """Every name with its attributes, `methods["pos"]` as `methods.pos`."""

    def __init__(self) -> None:
        self.chains: set[tuple[str, ...]] = set()

    def visit(self, node: ast.AST) -> None:
        """Note the longest chain that begins here; else look further within."""
        chain = _chain(node)
        if chain:
            self.chains.add(chain)
        else:
            self.generic_visit(node)


def _chain(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,) if isinstance(node.ctx, ast.Load) else ()
    if isinstance(node, ast.Attribute):
        before = _chain(node.value)
        return (*before, node.attr) if before else ()
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        before = _chain(node.value)
        return (*before, node.slice.value) if before and isinstance(node.slice.value, str) else ()
    return ()


def _dynamic_imports(call: ast.Call) -> list[tuple[int, str, str]]:
    """What `import_module("name")` and `__import__("name")` import."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
    name = function.id if isinstance(function, ast.Name) else function
    first = call.args[0] if call.args else None
    if name in {"import_module", "__import__"} and isinstance(first, ast.Constant):
        module = str(first.value)
        return [(len(module) - len(module.lstrip(".")), module.lstrip("."), "")]
    return []
