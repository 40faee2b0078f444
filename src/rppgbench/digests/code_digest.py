"""Find the code that can change a result, by following imports."""

import ast
import builtins
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from rppgbench.core.content_roots import FOLDERS, content_roots
from rppgbench.core.registry import PACKAGE
from rppgbench.digests.module_places import (
    OWN,
    ModulePlace,
    find_in_folder,
    locate_loaded,
    locate_top_module,
    package_version,
)
from rppgbench.digests.module_statements import (
    Statement,
    digest_statements,
    is_for_types,
    module_statements,
    short_digest,
)
from rppgbench.system.hashing import digest

CODE = frozenset({".py", ".pyc", ".pyi", ".typed"})
"""Suffixes of files beside a module that are no data: imports find what counts of them."""

WORDS = re.compile(r".*\.md|(LICEN[CS]E|COPYING|NOTICE|README|AUTHORS)[^.]*", re.IGNORECASE)
"""Names of files for people to read: no data, unless a string in the module names them."""

METHODS_OBJECT = f"{OWN}.api.methods"
"""The module whose `methods` gives methods by name."""

HARMLESS = frozenset({OWN, "numpy"})
"""Packages whose functions register nothing with the one who calls them."""

SPEED_ALONE = frozenset({"numba"})
"""Packages that make code faster and change no value (tests compare both forms): no part counts."""


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
    """The parts of a piece of code: file, package or `python` -> digest or version."""

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of all parts."""
        return digest(dict(self.parts))

    def uses(self, package: str) -> bool:
        """Whether the code imports an installed package of that name."""
        return f"package {package}" in self.parts


class Sources:
    """Modules and what they import, read from their files without importing anything.

    What was found where is kept as long as the object; a file that was changed is read again.
    """

    def __init__(self, places: Mapping[str, Sequence[Path]] | None = None) -> None:
        """Look for the packages of `places` there, for all others where Python does."""
        if places is None:
            places = {OWN: (Path(__file__).parents[1],), PACKAGE: content_roots()}
        self._places = {name: tuple(folders) for name, folders in places.items()}
        self._found: dict[str, ModulePlace | None] = {}
        self._targets: dict[tuple[str, Statement], tuple[str, ...]] = {}
        self._beside: dict[Path, list[Path]] = {}

    def closure(self, *starts: str | Part) -> Closure:
        """The parts of these modules and of the modules that they import, directly or not."""
        parts = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        visited: set[str] = set()
        todo: list[Part] = [s if isinstance(s, Part) else Part(s) for s in starts]
        while todo:
            part = todo.pop()
            # The `__init__` of rppgbench itself only lists where exported names lie. The list
            # computes nothing, and a name that is used is followed to its module.
            if part.module in visited or part.module == OWN:
                continue
            if part.module.split(".", maxsplit=1)[0] in SPEED_ALONE:
                continue
            place = self._find(part.module)
            if place is None or place.package:
                label, state = package_version(part.module, place)
                parts[label] = state
                continue
            if not part.names:
                visited.add(part.module)
            todo += [Part(name) for name in _parents(part.module) if name not in visited]
            if place.file is None:
                continue
            if place.file.suffix != ".py":
                parts[_label(part.module, place.file)] = _file_digest(*_file_state(place.file))
                continue
            statements, digest = module_statements(*_file_state(place.file))
            aliases = self._aliases(part.module, place, statements)
            if part.names:
                statements = _select_statements(statements, part)
                digest = digest_statements(statements)
            parts[_label(part.module, place.file)] = digest
            for label, file in self._data(part.module, place, statements).items():
                parts[label] = _file_digest(*_file_state(file))
            for statement in statements:
                names = self._imported(part.module, place, statement, aliases)
                todo += [Part(name) for name in names if name not in visited]
        return Closure(dict(sorted(parts.items())))

    def _imported(
        self, module: str, place: ModulePlace, statement: Statement, aliases: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The modules that a statement imports or reaches, and the scripts beside it it names."""
        key = module, statement
        if key not in self._targets:
            package = module if place.is_package else module.rpartition(".")[0]
            names = dict.fromkeys(self._names(package, statement.imports))
            for file in statement.files:
                if file.endswith(".py") and place.file and place.file.with_name(file).is_file():
                    names[".".join(filter(None, [package, file.removesuffix(".py")]))] = None
            for chain in sorted(statement.chains):
                if chain[0] in aliases:
                    names |= dict.fromkeys(self._reached_modules(aliases[chain[0]], chain[1:]))
            self._targets[key] = tuple(name for name in names if not _is_standard(name))
        return self._targets[key]

    def _aliases(
        self, module: str, place: ModulePlace, statements: Iterable[Statement]
    ) -> Mapping[str, str]:
        """The names that a module's imports bind, and what each is: `package.module.member`."""
        package = module if place.is_package else module.rpartition(".")[0]
        targets: dict[str, str] = {}
        for statement in statements:
            for name, level, base, member in statement.aliases:
                inner = ".".join(filter(None, [_absolute_name(package, level, base), member]))
                if name == "*":
                    inner = inner.removesuffix(".*")
                    exports = self._exports() if inner == OWN else {}
                    targets |= {export: f"{inner}.{export}" for export in exports}
                else:
                    targets[name] = inner
        return {n: target for n, target in targets.items() if not _is_standard(target)}

    def _reached_modules(self, start: str, attributes: Sequence[str]) -> Iterator[str]:
        """The modules that `start.attribute.attribute` comes through, and a method it names."""
        module, rest = "", [*start.split("."), *attributes]
        while rest:
            inner = f"{module}.{rest[0]}" if module else rest[0]
            place = self._find(inner)
            if place is None or place.package:
                break
            module = inner
            del rest[0]
            if module not in {OWN, *_shared()} and place.file is not None:
                yield module
        exports = self._exports() if module == OWN else {}
        if exports and not rest:
            yield from dict.fromkeys(exports.values())  # the package as a value: all it exports
            yield from self._methods()
        elif rest and rest[0] in exports:
            yield from self._reached_modules(exports[rest[0]], rest)
        elif module == METHODS_OBJECT and rest[:1] in ([], ["methods"]):
            method = f"{PACKAGE}.methods.{rest[1]}" if len(rest) > 1 else ""
            exists = bool(method) and self._find(method) is not None
            yield from [method] if exists else self._methods()

    def _exports(self) -> Mapping[str, str]:
        """The names that the package imports when they are first used, and their modules."""
        place = self._find(OWN)
        if place is None or place.file is None:
            return {}
        return _lazy_exports(*_file_state(place.file))

    def _methods(self) -> list[str]:
        """All modules of methods: which of them is used is decided when it runs."""
        names = {
            f"{PACKAGE}.methods.{file.stem}"
            for folder in self._places.get(PACKAGE, ())
            for file in (folder / "methods").glob("[!_.]*")
            if file.suffix == ".py" or (file / "__init__.py").is_file()
        }
        return sorted(names)

    def declares(self, module: str) -> bool:
        """Whether there is such a module of content, with a file of its own."""
        place = self._find(module)
        return place is not None and place.file is not None

    def _names(self, package: str, imports: Iterable[tuple[int, str, str]]) -> Iterator[str]:
        for level, name, member in imports:
            base = _absolute_name(package, level, name)
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

    def _find(self, name: str) -> ModulePlace | None:
        if name not in self._found:
            self._found[name] = self._look_for(name)
        return self._found[name]

    def _look_for(self, name: str) -> ModulePlace | None:
        parent, _, last = name.rpartition(".")
        if name in self._places:
            folders = self._places[name]
            start = folders[0] / "__init__.py"
            return ModulePlace(start if name == OWN and start.is_file() else None, folders)
        if not parent:
            return locate_top_module(name)
        above = self._find(parent)
        if above is not None and above.package:
            return above
        for folder in above.folders if above is not None else ():
            if (place := find_in_folder(folder, last)) is not None:
                return place
        loaded = sys.modules.get(name)
        return None if loaded is None or parent in self._places else locate_loaded(loaded)

    def _data(
        self, module: str, place: ModulePlace, statements: Iterable[Statement]
    ) -> dict[str, Path]:
        """Files beside a module that are no code: see docs/concepts/digests.md for the rule."""
        assert place.file is not None
        folder = place.file.parent
        within = module if place.is_package else module.rpartition(".")[0]
        strings = frozenset[str]().union(*(statement.files for statement in statements))
        if within == OWN or not (folder / "__init__.py").is_file():
            files = _named_files(folder, strings, place.file.stem)
        else:
            if folder not in self._beside:
                self._beside[folder] = list(_data_files(folder))
            files = self._beside[folder]
        files = [f for f in files if not WORDS.fullmatch(f.name) or f.name in strings]
        prefix = _label(module, place.file).rpartition("/")[0]
        return {
            f"{prefix}/{file.relative_to(folder).as_posix()}".removeprefix("/"): file
            for file in files
        }


