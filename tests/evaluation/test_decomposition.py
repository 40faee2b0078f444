"""One difference taken apart: hybrids of two rules, and shares that add up."""

import contextlib
import io
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rppgbench.analysis.decomposition import decomposition_inputs
from rppgbench.cli import main
from rppgbench.evaluation.decomposition import (
    GROUPS,
    REGION,
    RULE_GROUPS,
    Endpoint,
    declared_choices,
    decompose,
    differing,
    mixed_evaluator,
)
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.shapley import Group, shapley
from rppgbench.store.store import Store

from ..factories import stores as made_store
from ..factories.evaluators import OF_HEART_RATES, evaluator

ESTIMATES = made_store.estimates(("pos", "chrom"), tuple(made_store.REGIONS))
TRUTHS = {("made_up", f"{name}-1"): made_store.truth(name) for name in made_store.SUBJECTS}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two methods on two face regions."""
    folder = tmp_path_factory.mktemp("made") / "results"
    made_store.write(folder, ESTIMATES)
    return folder


def score(rule: Evaluator) -> pd.DataFrame:
    return score_windows(rule, ESTIMATES, TRUTHS)


def mae(rule: Evaluator, method: str, region: str) -> float:
    """The plain mean of absolute errors, or of the recordings' means where the rule pools so."""
    windows = score(rule)
    rows = windows[(windows["method"] == method) & (windows["region"] == region)]
    errors = rows["error_bpm"].abs()
    if rule.pooling == "recordings":
        return float(errors.groupby(rows["recording"]).mean().mean())
    return float(errors.mean())


@pytest.mark.parametrize("method", ["pos", "chrom"])
def test_the_endpoints_have_the_errors_of_the_two_rules_and_the_shares_add_up(
    said: tuple[Path, str], method: str
) -> None:
    """Of what the command prints: toolbox_2023 on toolbox_box against pyvhr on skin."""
    (one,) = [s for s in json.loads(said[1])["splits"] if s["method"] == method]
    first = mae(evaluator("toolbox_2023"), method, "toolbox_box")
    second = mae(evaluator("pyvhr"), method, "skin")
    assert one["first_bpm"] == pytest.approx(first, abs=1e-9)
    assert one["second_bpm"] == pytest.approx(second, abs=1e-9)
    shares = one["shares"]
    assert set(shares) == set(GROUPS)
    total = sum(share["value"] for share in shares.values())
    assert total == pytest.approx(second - first, abs=1e-9)
    assert max(abs(share["value"]) for share in shares.values()) > 0.2  # something to split
    assert all(share["low"] <= share["value"] <= share["high"] for share in shares.values())


def test_a_difference_in_a_single_group_is_the_share_of_this_group() -> None:
    rule = evaluator("toolbox_2023")
    band = rule.estimate.band.model_copy(update={"low_hz": 1.1})
    other = rule.model_copy(update={"estimate": rule.estimate.model_copy(update={"band": band})})
    first, second = Endpoint("a", rule, "skin"), Endpoint("b", other, "skin")
    assert differing(first, second) == ("grid",)
    for one in decompose(first, second, score):
        assert set(one.shares) == {"grid"}
        assert one.shares["grid"].value == one.difference_bpm


def test_a_difference_in_the_region_is_the_share_of_the_region() -> None:
    rule = evaluator("li2023")
    first, second = Endpoint("li2023", rule, "skin"), Endpoint("li2023", rule, "toolbox_box")
    assert differing(first, second) == (REGION,)
    for one in decompose(first, second, score):
        differences = mae(rule, one.row[0], "toolbox_box") - mae(rule, one.row[0], "skin")
        assert one.shares[REGION].value == pytest.approx(differences, abs=1e-9)


def test_an_endpoint_against_itself_has_no_shares() -> None:
    side = Endpoint("sinc", evaluator("pyvhr"), "skin")
    for one in decompose(side, side, score):
        assert one.difference_bpm == 0
        assert not one.shares


def test_a_group_that_changes_nothing_has_a_share_of_exactly_zero() -> None:
    groups = ("filter", "grid", "truth")
    values = {
        frozenset(taken): 3.0 * ("filter" in taken) + 0.5 * ("filter" in taken and "grid" in taken)
        for count in range(4)
        for taken in itertools.combinations(groups, count)
    }
    shares, used, of = shapley(values, groups)
    assert (used, of) == (6, 6)
    assert shares["truth"].value == 0
    assert shares["filter"].value == pytest.approx(3.25)  # half of what the two do together
    assert shares["grid"].value == pytest.approx(0.25)


