"""Outcomes go into the store several at a time, and nothing that was done is lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.waveform import Waveform
from rppgbench.execution.estimate_writer import MOST, EstimateWriter
from rppgbench.execution.recording_task import TaskResult
from rppgbench.store.store import Store
from rppgbench.system.errors import MachineError
from rppgbench.system.fault_kinds import Fault

from ..factories.records import make_estimate, make_recording_info
from ..factories.tasks import make_recording_task

RECORDINGS, EACH = 25, 100


def outcome(
    recording: str, estimates: int, fault: Fault | None = None, reason: str = ""
) -> TaskResult:
    task = make_recording_task("set", recording, Path())
    wave = None if reason else Waveform(np.arange(3.0), 30.0)
    made = tuple(
        make_estimate(wave, recording, job=f"{recording}-{k}", reason=reason)
        for k in range(estimates)
    )
    seen = make_recording_info(recording, subject="s", reason=reason)
    faults = () if fault is None else (fault,)
    return TaskResult(task=task, observed=(seen,), estimates=made, faults=faults)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that expects 2,500 estimates."""
    made = Store(tmp_path / "results")
    jobs = [f"r{number}-{k}" for number in range(RECORDINGS) for k in range(EACH)]
    made.begin({"protocol": {"name": "p", "digest": "d"}}, jobs)
    return made


def parts(store: Store, kind: str) -> int:
    return len(list((store.folder / kind).iterdir()))


def test_many_estimates_are_few_files(store: Store) -> None:
    with EstimateWriter(store) as ledger:
        for number in range(RECORDINGS):
            ledger.keep(outcome(f"r{number}", EACH))
    assert store.missing() == 0
    assert len(store.observed()) == RECORDINGS
    # Full ones and the rest, and one more for each two seconds that a slow disk takes.
    assert parts(store, "estimates") < RECORDINGS
    assert parts(store, "estimates") * MOST >= RECORDINGS * EACH


def test_what_is_seen_again_with_another_model_is_stored_once(store: Store) -> None:
    with EstimateWriter(store) as ledger:
        ledger.keep(outcome("r0", 2))
        ledger.write()
        ledger.keep(outcome("r0", 2))
        ledger.write()
        assert parts(store, "recordings") == 1
        ledger.keep(outcome("r0", 2, reason="the face is gone"))
    assert parts(store, "recordings") == 2
    assert store.observed()["set", "r0", "none"].reason == "the face is gone"


RAISE = Exception("the end of the run")


def keep(store: Store, *outcomes: TaskResult | BaseException) -> None:
    """Keep them in turn; an exception among them is raised where it stands."""
    with EstimateWriter(store) as ledger:
        for one in outcomes:
            if one is RAISE:
                ledger.raise_missed()
            elif isinstance(one, BaseException):
                raise one
            else:
                ledger.keep(one)


def lost(recording: str) -> TaskResult:
    """A task that the machine kept from giving anything."""
    one = outcome(recording, 0)
    return replace(one, observed=(), faults=(Fault("machine", f"{recording}: the disk is full"),))


def test_what_the_machine_kept_from_being_done_is_told_after_all_that_was(store: Store) -> None:
    part = outcome("r1", 3, Fault("machine", "pos on r1: not enough memory"))
    with pytest.raises(
        MachineError, match=r"pos on r1: not enough memory; 1 more like it"
    ) as raised:
        keep(store, outcome("r0", EACH), part, lost("r3"), outcome("r2", EACH), RAISE)
    assert len(store.done()) == 2 * EACH + 3
    assert f"{RECORDINGS * EACH - len(store.done())} estimates are not made" in str(raised.value)


def test_where_the_machine_gives_nothing_any_more_the_run_ends(store: Store) -> None:
    with pytest.raises(MachineError, match="r1: the disk is full; 2 more like it"):
        keep(store, outcome("r0", EACH), lost("r1"), lost("r2"), lost("r3"), outcome("r4", EACH))
    assert len(store.done()) == EACH


def test_a_bug_is_logged_with_its_trace(store: Store) -> None:
    bugs = (Fault("bug", "internal error", "Traceback one"), Fault("bug", "no", "Traceback two"))
    with EstimateWriter(store) as ledger:
        ledger.keep(replace(outcome("r0", 2), faults=bugs))
        ledger.raise_missed()
    log = (store.folder / "errors.log").read_text()
    assert "set/r0\nTraceback one" in log
    assert "Traceback two" in log


def test_an_interruption_loses_nothing(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        keep(store, outcome("r0", EACH), KeyboardInterrupt(), outcome("r2", EACH))
    assert len(store.done()) == EACH


def test_failures_are_named_without_a_waveform_being_read(store: Store) -> None:
    with EstimateWriter(store) as ledger:
        ledger.keep(outcome("r0", 2))
        ledger.keep(outcome("r1", 2, reason="no face"))
        ledger.keep(outcome("unplanned", 2, reason="no face"))
    assert store.failed() == {"set/r1": "no face"}
