"""Tasks of a run, with defaults for what a test does not care about."""

from pathlib import Path
from typing import Any

from rppgbench.execution.planner import UNTOUCHED
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.run_options import RunOptions


def make_recording_task(dataset: str, recording: str, root: Path, **changes: Any) -> RecordingTask:
    """Make a task on an untouched recording, without jobs, with its cache in the data's folder."""
    fields: dict[str, Any] = {
        "conditions": (UNTOUCHED,),
        "clips": frozenset(),
        "jobs": (),
        "params": (),
        "options": RunOptions(cache=root),
        "models": root / "models",
    }
    return RecordingTask(dataset=dataset, recording=recording, root=root, **(fields | changes))
