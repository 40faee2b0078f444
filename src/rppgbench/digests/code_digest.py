"""What code can change a result, found by its imports."""

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, entry_points, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from rppgbench.core.registry import FOLDERS, PACKAGE, content_roots
from rppgbench.system.hashing import digest

OWN = "rppgbench"
NO_DATA = frozenset({".py", ".pyc", ".pyi", ".md", ".typed"})
"""Suffixes of files beside a module that are no data: code, which imports find, and words."""

FILE_NAME = re.compile(r"[\w-][\w. -]{0,80}\.\w{1,12}")
INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Part:
    """A piece of code to begin with: a module or, with `names`, those of its definitions.

    Of a module with `names` only the top-level statements count that these definitions use, one
    through the other; `without` names definitions that are not followed.
    """

    module: str
    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closure:
    """All that a piece of code is made of: file, package or `python` -> digest or version."""

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of all parts."""
        return digest(dict(self.parts))

    def uses(self, package: str) -> bool:
        """Whether the code imports an installed package of that name."""
        return f"package {package}" in self.parts


@dataclass(frozen=True, eq=False)
class _Statement:
    """A top-level statement: what it binds and uses, its syntax tree, and what it imports."""

    binds: frozenset[str]
    uses: frozenset[str]
    tree: str
    imports: tuple[tuple[int, str, str], ...]  # level, module, name ("" of a plain import)
    files: tuple[str, ...]  # strings that may name a file beside the module


@dataclass(frozen=True)
class _Place:
    """Where a module lies: its file, where its submodules are, or the package that it is of."""

    file: Path | None = None
    folders: tuple[Path, ...] = ()
    package: str = ""


class Sources:
    """Modules and what they import, read from their files without importing anything.

    What was found where is kept as long as the object; a file that was changed is read again.
    """

    def __init__(self, places: Mapping[str, Sequence[Path]] | None = None) -> None:
        """Look for the packages of `places` there, for all others where Python does."""
        if places is None:
            places = {OWN: (Path(__file__).parents[1],), PACKAGE: content_roots()}
        self._places = {name: tuple(folders) for name, folders in places.items()}
        self._found: dict[str, _Place | None] = {}
        self._targets: dict[tuple[str, _Statement], tuple[str, ...]] = {}
        self._beside: dict[Path, list[Path]] = {}

    def closure(self, *starts: str | Part) -> Closure:
        """The parts of these modules and of all that they import, directly or not."""
        parts = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        seen: set[str] = set()
        todo: list[Part] = [s if isinstance(s, Part) else Part(s) for s in starts]
        while todo:
            part = todo.pop()
            if part.module in seen:
                continue
            place = self._find(part.module)
            if place is None or place.package:
                label, state = _package(part.module, place)
                parts[label] = state
                continue
            if not part.names:
                seen.add(part.module)
            todo += [Part(name) for name in _parents(part.module) if name not in seen]
            if place.file is None:
                continue
            if place.file.suffix != ".py":
                parts[_label(part.module, place.file)] = _file_digest(*_state(place.file))
                continue
            statements, whole = _statements(*_state(place.file))
            if part.names:
                statements = _needed(statements, part)
                whole = _digest_of(statements)
            parts[_label(part.module, place.file)] = whole
            for label, file in self._data(part.module, place, statements).items():
                parts[label] = _file_digest(*_state(file))
            for one in statements:
                todo += [Part(n) for n in self._imported(part.module, place, one) if n not in seen]
        return Closure(dict(sorted(parts.items())))

    def _imported(self, module: str, place: _Place, one: _Statement) -> tuple[str, ...]:
        """The modules that a statement imports, and the scripts beside it that it names."""
        key = module, one
        if key not in self._targets:
            package = module if _is_package(place) else module.rpartition(".")[0]
            names = dict.fromkeys(self._names(package, one.imports))
            for file in one.files:
                if file.endswith(".py") and place.file and place.file.with_name(file).is_file():
                    names[".".join(filter(None, [package, file.removesuffix(".py")]))] = None
            self._targets[key] = tuple(name for name in names if not _is_standard(name))
        return self._targets[key]

    def _names(self, package: str, imports: Iterable[tuple[int, str, str]]) -> Iterator[str]:
        for level, name, member in imports:
            parents = package.split(".")
            above = parents[: len(parents) - level + 1] if level else []
            base = ".".join([*above, *filter(None, [name])])
            if _is_standard(base):
                continue
            inner = f"{base}.{member}"
            if member and self._find(inner) is not None:
                yield inner
            elif not member or not self._is_bare(base):
                yield base

    def _is_bare(self, name: str) -> bool:
        place = self._find(name)
        return place is not None and place.file is None and not place.package

    def _find(self, name: str) -> _Place | None:
        if name not in self._found:
            self._found[name] = self._look_for(name)
        return self._found[name]

    def _look_for(self, name: str) -> _Place | None:
        parent, _, last = name.rpartition(".")
        if name in self._places:
            folders = self._places[name]
            start = folders[0] / "__init__.py"
            return _Place(start if name == OWN and start.is_file() else None, folders)
        if not parent:
            return _top(name)
        above = self._find(parent)
        if above is not None and above.package:
            return above
        for folder in above.folders if above is not None else ():
            if (found := _within(folder, last)) is not None:
                return found
        loaded = sys.modules.get(name)
        return None if loaded is None or parent in self._places else _of_loaded(loaded)

    def _data(
        self, module: str, place: _Place, statements: Iterable[_Statement]
    ) -> dict[str, Path]:
        """Files beside a module that are no code: see docs/concepts/digests.md for the rule."""
        assert place.file is not None
        folder = place.file.parent
        within = module if _is_package(place) else module.rpartition(".")[0]
        if folder not in self._beside:
            flat = within == OWN or not (folder / "__init__.py").is_file()
            found = _data_files(folder, flat=flat)
            self._beside[folder] = [file for file in found if file.suffix not in NO_DATA]
        files = self._beside[folder]
        if files and not (folder / "__init__.py").is_file():
            named = {name for one in statements for name in one.files}
            own = place.file.stem
            files = [file for file in files if file.name in named or file.stem == own]
        prefix = _label(module, place.file).rpartition("/")[0]
        return {
            f"{prefix}/{file.relative_to(folder).as_posix()}".removeprefix("/"): file
            for file in files
        }


def _shared() -> frozenset[str]:
    """The folders in which every file is content of its own."""
    return frozenset({PACKAGE, *(f"{PACKAGE}.{name}" for name in FOLDERS)})


def _data_files(folder: Path, *, flat: bool = False) -> Iterator[Path]:
    """The files of a package's folder and, unless `flat`, of the folders in it without code."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_file() and entry.suffix and entry.name != "py.typed":
            yield entry
        elif entry.is_dir() and not flat and not (entry / "__init__.py").is_file():
            yield from _data_files(entry)


