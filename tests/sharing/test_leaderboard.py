"""Leaderboards: who is ranked, in which groups, and why a row is behind the first."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rppgbench as rb
from rppgbench.cli import DONE, FAULT, main
from rppgbench.sharing.checking import check_bundle
from rppgbench.sharing.contents import Sharing
from rppgbench.sharing.leaderboard_entries import Entry, Version, bundle_entries
from rppgbench.sharing.leaderboard_tables import leaderboard_tables, rank, why_unranked
from rppgbench.sharing.rederivation import read_record
from rppgbench.system.errors import BenchError

from ..factories import bundles

VERSION = Version(
    protocol="p", protocol_digest="0" * 16, evaluator="e", evaluator_digest="1" * 16, simulated=""
)


def entry(method: str, errors_bpm: Any, **more: Any) -> Entry:
    """An entry whose recordings have ten windows of these mean absolute errors each."""
    errors = np.asarray(errors_bpm, np.float64)
    recordings = {
        ("d", f"r{number:02d}", "f00d"): np.array([10, 0, 10 * error, 0, 10 * error**2])
        for number, error in enumerate(errors)
    }
    facts: dict[str, Any] = {
        "version": VERSION,
        "title": "A protocol",
        "bundle": method * 4,
        "by": "Ann",
        "signer": "",
        "status": "re-derived",
        "rederived_by": "Bob",
        "disputed_by": "",
        "method": method,
        "condition": "none",
        "region": "skin",
        "datasets": ("d",),
        "n_subjects": len(errors),
        "n_recordings": len(errors),
        "expected": len(errors),
        "coverage": 1.0,
        "window_coverage": 1.0,
        "mae": float(errors.mean()),
        "low": 0.0,
        "high": 9.0,
        "rmse": 0.0,
        "leaked": "",
        "rppgbench": "0.1.0",
        "date": "2026-01-01",
        "settings": {},
        "pooling": "rows",
        "recordings": recordings,
        "other_evaluators": {},
    }
    return Entry(**{**facts, **more})


RNG = np.random.default_rng(5)
BASE = RNG.uniform(1, 3, 30)
NOISE = RNG.normal(0, 0.2, 30)


def test_rows_that_a_test_cannot_tell_apart_have_one_rank() -> None:
    """b is worse than a by chance alone; c is worse than both in every recording."""
    made = rank(
        [entry("c", BASE + 2), entry("b", BASE + NOISE - NOISE.mean() + 0.01), entry("a", BASE)]
    )
    assert [(one.entry.method, one.group) for one in made] == [("a", 1), ("b", 1), ("c", 3)]
    assert made[0].behind is None
    assert made[2].behind is not None
    assert made[2].behind.p_holm < 0.001


def test_few_recordings_give_no_order() -> None:
    """Four recordings cannot be significant (p is at least 1/8), however large the difference."""
    made = rank([entry("a", [1, 1, 1, 1]), entry("b", [9, 9, 9, 9])])
    assert [one.group for one in made] == [1, 1]


def test_recordings_count_only_with_the_same_reference() -> None:
    other = entry("b", BASE + 2)
    moved = {(d, name, "beef"): sums for (d, name, _), sums in other.recordings.items()}
    made = rank([entry("a", BASE), replace(other, recordings=moved)])
    assert [one.group for one in made] == [1, 1]
    assert made[1].behind is not None
    assert made[1].behind.shared == 0
    assert made[1].behind.recordings == pytest.approx(2.0)


def test_the_parts_add_up_to_the_difference() -> None:
    """b lacks two recordings, misses a quarter of its windows, and is worse by 0.5 elsewhere."""
    first, second = entry("a", BASE), entry("b", BASE + 0.5)
    sums = {key: value.copy() for key, value in list(second.recordings.items())[2:]}
    for value in sums.values():
        value[1], value[3] = 2.5, 12.0
        value[2] += 12.0
    total = sum(value[2] for value in sums.values()) / (10 * len(sums))
    (_, behind) = rank([first, replace(second, recordings=sums, mae=total)])
    parts = behind.behind
    assert parts is not None
    assert parts.shared == 28
    assert parts.missing == pytest.approx(1.2)
    assert parts.errors == pytest.approx(0.5)
    assert parts.recordings == pytest.approx(BASE[2:].mean() - BASE.mean())
    assert parts.recordings + parts.missing + parts.errors == pytest.approx(parts.difference)


def test_settings_that_differ_are_named() -> None:
    made = rank(
        [
            entry("a", BASE, by="Ann", settings={"commit": "abc", "parameter preset": "paper"}),
            entry("a", BASE + 1, by="Bob", settings={"commit": "def", "parameter preset": "smoke"}),
        ]
    )
    assert made[1].behind is not None
    assert made[1].behind.settings == (
        "commit: def, leader abc",
        "parameter preset: smoke, leader paper",
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, ""),
        ({"status": "self-reported"}, "self-reported"),
        ({"status": "imported"}, "imported, not run here"),
        ({"status": "self-reported", "disputed_by": "Eve"}, "Eve made it again and got something"),
        ({"leaked": "ubfc"}, "trained on ubfc"),
        ({"mae": np.nan}, "nothing is scored"),
        ({"expected": 40}, "has 30 of 40 recordings"),
        ({"n_subjects": 3}, "has 3 subjects, fewer than 5"),
    ],
)
def test_why_an_entry_has_no_rank(more: dict[str, Any], reason: str) -> None:
    told = why_unranked(entry("a", BASE, **more), 5)
    assert bool(told) == bool(reason)
    assert reason in told


def test_versions_have_tables_of_their_own() -> None:
    changed = [
        {"protocol_digest": "2" * 16},
        {"evaluator_digest": "3" * 16},
        {"simulated": "feed"},
    ]
    entries = [entry("a", BASE), entry("b", BASE + 1)]
    entries += [entry("a", BASE, version=replace(VERSION, **one)) for one in changed]
    tables = leaderboard_tables(entries, min_subjects=5)
    assert sorted(len(table.ranked) for table in tables) == [1, 1, 1, 2]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("bundle") / "results")


def test_entries_have_the_errors_of_a_results_table(bundle: Path) -> None:
    entries = bundle_entries(check_bundle(bundle), [])
    for name in ("li2023", "toolbox_2023"):
        table = rb.load_results(bundle).scores(name).set_index("method")
        for one in (e for e in entries if e.version.evaluator == name):
            row = table.loc[one.method]
            assert one.mae == pytest.approx(row["mae"], rel=1e-12)
            assert one.rmse == pytest.approx(row["rmse"], rel=1e-12)
            assert (one.low, one.high) == pytest.approx((row["mae_low"], row["mae_high"]))
            assert one.coverage == row["coverage"]
            assert (one.n_subjects, one.n_recordings) == (4, 4)
            assert set(one.other_evaluators) == {"li2023", "toolbox_2023"} - {name}


def board(out: Path, *words: Path | str) -> int:
    return main(["leaderboard", *map(str, words), "--out", str(out), "--min-subjects", "4"])


def ranked_part(out: Path) -> str:
    (page,) = (p for p in out.glob("made_up-*-li2023-*.html"))
    return page.read_text(encoding="utf-8").partition('<h2 id="unranked">')[0]


def test_only_what_somebody_else_made_again_is_ranked(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = bundles.write(tmp_path / "r", seed=9, sharing=Sharing(by="Cem"))
    record = bundles.record(bundle)
    out = tmp_path / "site"
    assert board(out, bundle, other, "--rederived", record) == DONE
    assert (
        "2 bundles, 2 tables, 8 results: 4 re-derived, 4 self-reported" in capsys.readouterr().out
    )
    ranked = ranked_part(out)
    assert "Ann Lee" in ranked
    assert "Bob Ray: 4 of 8 waveforms" in ranked
    assert "Cem" not in ranked
    assert "SIMULATED DATA" in ranked


@pytest.mark.parametrize(
    ("by", "differing", "note"),
    [
        ("Ann Lee", (), "names nobody else than the maker"),
        (" ann lee ", (), "names nobody else than the maker"),
        ("Eve", ("made_up/ann-1, pos: 3 of 4 samples differ",), "something differed"),
    ],
)
def test_records_that_do_not_count_are_told(
    by: str,
    differing: tuple[str, ...],
    note: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = [bundles.record(bundle, by, differing=differing)]
    if differing:  # one who got something else outweighs one who did not
        records.append(bundles.record(bundle))
    words = [word for record in records for word in ("--rederived", record)]
    assert board(tmp_path / "site", bundle, *words) == DONE
    told = capsys.readouterr()
    assert note in told.err
    assert "4 self-reported" in told.out
    assert "Nobody has made any of these results again" in ranked_part(tmp_path / "site")


def test_a_record_of_another_bundle_does_not_count(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = bundles.write(tmp_path / "r", seed=9)
    folder = tmp_path / "records"
    folder.mkdir()
    bundles.record(other).rename(folder / "one.json")
    assert read_record(folder / "one.json").bundle == check_bundle(other).id
    assert board(tmp_path / "site", bundle, "--rederived", folder) == DONE
    told = capsys.readouterr()
    assert "which is not here" in told.err
    assert "4 self-reported" in told.out


def test_imported_predictions_are_marked_and_have_no_rank(tmp_path: Path) -> None:
    file = bundles.write(tmp_path / "r", more={"imports": {"pos": bundles.IMPORT}})
    out = tmp_path / "site"
    assert board(out, file, "--rederived", bundles.record(file)) == DONE
    assert ">pos" not in ranked_part(out)
    assert "imported, not run here" in (out / "results.html").read_text(encoding="utf-8")


def test_text_of_strangers_is_escaped(tmp_path: Path) -> None:
    sharing = Sharing(by="<script>alert(1)</script>", licence='"><img src=x>')
    file = bundles.write(tmp_path / "r", sharing=sharing)
    out = tmp_path / "site"
    assert board(out, file) == DONE
    for page in out.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert not re.search(r'(src|href)="(https?:)?//', text)


def test_the_same_bundles_give_the_same_pages(bundle: Path, tmp_path: Path) -> None:
    other = bundles.write(tmp_path / "r", seed=9)
    assert board(tmp_path / "one", bundle, other) == board(tmp_path / "two", other, bundle) == DONE
    for page in (tmp_path / "one").glob("*.html"):
        assert page.read_bytes() == (tmp_path / "two" / page.name).read_bytes()


def test_pages_of_an_earlier_leaderboard_go(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert board(out, bundle) == DONE
    (out / "old-table.html").write_text("old")
    assert board(out, bundle) == DONE
    assert sorted(p.name for p in out.glob("*.html") if "made_up" not in p.name) == [
        "index.html",
        "results.html",
    ]


def test_faults_of_the_user_are_one_line(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert board(tmp_path / "site", bundle, bundle) == FAULT
    assert "the same bundle as" in capsys.readouterr().err
    assert board(tmp_path / "site", bundle, "--rederived", tmp_path / "no.json") == FAULT
    assert "no such file or folder" in capsys.readouterr().err
    assert board(bundle.parent, bundle) == FAULT
    assert "holds other files than a leaderboard" in capsys.readouterr().err
    broken = tmp_path / bundle.name
    broken.write_bytes(bundle.read_bytes()[:-1])
    assert board(tmp_path / "site", broken) == FAULT
    assert "not a bundle" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_forged_scores_have_no_table(bundle: Path, tmp_path: Path) -> None:
    def lower(files: dict[str, bytes]) -> None:
        files["scores/li2023.csv"] = files["scores/li2023.csv"].replace(b",4,0,", b",5,0,")

    copy = tmp_path / bundle.name
    copy.write_bytes(bundle.read_bytes())
    forged = bundles.forge(copy, lower)
    with pytest.raises(BenchError, match="do not follow from its estimates"):
        bundle_entries(check_bundle(forged), [])
