"""The sweep in the report: which settings, which seeds, where errors double."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rppgbench.analysis.sweeps import collapsed_seeds, sweep_settings
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.report.inputs import Scores
from rppgbench.report.sections.sweep import Setting, conditions_to_draw, sweep_sections
from rppgbench.report.tables.table import Table
from rppgbench.store.schema import RecordingInfo

from ..factories.records import make_recording_info

X264 = {"codec": "libx264", "faces": "original", "gop": 250}
CONDITIONS = [
    {"name": "fine", "kind": "compression", "params": {**X264, "crf": 6}},
    {"name": "raw", "kind": "none", "params": {}},
    {"name": "coarse", "kind": "compression", "params": {**X264, "crf": 18}},
    {"name": "vp9", "kind": "compression", "params": {**X264, "codec": "libvpx-vp9", "crf": 30}},
    {"name": "noise_2", "kind": "noise", "params": {"std": 2.0, "seed": 0}},
    {"name": "noise_4", "kind": "noise", "params": {"std": 4.0, "seed": 0}},
]
ERRORS_BPM = {"raw": 1.0, "fine": 1.5, "coarse": 4.5}
SEEDS = range(3)


def observed(recording: str, condition: str, **measured: float | str) -> RecordingInfo:
    facts = {"condition": measured} if measured else {}
    return make_recording_info(recording, subject=recording, condition=condition, metadata=facts)


def test_settings_are_ordered_and_averaged_and_know_what_they_differ_in() -> None:
    seen = [
        observed("a", "fine", bit_rate_kbps=100.0, psnr_db=40.0, ssim=0.9, encoder="x264 core 1"),
        observed("b", "fine", bit_rate_kbps=300.0, psnr_db=42.0, ssim=0.7, encoder="x264 core 1"),
        observed("a", "raw"),
    ]
    settings = sweep_settings(CONDITIONS, seen)
    assert [s.name for s in settings] == ["raw", "fine", "coarse", "vp9", "noise_2", "noise_4"]
    raw, fine, coarse, vp9, noise, _ = settings
    assert (raw.series, raw.parameter) == ("", "")
    assert (fine.bit_rate_kbps, fine.psnr_db, fine.ssim) == pytest.approx((200.0, 41.0, 0.8))
    assert fine.encoder == "x264 core 1"
    assert math.isnan(raw.bit_rate_kbps)
    assert (fine.parameter, fine.strength, coarse.strength) == ("rate factor", 6.0, 18.0)
    assert vp9.parameter == ""  # alone in its series: nothing to compare it with
    assert (noise.series, noise.parameter, noise.strength) == ("noise", "noise", 2.0)


def test_collapsed_seeds_stand_behind_the_conditions_they_were_learned_for() -> None:
    models = [
        {"method": "net", "seed": 1, "collapse": {"verdict": "collapsed"}, "condition": "none"},
        {"method": "net", "seed": 2, "collapse": {"verdict": "learned"}, "condition": "none"},
        {"method": "constant", "seed": 0},
    ]
    names = {one["name"] for one in CONDITIONS}
    assert collapsed_seeds(models, CONDITIONS, "clean") == {("net", name, 1) for name in names}
    own = [{**models[0], "condition": "coarse"}]
    assert collapsed_seeds(own, CONDITIONS, "same") == {("net", "coarse", 1)}


def scores() -> Scores:
    """A network whose seed k has k times the error of the first, and two methods without seeds."""
    rows, seeds = [], []
    for condition, error in ERRORS_BPM.items():
        for method in ("net", "pos", "constant"):
            several = len(SEEDS) if method == "net" else 1
            own = [error * (seed + 1) for seed in range(several)]
            rows.append(
                {
                    "method": method,
                    "condition": condition,
                    "n_seeds": several,
                    "rmse": float(np.mean(own)),
                    "rmse_low": error - 0.5,
                    "rmse_high": error + 0.5,
                    "rmse_seed_std": float(np.std(own, ddof=1)) if several > 1 else math.nan,
                }
            )
            seeds += [
                {"method": method, "condition": condition, "seed": seed, "rmse": value}
                for seed, value in enumerate(own)
            ]
    by = ("method", "condition")
    return Scores(
        name="made",
        windows=pd.DataFrame(),
        summary=pd.DataFrame(rows),
        about="",
        by=by,
        groups={"seed": pd.DataFrame(seeds)},
    )


SETTINGS = [
    Setting(name="raw"),
    Setting(
        name="fine",
        series="libx264",
        parameter="rate factor",
        strength=6.0,
        bit_rate_kbps=900.0,
        psnr_db=40.0,
        ssim=0.99,
    ),
    Setting(
        name="coarse",
        series="libx264",
        parameter="rate factor",
        strength=18.0,
        bit_rate_kbps=90.0,
        psnr_db=35.0,
        ssim=0.9,
    ),
]


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_section_says_what_settings_cost_and_where_errors_double() -> None:
    """From 1.5 at 6 to 4.5 at 18 an error of 1 has doubled at 8: a sixth of the way."""
    (section,) = sweep_sections(scores(), SETTINGS, baselines={"constant"})
    costs, doubles = section.tables
    assert texts(costs)[1][:4] == ["fine", "900.0", "40.00", "0.9900"]
    assert texts(costs)[0][:4] == ["raw", "–", "–", "–"]
    assert texts(doubles) == [["pos", "1.00", "8"], ["net", "2.00", "8"]]
    assert doubles.columns[2].label == "Doubles at rate factor (libx264)"


def test_a_collapsed_seed_is_a_cross_and_counts_all_the_same() -> None:
    plain = sweep_sections(scores(), SETTINGS, baselines={"constant"})[0].drawings[0]
    marked = sweep_sections(
        scores(), SETTINGS, baselines={"constant"}, collapsed={("net", "fine", 2)}
    )[0].drawings[0]
    assert "net: raw 2, fine 3, coarse 9" in plain.alt  # the mean of seeds 1, 2 and 3 times
    assert marked.alt == plain.alt
    assert marked.data == plain.data
    assert marked.svg != plain.svg
    assert "crosses: seeds whose training collapsed" in plain.caption
    table = pd.read_csv(io.StringIO(plain.data.text)).set_index(["method", "setting"])
    spread = 1.5 * 1.0  # seeds of 1.5, 3 and 4.5: a standard deviation of 1.5
    assert table.loc[("net", "fine"), "low"] == pytest.approx(3 - spread)
    assert table.loc[("pos", "fine"), "high"] == pytest.approx(2.0)  # no seeds: over subjects


def test_bit_rates_have_a_panel_of_their_own() -> None:
    (with_rates,) = sweep_sections(scores(), SETTINGS)
    without = [replace(setting, bit_rate_kbps=math.nan) for setting in SETTINGS]
    (plain,) = sweep_sections(scores(), without)
    assert "kbit/s" in with_rates.drawings[0].svg
    assert "kbit/s" not in plain.drawings[0].svg


def test_without_conditions_there_is_no_section() -> None:
    one = scores()
    assert sweep_sections(replace(one, by=("method",)), SETTINGS) == ()
    assert sweep_sections(one, SETTINGS[:1]) == ()


@pytest.mark.parametrize(
    "name", ["ubfc_crf", "ubfc_crf_found", "ubfc_fps", "ubfc_resolution", "videos_crf"]
)
def test_shipped_sweeps_are_one_series_beside_the_untouched_frames(name: str) -> None:
    protocol = read_protocol(toml_files("protocols")[name])
    settings = sweep_settings([c.model_dump() for c in protocol.conditions], [])
    assert settings[0].series == ""
    assert len({s.series for s in settings[1:]}) == 1
    strengths = [s.strength for s in settings[1:]]
    assert len(set(strengths)) == len(strengths) > 1
    assert all(s.parameter for s in settings[1:])


def test_of_many_settings_the_first_and_the_last_are_pictured() -> None:
    many = [
        Setting(name="raw"),
        *(
            Setting(name=f"crf_{k}", series="x", parameter="rate factor", strength=k)
            for k in (6, 18, 30)
        ),
    ]
    assert conditions_to_draw(many) == {"raw", "crf_30"}
    assert conditions_to_draw(many[:2]) == frozenset()  # two are both drawn
    assert conditions_to_draw([]) == frozenset()


def test_without_labels_the_table_says_what_moved() -> None:
    """Two windows read 60 and 80 untouched; the coarse setting moves them by 1 and by 5."""
    read = {"raw": (60.0, 80.0), "fine": (60.0, math.nan), "coarse": (61.0, 75.0)}
    windows = [
        {
            **{"method": "pos", "condition": name, "dataset": "d", "recording": "r"},
            **{"fold": "whole", "seed": 0, "region": "skin", "window": number},
            "estimate_bpm": value,
        }
        for name, values in read.items()
        for number, value in enumerate(values)
    ]
    one = scores()
    summary = one.summary.assign(rmse=math.nan, rmse_low=math.nan, rmse_high=math.nan)
    unlabelled = replace(one, windows=pd.DataFrame(windows), summary=summary, groups={})
    (section,) = sweep_sections(unlabelled, SETTINGS)
    assert section.drawings == ()
    cost, moved = section.tables
    assert cost.key == "sweep-settings"
    assert texts(moved) == [["pos", "70.00", "0.00", "3.00"]]
    assert len(section.paragraphs) == 1