def test_orders_through_unreadable_rules_are_left_out_and_shares_still_add_up() -> None:
    groups = ("filter", "grid", "truth")
    rng = np.random.default_rng(1)
    values = {
        frozenset(taken): float(rng.normal())
        for count in range(4)
        for taken in itertools.combinations(groups, count)
    }
    values[frozenset({"filter"})] = math.nan  # the two orders that begin with the filter
    shares, used, of = shapley(values, groups)
    assert (used, of) == (4, 6)
    whole = values[frozenset(groups)] - values[Group()]
    assert sum(s.value for s in shares.values()) == pytest.approx(whole, abs=1e-12)
    for taken in values:
        if 0 < len(taken) < 3:
            values[taken] = math.nan
    assert shapley(values, groups) == ({}, 0, 6)


def test_a_filter_that_does_not_fit_the_window_is_noted_and_not_scored() -> None:
    """An order 12 filter needs 75 samples; the second side's windows of 2 s have 60."""
    rule = evaluator("li2023")
    steep = rule.estimate.filter.model_copy(update={"order": 12})
    short = rule.window.model_copy(update={"length_s": 2.0, "stride_s": 2.0, "shortest_s": 2.0})
    plain = rule.estimate.filter.model_copy(update={"order": 1})
    first = rule.model_copy(update={"estimate": rule.estimate.model_copy(update={"filter": steep})})
    second = rule.model_copy(
        update={
            "window": short,
            "estimate": rule.estimate.model_copy(update={"filter": plain}),
        }
    )
    sides = Endpoint("long", first, "skin"), Endpoint("short", second, "skin")
    assert differing(*sides) == ("filter", "window")
    for one in decompose(*sides, score):
        assert (one.orders, one.all_orders) == (1, 2)  # the filter first, then the window
        assert sum(s.value for s in one.shares.values()) == pytest.approx(one.difference_bpm)
        assert any("window" in note and "too few" in note for note in one.notes)


@pytest.mark.parametrize(
    ("a", "b"), [*itertools.pairwise(OF_HEART_RATES), (OF_HEART_RATES[-1], OF_HEART_RATES[0])]
)
def test_all_groups_of_the_second_rule_give_the_second_rule(a: str, b: str) -> None:
    """Of what an error depends on, no setting is left out of the groups."""
    first, second = evaluator(a), evaluator(b)
    made = mixed_evaluator(first, second, frozenset(RULE_GROUPS))
    arguments = {"title", "meaning", "source", "notes", "snr", "correlation", "made_for_fs"}
    arguments |= {"variability", "group_margin_bpm"}
    assert made.model_dump(exclude=arguments) == second.model_dump(exclude=arguments)
    assert mixed_evaluator(first, second, Group()) == first


def test_every_setting_of_a_rule_is_in_a_group_or_changes_no_error() -> None:
    whole = [name for fields, _ in RULE_GROUPS.values() for name in fields]
    chain = [name for _, fields in RULE_GROUPS.values() for name in fields]
    assert len(set(whole)) == len(whole)
    untouched = {
        "title",
        "meaning",
        "source",
        "notes",
        "snr",
        "correlation",
        "made_for_fs",
        "group_margin_bpm",
        "variability",
        "respiration",
        "estimate",
    }
    assert set(whole) | untouched == set(Evaluator.model_fields)
    assert sorted(chain) == sorted(type(evaluator("pyvhr").estimate).model_fields)


def test_declared_choices_name_every_setting_of_a_group() -> None:
    side = Endpoint("pyvhr", evaluator("pyvhr"), "skin")
    assert declared_choices(side, "window") == (
        "window: fixed, length s 8, stride s 1, shortest s 8; rates: as given; border frames: 0; "
        "gap share: 0.25"
    )
    text = declared_choices(side, "filter")
    assert "filter: butterworth, " in text
    assert {"order 6", "low hz 0.65", "high hz 4"} <= set(text.split(", "))