def _shared() -> frozenset[str]:
    """The folders in which every file is content of its own."""
    return frozenset({PACKAGE, *(f"{PACKAGE}.{name}" for name in FOLDERS)})


def _data_files(folder: Path) -> Iterator[Path]:
    """The files of a package's folder that are no code, also of the folders in it without code."""
    for entry in _entries(folder):
        if entry.is_file() and entry.suffix not in CODE:
            yield entry
        elif entry.is_dir() and not (entry / "__init__.py").is_file():
            yield from _data_files(entry)


def _named_files(folder: Path, strings: Collection[str], stem: str) -> list[Path]:
    """The files beside a loose module: those of its name, and what its strings name.

    A folder that a string names counts with all files in it.
    """
    files = []
    for entry in _entries(folder):
        if entry.is_file():
            is_named = entry.name in strings or (entry.stem == stem and bool(entry.suffix))
            files += [entry] if is_named and entry.suffix not in CODE else []
        elif entry.is_dir() and entry.name in strings and not (entry / "__init__.py").is_file():
            files += _data_files(entry)
    return files


def _entries(folder: Path) -> list[Path]:
    return [e for e in sorted(folder.iterdir()) if not e.name.startswith((".", "__pycache__"))]


def _absolute_name(package: str, level: int, name: str) -> str:
    """The full name of a module that is imported in a package, from so many levels up."""
    parents = package.split(".")
    above = parents[: len(parents) - level + 1] if level else []
    return ".".join([*above, *filter(None, [name])])


