"""One order: whatever order things were made, stored or asked for in, every number is the same."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rppgbench.analysis.build_report import build_report
from rppgbench.core.canonical_order import KEYS, ordered_rows
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.evaluation.bland_altman import bland_altman
from rppgbench.evaluation.ensembles import ensemble_rates
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.significance import paired_tests
from rppgbench.evaluation.summary import block_scores, summarise
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store

from ..factories import stores as made_store
from ..factories.evaluators import evaluator
from ..factories.records import make_recording_info

SUBJECTS, FS, SECONDS = 42, 30.0, 12.0
METHODS = ("chrom", "green", "pos")
WRITTEN = ("table.csv", "heart_rates.csv", "report.html")
FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking a shuffle tells nothing and takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def people() -> tuple[list[Estimate], list[RecordingInfo]]:
    """42 subjects, three methods, some without an estimate; every pulse has an error of its own."""
    rng = np.random.default_rng(7)
    times, fine = np.arange(0, SECONDS, 1 / FS), np.arange(0, SECONDS, 1 / 60)
    made, seen = [], []
    for k in range(SUBJECTS):
        subject, bpm = f"s{k}", rng.uniform(55, 110)
        truth = GroundTruth(
            pulse=Signal(np.sin(2 * np.pi * bpm / 60 * fine), fine),
            heart_rate=None,
            warnings=(f"warning {k}",),
        )
        for method in METHODS:
            own = bpm + rng.normal(0, 6)
            wave = Waveform(np.sin(2 * np.pi * own / 60 * times) + rng.normal(0, 1, len(times)), FS)
            one = made_store.estimates((method,))[0]
            none = rng.random() < 0.1
            made.append(
                replace(
                    one,
                    job=f"{subject}-{method}",
                    recording=f"{subject}-1",
                    subject=subject,
                    scenario=f"scene {k % 3}",
                    waveform=None if none else wave,
                    reason="no face" if none else "",
                )
            )
        seen.append(
            make_recording_info(
                f"{subject}-1",
                dataset="made_up",
                subject=subject,
                scenario=f"scene {k % 3}",
                skin_tone=str(k % 2),
                simulated=True,
                ground_truth=truth,
                metadata={"duration_s": SECONDS},
            )
        )
    return made, seen


MADE, SEEN = people()
TRUTHS = {(one.dataset, one.recording): one.ground_truth for one in SEEN}


def store(
    folder: Path, made: Sequence[Estimate], seen: Sequence[RecordingInfo], parts: int, methods: Any
) -> Store:
    """A store of these in so many parts of estimates and of recordings."""
    held = Store(folder)
    facts = made_store.manifest({name: {} for name in methods}, ["skin"])
    held.begin(facts | {"expected": SUBJECTS}, [one.job for one in made])
    for part in np.array_split(np.arange(len(made)), parts):
        held.add([made[k] for k in part])
    for part in np.array_split(np.arange(len(seen)), parts):
        held.add_observed([seen[k] for k in part])
    return held


def written(held: Store) -> dict[str, bytes]:
    """Everything that `bench report` writes, byte for byte."""
    build_report(held, held.folder / "report.html")
    return {name: (held.folder / name).read_bytes() for name in WRITTEN}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """In the order in which they were made up, in one part."""
    return written(store(tmp_path_factory.mktemp("first"), MADE, SEEN, 1, METHODS))


@settings(FEW, max_examples=3)
@given(
    made=st.permutations(range(len(MADE))),
    seen=st.permutations(range(len(SEEN))),
    methods=st.permutations(METHODS),
    parts=st.integers(1, 9),
)
def test_table_and_page_are_the_same_bytes_in_any_order_of_storage(
    first: dict[str, bytes],
    made: list[int],
    seen: list[int],
    methods: list[str],
    parts: int,
) -> None:
    with TemporaryDirectory() as folder:
        held = store(Path(folder), [MADE[k] for k in made], [SEEN[k] for k in seen], parts, methods)
        again = written(held)
    assert again["table.csv"].decode() == first["table.csv"].decode()
    assert again == first


class Backwards:
    """The entries of a folder in the reverse order of `os.scandir`."""

    def __init__(self, path: Any = ".") -> None:
        with SCANDIR(path) as entries:
            self.entries = iter([*entries][::-1])

    def __iter__(self) -> Iterator[Any]:
        return self.entries

    def __enter__(self) -> Iterator[Any]:
        return self.entries

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


SCANDIR, LISTDIR = os.scandir, os.listdir


def test_a_file_system_that_lists_backwards_gives_the_same_bytes(
    first: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store(tmp_path / "results", MADE, SEEN, 5, METHODS)
    parts = [file.name for file in (tmp_path / "results" / "estimates").iterdir()]
    monkeypatch.setattr(os, "scandir", Backwards)
    monkeypatch.setattr(os, "listdir", lambda path=".": LISTDIR(path)[::-1])
    backwards = [file.name for file in (tmp_path / "results" / "estimates").iterdir()]
    assert backwards == parts[::-1] != parts
    assert written(made) == first


def test_the_made_up_store_has_something_to_say(first: dict[str, bytes]) -> None:
    """Intervals, tests and figures are there, so that their order can go wrong."""
    table = first["table.csv"].decode()
    assert table.count("\n") == 1 + 2 * len(METHODS)
    for word in ("Holm", "warning 41", "scene 2", "no face"):
        assert word in first["report.html"].decode()


def test_of_two_estimates_of_one_job_the_last_written_counts(tmp_path: Path) -> None:
    """Whatever the digests of the parts, which name the files, are."""
    for k in range(8):
        held = store(tmp_path / str(k), MADE[:1], SEEN[:1], 1, METHODS)
        older, newer = (replace(MADE[0], reason=f"{word} {k}") for word in ("older", "newer"))
        held.add([older])
        held.add([newer])
        assert [one.reason for one in held.estimates(method="chrom")] == [f"newer {k}"]
        assert list(held.failed().values()) == [f"newer {k}"]


RULE = evaluator("li2023")
ROWS = score_windows(RULE, MADE, TRUTHS)
PER_RECORDING = ROWS.copy()
PER_RECORDING.attrs = ROWS.attrs | {"pooling": "recordings"}
SCORERS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "summarise": lambda rows: summarise(rows, resamples=200),
    "summarise by subject": lambda rows: summarise(rows, by=("subject", "method"), resamples=0),
    "block_scores": lambda rows: pd.DataFrame(block_scores(rows)),
    "pairs": lambda rows: pd.DataFrame(paired_tests(block_scores(rows))),
    "combined": lambda rows: ensemble_rates(rows, "mean of three", METHODS, RULE),
}


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("rows", [ROWS, PER_RECORDING], ids=["rows", "recordings"])
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_scoring_does_not_depend_on_the_order_of_the_rows(
    name: str, rows: pd.DataFrame, seed: int
) -> None:
    shuffled = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    shuffled.attrs = rows.attrs
    expected, result = SCORERS[name](rows), SCORERS[name](shuffled)
    if name == "combined":  # a row's other columns stay as they were
        expected, result = (frame[result.columns] for frame in (expected, result))
    pd.testing.assert_frame_equal(result, expected, check_exact=True)


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_windows_pairs_and_agreement_do_not_depend_on_the_order(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(MADE))
    again = score_windows(RULE, [MADE[k] for k in order], TRUTHS)
    pd.testing.assert_frame_equal(again, ROWS, check_exact=True)
    scored = ROWS[ROWS["estimate_bpm"].notna()]
    shuffled = scored.sample(frac=1, random_state=seed)
    for subjects in (True, False):
        first, second = (
            bland_altman(f["reference_bpm"], f["estimate_bpm"], f["subject"] if subjects else None)
            for f in (scored, shuffled)
        )
        assert first == second
    scores = block_scores(ROWS)
    blocks = np.random.default_rng(seed).permutation(SUBJECTS)
    assert paired_tests({name: values[blocks] for name, values in scores.items()}) == paired_tests(
        scores
    )


def test_rows_that_agree_in_every_key_have_an_order_too() -> None:
    rows = pd.DataFrame({"dataset": "d", "error_bpm": [2.0, np.nan, 1.0], "reason": ["", "x", ""]})
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        result = ordered_rows(rows.iloc[order])
        assert result["error_bpm"].tolist()[:2] == [1.0, 2.0]
    assert KEYS.index("dataset") < KEYS.index("subject") < KEYS.index("recording")
