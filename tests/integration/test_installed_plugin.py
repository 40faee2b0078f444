"""A package of somebody else's, from docs/how_to/plugins.md: built, installed, found and run."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rppgbench.simulation import SimulationPlan

from ..conftest import ROOT

BLOCK = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def wheel(folder: Path, files: dict[str, str]) -> Path:
    """The package as a wheel, by the binary distribution format; no build tool is needed."""
    project = tomllib.loads(files["pyproject.toml"])["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    entries = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    inside = {path: text for path, text in files.items() if path != "pyproject.toml"} | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": "\n".join(entries),
    }
    inside[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*inside, f"{info}/RECORD"])
    file = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as packed:
        for path, text in inside.items():
            packed.writestr(path, text)
    return file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on the import path into which pip has installed the page's package."""
    folder = tmp_path_factory.mktemp("outsiders")
    page = (ROOT / "docs" / "how_to" / "plugins.md").read_text(encoding="utf-8")
    files = dict(BLOCK.findall(page))
    assert set(files) >= {"pyproject.toml", "loud_rppg/methods/loud_green.py"}
    arguments = ["install", "--quiet", "--no-index", "--no-deps", "--target", str(folder / "site")]
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments, str(wheel(folder, files))],
        check=True,
        capture_output=True,
    )
    return folder / "site"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated person in the layout of that package's data set."""
    from rppgbench.core.registry import load_datasets

    folder = tmp_path_factory.mktemp("lab")
    make = load_datasets().available["ubfc_rppg_1"].simulate
    assert make is not None
    make(folder / "made", SimulationPlan(subjects=1, seconds=11.0, seed=0, difficulty="easy"))
    for person in sorted((folder / "made" / "DATASET_1").iterdir()):
        name = person.name.partition("-")[0]
        (person / "vid.avi").rename(folder / f"{name}.avi")
        table = np.loadtxt(person / "gtdump.xmp", delimiter=",")
        seconds_and_pulse = np.stack([table[:, 0] / 1000, table[:, 3]], axis=1)
        np.savetxt(folder / f"{name}.csv", seconds_and_pulse, delimiter=",")
    return folder


def bench(site: Path, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from rppgbench.cli import main; raise SystemExit(main())",
            *arguments,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT / "src")])},
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
    )


def test_an_installed_package_s_content_is_listed_and_checked(site: Path, tmp_path: Path) -> None:
    process = bench(site, tmp_path, "list", "--json")
    assert process.returncode == 0, process.stderr
    listed = json.loads(process.stdout)
    assert listed["methods"]["loud_green"]["title"] == "Loud green"
    assert listed["benchmarks"]["our_lab"]["title"] == "Our lab's recordings"
    assert listed["protocols"]["our_lab_all"]["title"] == "Everybody of our lab"
    assert "pos" in listed["methods"]
    process = bench(site, tmp_path, "check", "loud_green")
    assert process.returncode == 0, process.stdout
    assert {line.split("  ")[0] for line in process.stdout.splitlines()} == {"kept", "not tried"}


def test_its_method_runs_on_its_data_under_its_protocol(
    site: Path, lab: Path, tmp_path: Path
) -> None:
    process = bench(site, tmp_path, "data", "check", "our_lab", str(lab))
    assert process.returncode == 0, process.stderr
    arguments = ["--data", f"our_lab={lab}", "--cache", "cache", "--out", "results"]
    process = bench(site, tmp_path, "run", "--protocol", "our_lab_all", *arguments, "--jobs", "1")
    assert process.returncode == 0, process.stderr
    page = (tmp_path / "results" / "report.html").read_text()
    assert "loud_green" in page
    with (tmp_path / "results" / "table.csv").open(newline="") as table:
        rows = {row["method"]: row for row in csv.DictReader(table)}
    assert float(rows["loud_green"]["coverage"]) == 1.0
    assert float(rows["loud_green"]["mae"]) < 5.0


def test_without_the_package_there_is_no_such_method(tmp_path: Path) -> None:
    process = bench(tmp_path, tmp_path, "check", "loud_green")
    assert process.returncode == 2
    (line,) = process.stderr.strip().splitlines()
    assert "no declaration 'loud_green'" in line
