"""How many hours the row of a table takes, by declared rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.execution.plan_cost import FRAMES_PER_S_WITH_CLIPS
from rppgbench.execution.training_cost import total_steps, training_rate
from rppgbench.papers.declaration import Hours, Line, Setting
from rppgbench.papers.measures import wanted_params
from rppgbench.papers.method_members import learning_members

NOMINAL_FPS = 30.0

HOURS_RULE = (
    f"Hours are estimates. One core decodes {FRAMES_PER_S_WITH_CLIPS:g} frames a second, once for "
    f"all methods, of videos of {NOMINAL_FPS:g} frames a second. GPU hours are the steps of the "
    "paper preset, counted from its parameters, times the seconds of a step that "
    "methods/training_rates.toml declares with their source; “not declared” where it has none. "
    "--dry-run counts over the data that is there."
)


def row_hours(line: Line, protocol: Protocol) -> Hours | None:
    """The hours of a line; None where there is nothing to run.

    Args:
        line: The line of the table.
        protocol: The protocol of the line's setting.
    """
    setting, name = line.setting, line.method.method
    if not setting.protocol or not name:
        return None
    core = setting.video_hours * NOMINAL_FPS / FRAMES_PER_S_WITH_CLIPS
    if name not in load_methods().available:
        return Hours(core)
    gpu = 0.0
    for member in learning_members(name):
        pretrain_sets = setting.pretrain or protocol.pretrain_sets(member)
        durations_s = _training_durations_s(setting, pretrain_sets)
        steps = total_steps(wanted_params(line, protocol, member), *durations_s)
        gpu += setting.folds * len(protocol.seeds) * steps * training_rate(member, "cuda")[0] / 3600
    return Hours(core, gpu)


def hours_text(hours: Hours) -> str:
    """Hours as tables say them.

    >>> hours_text(Hours(0.25)), hours_text(Hours(5.0, 140.2))
    ('about 0.25 h of a core', 'about 5 h of a core and 140 h of a GPU')
    >>> hours_text(Hours(5.0, math.nan))
    'about 5 h of a core, GPU hours not declared'
    """
    text = f"about {write_hours(hours.core)} h of a core"
    if math.isnan(hours.gpu):
        return f"{text}, GPU hours not declared"
    return f"{text} and {write_hours(hours.gpu)} h of a GPU" if hours.gpu else text


def write_hours(value: float) -> str:
    """Two digits below ten, whole numbers above."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _training_durations_s(
    setting: Setting, pretrain_sets: Sequence[str]
) -> tuple[list[float], list[float]]:
    """The mean duration for each recording of both sides, by what the whole sets hold."""
    datasets = load_datasets().available
    counts = {
        d: int(datasets[d].expected.get("recordings", 0)) for d in setting.data if d in datasets
    }
    total = sum(counts.values())
    if not total:
        return [], []
    folds = setting.folds
    learned = total * (folds - 1) // folds if folds > 1 else max(1, total - setting.recordings)
    pretrained = sum(count for name, count in counts.items() if name in pretrain_sets)
    mean_s = setting.video_hours * 3600 / total
    return [mean_s] * pretrained, [mean_s] * (learned - pretrained)
