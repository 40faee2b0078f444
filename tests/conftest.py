"""What every test shares: a cache of its own, no user configuration, seeds that are told."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
KEPT = {"RPPGBENCH_ORACLES", "RPPGBENCH_OPEN_RPPG_PYTHON"}


@pytest.fixture(autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, settings or plugins."""
    for name in [n for n in os.environ if n.startswith("RPPGBENCH_") and n not in KEPT]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.fixture(scope="session")
def real() -> Path:
    """The genuine recordings, where they lie beside the checkout."""
    folder = SHARED / "real"
    if not folder.is_dir():
        pytest.skip(f"needs the genuine recordings in {folder}")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """The slow forms of fault and learning runs."""
    parser.addoption("--long", action="store_true", help="ten kills, full trainings")
