"""What a learned method learns from in a sweep: untouched videos, or those of its condition."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.core.model_files import is_model
from rppgbench.core.registry import toml_files
from rppgbench.store.store import Store

pytestmark = pytest.mark.protocols

SEEDS = 2
CONDITIONS = """
[[conditions]]
name = "raw"
kind = "none"
params = {}

[[conditions]]
name = "crf_30"
kind = "compression"
params = { codec = "libx264", preset = "veryfast", crf = 30, faces = "found" }
"""
CHANGES = {
    "subjects": "subjects = 2",
    "seconds": "seconds = 11.0",
    "epochs": "epochs = 2",
    "seeds": f"seeds = {list(range(SEEDS))}",
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep at smoke scale, still smaller, both ways of training."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "protocols").mkdir()
    shipped = toml_files("protocols")["ubfc_crf_smoke"].read_text(encoding="utf-8")
    lines = shipped.split("[[conditions]]")[0].splitlines()
    lines = [CHANGES.get(line.split(" = ")[0], line) for line in lines]
    text = "\n".join(lines) + CONDITIONS
    for train_on in ("clean", "same"):
        own = text.replace('train_on = "clean"', f'train_on = "{train_on}"')
        (folder / "protocols" / f"sweep_{train_on}.toml").write_text(own)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(("train_on", "models"), [("clean", SEEDS), ("same", 2 * SEEDS)])
def test_a_network_is_learned_for_each_seed_and_where_declared_each_condition(
    train_on: str, models: int, plugins: Path, cache: Path, tmp_path: Path
) -> None:
    arguments = ["run", "--protocol", f"sweep_{train_on}", "--plugins", str(plugins), "--simulate"]
    arguments += ["--methods", "co_rectification,pos", "--cache", str(cache)]
    out = tmp_path / "results"
    assert main([*arguments, "--out", str(out)]) == 0
    estimates = {(e.method, e.condition, e.seed): e for e in Store(out).estimates()}
    learned = {key for key in estimates if key[0] == "co_rectification"}
    expected = {("co_rectification", c, seed) for c in ("raw", "crf_30") for seed in range(SEEDS)}
    assert learned == expected
    assert all(one.waveform is not None for one in estimates.values())
    fits = json.loads((out / "manifest.json").read_text())["fits"]
    assert len(fits) == models
    assert {fit["condition"] for fit in fits} == (
        {"none"} if train_on == "clean" else {"raw", "crf_30"}
    )
    kept = {fit["digest"]: is_model(out / "models" / fit["digest"]) for fit in fits}
    assert all(kept.values())
    page = (out / "report.html").read_text()
    assert "What each setting costs" in page
    assert "SIMULATED" in page
