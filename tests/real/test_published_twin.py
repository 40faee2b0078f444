"""The page on twins: the published side of its tables, and the chain that reads the twins."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml
from rppgbench.simulation.twin import twin_recordings
from rppgbench.simulation.twin_declaration import Twin

from ..factories.scripts import load_script

DOCS = Path(__file__).parents[2] / "docs" / "measurements"
SETS = {
    "pure_v1": "PURE_holistic",
    "ubfc_rppg_v1": "UBFC2_holistic",
    "lgi_ppgi_v1": "LGI_PPGI_holistic",
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script(DOCS / "twin.py")


def declared(name: str) -> Twin:
    return read_declaration(find_toml("benchmarks/twins", "twin", name, "test"), Twin)


def test_the_second_source_is_second_by_energy(script: ModuleType) -> None:
    time_s = np.arange(2400) / 30
    sources = np.stack(
        [np.sign(np.sin(2 * np.pi * hz * time_s)) for hz in (0.71, 1.13, 2.39)], axis=1
    )
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    rgb = (sources * [3.0, 1.0, 2.0]) @ rotation.T  # the third has the second largest energy
    wave = script.second_source(rgb[None])[0]
    assert abs(np.corrcoef(wave, sources[:, 2])[0, 1]) > 0.99


def test_a_twin_with_a_clear_pulse_is_read_by_pos_and_chrom(script: ModuleType) -> None:
    twin = declared("pure_v1")
    strengths = {"light": 0.002, "specular": 0.05, "noise": 1e-4, "recordings_log_sd": 0.0}
    clear = script.with_strengths(twin, {**strengths, "pulse_log_sd": 0.0})
    clear = clear.model_copy(update={"recordings": 1, "seconds": 20.0})
    recordings = list(twin_recordings(clear, name="clear", seed=0, people=6))
    found = script.errors(recordings, clear.fs)
    assert (found[["POS", "CHROM"]].median() < 1.5).all()
    without = script.with_strengths(clear, {"pulse": 0.0})
    blind = script.errors(list(twin_recordings(without, name="clear", seed=0, people=6)), clear.fs)
    assert (blind[["POS", "CHROM"]].median() > 10).all()


@pytest.mark.real
@pytest.mark.parametrize(("name", "file"), SETS.items())
def test_the_published_quantiles_of_the_page_are_those_of_the_files(
    script: ModuleType, real: Path, name: str, file: str
) -> None:
    table = script.quantiles(script.published(real / "pyvhr-results", file))
    page = (DOCS / "twin.md").read_text(encoding="utf-8")
    section = page[page.index(f"## {name}") :]
    for method in script.METHODS:
        line = re.search(rf"^\| {method} \| (?:fitted|predicted) \| .*$", section, re.MULTILINE)
        assert line is not None
        stated = re.findall(r"\) / ([\d.]+)", line[0])
        assert stated == [f"{value:.2f}" for value in table[method]]


@pytest.mark.real
def test_pure_v1_predicts_chrom_which_it_was_not_fitted_to(script: ModuleType, real: Path) -> None:
    twin = declared("pure_v1")
    found = script.published(real / "pyvhr-results", "PURE_holistic")
    drawn = script.errors(list(twin_recordings(twin, name="pure_v1", seed=0)), twin.fs, ("CHROM",))
    assert 0.75 < drawn["CHROM"].median() / found["CHROM"].median() < 1.33
