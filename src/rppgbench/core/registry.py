"""Find and load methods, data sets and TOML files by name."""

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from rppgbench.core.content_roots import (
    FOLDERS,
    PLUGINS,
    Unavailable,
    check_plugins,
    content_roots,
    describe_import_error,
    guard_import,
    plugin_folders,
    unavailable_roots,
)
from rppgbench.core.method import Method
from rppgbench.core.method_variants import MethodTable
from rppgbench.core.recording import Dataset
from rppgbench.system.errors import BenchError, error_text, shortened, unknown_name
from rppgbench.system.fault_kinds import install_hint

PACKAGE = "rppgbench_content"

Declared = TypeVar("Declared", Method, Dataset)


@dataclass(frozen=True)
class Registry(Generic[Declared]):
    """The declarations of one kind by name, and those that could not be loaded."""

    available: Mapping[str, Declared]
    unavailable: Mapping[str, Unavailable]

    def get(self, kind: str, name: str, location: str) -> Declared:
        """Look a declaration up by its name.

        Args:
            kind: what it declares, for messages: "method" or "data set".
            name: its name.
            location: who asks, for messages: a file or an option.

        Returns:
            The declaration.

        Raises:
            BenchError: there is none of that name, or it cannot be loaded.
        """
        if name in self.available:
            return self.available[name]
        if name in self.unavailable:
            raise BenchError(
                f"{location}: {kind} {name!r} cannot run: {self.unavailable[name].reason}"
            )
        raise unknown_name(kind, name, [*self.available, *self.unavailable], location)


def add_plugins(folder: Path) -> None:
    """Use the content of a folder of loose files too, here and in worker processes."""
    check_plugins(folder, "--plugins")
    os.environ[PLUGINS] = os.pathsep.join([*map(str, plugin_folders()), str(folder.resolve())])
    clear_registry()


def clear_registry() -> None:
    """Forget what was loaded, because content was added."""
    load_methods.cache_clear()
    load_datasets.cache_clear()
    for name in [n for n in sys.modules if n == PACKAGE or n.startswith(PACKAGE + ".")]:
        del sys.modules[name]


@cache
def load_methods() -> Registry[Method]:
    """Every method by name, and variants of them (`method_variants`)."""
    methods = _load("methods", Method)
    return Registry(MethodTable(methods.available), methods.unavailable)


@cache
def load_datasets() -> Registry[Dataset]:
    """Every data set by name."""
    return _load("benchmarks", Dataset)


def toml_files(folder: str) -> dict[str, Path]:
    """The TOML files of `protocols`, `protocols/evaluators`, ... by name, over all roots."""
    files: dict[str, Path] = {}
    for root in content_roots():
        for file in sorted((root / folder).glob("*.toml")):
            if file.stem in files:
                raise BenchError(f"{file}: {files[file.stem]} has that name already; rename one")
            files[file.stem] = file
    return files


def find_toml(folder: str, kind: str, name: str, location: str) -> Path:
    """Look a TOML file up by its name.

    Args:
        folder: the folder of content: "protocols", "protocols/evaluators", ...
        kind: what the file declares, for messages.
        name: its name without the suffix.
        location: who asks, for messages: a file or an option.

    Returns:
        The file.

    Raises:
        BenchError: there is none of that name; the message shows similar names.
    """
    files = toml_files(folder)
    if name not in files:
        raise unknown_name(kind, name, files, location)
    return files[name]


