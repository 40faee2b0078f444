"""What can be known before the first frame: methods that cannot run, and why."""

from collections.abc import Iterable

from rppgbench.core.method import Method
from rppgbench.core.registry import load_methods
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.execution.plan_records import Fit, Job, Plan
from rppgbench.execution.video_lengths import video_length
from rppgbench.extraction.crops import crop_rule
from rppgbench.system.errors import BenchError, RecordingError, error_text

SHORT_BY_S = 0.1
"""By how much less than a clip a video may last by its container: some count a frame less."""


def method_obstacles(plan: Plan, jobs: Iterable[Job]) -> dict[str, str]:
    """Return why methods cannot run, by method; nothing is decoded.

    A crop rule may need a package that is not installed. A method that learns from pulses may find
    no recording with a pulse on its training side, and its clips may be longer than every
    recording. Labels and lengths are read up to the first that does.

    Args:
        plan: the plan.
        jobs: the jobs of the plan that are to be done.
    """
    todo = list(jobs)
    wanted = {job.fit for job in todo}
    obstacles: dict[str, str] = {}
    for name in sorted({job.method for job in todo}):
        method = load_methods().get("method", name, plan.name)
        fits = [fit for fit in plan.fits if fit.method == name and fit.digest in wanted]
        missing = (
            _missing_pulse(plan, fit, method) or _too_short(plan, fit, method) for fit in fits
        )
        reason = _missing_crop(plan, method) or next(filter(None, missing), "")
        if reason:
            obstacles[name] = reason
    return obstacles


def require_possible(plan: Plan, jobs: Iterable[Job]) -> None:
    """Refuse a run of which a method is known to fail, before the first frame.

    Args:
        plan: the plan.
        jobs: the jobs of the plan that are to be done.

    Raises:
        BenchError: a method cannot run; one line names all of them.
    """
    obstacles = method_obstacles(plan, jobs)
    if obstacles:
        raise BenchError("; ".join(f"{name}: {reason}" for name, reason in obstacles.items()))


def _missing_crop(plan: Plan, method: Method) -> str:
    if method.input != "clip":
        return ""
    try:
        crop_rule(str(plan.methods[method.name]["crop"])).requires()
    except BenchError as error:
        return error_text(error)
    return ""


def _missing_pulse(plan: Plan, fit: Fit, method: Method) -> str:
    if not (method.needs_pulse and method.is_shown_labels(plan.methods[method.name])):
        return ""
    if not fit.train or any(_has_pulse(plan, key) for key in fit.train):
        return ""
    datasets = ", ".join(sorted({dataset for dataset, _ in fit.train}))
    unlabelled = "--preset unlabelled, " if "unlabelled" in method.presets else ""
    return (
        f"none of the {len(fit.train)} recordings of {datasets} that it learns from has a "
        f"pulse; put the pulses beside the videos (bench data show {datasets.split(', ')[0]} "
        f"says where), or choose {unlabelled}another training set or another method"
    )


def _has_pulse(plan: Plan, key: tuple[str, str]) -> bool:
    try:
        return read_labels(plan.recordings[key]).pulse is not None
    except RecordingError:
        return False


def _too_short(plan: Plan, fit: Fit, method: Method) -> str:
    """Why no recording is long enough for a clip; "" where one is, or its length is not known."""
    clip_s = float(plan.methods[method.name].get("clip_s", 0.0))
    keys = (*fit.pretrain, *fit.train)
    if not clip_s or not keys or method.baseline:
        return ""
    longest_s = 0.0
    for key in keys:
        length = video_length(plan.recordings[key])
        if length is None or length.seconds >= clip_s - SHORT_BY_S:
            return ""
        longest_s = max(longest_s, length.seconds)
    return (
        f"clips of {clip_s:g} s are longer than each of the {len(keys)} recordings that it learns "
        f"from in fold {fit.fold} (at most {longest_s:.3g} s); choose a shorter clip_s or other "
        "recordings"
    )
