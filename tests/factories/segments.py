"""Parts of recordings for networks."""

import numpy as np

from rppgbench.neural.segments import Segment


def ramp(frames: int, name: str = "a", pulse: bool = False) -> Segment:
    """A stretch whose sample k has the value k."""
    values = np.arange(frames, dtype=np.float64)[:, None]
    return Segment(
        recording=name,
        subject=name,
        samples=values,
        start_s=0.0,
        pulse=values[:, 0].astype(np.float32) if pulse else None,
    )