def load_method_file(file: Path) -> Method:
    """The method that a loose file or folder declares, wherever it lies."""
    name = file.stem
    source = file / "__init__.py" if file.is_dir() else file
    if not source.is_file():
        raise BenchError(f"{file}: no such file, and no method of that name")
    spec = importlib.util.spec_from_file_location(
        f"{PACKAGE}_loose.{name}", source, submodule_search_locations=[str(source.parent)]
    )
    if spec is None or spec.loader is None:
        raise BenchError(f"{file}: not a Python file; a method is NAME.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with guard_import(file):
            spec.loader.exec_module(module)
    except BaseException as error:
        raise BenchError(f"{file}: does not load: {describe_import_error(error)}") from error
    declarations = _find_declarations(module, name, Method, file)
    if len(declarations) > 1:
        raise BenchError(
            f"{file}: declares several methods ({', '.join(declarations)}); put the file into "
            "DIR/methods/ and name one of them with --plugins DIR"
        )
    (method,) = declarations.values()
    if method.requires is not None:
        method.requires()
    return method


def _load(folder: str, kind: type[Declared]) -> Registry[Declared]:
    """Load every file of a folder; the name of a declaration begins with the name of its file."""
    _make_package()
    available: dict[str, Declared] = {}
    missing: dict[str, Unavailable] = {}
    origin: dict[str, Path] = {}
    for root in content_roots():
        for file in sorted((root / folder).glob("[!_.]*")):
            if not (file.suffix == ".py" or (file / "__init__.py").is_file()):
                continue
            for name, declaration in _load_declarations(folder, kind, file).items():
                if name in origin:
                    raise BenchError(f"{file}: {origin[name]} has that name already; rename one")
                origin[name] = file
                if isinstance(declaration, Unavailable):
                    missing[name] = declaration
                else:
                    available[name] = declaration
    return Registry(available, {**unavailable_roots(), **missing})


def _load_declarations(
    folder: str, kind: type[Declared], file: Path
) -> dict[str, Declared | Unavailable]:
    """Import a file: its declarations by name, those that cannot be used with the reason."""
    name = file.stem
    try:
        with guard_import(file):
            module = importlib.import_module(f"{PACKAGE}.{folder}.{name}")
        declarations = _find_declarations(module, name, kind, file)
    except BaseException as error:  # one broken file must not hide all the others
        return {name: Unavailable(name, _unavailable_reason(error, file))}
    return {name: _check_requirements(declared, file) for name, declared in declarations.items()}


def _check_requirements(declaration: Declared, file: Path) -> Declared | Unavailable:
    """The declaration, or why the packages that it requires cannot be used."""
    if isinstance(declaration, Method) and declaration.requires is not None:
        try:
            with guard_import(file):
                declaration.requires()
        except BaseException as error:
            return Unavailable(declaration.name, _unavailable_reason(error, file))
    return declaration


def _unavailable_reason(error: BaseException, file: Path) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; {install_hint(error)}"
    if isinstance(error, BenchError):
        return shortened(error_text(error))
    return f"{file}: {describe_import_error(error)}"


def _find_declarations(
    module: ModuleType, stem: str, kind: type[Declared], file: Path
) -> dict[str, Declared]:
    """The declaration that has the file's name, or else all whose names begin with that name.

    A file `pyvhr.py` declares either `pyvhr`, or several methods `pyvhr_pos`, `pyvhr_chrom`, ...,
    each as a variable of the method's own name. So a name always leads to its file, and the digest
    of a method of several holds the statements of this method alone.
    """
    declared = getattr(module, stem, None)
    if isinstance(declared, kind):
        return {stem: declared}
    several = {name: value for name, value in vars(module).items() if isinstance(value, kind)}
    if not several:
        raise BenchError(f"{file}: must declare a {kind.__name__} named {stem!r}")
    for name, value in several.items():
        if value.name != name or not name.startswith(f"{stem}_"):
            raise BenchError(
                f"{file}: declares {value.name!r} as {name!r}; the {kind.__name__.lower()} of a "
                f"file has the file's name: write {stem!r} in place of {name!r}, or rename the "
                f"file. Of several in one file, each is a variable '{stem}_...' with its own name"
            )
    return several


def _make_package() -> ModuleType:
    """A real package over all roots, so that its modules import relatively and pickle."""
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE)
        package.__path__ = [str(root) for root in content_roots()]
        sys.modules[PACKAGE] = package
        for folder in FOLDERS:  # made here too: an __init__.py of one would hide all the others'
            inner = ModuleType(f"{PACKAGE}.{folder}")
            inner.__path__ = [str(root / folder) for root in content_roots()]
            sys.modules[inner.__name__] = inner
    return sys.modules[PACKAGE]
