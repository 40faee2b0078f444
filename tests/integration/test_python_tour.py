"""The whole Python interface in one block of code, run as it stands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.cli import main

from ..factories.faces import portrait, save_video

FS = 30.0
TIME_S = np.arange(600) / FS
TOUR = """
import rppgbench as rb
pulse = rb.methods.pos(rgb, fs=30.0)
rates = rb.read_heart_rate(pulse, evaluator="li2023")
table = rb.score(estimates, references, evaluators=["li2023", "toolbox_2023"])
answer = rb.predict("face.mp4", method="pos")
rb.run("quickstart", methods=["pos", "chrom"], out="results/q")
results = rb.load_results("results/q")
dataset = rb.load_dataset("ubfc_rppg", "UBFC"); methods = rb.list_methods()
"""


@pytest.mark.protocols
def test_the_block_of_code_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rppgbench as rb

    monkeypatch.chdir(tmp_path)
    beat = np.sin(2 * np.pi * 72 / 60 * TIME_S)
    pictures = [
        np.clip(np.rint(portrait() * (1 + 0.02 * level)), 0, 255).astype(np.uint8) for level in beat
    ]
    save_video(tmp_path / "face.mp4", pictures, FS)
    assert (
        main(["simulate", "ubfc_rppg", "--out", "UBFC", "--subjects", "2", "--seconds", "5"]) == 0
    )
    names: dict[str, Any] = {
        "rgb": 100 + np.outer(beat, [0.3, 0.8, 0.5]),
        "estimates": {name: rb.Waveform(beat, FS) for name in "abc"},
        "references": {name: rb.Waveform(np.roll(beat, 3), FS) for name in "abc"},
    }
    exec(TOUR, names)
    columns = {"start_s", "duration_s", "heart_rate_bpm", "snr_db"}
    assert columns <= set(names["rates"].columns)
    assert set(names["table"]["evaluator"]) == {"li2023", "toolbox_2023"}
    assert names["answer"].pulse.samples.shape == (600,)
    assert not names["answer"].windows.empty
    assert names["answer"].plot().axes
    results = names["results"]
    assert set(results.estimates["method"]) == {"pos", "chrom"}
    assert len(results.recordings)
    assert len(results.windows("li2023"))
    assert set(results.scores("li2023")["method"]) == {"pos", "chrom"}
    assert len(names["dataset"]) == 2
    assert "pos" in names["methods"]
