"""One browser for all tests of pages."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .driving import start


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots stay: the folder that SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    if not named:
        return tmp_path_factory.mktemp("screenshots")
    Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named).resolve()


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Any]:
    driver = start(tmp_path_factory.mktemp("profile"), downloads)
    yield driver
    driver.quit()