def _parents(module: str) -> list[str]:
    """The packages around a module, whose `__init__` runs before it; content's has none."""
    parts = module.split(".")
    names = [".".join(parts[:end]) for end in range(1, len(parts))]
    return [name for name in names if name not in _shared()]


def _is_package(place: _Place) -> bool:
    return place.file is not None and place.file.name == "__init__.py"


def _is_standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def _within(folder: Path, name: str) -> _Place | None:
    inner = folder / name
    if (start := inner / "__init__.py").is_file():
        return _Place(start, (inner,))
    for suffix in (".py", *EXTENSION_SUFFIXES):
        if (file := folder / f"{name}{suffix}").is_file():
            return _Place(file)
    return _Place(None, (inner,)) if inner.is_dir() else None


def _of_loaded(module: object) -> _Place | None:
    file = getattr(module, "__file__", None)
    folders = tuple(map(Path, getattr(module, "__path__", ())))
    return _Place(Path(file) if file else None, folders) if file or folders else None


def _top(name: str) -> _Place | None:
    """Where a module without a dot in its name lies; of an installed package only its name."""
    if name in sys.modules:
        place = _of_loaded(sys.modules[name])
    else:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            spec = None
        file = Path(spec.origin) if spec and spec.has_location and spec.origin else None
        folders = tuple(map(Path, (spec.submodule_search_locations or ()) if spec else ()))
        place = _Place(file, folders) if file or folders else None
    if place is None:
        return None
    paths = [*filter(None, [place.file]), *place.folders]
    owners = _distributions().get(name, ())
    is_installed = any(INSTALLED & set(path.parts) for path in paths)
    if is_installed and owners and not set(owners) & _joining():
        return _Place(package=name)
    return place


@cache
def _distributions() -> Mapping[str, Sequence[str]]:
    return packages_distributions()


