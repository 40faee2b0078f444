"""Find the folders of content: of the checkout, of installed packages and of plugins."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from rppgbench.system.errors import BenchError, error_text, shortened
from rppgbench.system.isolation import guard_process
from rppgbench.system.process_state import note_call
from rppgbench.system.toml_files import read_toml

FOLDERS = ("benchmarks", "methods", "protocols", "reports")
PROJECT = "rppgbench"
PLUGINS = "RPPGBENCH_PLUGINS"  # in the environment, so that worker processes see the same content


@dataclass(frozen=True)
class Unavailable:
    """Takes the place of a declaration that could not be loaded, and says why."""

    name: str
    reason: str


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
    roots = [root, *_installed_roots()[0], *plugin_folders()]
    return tuple(dict.fromkeys(root.resolve() for root in roots))


def check_plugins(folder: Path, location: str) -> None:
    """Refuse a folder that holds no content.

    Args:
        folder: the folder.
        location: who names it, for messages: an option or a variable of the environment.

    Raises:
        BenchError: there is no such folder, or none of `FOLDERS` is in it.
    """
    if not folder.is_dir():
        raise BenchError(f"{location}: {folder}: no such folder")
    if not any((folder / name).is_dir() for name in FOLDERS):
        raise BenchError(
            f"{location}: {folder} holds none of the folders {', '.join(FOLDERS)}; "
            "put a method NAME.py into DIR/methods/"
        )


@contextmanager
def guard_import(source: Path | str) -> Iterator[None]:
    """Import other people's code in this context: its output goes to standard error."""
    note_call(f"the import of {source}")
    with redirect_stdout(sys.stderr), guard_process():
        yield


def describe_import_error(error: BaseException) -> str:
    """Describe what an import raised; KeyboardInterrupt is raised again."""
    if type(error) is KeyboardInterrupt:
        raise error
    if isinstance(error, SystemExit):
        return f"ends the program when it is imported (sys.exit({error.code!r})); take that out"
    return shortened(f"{type(error).__name__}: {error_text(error)}")


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
        with guard_import(package):
            spec = find_spec(package)
    except BaseException as error:
        return [], describe_import_error(error)
    if spec is None:
        return [], "no such package is installed"
    places = [Path(place) for place in spec.submodule_search_locations or []]
    if not any((place / name).is_dir() for place in places for name in FOLDERS):
        return [], f"a package without any of the folders {', '.join(FOLDERS)}"
    return places, ""


def plugin_folders() -> list[Path]:
    """The folders that the environment names; BenchError for one without content."""
    names = filter(None, os.environ.get(PLUGINS, "").split(os.pathsep))
    folders = [Path(name).expanduser() for name in names]
    for folder in folders:
        check_plugins(folder, PLUGINS)
    return folders


def unavailable_roots() -> dict[str, Unavailable]:
    """The entry points that lead to no folders of content, by name, each with its reason."""
    return _installed_roots()[1]
