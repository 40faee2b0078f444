"""Genuine waveforms and published results, where they lie beside the checkout."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.io import loadmat

from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.evaluator import FixedWindow
from rppgbench.evaluation.metrics import mae, r, rmse
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.evaluation.significance import paired_tests, ranks
from rppgbench.report.figures.ranks import rank_figure

from ..factories.evaluators import evaluator
from ..factories.records import make_estimate

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def published(real: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Another framework's results per video, and its heart-rate tracks."""
    folder = real / "pyvhr-results"
    return pd.read_csv(folder / "summary.csv"), pd.read_csv(folder / "series.csv.gz")


def test_published_errors_come_back_from_their_tracks(
    published: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    summary, series = published
    tracks: dict[Any, tuple[Array, Array]] = {
        key: (track["t_s"].to_numpy(), track["bpm"].to_numpy())
        for key, track in series.groupby(["file", "row", "kind"], sort=False)
    }
    files, number = summary["file"], summary.groupby("file", sort=False).cumcount()
    printed = summary[["MAE", "RMSE", "PCC"]].to_numpy(np.float64)
    result = np.empty_like(printed)
    for k, (file, row) in enumerate(zip(files, number, strict=True)):
        times, estimate = tracks[file, row, "es"]
        truth_times, truth = tracks[file, row, "gt"]
        nearest = truth[np.abs(times[:, None] - truth_times).argmin(axis=1)]
        result[k] = mae(nearest, estimate), rmse(nearest, estimate), r(nearest, estimate)
    assert len(result) == 5389
    np.testing.assert_allclose(result, printed, rtol=1e-9, atol=1e-9)


def blocks(summary: pd.DataFrame, dataset: str, approach: str) -> dict[str, Array]:
    own = summary[(summary["dataset"] == dataset) & (summary["approach"] == approach)]
    table = own.pivot_table(index="video", columns="method", values="MAE")
    return {str(name): table[name].to_numpy() for name in table}


def test_ranks_and_pairs_of_published_results(
    published: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    summary, _ = published
    scores = blocks(summary, "PURE", "holistic")
    result = ranks(scores)
    assert result.n == 59
    table = pd.DataFrame(scores)
    np.testing.assert_allclose(result.mean_rank, table.rank(axis=1).mean().to_numpy())
    assert result.p == pytest.approx(stats.friedmanchisquare(*scores.values()).pvalue)
    best = result.methods[int(result.mean_rank.argmin())]
    assert best in ("CHROM", "POS")  # PURE, mean over videos: 1.02 and 1.29 bpm
    assert result.methods[int(result.mean_rank.argmax())] in ("ICA", "PCA")
    assert any({"CHROM", "POS"} <= set(clique) for clique in result.cliques)
    tests = {frozenset((p.first, p.second)): p for p in paired_tests(scores)}
    assert tests[frozenset(("POS", "ICA"))].p_holm < 1e-4
    wilcoxon = stats.wilcoxon(scores["POS"], scores["ICA"], zero_method="zsplit").pvalue
    assert tests[frozenset(("POS", "ICA"))].p == pytest.approx(wilcoxon)


def test_nemenyi_is_scikit_posthocs_and_its_diagram_joins_who_is_alike(
    published: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    """p of scikit-posthocs 0.17.1, posthoc_nemenyi_friedman, on the same 59 videos of PURE."""
    summary, _ = published
    result = ranks(blocks(summary, "PURE", "holistic"))
    expected = {
        ("CHROM", "POS"): 0.998966,
        ("ICA", "PCA"): 0.610502,
        ("LGI", "PCA"): 0.013100,
        ("LGI", "ICA"): 0.000042,
        ("CHROM", "LGI"): 0.000005,
    }
    at = result.methods.index
    for (first, second), p in expected.items():
        assert result.p_nemenyi[at(first), at(second)] == pytest.approx(p, abs=6e-7)
    assert result.cliques == (("CHROM", "POS"), ("PCA", "ICA"))
    drawing = rank_figure(result, "video", "pyvhr", key="ranks")
    for name in result.methods:
        assert name in drawing.svg
    assert "CHROM, POS" in drawing.alt


def test_ranks_over_data_sets(published: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    summary, _ = published
    own = summary[summary["approach"] == "holistic"]
    mean = own.groupby(["dataset", "method"])["MAE"].mean().unstack()
    result = ranks({str(name): mean[name].to_numpy() for name in mean})
    assert result.n == mean["POS"].size
    assert result.mean_rank[result.methods.index("CHROM")] < 2.5
    assert not math.isnan(result.critical_difference)


def test_pos_on_a_genuine_trace_agrees_with_the_contact_sensor(real: Path) -> None:
    """UBFC-rPPG, one subject: 10 s windows every 5 s, within 1 bpm on average."""
    folder = real / "ubfc-trace"
    wave, rate, times = np.loadtxt(folder / "ground_truth.txt")
    arrays = [v for k, v in loadmat(folder / "mean_rgb.mat").items() if not k.startswith("__")]
    (rgb,) = [v for v in arrays if v.ndim == 2 and v.shape[1] == 3]
    frames = Signal(rgb.astype(np.float64), times).in_order()
    start, fs = float(frames.times_s[0]), frames.fs
    even = start + np.arange(int(frames.duration_s * fs) + 1) / fs
    trace = Waveform(frames.at(even[even <= frames.times_s[-1]], np.inf), fs, start)
    pulse = load_methods().available["pos"].estimate(trace)
    estimate = make_estimate(pulse, "r", dataset="ubfc")
    truth = GroundTruth(
        pulse=Signal(wave, times).in_order(), heart_rate=Signal(rate, times).in_order()
    )
    window = FixedWindow(kind="fixed", length_s=10.0, stride_s=5.0, shortest_s=10.0)
    by_pulse = evaluator("li2023").model_copy(update={"window": window})
    for rule in (by_pulse, by_pulse.model_copy(update={"truth": ["heart_rate"]})):
        rows = score_windows(rule, [estimate], {("ubfc", "r"): truth})
        assert len(rows) == 12
        assert not rows["missing"].any()
        limit = 1.0 if rule is by_pulse else 2.5  # the device averages over seconds past
        assert summarise(rows, resamples=0)["mae"].to_numpy()[0] < limit
    against_pulse = score_windows(by_pulse, [estimate], {("ubfc", "r"): truth})
    assert (against_pulse["snr_db"] > 0).mean() > 0.5