def _parents(module: str) -> list[str]:
    """The packages around a module, whose `__init__` runs before it; content's has none."""
    parts = module.split(".")
    names = [".".join(parts[:end]) for end in range(1, len(parts))]
    return [name for name in names if name not in _shared()]


def _is_standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def _label(module: str, file: Path) -> str:
    """The name of a module's file in a digest, without the folder that it lies in.

    >>> _label("rppgbench_content.methods.pos", Path("/x/methods/pos.py"))
    'methods/pos.py'
    """
    path = module.removeprefix(f"{PACKAGE}.").replace(".", "/")
    if file.name == "__init__.py":
        path += "/__init__"
    return f"{path}{file.suffix if file.suffix == '.py' else '.extension'}"


def _file_state(file: Path) -> tuple[Path, int, int]:
    state = file.stat()
    return file, state.st_mtime_ns, state.st_size


@cache
def _file_digest(file: Path, mtime_ns: int, size: int) -> str:
    return short_digest(file.read_bytes())


@cache
def _lazy_exports(file: Path, mtime_ns: int, size: int) -> Mapping[str, str]:
    """What a package's `__init__` imports for type checkers: what it gives when it is asked."""
    tree = ast.parse(file.read_bytes())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and is_for_types(node)]
    return {
        alias.asname or alias.name: inner.module
        for block in blocks
        for inner in block.body
        if isinstance(inner, ast.ImportFrom) and inner.module
        for alias in inner.names
    }


def _select_statements(statements: Sequence[Statement], part: Part) -> list[Statement]:
    """The statements that some definitions use, one through the other, in their order.

    What binds no name (a call, a loop) counts always, and so does what runs other code than
    Python's and this package's when it is defined (a decorator, a base class, an assigned call): it
    may register itself. All of them, where a name is not there.
    """
    bound = {name for statement in statements for name in statement.binds}
    if not set(part.names) <= bound:
        return list(statements)
    harmless, without = _harmless_names(statements), frozenset(part.without)
    selected = {
        index
        for index, statement in enumerate(statements)
        if not statement.binds
        or "*" in statement.binds
        or (statement.runs - harmless and not statement.binds <= without)
    }
    required = set(part.names).union(*(statements[index].uses for index in selected))
    while True:
        names = required - set(part.without)
        more = {
            index for index, statement in enumerate(statements) if statement.binds & names
        } - selected
        if not more:
            return [statements[index] for index in sorted(selected)]
        selected |= more
        required = required.union(*(statements[index].uses for index in more))


def _harmless_names(statements: Iterable[Statement]) -> frozenset[str]:
    """Names of builtins, and of what a module imports from Python's library and this package."""
    names = set(dir(builtins))
    for statement in statements:
        if not any(level for level, _, _ in statement.imports):
            tops = {base.split(".")[0] for _, base, _ in statement.imports}
            if tops and all(_is_standard(top) or top in HARMLESS for top in tops):
                names |= statement.binds
    return frozenset(names)
