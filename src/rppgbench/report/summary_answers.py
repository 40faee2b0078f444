"""The result as short answers to what a reader asks first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rppgbench.core.controls import CONTROLS
from rppgbench.evaluation.paired_differences import MIN_PEOPLE, error_difference
from rppgbench.evaluation.significance import PairedTest, paired_tests
from rppgbench.evaluation.summary import block_scores
from rppgbench.report.inputs import ReportInputs, Scores
from rppgbench.report.sections.comparison import ALPHA, format_p
from rppgbench.report.summary_text import (
    best_row,
    format_interval,
    left_out_words,
    ranked_rows,
    spread_words,
    what_was_run,
)
from rppgbench.report.tables.columns import format_bpm
from rppgbench.report.tables.scores import describe_band_edge, describe_reference, describe_region
from rppgbench.report.tables.summary_rows import canonical_order, records, row_name, row_windows
from rppgbench.system.plural import pluralise

if TYPE_CHECKING:
    pass

MAX_NAMED = 4
"""How many methods an answer names; the tables have them all."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question of a reader, and the answer in short sentences."""

    question: str
    sentences: tuple[str, ...]


def report_answers(page: ReportInputs) -> list[Answer]:
    """Who won, by how much, whether by chance, against which baseline, on what, without what."""
    if not page.scores or page.scores[0].summary.empty:
        rule = f" under {page.scores[0].name}" if page.scores else ""
        sentence = f"Nothing was scored{rule}: no estimate is stored."
        return [Answer(question="What is the result?", sentences=(sentence,))]
    default = page.scores[0]
    best = best_row(default, page)
    answers = [] if best is None else _contest_answers(Contest.of(page, best))
    answers.append(
        Answer(
            question="On what data?",
            sentences=(what_was_run(page, default), *describe_region(default)),
        )
    )
    answers.append(
        Answer(question="What was left out, and why?", sentences=left_out_words(page, default))
    )
    if best is not None and len(page.comparable_scores) > 1:
        spread = tuple(spread_words(page, best))
        answers.append(Answer(question="Does the evaluator matter?", sentences=spread))
    limits = tuple(
        sentence
        for scores in page.scores
        for sentence in (*describe_reference(scores), *describe_band_edge(scores))
    )
    answers.append(Answer(question="What limits the reference?", sentences=limits))
    return [answer for answer in answers if answer.sentences]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contest:
    """The best row of the default evaluator and the rows it is compared with.

    `rivals` are the ranked rows that differ from the best in nothing but the method, the lowest
    error first; `tests` are the paired tests of the best against every other method, by name.
    """

    page: ReportInputs
    scores: Scores
    best: Mapping[str, Any]
    rivals: tuple[Mapping[str, Any], ...]
    baseline: Mapping[str, Any] | None
    tests: Mapping[str, PairedTest]

    @classmethod
    def of(cls, page: ReportInputs, best: Mapping[str, Any]) -> Contest:
        """The contest of the best row under the default evaluator.

        Args:
            page: The inputs of the report.
            best: The best row.

        Returns:
            The rows that are compared, with their tests.
        """
        scores = page.scores[0]
        further = [key for key in scores.by if key != "method"]
        alike = [
            record
            for record in records(canonical_order(scores.summary, scores.by))
            if all(record[key] == best[key] for key in further)
            and record["method"] != best["method"]
            and not math.isnan(float(record["mae"]))
        ]
        ranked = {str(record["method"]) for record in ranked_rows(scores, page)}
        baselines = [record for record in alike if record["method"] in page.baselines]
        return cls(
            page=page,
            scores=scores,
            best=best,
            rivals=tuple(record for record in alike if record["method"] in ranked),
            baseline=baselines[0] if baselines else None,
            tests=_tests_of_best(scores, best, further),
        )

    def name(self, record: Mapping[str, Any]) -> str:
        """What a row is called."""
        return row_name(record, self.scores.by)

    def differs(self, record: Mapping[str, Any]) -> bool:
        """Whether a row's errors are shown to be larger than those of the best."""
        test = self.tests.get(str(record["method"]))
        return test is not None and test.p_holm < ALPHA and test.difference > 0

    def lead(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """How much lower the best's error is than a row's, and the interval of that."""
        difference = error_difference(
            row_windows(self.scores, record), row_windows(self.scores, self.best)
        )
        low, high = difference.low_bpm, difference.high_bpm
        interval = (
            "" if math.isnan(low) else f"{format_bpm(low)} to {format_bpm(high)} {self.scores.unit}"
        )
        return format_bpm(difference.value_bpm), interval


def _tests_of_best(
    scores: Scores, best: Mapping[str, Any], further: Sequence[str]
) -> dict[str, PairedTest]:
    """Other less best over recordings; rows whose weights have seen the test data are left out."""
    windows = scores.windows
    for key in further:
        windows = windows[windows[key].isin([best[key], ""])]
    if "leaked" in windows:
        windows = windows[windows["leaked"] == ""]
    errors = block_scores(windows)
    name = str(best["method"])
    if name not in errors or len(errors) < 2:
        return {}
    tests = {}
    for test in paired_tests(errors):
        if name == test.second:
            tests[test.first] = test
        elif name == test.first:
            tests[test.second] = PairedTest(
                first=test.second,
                second=name,
                n=test.n,
                difference=-test.difference,
                p=test.p,
                p_holm=test.p_holm,
            )
    return tests


def _contest_answers(contest: Contest) -> list[Answer]:
    answers = [_lowest(contest)]
    if contest.rivals:
        answers += [_margin(contest), _chance(contest)]
    return [*answers, _against_baseline(contest)]


def _lowest(contest: Contest) -> Answer:
    name, page = contest.name(contest.best), contest.page
    interval = format_interval(contest.best, contest.scores.unit)
    error = f"a mean absolute error of {format_bpm(contest.best['mae'])} {contest.scores.unit}"
    error += f" (95 % interval {interval} over subjects)" if interval else ""
    rule = f"Read by {contest.scores.name}, {page.role}."
    if not contest.rivals:
        return Answer(question="How large is the error?", sentences=(f"{name} has {error}.", rule))
    return Answer(
        question="Which method has the lowest error?", sentences=(f"{name}, with {error}.", rule)
    )


def _margin(contest: Contest) -> Answer:
    second = contest.rivals[0]
    value, interval = contest.lead(second)
    unit = contest.scores.unit
    sentence = f"{value} {unit} less than the next, {contest.name(second)}"
    sentence += f" ({format_bpm(second['mae'])} {unit})"
    sentence += f"; 95 % interval of the difference {interval}." if interval else "."
    return Answer(question="By how much?", sentences=(sentence,))


def _chance(contest: Contest) -> Answer:
    question = "Is that more than chance?"
    tested = [
        record
        for record in contest.rivals
        if record["method"] in contest.tests
        and not math.isnan(contest.tests[str(record["method"])].p_holm)
    ]
    if not tested:
        sentence = "Not known: no recording is left to test the methods on."
        return Answer(question=question, sentences=(sentence,))
    first = contest.tests[str(tested[0]["method"])]
    how = f"Wilcoxon's signed-rank test over {pluralise(first.n, 'recording')}, Holm's correction"
    alike = [record for record in tested if not contest.differs(record)]
    worse = [record for record in tested if contest.differs(record)]
    if not alike:
        p = max(contest.tests[str(record["method"])].p_holm for record in tested)
        sentence = f"Yes: every other method has larger errors (p {_compared(p)}; {how})."
        return Answer(question=question, sentences=(sentence,))
    p = contest.tests[str(alike[0]["method"])].p_holm
    verdict = "Not against all" if tested[0] in worse else "No"
    sentences = [
        f"{verdict}: {_named(contest, alike)} cannot be told apart from it (p {_compared(p)} "
        f"against {contest.name(alike[0])}; {how})."
    ]
    if worse:
        sentences.append(f"Larger errors are shown for {_named(contest, worse)}.")
    return Answer(question=question, sentences=tuple(sentences))


def _against_baseline(contest: Contest) -> Answer:
    question = "Better than without the video?"
    if contest.best.get("best_control"):
        return Answer(question=question, sentences=_against_controls(contest))
    baseline = contest.baseline
    if baseline is None:
        sentence = "Not known: the results hold no baseline that learns nothing from the video."
        return Answer(question=question, sentences=(sentence,))
    name, winner = contest.name(baseline), contest.name(contest.best)
    error, unit = format_bpm(baseline["mae"]), contest.scores.unit
    sentences = [f"{name}, which learns nothing from the video, has {error} {unit}."]
    if float(contest.best["mae"]) < float(baseline["mae"]):
        value, interval = contest.lead(baseline)
        lead = f"{winner} is {value} {unit} better"
        lead += f" (95 % interval {interval})" if interval else ""
        if baseline["method"] in contest.tests:
            lead += f", {_beside_chance(contest.best, is_shown=contest.differs(baseline))}"
        sentences.append(f"{lead}.")
    else:
        sentences.append(f"{winner} does not beat it.")
    worse = [r for r in contest.rivals if float(r["mae"]) >= float(baseline["mae"])]
    if worse:
        verb = "does" if len(worse) == 1 else "do"
        sentences.append(f"{_named(contest, worse)} {verb} not beat it.")
    return Answer(question=question, sentences=tuple(sentences))


def _against_controls(contest: Contest) -> tuple[str, ...]:
    """The best row beside its best control, and which rows are not shown to beat theirs."""
    best, unit = contest.best, contest.scores.unit
    name = str(best["best_control"])
    title = CONTROLS[name].title if name in CONTROLS else name
    value, low, high = (float(best[key]) for key in ("skill", "skill_low", "skill_high"))
    interval = "" if math.isnan(low) else f" (95 % interval {low:.2f} to {high:.2f})"
    verdict = _beside_chance(best, is_shown=not best["control_note"])
    sentences = [
        f"Of the rows that cannot know the pulse, {title} has the lowest error, "
        f"{format_bpm(best['control_mae'])} {unit}.",
        f"{contest.name(best)} is {value:.2f} {unit} better{interval}, {verdict}.",
    ]
    marked = [record for record in contest.rivals if record.get("control_note")]
    if marked:
        verb = "is" if len(marked) == 1 else "are"
        sentences.append(f"{_named(contest, marked)} {verb} not shown to beat the controls.")
    return tuple(sentences)


def _beside_chance(row: Mapping[str, Any], *, is_shown: bool) -> str:
    """Whether a lead is more than chance; with few people that is not known."""
    people = int(row["n_subjects"])
    if people < MIN_PEOPLE:
        count = pluralise(people, "subject")
        return f"not known to be more than chance ({count}; {MIN_PEOPLE} are needed)"
    return "more than chance" if is_shown else "not shown to be more than chance"


def _named(contest: Contest, rows: Sequence[Mapping[str, Any]]) -> str:
    """The names of rows: the first few, and how many more."""
    names = [contest.name(record) for record in rows]
    if len(names) > MAX_NAMED + 1:
        return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _compared(p: float) -> str:
    """A p-value after its letter.

    >>> _compared(0.00001), _compared(0.25)
    ('< 0.001', '= 0.250')
    """
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"
