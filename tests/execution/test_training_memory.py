"""Clips to learn from stay in files: memory and open files do not grow with the recordings."""

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.execution.training_task import load_examples
from rppgbench.neural.clips import Clips
from rppgbench.neural.segments import cut_segments

from ..speed.training_data import made_up_training, open_files

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="counts the open files in /proc"),
]
RECORDINGS, SECONDS, CLIP_S = 24, 11.0, 10.0
CLIPS_BYTES = RECORDINGS * round(SECONDS * 30) * 32 * 32 * 3


def test_recordings_at_uneven_times_are_neither_in_memory_nor_open(tmp_path: Path) -> None:
    method = load_methods().get("method", "contrast_phys", "test")
    with made_up_training(tmp_path, RECORDINGS, SECONDS, "contrast_phys_32") as task:
        load_examples(task, method)  # makes the clips
        load_examples(task, method)  # notes that they are whole; imports are done
        made = sorted((tmp_path / "cache" / "resampled_clips").glob("*/*/frames.npy"))
        before = open_files()
        tracemalloc.start()
        examples = load_examples(task, method).examples
        clips = Clips(cut_segments(examples, 30.0, CLIP_S, "m"), round(CLIP_S * 30))
        most_open, total = 0, 0
        for starts in clips.one_per_recording(np.random.default_rng(0), 2, 2):
            total += int(np.stack([clips.read(start) for start in starts]).nbytes)
            most_open = max(most_open, open_files() - before)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(made) == len(examples) == RECORDINGS
    assert total == 2 * RECORDINGS * round(CLIP_S * 30) * 32 * 32 * 3
    assert peak_bytes < CLIPS_BYTES / 4
    assert most_open <= 8
