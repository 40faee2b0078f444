"""Batches read ahead by threads: order, bytes, errors and the end of the threads."""

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from rppgbench.neural import feeding
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.feeding import AHEAD, feed, to_tensors, worker_count

from ..factories.batches import make_batches

CPU = torch.device("cpu")


def noise(number: int, rng: np.random.Generator) -> dict[str, Any]:
    time.sleep(0.002 * (number % 3 == 0))  # later batches are ready before earlier ones
    return {"number": np.full(2, number), "noise": rng.standard_normal((2, 3))}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_batches_have_the_same_bytes_and_order_with_any_number_of_threads(workers: int) -> None:
    def random_order(rng: np.random.Generator) -> list[list[tuple[int, int]]]:
        return [[(int(number), 0)] for number in rng.permutation(12)]

    source = BatchSource(random_order, lambda starts, rng: noise(starts[0][0], rng))
    alone, shared = (list(feed(source, 7, CPU, count)) for count in (0, workers))
    assert [int(b["number"][0]) for b in alone] != sorted(int(b["number"][0]) for b in alone)
    assert len(alone) == len(shared) == 12
    for first, second in zip(alone, shared, strict=True):
        assert all(torch.equal(first[name], second[name]) for name in first)
    other = next(feed(source, 8, CPU, workers))
    assert not torch.equal(other["noise"], alone[0]["noise"])


def test_an_error_is_raised_where_its_batch_is_taken() -> None:
    def broken(number: int, rng: np.random.Generator) -> dict[str, Any]:
        if number == 2:
            raise RuntimeError("unreadable")
        return noise(number, rng)

    stream = feed(make_batches(9, broken), 0, CPU, 2)
    assert [int(next(stream)["number"][0]) for _ in range(2)] == [0, 1]
    with pytest.raises(RuntimeError, match="unreadable"):
        next(stream)


def test_no_more_is_read_than_is_wanted_soon_and_the_threads_end() -> None:
    read: list[int] = []

    def count(number: int, rng: np.random.Generator) -> dict[str, Any]:
        read.append(number)
        return noise(number, rng)

    before = set(threading.enumerate())
    stream = feed(make_batches(1000, count), 0, CPU, 2)
    next(stream)
    time.sleep(0.05)
    assert len(read) <= 2 + AHEAD
    stream.close()
    assert set(threading.enumerate()) == before


def test_reading_happens_in_other_threads() -> None:
    def named(number: int, rng: np.random.Generator) -> dict[str, Any]:
        is_main = threading.current_thread() is threading.main_thread()
        return {"main": np.array([is_main])}

    assert not any(bool(b["main"]) for b in feed(make_batches(3, named), 0, CPU, 1))


def test_a_device_apart_from_the_processor_leaves_it_to_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for cores, workers in ((1, 1), (2, 1), (6, 3), (64, feeding.MAX_WORKERS)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, c=cores: range(c), raising=False)
        assert worker_count("cuda") == workers
        assert worker_count("cpu") == 1


def test_mps_gets_no_float64() -> None:
    batch: Batch = {"speed": np.ones(2), "clip": np.ones(2, np.uint8), "at": np.ones(2, np.float32)}
    types = {name: tensor.dtype for name, tensor in to_tensors(batch, torch.device("mps")).items()}
    assert types == {"speed": torch.float32, "clip": torch.uint8, "at": torch.float32}
    assert to_tensors(batch, CPU)["speed"].dtype == torch.float64
