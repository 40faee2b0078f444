"""Every protocol runs on simulated recordings, and a second run decodes no video.

The short form takes one protocol for each kind of split, and of the protocols from one data set to
another some with the fewest videos; `pytest -m protocols --long` takes all.
"""

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from rppgbench.cli import main
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.store.store import Store
from rppgbench.video import stream

SHORT = {
    "ubfc_intra": 3,
    "pure_to_ubfc": 1,
    "scamps_to_ibvp": 1,
    "ubfc_to_physdrive": 1,
    "vipl5fold": 5,
    "v4v": 4,
}
PEOPLE = SHORT | {
    "vipl5fold_rs4": 5,
    "vipl5fold_rhythmmamba": 5,
    "obf_intra": 5,
    "pure_mod5": 5,
    "vipl_v2_intra": 4,
    "simulated_hard": 8,
    "rlap_intra": 4,
    "ecg_fitness_intra": 3,
    "ibvp_intra": 4,
    "mcd_rppg_5fold": 5,
    "rppg_10_intra": 4,
    "mahnob_intra": 3,
    "mr_nirp_car_intra": 3,
    "physdrive_intra": 4,
    "bp4d_plus_intra": 3,
    "scamps_intra": 4,
    "sums_intra": 4,
    "vicar_intra": 5,
}
FEW = 2  # people of the other protocols
CLASSICAL = {"green", "ica", "chrom", "pos", "two_sr", "pbv", "lgi", "omit", "constant"}
PAIR = ("--train", "mmse_hr", "--test", "ubfc_rppg")  # another pair than the template's


@pytest.mark.protocols
@pytest.mark.parametrize("name", sorted(set(toml_files("protocols")) - {"quickstart"}))
def test_a_protocol_runs_simulated_and_decodes_each_video_once(
    name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name not in SHORT and not request.config.getoption("--long"):
        pytest.skip("only with --long")
    protocol = read_protocol(toml_files("protocols")[name])
    methods = [m for m in protocol.methods if m in CLASSICAL]
    arguments = ["run", "--protocol", name, "--simulate", "--methods", ",".join(methods)]
    arguments += [
        "--subjects",
        str(PEOPLE.get(name, FEW)),
        "--seconds",
        "10.5",
        "--difficulty",
        "easy",
    ]
    arguments += [*(PAIR if name == "cross" else ()), "--cache", str(tmp_path / "cache")]
    before = Counter(stream.decode_counts)
    assert main([*arguments, "--out", str(tmp_path / "first")]) == 0, capsys.readouterr().err
    decoded = stream.decode_counts - before
    assert set(decoded.values()) == {1}
    assert main([*arguments, "--out", str(tmp_path / "second")]) == 0
    assert stream.decode_counts - before == decoded
    for folder in ("first", "second"):
        store = Store(tmp_path / folder)
        assert store.missing() == 0
        assert [estimate.reason for estimate in store.estimates() if estimate.reason] == []
        assert "Simulated data" in (tmp_path / folder / "report.html").read_text()
    tested = {(estimate.dataset, estimate.recording) for estimate in store.estimates()}
    assert len(tested) <= len(decoded)  # those that are only learned from are decoded too
    table = pd.read_csv(tmp_path / "first" / "table.csv")
    assert set(table["method"]) == set(methods)
    assert table["simulated"].all()
    shutil.rmtree(tmp_path / "cache")  # pytest keeps what it made
