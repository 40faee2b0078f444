"""The page of a report: words, escaping, completeness, determinism."""

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.scores import score_windows, summarise
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.drawing import Download
from rppgbench.report.inputs import (
    ProtocolInfo,
    ReportInputs,
    Scores,
    Section,
    Skipped,
)
from rppgbench.report.page import flatten, report_html, skipped_rows, write_report
from rppgbench.report.rendering import Downloads
from rppgbench.report.summary_answers import report_answers
from rppgbench.report.summary_text import (
    best_row,
    sample_line,
    sample_mismatch,
)
from rppgbench.report.tables.columns import metric
from rppgbench.report.tables.scores import method_table

from ..factories.pages import Run, make_page, stored

CASE = EstimateKey(
    dataset="made_up", recording="", method="", fold="", seed=0, condition="none", region="skin"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}
SMALL = Run(["s1", "s2"], methods=("pos", "chrom", "constant"), evaluators=("one", "two"))


TINY = Run(["s1"], ("rest",), ("pos",), ("one",), windows=4, folds=1)


class Outline(HTMLParser):
    """Tags, ids, links and texts of a page; a tag that is closed wrongly is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.tags: Counter[str] = Counter()
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        result = dict(attrs)
        self.attributes.append((tag, result))
        if result.get("id"):
            self.ids.append(str(result["id"]))
        if str(result.get("href", "")).startswith("#"):
            self.links.append(str(result["href"])[1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def visible(self) -> Iterator[str]:
        return (text for tag, text in self.texts if tag not in {"script", "style"})


@pytest.fixture(scope="module")
def page() -> ReportInputs:
    return make_page(SMALL)


@pytest.fixture(scope="module")
def html(page: ReportInputs) -> str:
    return report_html(page)


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


def files(html: str) -> dict[str, str]:
    """Name -> text of the files that the page offers."""
    match = re.search(r'<script type="application/json" id="files">(.*?)</script>', html, re.S)
    assert match is not None
    return dict(json.loads(match[1]).values())


def test_the_page_stands_alone(html: str) -> None:
    assert html.startswith("<!DOCTYPE html>")
    for tag, attribute in (("script", "src"), ("img", "src"), ("iframe", "src")):
        assert not re.search(rf"<{tag}\b[^>]*\b{attribute}=", html)
    outside = set(re.findall(r"""(?:href|src)=["']([^"'#][^"']*)""", html))
    assert outside == {"data:,"}
    assert not re.search(r"@import|url\((?!#)", html)
    addresses = set(re.findall(r"https?://[\w./-]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_ids_are_unique_and_links_lead_somewhere(outline: Outline) -> None:
    assert [name for name, count in Counter(outline.ids).items() if count > 1] == []
    assert set(outline.links) <= set(outline.ids)
    assert "summary" in outline.links


def test_tables_have_captions_and_headers_and_figures_have_words(outline: Outline) -> None:
    assert outline.tags["table"] == outline.tags["caption"] > 0
    heads = [found for tag, found in outline.attributes if tag == "th"]
    assert all(found.get("scope") in {"col", "row"} for found in heads)
    drawings = [
        found for tag, found in outline.attributes if found.get("class") in {"drawing", "drawn"}
    ]
    assert len(drawings) == outline.tags["figure"] == outline.tags["figcaption"]
    assert all(found["role"] == "img" and found["aria-label"] for found in drawings)
    levels = [int(tag[1]) for tag, _ in outline.attributes if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_part_is_there(outline: Outline, page: ReportInputs) -> None:
    text = " ".join(outline.visible())
    for scores in page.scores:
        assert f"Heart-rate error under {scores.name}" in text
        assert f"MAE by scenario under {scores.name}" in text
        assert f"MAE by fold under {scores.name}" in text
    for title in (
        "The same waveforms, other rules.",
        "Estimate and reference.",
        "Bland-Altman.",
        "Distribution of errors.",
        "Timings.",
        "Waveforms of pos.",
    ):
        assert title in text
    assert page.command in text
    assert page.protocol.digest in text
    assert "made_up/s09/rest.mp4: ends after 12 frames" in text
    assert "label clock 1.4 % fast" in text
    assert "0123abcd" in text


def test_the_table_shows_the_numbers_of_the_summary(html: str, page: ReportInputs) -> None:
    mae = page.scores[0].summary.set_index("method")["mae"]
    start = html.index('id="scores-one"')
    for name, value in mae.items():
        row = html[html.index(f">{name}", start) :]
        assert f">{metric('mae').write(value)}<" in row[: row.index("</tr>")]


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert write_report(make_page(TINY), path) == path
    assert path.read_bytes() == report_html(make_page(TINY)).encode()
    assert list(tmp_path.iterdir()) == [path]


def test_simulated_data_are_marked_in_every_caption(html: str, outline: Outline) -> None:
    assert "<title>SIMULATED: " in html
    for part in re.findall(r"<(?:caption|figcaption)>(.*?)</", html, re.S):
        assert "<b>" in part
    captions = re.findall(r"<caption>.*?</caption>|<figcaption>.*?</figcaption>", html, re.S)
    assert len(captions) == outline.tags["caption"] + outline.tags["figcaption"]
    assert all("Simulated data</strong>" in caption for caption in captions)
    assert all(name.startswith("SIMULATED_") for name in files(html))
    by_script = html.count('class="drawn"')
    assert html.count(">SIMULATED DATA</text>") == outline.tags["figure"] - by_script


def test_genuine_data_are_not_called_simulated() -> None:
    html = report_html(replace(make_page(TINY, simulated=False), command="bench run"))
    assert "simulated" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S).lower().replace(
        ",simulated,imported\\n", ""
    )


NASTY = "<script>alert('x')</script>&\"'</table>"


def test_text_from_data_is_escaped_everywhere() -> None:
    run = Run([NASTY, "$s_2$"], (f"{NASTY}a", "b{{ 7*7 }}"), ("pos", NASTY), (NASTY, "two"))
    page = make_page(run)
    page = replace(
        page,
        title=NASTY,
        command=NASTY,
        protocol=ProtocolInfo(
            name=NASTY, digest=NASTY, title=NASTY, about=NASTY, source=NASTY, expected=4
        ),
        skipped=(Skipped(recording=NASTY, stage=NASTY, reason=NASTY, dataset=NASTY, method=NASTY),),
        warnings=(NASTY,),
        provenance={NASTY: NASTY, "versions": {NASTY: NASTY}},
        sections=(Section(key="extra", title=NASTY, paragraphs=(NASTY,)),),
    )
    html = report_html(page)
    outline = Outline(html)
    assert outline.tags["script"] == 3
    assert not any(name.startswith("on") for _, found in outline.attributes for name in found)
    texts = [text for text in outline.visible() if "alert" in text]
    assert len(texts) > 40
    assert sum(text == NASTY for text in texts) > 5
    assert any("b{{ 7*7 }}" in text for text in outline.visible())
    labels = [text for tag, text in outline.texts if tag == "text"]
    assert any(f"{NASTY}-{NASTY}a" in label for label in labels)
    assert any("$s_2$" in label for label in labels)
    windows = next(text for name, text in files(html).items() if "windows-" in name)
    assert NASTY in windows.replace('""', '"')


def test_names_that_make_bad_ids_do_not_break_links() -> None:
    outline = Outline(report_html(make_page(replace(TINY, evaluators=('a "b" c', "d e")))))
    assert set(outline.links) <= set(outline.ids)
    assert not [name for name in outline.ids if re.search(r"[\s\"]", name)]


def test_files_are_named_safely_and_kept_once() -> None:
    downloads = Downloads()
    first = downloads.add(Download("a/../b c.csv", "x"), "SIMULATED_")
    assert downloads.add(Download("a/../b c.csv", "x"), "SIMULATED_") == first
    assert downloads.add(Download("a/../b c.csv", "y"), "SIMULATED_") != first
    assert downloads.texts[first].name == "SIMULATED_a_.._b_c.csv"
    assert "</script>" not in Downloads({"k": Download("n", "</script>")}).script()[:-9]


def summary_of(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    """(method, mae, low, high) of three recordings of three subjects."""
    table = pd.DataFrame(rows, columns=["method", "mae", "mae_low", "mae_high"])
    return table.assign(
        n_subjects=3, n_recordings=3, n_expected=3, n_windows=9, coverage=1.0, r=0.5
    )


def windows_of(summary: pd.DataFrame) -> pd.DataFrame:
    """Three recordings of three subjects, on each of which a method has the error of its row."""
    rows = [
        {
            "dataset": "d",
            "recording": name,
            "subject": name,
            "method": method,
            "window": 0,
            "reference_bpm": 70.0,
            "estimate_bpm": 70.0 + error,
            "error_bpm": error,
            "missing": math.isnan(error),
        }
        for method, error in zip(summary["method"], summary["mae"], strict=True)
        for name in "abc"
    ]
    facts: dict[str, Any] = {
        "fold": "",
        "seed": 0,
        "condition": "none",
        "region": "skin",
        "snr_db": 0.0,
    }
    return pd.DataFrame(rows).assign(**facts, reason="", scenario="", start_s=0.0, duration_s=10.0)


def answer(page: ReportInputs, question: str) -> str:
    """The answer to a question of the summary; empty where it is not answered."""
    return " ".join(
        sentence
        for answer in report_answers(page)
        if answer.question == question
        for sentence in answer.sentences
    )


def told(
    *summaries: pd.DataFrame, expected: int | None = 3, baselines: str = "flat"
) -> ReportInputs:
    scores = [
        Scores(name=f"rule_{k}", windows=windows_of(frame), summary=frame)
        for k, frame in enumerate(summaries)
    ]
    protocol = ProtocolInfo(name="p", digest="0", title="P", about="", source="", expected=expected)
    return ReportInputs(
        title="T",
        command="bench",
        protocol=protocol,
        scores=tuple(scores),
        baselines=frozenset({baselines}),
    )


def test_the_summary_says_who_won_by_how_much_and_on_what() -> None:
    frame = summary_of(("chrom", 2.0, 1.5, 2.6), ("pos", 1.0, 0.8, 1.4), ("flat", 12.0, 9.0, 15.0))
    page = told(frame, frame)
    assert answer(page, "Which method has the lowest error?") == (
        "pos, with a mean absolute error of 1.00 bpm (95 % interval 0.80 to 1.40 bpm over "
        "subjects). Read by rule_0, the default evaluator."
    )
    assert answer(page, "By how much?") == (
        "1.00 bpm less than the next, chrom (2.00 bpm); 95 % interval of the difference 1.00 to "
        "1.00 bpm."
    )
    assert answer(page, "Better than without the video?").startswith(
        "flat, which learns nothing from the video, has 12.00 bpm. pos is 11.00 bpm better (95 % "
        "interval 11.00 to 11.00 bpm)"
    )
    assert answer(page, "On what data?") == (
        "Three methods were run on 3 recordings of 3 subjects, as the protocol has it."
    )
    assert answer(page, "What was left out, and why?").startswith("Nothing: every recording")
    assert answer(page, "Does the evaluator matter?") == (
        "The same waveforms of pos score 1.00 bpm under every evaluator. It is best under all 2 "
        "evaluators."
    )


def test_the_summary_of_a_page_with_imported_methods_says_scored() -> None:
    frame = summary_of(("chrom", 2.0, 1.5, 2.6), ("pos", 1.0, 0.8, 1.4), ("flat", 12.0, 9.0, 15.0))
    page = replace(told(frame), marks=DataMarks(imported={"chrom": "net.csv"}))
    assert answer(page, "On what data?").startswith("Three methods were scored on 3 recordings")


def test_the_summary_says_where_the_best_changes_with_the_evaluator() -> None:
    first = summary_of(("chrom", 2.0, 1.2, 2.6), ("pos", 1.0, 0.8, 1.4))
    second = summary_of(("chrom", 2.5, 1.5, 3.0), ("pos", 3.0, 2.0, 4.0))
    assert answer(told(first, second), "Does the evaluator matter?") == (
        "The same waveforms of pos score 1.00 bpm under rule_0 and 3.00 bpm under rule_1: the "
        "rules alone make the difference. The best method changes with the evaluator: chrom under "
        "rule_1."
    )


def test_the_summary_says_who_does_not_beat_the_baseline() -> None:
    frame = summary_of(
        ("a", 14.0, 1, 20), ("b", 13.0, 1, 20), ("c", 1.0, 1, 1), ("flat", 12, 9, 15)
    )
    question = "Better than without the video?"
    assert answer(told(frame), question).endswith("b and a do not beat it.")
    worst = summary_of(("a", 14.0, 1, 20), ("flat", 12, 9, 15))
    assert "a does not beat it." in answer(told(worst), question)
    assert "no baseline" in answer(told(summary_of(("a", 1.0, 1, 1))), question)


def test_the_summary_says_whether_the_lead_is_more_than_chance() -> None:
    question = "Is that more than chance?"
    three = summary_of(("chrom", 2.0, 1.5, 2.6), ("pos", 1.0, 0.8, 1.4))
    assert answer(told(three), question).startswith("No: chrom cannot be told apart from it (p = ")
    many = answer(make_page(), question)
    assert "Wilcoxon's signed-rank test over 24 recordings, Holm's correction" in many
    assert many.endswith("Larger errors are shown for omit, lgi, two_sr, pbv and 2 more.")


def test_the_summary_says_what_was_left_out_and_why() -> None:
    page = make_page()
    text = answer(page, "What was left out, and why?")
    assert (
        "made_up/s03-talking failed for two_sr: less than 3 s of face in a row. made_up/s09-rest "
        "failed: made_up/s09/rest.mp4: ends after 12 frames." in text
    )
    assert "Estimates are missing for two_sr" in text
    many = tuple(
        Skipped(recording=f"r{n}", stage="video", reason=f"reason {n % 5}") for n in range(10)
    )
    text = answer(replace(page, skipped=many), "What was left out, and why?")
    assert text.startswith("2 recordings failed: reason 0. 2 recordings failed: reason 1.")
    assert "2 more reasons under failures and warnings." in text


def test_the_terminal_says_why_a_recording_is_not_scored() -> None:
    page = told(summary_of(("pos", 1.0, 0.8, 1.4)).assign(n_present=4))
    assert sample_line(page).endswith(
        "; 1 recording here without a scored window (no usable reference, unreadable, or shorter "
        "than a window)"
    )


def test_the_summary_says_when_n_differs() -> None:
    page = told(summary_of(("pos", 1.0, 0.8, 1.4)), expected=5)
    assert sample_mismatch(page) == (
        "The protocol has 5 recordings; 3 recordings of 3 subjects were scored under rule_0"
    )
    assert "the protocol has 5" in answer(page, "On what data?")
    assert "The protocol has 5 recordings" in answer(page, "What was left out, and why?")
    assert "n differs from the protocol." in report_html(page)
    assert sample_mismatch(told(summary_of(("pos", 1.0, 0.8, 1.4)), expected=3)) == ""


def test_a_single_method_is_not_said_to_be_the_lowest() -> None:
    page = told(summary_of(("pos", 1.0, 0.8, 1.4)))
    assert answer(page, "On what data?").startswith("One method was run on 3 recordings")
    assert answer(page, "Which method has the lowest error?") == ""
    assert answer(page, "How large is the error?").startswith(
        "pos has a mean absolute error of 1.00 bpm (95 % interval 0.80 to 1.40 bpm over subjects)."
    )


def test_where_the_truth_is_missing_no_estimate_is_said_to_be() -> None:
    frame = summary_of(*[(name, math.nan, math.nan, math.nan) for name in "ab"])
    frame["window_coverage"], frame["n_windows"] = 0.0, 0
    text = answer(told(frame), "What was left out, and why?")
    assert "No recording has a reference here: nothing is scored." in text
    assert "Estimates are missing" not in text


def test_missing_estimates_are_said_with_the_fewest_first() -> None:
    frame = summary_of(*[(name, 1.0, 1.0, 1.0) for name in "abcde"])
    frame["window_coverage"] = [0.9, 1.0, 0.5, 0.8, 0.7]
    assert (
        "Estimates are missing for c (50.0 % of windows covered), e (70.0 % of windows covered), "
        "d (80.0 % of windows covered) and 1 more; they count as errors."
        in answer(told(frame), "What was left out, and why?")
    )


def test_words_and_table_name_the_same_best(page: ReportInputs) -> None:
    table = method_table(page.scores[0], baselines=page.baselines)
    place = [column.key for column in table.columns].index("mae")
    marked = [row.cells[0].text for row in table.rows if row.cells[place].mark == "best"]
    best = best_row(page.scores[0], page)
    assert best is not None
    assert marked == [best["method"]]


def test_skipped_rows_join_the_methods_of_one_reason() -> None:
    rows = skipped_rows(
        [
            Skipped(recording="r2", stage="method", reason="too short", dataset="d", method="pos"),
            Skipped(recording="r1", stage="video", reason="no frame", dataset="d"),
            Skipped(recording="r2", stage="method", reason="too short", dataset="d", method="ica"),
            Skipped(recording="r2", stage="method", reason="singular", dataset="d", method="ica"),
        ]
    )
    assert rows == [
        ("d", "r1", "video", "no frame", ()),
        ("d", "r2", "method", "singular", ("ica",)),
        ("d", "r2", "method", "too short", ("ica", "pos")),
    ]


def test_every_skipped_recording_is_on_the_page(page: ReportInputs) -> None:
    many = tuple(
        Skipped(recording=f"rec{k:04d}", stage="video", reason=f"reason {k}", dataset="d")
        for k in range(300)
    )
    html = report_html(replace(page, scores=(), skipped=many))
    assert all(f">rec{k:04d}<" in html and f">reason {k}<" in html for k in range(300))
    assert "Recordings that failed (300)" in html


def test_provenance_of_any_shape_becomes_rows() -> None:
    facts = {"dirty": True, "seeds": (1, 2), "data": {"d": {"a": "1", "b": [3]}}, "gpu": None}
    assert flatten(facts) == [
        ("dirty", "yes"),
        ("seeds", "1, 2"),
        ("data", [("d", "a 1, b 3")]),
        ("gpu", "None"),
    ]


def test_a_run_without_any_estimate_is_still_a_page(page: ReportInputs) -> None:
    empty = replace(page, scores=(), timings=None, skipped=page.skipped, warnings=())
    text = " ".join(Outline(report_html(empty)).visible())
    assert "Nothing was scored: no estimate is stored." in text
    assert "ends after 12 frames" in text


def test_a_run_where_everything_failed_is_still_a_page(page: ReportInputs) -> None:
    failed = []
    for scores in page.scores:
        windows = scores.windows.assign(estimate_bpm=np.nan, missing=True, snr_db=np.nan)
        summary = scores.summary.assign(coverage=0.0, r=np.nan, snr_db=np.nan)
        failed.append(replace(scores, windows=windows, summary=summary))
    unscored = failed[1].windows.assign(reference_bpm=np.nan, error_bpm=np.nan)
    starts = ("mae", "mape", "rmse", "std", "within")
    numbers = [str(key) for key in failed[1].summary if str(key).startswith(starts)]
    nothing = failed[1].summary.assign(n_recordings=0)
    nothing[numbers] = np.nan
    failed[1] = replace(failed[1], windows=unscored, summary=nothing)
    text = " ".join(Outline(report_html(replace(page, scores=tuple(failed)))).visible())
    assert "Heart-rate error under one" in text
    assert "Heart-rate error under two: 0 recordings of 0 subjects" in text
    assert "Waveforms of" not in text


def test_frames_of_the_real_scores_make_a_page(page: ReportInputs) -> None:
    rule = find_evaluator("toolbox_now_10s", "test")
    windows = page.scores[0].windows
    cases = windows.drop_duplicates(["recording", "method"])
    estimates: list[Estimate] = []
    for row in cases.itertuples():
        case = replace(CASE, recording=str(row.recording), method=str(row.method))
        estimates.append(replace(stored(case), subject=str(row.subject)))
    scored = score_windows(rule, estimates, page.ground_truths)
    summary = summarise(scored, resamples=50)
    real = replace(
        page,
        scores=(Scores(name="real", windows=scored, summary=summary),),
        estimate=lambda case: by[case],
    )
    by = {replace(CASE, recording=one.recording, method=one.method): one for one in estimates}
    text = " ".join(Outline(report_html(real)).visible())
    assert f"{metric('mae').write(summary['mae'].min())} bpm" in text
    assert "Waveforms of" in text


@pytest.mark.parametrize("quantity", ["heart rate", "respiration rate"])
def test_a_page_has_the_unit_of_its_quantity(quantity: str, tmp_path: Path) -> None:
    page = make_page(SMALL)
    for scores in page.scores:
        scores.windows.attrs["quantity"] = quantity
    page = replace(page, scores=tuple(replace(scores, about="A rule.") for scores in page.scores))
    html = write_report(page, tmp_path / "report.html").read_text()
    units = Counter(re.findall(r"\bbpm\b|breaths/min", html))
    own, other = ("bpm", "breaths/min")[:: 1 if quantity == "heart rate" else -1]
    assert units[own] > 20
    # The spectra of pulses are of heart rates on every page.
    assert re.findall(rf".{{0,60}}\b{other}\b", html.replace("Heart rate (bpm)", "")) == []
