"""A simulated tree is made once, and anew when what it is made by has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rppgbench
from rppgbench.system.hashing import code_digest

SCRIPT = """
import sys
from pathlib import Path
import rppgbench.datasets.roots
from rppgbench.core.recording import Dataset
from rppgbench.datasets.roots import simulated_root
from rppgbench.simulation import SimulationPlan

assert Path(rppgbench.datasets.roots.__file__).is_relative_to(sys.argv[1])

def recordings(root):
    return []

def simulate(root, plan):
    import rppgbench.datasets.simulated_writers
    import rppgbench.simulation

    (root / "made").write_text(str(plan.seed))

made_up = Dataset(
    name="made_up", title="", cite="", licence="", url="", expected={},
    recordings=recordings, simulate=simulate,
)
plan = SimulationPlan(subjects=1, seconds=1.0, seed=int(sys.argv[3]))
print(simulated_root(made_up, plan, Path(sys.argv[2])))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the machine whose files may be changed."""
    package = Path(rppgbench.__file__).parent
    copied = tmp_path / "src" / "rppgbench"
    leave_out = shutil.ignore_patterns("__pycache__", "_content", "*.tflite")
    shutil.copytree(package, copied, ignore=leave_out)
    (tmp_path / "set.py").write_text(SCRIPT)
    return copied


def root(package: Path, seed: int = 0) -> Path:
    """The tree that a process with this copy of the machine takes."""
    src, base = package.parent, package.parents[1]
    process = subprocess.run(
        [sys.executable, str(base / "set.py"), str(src), str(base / "cache"), str(seed)],
        env={**os.environ, "PYTHONPATH": str(src)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not process.returncode, process.stderr
    return Path(process.stdout.strip())


def test_a_changed_generator_or_portrait_makes_another_tree(package: Path) -> None:
    first = root(package)
    assert (first / "made").read_text() == "0"
    (first / "made").write_text("kept")
    assert root(package) == first
    assert (first / "made").read_text() == "kept"  # not made again
    seen = {first, root(package, seed=1)}
    changed = ("simulation/portraits/hopper.jpg", "simulation/portraits/collins_matte.png")
    for name in (*changed, "simulation/camera.py", "datasets/simulated_writers.py"):
        with (package / name).open("ab") as file:
            file.write(b"\nEDITED = 1\n")
        seen.add(root(package))
    with (package / "simulation/person.py").open("a") as file:
        file.write("\n# A remark.\n")
    seen.add(root(package))
    (package / "report" / "page.py").write_text("")  # what nothing is made by
    seen.add(root(package))
    assert len(seen) == 6
    assert {tree.parent for tree in seen} == {first.parent}


def test_the_digest_of_code_sees_every_file_but_compiled_and_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.py", "deep/table.json"):
        (tmp_path / name).write_text("1")

    def now() -> str:
        code_digest.cache_clear()
        return code_digest(tmp_path)

    first = now()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("1")
    (tmp_path / ".a.py.swp").write_text("1")
    assert now() == first
    (tmp_path / "deep/table.json").write_text("2")
    assert now() != first
