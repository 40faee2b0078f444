"""Where modules lie: in folders, or in installed packages, which count by their version."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distributions,
    entry_points,
    version,
)
from importlib.util import find_spec
from inspect import getmodulename
from pathlib import Path

OWN = "rppgbench"
INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class ModulePlace:
    """Where a module lies: its file, where its submodules are, or the package that it is of."""

    file: Path | None = None
    folders: tuple[Path, ...] = ()
    package: str = ""

    @property
    def is_package(self) -> bool:
        """Whether the module is a folder with an `__init__.py`."""
        return self.file is not None and self.file.name == "__init__.py"


def find_in_folder(folder: Path, name: str) -> ModulePlace | None:
    """Where a folder has a package, a module or a folder without code of that name.

    Args:
        folder: the folder.
        name: the last part of the module's name.
    """
    inner = folder / name
    if (start := inner / "__init__.py").is_file():
        return ModulePlace(start, (inner,))
    for suffix in (".py", *EXTENSION_SUFFIXES):
        if (file := folder / f"{name}{suffix}").is_file():
            return ModulePlace(file)
    return ModulePlace(None, (inner,)) if inner.is_dir() else None


def locate_loaded(module: object) -> ModulePlace | None:
    """Where a module that is imported already lies; None where it is of no file."""
    file = getattr(module, "__file__", None)
    folders = tuple(map(Path, getattr(module, "__path__", ())))
    return ModulePlace(Path(file) if file else None, folders) if file or folders else None


def locate_top_module(name: str) -> ModulePlace | None:
    """Where a module without a dot in its name lies; of an installed package only its name."""
    if name in sys.modules:
        place = locate_loaded(sys.modules[name])
    else:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            spec = None
        file = Path(spec.origin) if spec and spec.has_location and spec.origin else None
        folders = tuple(map(Path, (spec.submodule_search_locations or ()) if spec else ()))
        place = ModulePlace(file, folders) if file or folders else None
    if place is None:
        return None
    paths = [*filter(None, [place.file]), *place.folders]
    owners = _owners(name)
    is_installed = any(INSTALLED & set(path.parts) for path in paths)
    if is_installed and owners and not set(owners) & _joining_distributions():
        return ModulePlace(package=name)
    return place


@cache
def _owners(name: str) -> tuple[str, ...]:
    """The distributions that install a top-level package or module of that name.

    As `packages_distributions` finds them, which parses the lists of files of all distributions:
    a tenth of a second, of which one name needs a tenth.
    """
    return tuple(
        distribution.name
        for distribution, declared, record in _installed()
        if name in declared or (not declared and _installs(record, name))
    )


@cache
def _installed() -> tuple[tuple[Distribution, frozenset[str], str], ...]:
    """Each distribution with the top-level names that it declares, and its list of files."""
    return tuple(
        (
            distribution,
            frozenset((distribution.read_text("top_level.txt") or "").split()),
            distribution.read_text("RECORD") or "",
        )
        for distribution in distributions()
    )


def _installs(record: str, name: str) -> bool:
    """Whether a list of files holds a top-level folder or module of that name.

    >>> record = "six.py,sha256=x,1\\nnumpy/__init__.py,,\\nnumpy-2.0.dist-info/RECORD,,\\n"
    >>> [_installs(record, name) for name in ("six", "numpy", "num", "py")]
    [True, True, False, False]
    """
    if name not in record:
        return False
    pattern = re.compile(rf'^"?{re.escape(name)}(?:/|(?P<suffix>\.[^/,"]*)"?,)', re.MULTILINE)
    return any(
        not match["suffix"] or getmodulename(name + match["suffix"]) == name
        for match in pattern.finditer(record)
    )


@cache
def _joining_distributions() -> frozenset[str]:
    """The distributions that join by entry point: their code is followed, not their version."""
    entries = entry_points(group=OWN)
    return frozenset(entry.dist.name for entry in entries if entry.dist is not None)


def package_version(module: str, place: ModulePlace | None) -> tuple[str, str]:
    """An installed package and its version, or that there is none.

    Args:
        module: a module of the package.
        place: where it lies; None where it is not found.
    """
    name = module.split(".", maxsplit=1)[0]
    if place is None:
        return f"package {name}", "not installed"
    return f"package {name}", _versions(name)


@cache
def _versions(name: str) -> str:
    versions = []
    for distribution in sorted(set(_owners(name))):
        try:
            versions.append(f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            continue
    return ", ".join(versions)
