"""The state of this process."""

import gc
from collections.abc import Iterator

import pytest

from rppgbench.cli import main
from rppgbench.system.process_state import OBJECTS_OF_A_COLLECTION, collect_less_often


@pytest.fixture(autouse=True)
def _threshold() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "after"),
    [(700, OBJECTS_OF_A_COLLECTION), (50_000, 50_000), (0, 0)],
)
def test_cycles_are_looked_for_less_often_never_more_often(before: int, after: int) -> None:
    gc.set_threshold(before, 10, 10)
    collect_less_often()
    assert gc.get_threshold()[0] == after


def test_every_command_looks_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    gc.set_threshold(700)
    assert main(["list", "protocols"]) == 0
    assert gc.get_threshold()[0] == OBJECTS_OF_A_COLLECTION
