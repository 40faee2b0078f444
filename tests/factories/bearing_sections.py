"""The sections of a page on what its numbers can bear, made up for every row of a page."""

import math

import numpy as np

from rppgbench.evaluation.recording_limit import RecordingLimit, without_limit
from rppgbench.report.inputs import ReportInputs, Section
from rppgbench.report.sections.contamination import contamination_sections
from rppgbench.report.sections.limits import limit_sections
from rppgbench.report.sections.power import power_sections

KEYS = ("power", "limits", "contamination")


def bearing_sections(inputs: ReportInputs, *, pairs: int = 3) -> tuple[Section, ...]:
    """Power, limits and contamination of a page; the last recording has no limit."""
    scores, rng = inputs.scores[0], np.random.default_rng(5)
    windows = scores.windows
    methods = sorted({*windows["method"]})
    recordings = sorted({*windows["recording"]})
    limits = [
        RecordingLimit(
            dataset="made_up",
            recording=name,
            windows=5,
            limit_bpm=float(rng.uniform(0.05, 0.4)),
            efficient_bpm=math.nan,
            noise=(0.001, 0.001, 0.001),
            strength=3.0,
            rmse_bpm={method: float(rng.exponential(3)) for method in methods},
        )
        for name in recordings[:-1]
    ]
    limits.append(without_limit("made_up", recordings[-1], "no pulse stands out"))
    pair = {"evidence": "the same pulse for 38 s (correlation 0.999)", "fold": "1"}
    comparison = {
        "folds": [{"fold": "1", "learned": 40, "tested": 12}],
        "count": pairs,
        "pairs": [
            {
                **pair,
                "learned": f"made_up/copy-{k}-of-a-long-name",
                "learned_person": f"c{k}",
                "tested": f"made_up/{recordings[0]}",
                "tested_person": "s01",
            }
            for k in range(pairs)
        ],
        "people": ["made_up and copies hold recordings of the same people"],
    }
    return (
        *power_sections(scores, baselines=inputs.baselines, marks=inputs.marks),
        *limit_sections(
            limits,
            scores.name,
            region="skin",
            titles={},
            baselines=inputs.baselines,
            marks=inputs.marks,
        ),
        *contamination_sections([comparison], marks=inputs.marks),
    )
