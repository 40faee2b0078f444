"""What every test shares: a cache of its own, no user configuration, seeds that are told."""

import ast
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
KEPT = {"RPPGBENCH_ORACLES", "RPPGBENCH_OPEN_RPPG_PYTHON"}


@pytest.fixture(autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, settings or plugins, or depends on the terminal."""
    if os.environ.pop("RPPGBENCH_PLUGINS", ""):  # of a command in an earlier test
        from rppgbench.core.registry import clear_registry

        clear_registry()
    for name in [n for n in os.environ if n.startswith("RPPGBENCH_") and n not in KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)  # which parallel runs of tests set
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Networks compute on one thread: sums have one order, and tests side by side a core each."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def real() -> Path:
    """The genuine recordings, where they lie beside the checkout."""
    folder = SHARED / "real"
    if not folder.is_dir():
        pytest.skip(f"needs the genuine recordings in {folder}")
    return folder


NO_TORCH = "needs PyTorch: pip install 'rppgbench[neural]'"
OF_TORCH = ("torch", "lightning_fabric", "rppgbench.neural")


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Where PyTorch is not installed, a module of tests that imports it is skipped with a reason.

    This and the marker `torch`, for single tests, are the only places that know.
    """
    if find_spec("torch") is None and _imports_torch(module_path):
        return _NeedsTorch.from_parent(parent, path=module_path)
    return None


class _NeedsTorch(pytest.Module):
    """A module that is not imported."""

    def collect(self) -> list[pytest.Item]:
        pytest.skip(NO_TORCH, allow_module_level=True)


def _imports_torch(file: Path) -> bool:
    """Whether a file imports PyTorch, or what imports it, when it is imported itself."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return any(name == one or name.startswith(f"{one}.") for name in names for one in OF_TORCH)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test with the marker `torch` is skipped where there is none."""
    if item.get_closest_marker("torch") and find_spec("torch") is None:
        pytest.skip(NO_TORCH)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The slow forms of fault and learning runs."""
    parser.addoption("--long", action="store_true", help="ten kills, full trainings")
