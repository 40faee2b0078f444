"""What can be known before the first frame: methods that cannot run, and why."""

from collections.abc import Iterable, Sequence

from rppgbench.core.method import Method
from rppgbench.core.recording import SIGNALS
from rppgbench.core.registry import load_methods
from rppgbench.datasets.checked_labels import read_labels
from rppgbench.execution.plan_records import Fit, Job, Plan
from rppgbench.execution.training_examples import Key
from rppgbench.execution.training_stages import training_stages
from rppgbench.execution.video_lengths import video_length
from rppgbench.extraction.crops import crop_rule
from rppgbench.system.errors import BenchError, error_text
from rppgbench.system.fault_kinds import attempt
from rppgbench.system.plural import pluralise

SHORT_BY_S = 0.1
"""By how much less than a clip a video may last by its container: some count a frame less."""

LABEL_FIELDS = {"beats": "beats_s", **{name: name for name in SIGNALS}}
"""Fields of `GroundTruth` by the kind of label."""


def method_obstacles(plan: Plan, jobs: Iterable[Job]) -> dict[str, str]:
    """Return why methods cannot run, by method; nothing is decoded.

    A crop rule may need a package that is not installed. A method that learns from labels may find
    no recording with labels on its training side, its clips may be longer than every recording, and
    a method that contrasts recordings needs two. Labels and lengths are read up to the first that
    does.

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
            _missing_labels(plan, fit, method)
            or _too_few(plan, fit, method)
            or _too_short(plan, fit, method)
            for fit in fits
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


def has_labels(plan: Plan, key: Key, kinds: Sequence[str]) -> bool:
    """Whether a recording has a label of one of these kinds that can be read.

    Args:
        plan: the plan.
        key: data set and name of the recording.
        kinds: "beats", or the name of a signal ("pulse", "heart_rate", "respiration", ...).
    """
    labels = attempt(lambda: read_labels(plan.recordings[key]), f"the labels of {'/'.join(key)}")
    if labels.value is None:
        return False  # the run says why, recording by recording
    return any(getattr(labels.value, LABEL_FIELDS[kind]) is not None for kind in kinds)


def _missing_crop(plan: Plan, method: Method) -> str:
    if method.input != "clip":
        return ""
    try:
        crop_rule(str(plan.methods[method.name]["crop"])).requires()
    except BenchError as error:
        return error_text(error)
    return ""


def _missing_labels(plan: Plan, fit: Fit, method: Method) -> str:
    if not method.is_shown_labels(plan.methods[method.name]):
        return ""
    kinds = ("pulse",) if method.needs_pulse else ("pulse", "heart_rate")
    if not fit.train or any(has_labels(plan, key, kinds) for key in fit.train):
        return ""
    datasets = ", ".join(sorted({dataset for dataset, _ in fit.train}))
    unlabelled = "--preset unlabelled, " if "unlabelled" in method.presets else ""
    label, labels = ("pulse", "pulses") if method.needs_pulse else ("pulse or heart rate", "labels")
    return (
        f"none of the {len(fit.train)} recordings of {datasets} that it learns from has a "
        f"{label}; put the {labels} beside the videos (bench data show {datasets.split(', ')[0]} "
        f"says where), or choose {unlabelled}another training set or another method"
    )


def _stages(plan: Plan, fit: Fit, method: Method) -> list[Sequence[Key]]:
    """The recordings of each stage of a training; a stage needs clips of its own."""
    stages = training_stages(plan.methods[method.name], fit.pretrain, fit.train)
    return [stage.data for stage in stages if stage.epochs != 0]


def _too_few(plan: Plan, fit: Fit, method: Method) -> str:
    """Why a method that contrasts recordings cannot learn from a single one."""
    least = method.least_recordings if plan.methods[method.name].get("batch", 2) > 1 else 1
    counts = [len(set(keys)) for keys in _stages(plan, fit, method)]
    fewest = min(counts, default=least)
    if fewest >= least:
        return ""
    return (
        f"it learns from at least {least} recordings, and fold {fit.fold} has {fewest}; add "
        "recordings to the training side, or choose another split or another method"
    )


def _too_short(plan: Plan, fit: Fit, method: Method) -> str:
    """Why a stage has no recording of a clip's length; "" where one has, or a length is unknown."""
    clip_s = float(plan.methods[method.name].get("clip_s", 0.0))
    if not clip_s or method.baseline:
        return ""
    for keys in _stages(plan, fit, method):
        longest_s = longest_recording_s(plan, keys, clip_s - SHORT_BY_S)
        if longest_s is not None:
            return (
                f"clips of {clip_s:g} s are longer than each of the "
                f"{pluralise(len(keys), 'recording')} that it learns from in fold {fit.fold} (at "
                f"most {longest_s:.3g} s); choose a shorter clip_s or other recordings"
            )
    return ""


def longest_recording_s(plan: Plan, keys: Sequence[Key], least_s: float) -> float | None:
    """The duration of the longest recording where all are shorter than `least_s`.

    Args:
        plan: the plan.
        keys: data sets and names of the recordings.
        least_s: the duration that one of them should have, in s.

    Returns:
        The duration in s; None where a recording is long enough, a length is not known, or there is
        no recording.
    """
    longest_s = None
    for key in keys:
        length = video_length(plan.recordings[key])
        if length is None or length.seconds >= least_s:
            return None
        longest_s = max(longest_s or 0.0, length.seconds)
    return longest_s
