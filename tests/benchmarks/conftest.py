"""What the tests of readers share."""

import pytest


@pytest.fixture(autouse=True)
def _short_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trees of these tests are shorter than a run needs, so that they are made soon."""
    monkeypatch.setattr("rppgbench.datasets.recording_check.SHORTEST_S", 0.2)