@pytest.fixture(scope="module")
def said(results: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The page and what the command prints."""
    page, printed = tmp_path_factory.mktemp("page") / "decomposition.html", io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["decompose", str(results), "--json", "--out", str(page)]) == 0
    return page, printed.getvalue()


@pytest.fixture(scope="module")
def page(said: tuple[Path, str]) -> Path:
    return said[0]


def test_the_page_names_every_rule_with_its_source_and_marks_what_is_simulated(
    page: Path,
) -> None:
    text = page.read_text()
    for name in OF_HEART_RATES:
        assert name in text
        assert evaluator(name).source.split(";")[0].split("&")[0][:40] in text
    assert "Shapley" in text
    assert "SIMULATED" in text
    assert "http-equiv" not in text
    assert "<script src" not in text
    assert "From toolbox_2023 on toolbox_box to pyvhr on skin" in text
    errors = text[text.index('id="decomposition-errors"') :].partition("</table>")[0]
    rules = len(OF_HEART_RATES)  # in rows, on the second side's region; the CSV has all regions
    assert errors.count('<th scope="row"') == rules
    assert 'id="decomposition-regions-pyvhr"' in text


def test_the_files_beside_the_page_hold_errors_and_shares(page: Path, results: Path) -> None:
    errors = pd.read_csv(page.with_suffix(".csv"))
    assert set(errors["evaluator"]) == set(OF_HEART_RATES)
    assert len(errors) == len(OF_HEART_RATES) * 2 * len(made_store.REGIONS)
    assert errors["simulated"].all()
    own = errors.set_index(["evaluator", "method", "region"])["mae"]
    assert own["pyvhr", "pos", "skin"] == pytest.approx(_stored_mae(results), abs=1e-9)
    shares = pd.read_csv(page.with_name("decomposition_shares.csv"))
    for _, rows in shares.groupby("method"):
        differences = rows["second_mae"].iloc[0] - rows["first_mae"].iloc[0]
        assert rows["share_bpm"].sum() == pytest.approx(differences, abs=1e-9)


def _stored_mae(results: Path) -> float:
    """pyVHR's error of pos on the skin, straight from the stored waveforms."""
    estimates = list(Store(results).estimates(method="pos", region="skin"))
    windows = score_windows(evaluator("pyvhr"), estimates, TRUTHS)
    return float(windows["error_bpm"].abs().groupby(windows["recording"]).mean().mean())


def test_json_holds_the_same_numbers(said: tuple[Path, str]) -> None:
    facts = json.loads(said[1])
    assert facts["first"] == "toolbox_2023 on toolbox_box"
    assert facts["second"] == "pyvhr on skin"
    told = {(e["evaluator"], e["method"], e["region"]): e["mae"] for e in facts["errors"]}
    written = pd.read_csv(said[0].with_suffix(".csv"))
    for row in written.to_dict("records"):
        key = (row["evaluator"], row["method"], row["region"])
        if math.isnan(row["mae"]):  # the recordings are shorter than the rule's window
            assert told[key] is None
        else:
            assert told[key] == pytest.approx(row["mae"])
    for one in facts["splits"]:
        total = sum(share["value"] for share in one["shares"].values())
        assert total == pytest.approx(one["second_bpm"] - one["first_bpm"], abs=1e-9)


def test_a_missing_reference_is_noted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: evaluator(name) for name in ("toolbox_2023", "pyvhr", "vipl")}
    monkeypatch.setattr("rppgbench.analysis.decomposition.load_evaluators", lambda: few)
    estimates = made_store.estimates(("pos",))
    store = made_store.write(tmp_path / "results", estimates, pulse=False)
    inputs = decomposition_inputs(store, (("toolbox_2023", ""), ("pyvhr", "")), quiet=True)
    (one,) = inputs.splits
    assert not one.shares
    assert one.notes == ("nothing is scored under the first: reference: no pulse",)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--between", "toolbox_2032,pyvhr"], "did you mean 'toolbox_2023'"),
        (["--between", "pyvhr"], "A@REGION,B@REGION"),
        (["--between", "pyvhr@nose,sinc"], "no waveform of region 'nose'; stored: skin"),
    ],
)
def test_a_fault_of_the_user_is_one_line(
    results: Path, arguments: Sequence[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decompose", str(results), *arguments]) == 2
    output = capsys.readouterr().err
    assert says in output
    assert output.count("\n") == 1
