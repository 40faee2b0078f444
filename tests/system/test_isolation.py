"""A call leaves nothing behind for the next one."""

import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.system.isolation import isolated

Look = Callable[[], Any]


def state_of_numpy() -> Any:
    return np.random.get_state(legacy=False)["state"]["key"].tolist()


def mistreat_torch() -> None:
    import torch

    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(99)
    torch.use_deterministic_algorithms(True, warn_only=True)


def state_of_torch() -> Any:
    import torch

    state = torch.get_rng_state().tolist()
    return (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        state,
    )


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def timer_runs() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


@pytest.mark.parametrize(
    ("change", "look"),
    [
        (lambda: os.chdir("/"), Path.cwd),
        (lambda: np.seterr(all="raise"), np.geterr),
        (lambda: random.seed(3), random.getstate),
        (lambda: np.random.seed(3), state_of_numpy),
        (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
        (lambda: os.environ.update(LEFT="1", HOME="/nowhere"), lambda: dict(os.environ)),
        (lambda: os.environ.pop("HOME"), lambda: dict(os.environ)),
        (lambda: sys.path.insert(0, "/nowhere"), lambda: list(sys.path)),
        (lambda: os.umask(0o177), umask),
        (lambda: signal.signal(signal.SIGTERM, print), lambda: signal.getsignal(signal.SIGTERM)),
        (lambda: signal.setitimer(signal.ITIMER_REAL, 1000), timer_runs),
        pytest.param(mistreat_torch, state_of_torch, marks=pytest.mark.torch),
    ],
    ids=[
        *("folder", "numpy", "random", "random-numpy", "warnings", "more", "less", "path"),
        *("umask", "signal", "timer", "torch"),
    ],
)
def test_what_a_call_changes_in_the_process_is_put_back(change: Look, look: Look) -> None:
    before = look()
    with isolated():
        change()
        assert look() != before
    assert look() == before
    with pytest.raises(KeyError):
        _fail_in(change)
    assert look() == before


@pytest.mark.torch
def test_a_call_that_changes_nothing_does_not_load_torch_s_compiler() -> None:
    program = (
        "import sys, torch\n"
        "from rppgbench.system.isolation import isolated\n"
        "with isolated(): pass\n"
        "assert 'torch._inductor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class Stopped(KeyboardInterrupt):
    """Not Ctrl-C, which is KeyboardInterrupt itself."""


@pytest.mark.parametrize("raised", [GeneratorExit, Stopped, type("Own", (BaseException,), {})])
def test_what_is_no_exception_by_python_s_rules_is_a_bug_too(raised: type[BaseException]) -> None:
    with pytest.raises(RuntimeError, match=f"it raised {raised.__name__}: x"), isolated():
        raise raised("x")


def test_ctrl_c_stays_what_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), isolated():
        raise KeyboardInterrupt


def _fail_in(change: Look) -> None:
    with isolated():
        change()
        raise KeyError("a call that fails")


@pytest.mark.parametrize(
    ("leave", "says"),
    [
        (lambda: sys.exit(0), r"it called sys.exit\(0\)"),
        (sys.exit, r"it called sys.exit\(\)"),
        (lambda: os._exit(0), r"it called sys.exit\(0\)"),
    ],
)
def test_a_call_does_not_end_the_process(leave: Callable[[], None], says: str) -> None:
    really = os._exit
    with pytest.raises(RuntimeError, match=says), isolated():
        leave()
    assert os._exit is really


LEAVES = """
import concurrent.futures, sys, threading, time
from rppgbench.system.isolation import isolated
from rppgbench.system.process_state import exit_without_threads
with isolated():
    if {left}:
        threading.Thread(target=time.sleep, args=(600,)).start()
        concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 600)
print("said")
exit_without_threads(3)
sys.exit(4)
"""


@pytest.mark.parametrize(("left", "code"), [(True, 3), (False, 4)])
def test_threads_that_a_call_left_do_not_keep_the_command(left: bool, code: int) -> None:
    arguments = [sys.executable, "-c", LEAVES.format(left=left)]
    process = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert (process.returncode, process.stdout) == (code, "said\n"), process.stderr


FILES = """
import resource
from rppgbench.system.process_state import raise_file_limit
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
raise_file_limit()
now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
assert now >= min(65536, hard if hard > 0 else 65536), (now, hard)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_command_takes_as_many_open_files_as_it_may() -> None:
    subprocess.run([sys.executable, "-c", FILES], check=True, timeout=120)
