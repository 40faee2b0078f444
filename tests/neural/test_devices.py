"""The device of a computation."""

from pathlib import Path

import pytest

from rppgbench.execution import local_executor
from rppgbench.execution.run_options import RunOptions
from rppgbench.neural.devices import require_devices, resolve_device
from rppgbench.system.errors import BenchError


def test_an_unknown_device_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setenv("RPPGBENCH_DEVICE", "cpu")
    assert resolve_device() == "cpu"
    with pytest.raises(BenchError, match="--device tpu: not there"):
        resolve_device("tpu")


def test_more_devices_than_there_are_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    require_devices("cuda", 2)
    require_devices("cpu", 64)
    for device, available in (("cuda", 2), ("mps", 1)):
        with pytest.raises(BenchError, match=f"^--devices 3: of {device} there are {available}; "):
            require_devices(device, 3)


def test_the_executor_counts_devices_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    options = RunOptions(cache=tmp_path, device="cuda", devices=2)
    with pytest.raises(BenchError, match="--devices 2: of cuda there are 1"):
        local_executor.network_device(options)