@cache
def _joining() -> frozenset[str]:
    """The distributions that join by entry point: their code is followed, not their version."""
    entries = entry_points(group=OWN)
    return frozenset(entry.dist.name for entry in entries if entry.dist is not None)


def _package(module: str, place: _Place | None) -> tuple[str, str]:
    """An installed package and its version, or that there is none."""
    name = module.split(".", maxsplit=1)[0]
    if place is None:
        return f"package {name}", "not installed"
    return f"package {name}", _versions(name)


@cache
def _versions(name: str) -> str:
    found = []
    for distribution in sorted(set(_distributions().get(name, ()))):
        try:
            found.append(f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _label(module: str, file: Path) -> str:
    """A module's file as it is told, without where it lies.

    >>> _label("rppgbench_content.methods.pos", Path("/x/methods/pos.py"))
    'methods/pos.py'
    """
    path = module.removeprefix(f"{PACKAGE}.").replace(".", "/")
    if file.name == "__init__.py":
        path += "/__init__"
    return f"{path}{file.suffix if file.suffix == '.py' else '.extension'}"


def _state(file: Path) -> tuple[Path, int, int]:
    state = file.stat()
    return file, state.st_mtime_ns, state.st_size


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@cache
def _file_digest(file: Path, mtime_ns: int, size: int) -> str:
    return _short(file.read_bytes())


@cache
def _statements(file: Path, mtime_ns: int, size: int) -> tuple[Sequence[_Statement], str]:
    """The top-level statements of a module, tidied, and their digest.

    Each import for each name is a statement by itself.
    """
    tree = _Tidied().visit(ast.parse(file.read_bytes()))
    found = tuple(_statement(one) for node in tree.body for one in _apart(node))
    return found, _digest_of(found)


def _digest_of(statements: Iterable[_Statement]) -> str:
    return _short("\n".join(one.tree for one in statements).encode())


def _apart(node: ast.stmt) -> list[ast.stmt]:
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
        test = node.test
        name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
        if name != "TYPE_CHECKING":
            return self.generic_visit(node)
        return [out for inner in node.orelse if (out := self.visit(inner)) is not None]

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Leave out the version: it says nothing of what is computed."""
        names = [getattr(target, "id", "") for target in node.targets]
        return None if names == ["__version__"] else self.generic_visit(node)


def _statement(node: ast.stmt) -> _Statement:
    binds, uses, files = set[str](), set[str](), set[str]()
    imports: list[tuple[int, str, str]] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            uses.add(inner.id)
        elif isinstance(inner, ast.Import):
            imports += [(0, alias.name, "") for alias in inner.names]
        elif isinstance(inner, ast.ImportFrom):
            imports += [(inner.level, inner.module or "", alias.name) for alias in inner.names]
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            if FILE_NAME.fullmatch(inner.value):
                files.add(inner.value)
        elif isinstance(inner, ast.Call):
            imports += _by_name(inner)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        binds.add(node.name)
    elif isinstance(node, ast.Import):
        binds |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
        binds |= {alias.asname or alias.name for alias in node.names}
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        stored = [t for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)]
        binds |= {t.id for t in stored if isinstance(t.ctx, ast.Store)}
    tree = ast.dump(node)
    return _Statement(frozenset(binds), frozenset(uses), tree, tuple(imports), tuple(sorted(files)))


def _by_name(call: ast.Call) -> list[tuple[int, str, str]]:
    """What `import_module("name")` and `__import__("name")` import."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
    name = function.id if isinstance(function, ast.Name) else function
    first = call.args[0] if call.args else None
    if name in {"import_module", "__import__"} and isinstance(first, ast.Constant):
        given = str(first.value)
        return [(len(given) - len(given.lstrip(".")), given.lstrip("."), "")]
    return []


def _needed(statements: Sequence[_Statement], part: Part) -> list[_Statement]:
    """The statements that some definitions use, one through the other, in their order.

    What binds no name (a call, a loop) counts always. All of them, where a name is not there.
    """
    bound = {name for one in statements for name in one.binds}
    if not set(part.names) <= bound:
        return list(statements)
    chosen = {at for at, one in enumerate(statements) if not one.binds or "*" in one.binds}
    wanted = set(part.names).union(*(statements[at].uses for at in chosen))
    while True:
        names = wanted - set(part.without)
        more = {at for at, one in enumerate(statements) if one.binds & names} - chosen
        if not more:
            return [statements[at] for at in sorted(chosen)]
        chosen |= more
        wanted = wanted.union(*(statements[at].uses for at in more))
