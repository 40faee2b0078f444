"""Every kind of verdict, by the rule and from results folders; which reading it judges."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.papers.declaration import COVERED, Measured, OtherReading
from rppgbench.papers.verdicts import WORDS, judge_line

from ..factories.paper_results import RATES_BPM, store

pytestmark = pytest.mark.torch  # the papers' methods are networks


def measured(interval: tuple[float, float, float], **changes: Any) -> Measured:
    """What was measured of one row, MAE alone."""
    values: dict[str, Any] = {
        "values": {"mae": interval},
        "recordings": 12,
        "subjects": 12,
        "expected": 12,
        "evaluator": "li2023",
        "origin": "here",
        "simulated": False,
    }
    return Measured(**values | changes)


def covered(interval: tuple[float, float, float]) -> tuple[OtherReading, ...]:
    reading = OtherReading(
        name=COVERED, values={"mae": interval}, recordings=11, subjects=11, coverage=1.0
    )
    return (reading,)


INSIDE, OUTSIDE = (5.2, 4.5, 6.0), (9.0, 8.0, 10.0)


@pytest.mark.parametrize(
    ("fill", "word", "why"),
    [
        (measured(INSIDE), "reproduced", "the interval covers 5"),
        (measured(OUTSIDE), "worse", "4 above the printed value"),
        (measured((1.0, 0.5, 1.5)), "better", "4 below the printed value"),
        (measured(INSIDE, n_printed=False), "within the interval, n unknown", "ours is 12"),
        (measured(OUTSIDE, n_printed=False), "outside the interval, n unknown", "worse: 4 above"),
        (
            measured(OUTSIDE, coverage=0.99, readings=covered(INSIDE)),
            "estimates missing",
            "99.0 % of the windows have an estimate; missing estimates at their declared cost: "
            "worse; covered windows only: reproduced",
        ),
        (measured(INSIDE, obstacles=("another split",)), "not comparable", "another split"),
        (measured((np.nan,) * 3), "not comparable", "not defined here"),
        (measured(INSIDE, imported="a file"), "imported", "predictions of another tool: a file"),
        # what is imported, or of another rule, says so before anything else
        (
            measured(INSIDE, imported="a file", obstacles=("another n",), n_printed=False),
            "imported",
            "a file",
        ),
        (
            measured(INSIDE, obstacles=("another n",), n_printed=False, readings=covered(INSIDE)),
            "not comparable",
            "another n",
        ),
        (
            measured(INSIDE, n_printed=False, readings=covered(INSIDE), coverage=0.5),
            "estimates missing",
            "50.0 %",
        ),
    ],
)
def test_each_kind_of_verdict(fill: Measured, word: str, why: str) -> None:
    verdict = judge_line(5.0, "mae", fill)
    assert verdict.word == word
    assert word in WORDS
    assert why in verdict.why


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ours(
    capsys: pytest.CaptureFixture[str], table: str = "li2023_table1", setting: str = "UBFC-rPPG"
) -> dict[str, dict[str, str]]:
    """The rows of a setting by their name, from what is stored."""
    capsys.readouterr()
    main(["table", table, "--stored", "--format", "csv"])
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    return {row["method"]: row for row in rows if row.get("setting", setting) == setting}


METHOD = {"co_rectification": 0.3}


def test_whole_estimates_have_one_reading_and_a_verdict(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(here / "results/ubfc_intra", "ubfc_intra", methods=METHOD)
    rows = ours(capsys)
    assert rows["Co-rectification"]["verdict"] == "reproduced"
    assert rows["Co-rectification"]["coverage"] == "100.0"
    assert "Co-rectification, covered only" not in rows


def test_missing_estimates_show_both_numbers_and_the_coverage(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six of 12 recordings without an estimate cost the far edge of the band: 90 to 120 bpm."""
    store(here / "results/ubfc_intra", "ubfc_intra", methods=METHOD, missing=6)
    rows = ours(capsys)
    row, only = rows["Co-rectification"], rows["Co-rectification, covered only"]
    costs = [180 - rate for rate in RATES_BPM[:6]]
    assert float(row["mae_measured"]) == pytest.approx((6 * 0.3 + sum(costs)) / 12, abs=0.1)
    assert float(only["mae_measured"]) == pytest.approx(0.3, abs=0.02)
    assert float(row["coverage"]) == 50.0
    assert only["coverage"] == "100.0"
    assert only["mae_printed"] == ""
    assert row["verdict"].startswith("estimates missing (50.0 % of the windows have an estimate")
    assert "at their declared cost: worse; covered windows only: reproduced" in row["verdict"]


