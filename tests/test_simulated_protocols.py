"""Every protocol runs on simulated recordings, and a second run decodes no video.

The short form takes one protocol for each kind of split; `pytest -m protocols --long` takes all.
"""

from pathlib import Path

import pandas as pd
import pytest

from rppgbench import video
from rppgbench.cli import main
from rppgbench.content import toml_files
from rppgbench.protocol import read_protocol
from rppgbench.store import Store

SHORT = {"ubfc_intra": 4, "pure_to_ubfc": 1, "vipl5fold": 5, "v4v": 6}
PEOPLE = SHORT | {"vipl5fold_rs4": 5, "obf_intra": 10, "pure_mod5": 5, "vipl_v2_intra": 10}
CLASSICAL = {"green", "ica", "chrom", "pos", "two_sr", "pbv", "lgi", "omit", "constant"}


@pytest.mark.protocols
@pytest.mark.parametrize("name", sorted(set(toml_files("protocols")) - {"quickstart"}))
def test_a_protocol_runs_simulated_and_decodes_once(
    name: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name not in SHORT and not request.config.getoption("--long"):
        pytest.skip("only with --long")
    protocol = read_protocol(toml_files("protocols")[name])
    methods = [m for m in protocol.methods if m in CLASSICAL]
    cache = tmp_path_factory.getbasetemp() / "protocols"  # trees and features are shared
    words = ["run", "--protocol", name, "--simulate", "--methods", ",".join(methods)]
    words += ["--subjects", str(PEOPLE.get(name, 4)), "--seconds", "10.5", "--difficulty", "easy"]
    words += ["--cache", str(cache)]
    code = main([*words, "--out", str(tmp_path / "first")])
    said = capsys.readouterr()
    assert code in {0, 3}, said.err
    before = dict(video.passes)
    assert main([*words, "--out", str(tmp_path / "second")]) == code
    assert dict(video.passes) == before
    for folder in ("first", "second"):
        assert Store(tmp_path / folder).missing() == 0
        page = (tmp_path / folder / "report.html").read_text()
        assert "Simulated data" in page
    table = pd.read_csv(tmp_path / "first" / "table.csv")
    assert set(table["method"]) == set(methods)
    assert table["simulated"].all()
    failed = [e for e in Store(tmp_path / "first").estimates() if e.reason]
    assert len(failed) <= 0.1 * len(list(Store(tmp_path / "first").estimates())), failed[0].reason
