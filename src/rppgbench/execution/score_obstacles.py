"""Evaluators that will score nothing, told before the first frame."""

from collections.abc import Iterable

from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.execution.obstacles import SHORT_BY_S, has_labels, longest_recording_s
from rppgbench.execution.plan_records import Job, Plan


def score_obstacles(plan: Plan, jobs: Iterable[Job]) -> dict[str, str]:
    """Return why evaluators of a protocol will give no score, by evaluator; nothing is decoded.

    An evaluator reads references of certain kinds, and has a shortest window. Labels and lengths
    are read up to the first recording that will do.

    Args:
        plan: the plan.
        jobs: the jobs of the plan that are to be done.
    """
    keys = list(dict.fromkeys((job.dataset, job.recording) for job in jobs))
    obstacles: dict[str, str] = {}
    for name in plan.protocol.evaluators if keys else ():
        evaluator = find_evaluator(name, plan.name)
        longest_s = longest_recording_s(plan, keys, evaluator.window.shortest_s - SHORT_BY_S)
        if longest_s is not None:
            obstacles[name] = (
                f"each of the {len(keys)} recordings that are tested is shorter than its shortest "
                f"window of {evaluator.window.shortest_s:g} s (at most {longest_s:.3g} s)"
            )
        elif not any(has_labels(plan, key, evaluator.truth) for key in keys):
            kinds = " or ".join(evaluator.truth).replace("_", " ")
            obstacles[name] = (
                f"none of the {len(keys)} recordings that are tested has {kinds} to score by"
            )
    return obstacles