def test_a_method_whose_every_estimate_failed_has_failed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(here / "results/ubfc_intra", "ubfc_intra", methods=METHOD, missing=12)
    assert ours(capsys)["Co-rectification"]["verdict"] == "failed: no face"


def test_a_method_that_lacks_an_estimate_leaves_the_others_in_the_table(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = METHOD | {"pos": 2.0}
    store(here / "results/ubfc_intra", "ubfc_intra", methods=methods, lost="co_rectification")
    rows = ours(capsys)
    text = "failed: 1 of 12 planned estimates of co_rectification are missing"
    assert rows["Co-rectification"]["verdict"] == text
    assert float(rows["POS"]["mae_measured"]) == pytest.approx(2.0, abs=0.02)


def test_imported_predictions_are_no_reproduction(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"source": "p.csv", "sha256": "0" * 64, "format": "table", "assumptions": []}
    changes = {"imports": {"co_rectification": {**record, "references": "the source itself"}}}
    store(here / "results/ubfc_intra", "ubfc_intra", methods=METHOD, changes=changes)
    text = ours(capsys)["Co-rectification"]["verdict"]
    assert text.startswith("imported (predictions of another tool: p.csv, sha256 0000")


def test_folds_of_a_published_list_are_not_proven_to_be_the_set_s_own(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"folds_from": "vipl-5fold-rhythmmamba"}
    store(here / "results/vipl5fold", "vipl5fold", methods=METHOD, changes=changes)
    text = ours(capsys, "li2023_table2", "VIPL-HR")["Co-rectification"]["verdict"]
    assert "folds of vipl-5fold-rhythmmamba: probably, but not provably, the set's own" in text


def test_table_2_is_read_clip_by_clip_against_the_device_and_by_video_beside_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two clips of 10 s in each of 12 recordings; the pulse of the set counts for nothing."""
    store(here / "results/vipl5fold", "vipl5fold", methods=METHOD)
    rows = ours(capsys, "li2023_table2", "VIPL-HR")
    by_clip, by_video = rows["Co-rectification"], rows["Co-rectification, read by vipl"]
    for row in (by_clip, by_video):
        assert float(row["mae_measured"]) == pytest.approx(0.3, abs=0.02)
    assert by_video["verdict"] == "another reading, no verdict"
    assert by_video["mae_printed"] == ""
    assert by_clip["verdict"].startswith("not comparable (another n: 12 recordings")


def test_the_cell_of_a_best_epoch_says_the_command(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ours(capsys, "li2023_table2", "VIPL-HR")["Contrast-Phys, best epoch (oracle)"]
    assert row["verdict"].startswith("not run: ")
    assert row["verdict"].endswith("bench table --every-epoch")
    assert row["mae_printed"] == "32.1"


def test_recordings_without_a_window_have_no_coverage(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recordings of 20 s hold no window of the 30 s of contrast_phys."""
    store(here / "results/ubfc_intra", "ubfc_intra", methods={"contrast_phys": 0.0})
    row = ours(capsys)["Contrast-Phys"]
    assert (row["n"], row["coverage"]) == ("0.0", "")


def test_rows_of_another_rule_or_split_declare_it() -> None:
    """A printed value that was taken over from another paper gets no verdict."""
    from rppgbench.papers.declaration import read_table

    reports = Path(__file__).parents[2] / "reports"
    lines = {
        (name, line.setting.label, line.method.printed): line
        for name in ("li2023_table1", "li2023_table2", "li2023_table4")
        for line in read_table(reports / f"{name}.toml")[1]
    }
    taken = [
        *[("li2023_table1", "PURE", m) for m in ("Gideon2021", "CHROM", "2SR")],
        *[
            ("li2023_table2", "VIPL-HR", m)
            for m in ("POS", "CHROM", "DeepPhys", "PhysFormer", "RhythmNet")
        ],
        *[("li2023_table4", "V4V", m) for m in ("GREEN", "POS", "ICA", "DeepPhys", "TS-CAN")],
    ]
    assert [key for key in taken if not lines[key].method.differs] == []
    assert lines["li2023_table1", "PURE", "Gideon2021"].method.evaluator == "gideon2021"
    assert lines["li2023_table1", "UBFC-rPPG", "Gideon2021"].method.evaluator == "contrast_phys"
    assert lines["li2023_table2", "VIPL-HR", "Gideon2021"].method.params == {"preset": "saliency"}
