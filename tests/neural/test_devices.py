"""The device of a computation."""

import pytest

from rppgbench.neural.devices import resolve_device
from rppgbench.system.errors import BenchError


def test_an_unknown_device_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setenv("RPPGBENCH_DEVICE", "cpu")
    assert resolve_device() == "cpu"
    with pytest.raises(BenchError, match="--device tpu: not there"):
        resolve_device("tpu")
