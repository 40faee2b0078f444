"""Tests of the model of every epoch; the best epoch is a limit that no honest choice reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.core.estimate import Estimate
from rppgbench.core.registry import load_methods
from rppgbench.execution.plan_records import Job
from rppgbench.system.errors import BenchError
from rppgbench.system.hashing import digest

if TYPE_CHECKING:
    import pandas as pd

EPOCHS = "epochs"
BEST = ": best epoch (oracle)"
"""End of the name of a row whose epoch has the least error on the test subjects."""

CHOICE = "the test subjects, by whose error its epoch was chosen"
TRAINING = ["method", "fold", "seed", "condition", "region"]


def plan_epoch_jobs(jobs: Iterable[Job], models: Path) -> list[tuple[int, Job]]:
    """Plan the jobs of all methods that learn again, with the model of each epoch that was kept.

    Args:
        jobs: the jobs of the plan.
        models: the folder of models.

    Returns:
        The number of the epoch and the job.

    Raises:
        BenchError: a model was trained without keeping the models of its epochs.
    """
    epoch_jobs = []
    for job in jobs:
        if not job.fit or load_methods().get("method", job.method, str(models)).baseline:
            continue
        folders = sorted((models / f"{job.fit}-training" / EPOCHS).glob("[0-9]*"))
        if not folders:
            raise BenchError(
                f"{models / job.fit}: was learned without --every-epoch; give another --out"
            )
        for folder in folders:
            epoch = int(folder.name)
            job_digest = digest({"job": job.digest, "epoch": epoch})
            epoch_jobs.append(
                (epoch, replace(job, digest=job_digest, fit=str(folder.relative_to(models))))
            )
    return epoch_jobs


def group_by_epoch(
    estimates: Iterable[Estimate], epochs: Mapping[str, int]
) -> dict[int, Sequence[Estimate]]:
    """Group estimates by epoch, in order.

    Args:
        estimates: estimates of the jobs of `plan_epoch_jobs`.
        epochs: the epoch of each job, by digest.
    """
    by_number: dict[int, list[Estimate]] = {}
    for estimate in estimates:
        by_number.setdefault(epochs[estimate.job], []).append(estimate)
    return dict(sorted(by_number.items()))


def best_epochs(windows: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Of every training the windows of the epoch with the least mean absolute error.

    `windows` are the rows of `score_windows` by epoch, a missing estimate's error included; a
    training is a method in a fold, seed, condition and region. The method's name says what was
    done: it is the error that a choice of the epoch on the test subjects would have had, a lower
    limit that no honest choice reaches. Of equal epochs it is the first.

    >>> import pandas as pd
    >>> one = dict.fromkeys(TRAINING, ["net"])
    >>> def at(error):
    ...     return pd.DataFrame({**one, "error_bpm": [error]})
    >>> best_epochs({1: at(5.0), 2: at(-3.0), 3: at(3.0)})[["method", "error_bpm"]].values.tolist()
    [['net: best epoch (oracle)', -3.0]]
    """
    import pandas as pd

    all_epochs = pd.concat([part.assign(epoch=epoch) for epoch, part in windows.items()])
    error = (
        all_epochs["error_bpm"].abs().groupby([all_epochs[k] for k in [*TRAINING, "epoch"]]).mean()
    )
    by_error = error.reset_index().sort_values([*TRAINING, "error_bpm", "epoch"], kind="stable")
    first = by_error.drop_duplicates(TRAINING)[[*TRAINING, "epoch"]]
    best = all_epochs.merge(first, on=[*TRAINING, "epoch"]).drop(columns="epoch")
    return best.assign(method=best["method"] + BEST)
