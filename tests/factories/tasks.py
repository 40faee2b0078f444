"""Tasks of a run, with defaults for what a test does not care about."""

from pathlib import Path
from typing import Any

from rppgbench.execution.plan_records import UNTOUCHED, Job
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.run_options import RunOptions
from rppgbench.extraction.extractor import FeatureRequest


def make_job(dataset: str, recording: str, method: str, *, digest: str = "0" * 16) -> Job:
    """Make a job of one method on the skin of an untouched recording."""
    return Job(
        digest=digest,
        dataset=dataset,
        recording=recording,
        method=method,
        fold="1",
        seed=0,
        condition="none",
        region="skin",
    )


def make_recording_task(dataset: str, recording: str, root: Path, **changes: Any) -> RecordingTask:
    """Make a task on an untouched recording, without jobs, with its cache in the data's folder."""
    fields: dict[str, Any] = {
        "conditions": (UNTOUCHED,),
        "request": FeatureRequest(),
        "jobs": (),
        "params": (),
        "options": RunOptions(cache=root),
        "models": root / "models",
    }
    return RecordingTask(dataset=dataset, recording=recording, root=root, **(fields | changes))
