"""Find and load methods, data sets and TOML files by name."""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from rppgbench.core.method import Method
from rppgbench.core.recording import Dataset
from rppgbench.system.errors import BenchError, error_text, shortened, unknown_name
from rppgbench.system.fault_kinds import install_hint
from rppgbench.system.isolation import guard_process
from rppgbench.system.process_state import note_call
from rppgbench.system.toml_files import read_toml

FOLDERS = ("benchmarks", "methods", "protocols", "reports")
PROJECT = "rppgbench"
PACKAGE = "rppgbench_content"
PLUGINS = "RPPGBENCH_PLUGINS"  # in the environment, so that worker processes see the same content

Declared = TypeVar("Declared", Method, Dataset)


@dataclass(frozen=True)
class Unavailable:
    """Takes the place of a declaration that could not be loaded, and says why."""

    name: str
    reason: str


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


def checkout_root() -> Path | None:
    """The checkout of this package, or None where there is none.

    It is the checkout that the running code lies in, else the one around the current folder.
    Folders of the same names in another project are content by `--plugins` only.
    """
    package = Path(__file__).resolve().parents[1]
    around = package.parents[1]
    if package == around / "src" / package.name and _has_content(around):
        return around
    current = Path.cwd()
    return next((folder for folder in (current, *current.parents) if _is_checkout(folder)), None)


def _has_content(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in ("protocols", "methods", "benchmarks"))


def _is_checkout(folder: Path) -> bool:
    if not (_has_content(folder) and (folder / "pyproject.toml").is_file()):
        return False
    try:
        project = read_toml(folder / "pyproject.toml").get("project")
    except BenchError:
        return False
    return isinstance(project, dict) and project.get("name") == PROJECT


def content_roots() -> tuple[Path, ...]:
    """Where content lies: the checkout or the copy in the wheel, then installed packages of others.

    Others join through the entry-point group `rppgbench` (an entry names a package that holds
    folders of the same four names) or through `--plugins DIR`.
    """
    root = checkout_root() or Path(__file__).parents[1] / "_content"
    roots = [root, *_installed_roots()[0], *_plugin_folders()]
    return tuple(dict.fromkeys(root.resolve() for root in roots))


def add_plugins(folder: Path) -> None:
    """Use the content of a folder of loose files too, here and in worker processes."""
    _check_plugins(folder, "--plugins")
    os.environ[PLUGINS] = os.pathsep.join([*map(str, _plugin_folders()), str(folder.resolve())])
    clear_registry()


def _check_plugins(folder: Path, location: str) -> None:
    if not folder.is_dir():
        raise BenchError(f"{location}: {folder}: no such folder")
    if not any((folder / name).is_dir() for name in FOLDERS):
        raise BenchError(
            f"{location}: {folder} holds none of the folders {', '.join(FOLDERS)}; "
            "put a method NAME.py into DIR/methods/"
        )


def clear_registry() -> None:
    """Load again at the next question: content was added."""
    load_methods.cache_clear()
    load_datasets.cache_clear()
    for name in [n for n in sys.modules if n == PACKAGE or n.startswith(PACKAGE + ".")]:
        del sys.modules[name]


@cache
def load_methods() -> Registry[Method]:
    """Every method by name."""
    return _load("methods", Method)


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
        with _guard_import(file):
            spec.loader.exec_module(module)
    except BaseException as error:
        raise BenchError(f"{file}: does not load: {_describe_import_error(error)}") from error
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
    return Registry(available, {**_installed_roots()[1], **missing})


def _load_declarations(
    folder: str, kind: type[Declared], file: Path
) -> dict[str, Declared | Unavailable]:
    """Import a file: its declarations by name, those that cannot be used with the reason."""
    name = file.stem
    try:
        with _guard_import(file):
            module = importlib.import_module(f"{PACKAGE}.{folder}.{name}")
        declarations = _find_declarations(module, name, kind, file)
    except BaseException as error:  # one broken file must not hide all the others
        return {name: Unavailable(name, _unavailable_reason(error, file))}
    return {name: _check_requirements(declared, file) for name, declared in declarations.items()}


def _check_requirements(declaration: Declared, file: Path) -> Declared | Unavailable:
    """The declaration, or why the packages that it requires cannot be used."""
    if isinstance(declaration, Method) and declaration.requires is not None:
        try:
            with _guard_import(file):
                declaration.requires()
        except BaseException as error:
            return Unavailable(declaration.name, _unavailable_reason(error, file))
    return declaration


def _unavailable_reason(error: BaseException, file: Path) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; {install_hint(error)}"
    if isinstance(error, BenchError):
        return shortened(error_text(error))
    return f"{file}: {_describe_import_error(error)}"


@contextmanager
def _guard_import(source: Path | str) -> Iterator[None]:
    """Import code of others in here: what it prints is no part of an answer."""
    note_call(f"the import of {source}")
    with redirect_stdout(sys.stderr), guard_process():
        yield


def _describe_import_error(error: BaseException) -> str:
    """What code of others raised while it was imported; Ctrl-C stays what it is."""
    if type(error) is KeyboardInterrupt:
        raise error
    if isinstance(error, SystemExit):
        return f"ends the program when it is imported (sys.exit({error.code!r})); take that out"
    return shortened(f"{type(error).__name__}: {error_text(error)}")


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
                f"{file}: declares {value.name!r} as {name!r}; a {kind.__name__} bears the name "
                f"of its file, {stem!r}, or, where a file declares several, its variable's name, "
                f"'{stem}_...'"
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


@cache
def _installed_roots() -> tuple[tuple[Path, ...], dict[str, Unavailable]]:
    """Folders of installed packages that join, and the entry points that lead to none.

    Asking what is installed takes 20 ms.
    """
    folders: list[Path] = []
    broken: dict[str, Unavailable] = {}
    for entry in entry_points(group="rppgbench"):
        name = f"entry point {entry.name}"
        places, why = _find_places(entry.value.partition(":")[0].strip())
        if why:
            broken[name] = Unavailable(name, f"{entry.name} = {entry.value!r}: {why}")
        folders += places
    return tuple(folders), broken


def _find_places(package: str) -> tuple[list[Path], str]:
    """The folders of an installed package, or why it brings no content."""
    if not all(part.isidentifier() for part in package.split(".")):
        return [], "not the name of a package, such as loud_rppg"
    try:
        with _guard_import(package):
            spec = find_spec(package)
    except BaseException as error:
        return [], _describe_import_error(error)
    if spec is None:
        return [], "no such package is installed"
    places = [Path(place) for place in spec.submodule_search_locations or []]
    if not any((place / name).is_dir() for place in places for name in FOLDERS):
        return [], f"a package without any of the folders {', '.join(FOLDERS)}"
    return places, ""


def _plugin_folders() -> list[Path]:
    """The folders that the environment names, each looked at: none is left out in silence."""
    names = filter(None, os.environ.get(PLUGINS, "").split(os.pathsep))
    folders = [Path(name).expanduser() for name in names]
    for folder in folders:
        _check_plugins(folder, PLUGINS)
    return folders
