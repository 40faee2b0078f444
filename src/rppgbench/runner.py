"""A plan, done: only what is missing, whatever happens."""

import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.content import checkout_root, load_methods
from rppgbench.errors import BenchError, RecordingError
from rppgbench.method import Training
from rppgbench.models import is_model, write_model
from rppgbench.plan import UNTOUCHED, Fit, Job, Plan, facts_of
from rppgbench.progress import Progress, progress
from rppgbench.provenance import provenance
from rppgbench.store import Store
from rppgbench.work import Outcome, Task, do, example
from rppgbench.workers import begin_worker, ctrl_c_held_back, no_worker_left

TRIES = 3  # how often a task whose worker died is done again before it is a failure


@dataclass(frozen=True)
class Means:
    """How a plan is done: nothing here changes a number."""

    cache: Path
    jobs: int = 1
    device: str = "auto"
    command: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Tally:
    """What a run came to: `failed` names each recording that gave a reason, with the reason."""

    done: int
    found: int  # estimates that were stored already
    failed: dict[str, str]
    seconds: float


def run(plan: Plan, store: Store, means: Means) -> Tally:
    """Do what is missing of the plan and store it; on an interruption, what is done stays.

    Features and the methods that do not learn go over all processes, a recording at a time; then
    each fit is done in this process, on its device, and its estimates after it.
    """
    began = time.monotonic()
    with store.locked():
        facts = facts_of(plan) | {
            "command": means.command,
            "provenance": provenance(checkout_root()),
            "device": means.device,
        }
        store.begin(facts, [job.digest for job in plan.jobs])
        done = store.done()
        todo = [job for job in plan.jobs if job.digest not in done]
        try:
            _do(todo, plan, store, means)
        except KeyboardInterrupt:
            kept = len(plan.jobs) - store.missing()
            raise KeyboardInterrupt(
                f"{kept} of {len(plan.jobs)} estimates are stored in {store.folder}"
            ) from None
        failed = {f"{e.dataset}/{e.recording}": e.reason for e in store.estimates() if e.reason}
    return Tally(len(todo), len(plan.jobs) - len(todo), failed, time.monotonic() - began)


def _do(todo: Sequence[Job], plan: Plan, store: Store, means: Means) -> None:
    """Do these jobs and store each outcome as it comes."""
    learned = [job for job in todo if job.fit]
    fits = [fit for fit in plan.fits if any(job.fit == fit.digest for job in learned)]
    tasks = _tasks(
        plan,
        [job for job in todo if not job.fit],
        means,
        store,
        also=_to_extract(fits, learned),
    )
    with (
        progress("recordings", len(tasks), quiet=means.quiet) as shown,
        closing(_over_processes(tasks, means.jobs)) as outcomes,
    ):
        for outcome in outcomes:
            _keep(outcome, store)
            shown.step(outcome.task.recording)
    with progress("models", len(fits), quiet=means.quiet) as shown:
        for fit in fits:
            _learn(fit, plan, store, means, shown)
            jobs = [job for job in todo if job.fit == fit.digest]
            for task in _tasks(plan, jobs, means, store):
                _keep(do(task), store)
            shown.step(f"{fit.method} {fit.fold}")


def _tasks(
    plan: Plan,
    jobs: Iterable[Job],
    means: Means,
    store: Store,
    also: Iterable[tuple[str, str, str]] = (),
) -> list[Task]:
    """The jobs by recording, so that each video is decoded once for all of its conditions.

    `also` are (data set, recording, condition) whose features are wanted without a job.
    """
    grouped: dict[tuple[str, str], list[Job]] = defaultdict(list)
    wanted: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # conditions, in their order
    for job in jobs:
        grouped[job.dataset, job.recording].append(job)
        wanted[job.dataset, job.recording][job.condition] = None
    for dataset, recording, condition in also:
        wanted[dataset, recording][condition] = None
    return [
        _task(plan, means, store, (dataset, recording), conditions, grouped[dataset, recording])
        for (dataset, recording), conditions in wanted.items()
    ]


def _task(
    plan: Plan,
    means: Means,
    store: Store,
    key: tuple[str, str],
    conditions: Iterable[str],
    jobs: Sequence[Job] = (),
) -> Task:
    known = {UNTOUCHED.name: UNTOUCHED} | {c.name: c for c in plan.protocol.conditions}
    return Task(
        key[0],
        plan.roots[key[0]],
        key[1],
        tuple(known[name] for name in conditions),
        plan.clips,
        tuple(jobs),
        tuple((m, plan.methods[m]) for m in sorted({job.method for job in jobs})),
        means.cache,
        store.folder / "models",
    )


def _to_extract(fits: Iterable[Fit], jobs: Iterable[Job]) -> Iterator[tuple[str, str, str]]:
    """What models are learned from and then tested on, so that it too goes over processes."""
    for fit in fits:
        for key in (*fit.pretrain, *fit.train):
            yield (*key, fit.condition)
    for job in jobs:
        yield job.dataset, job.recording, job.condition


def _learn(fit: Fit, plan: Plan, store: Store, means: Means, shown: Progress) -> None:
    """Learn one model, unless it is there; its folder beside it holds checkpoints and the log."""
    folder = store.folder / "models" / fit.digest
    if is_model(folder):
        return
    method, params = load_methods().found[fit.method], plan.methods[fit.method]
    if method.fit is None:
        raise TypeError(f"{fit.method} does not learn")
    examples, lost = [], []
    for labelled, keys in ((False, fit.pretrain), (method.needs_labels, fit.train)):
        for dataset, recording in keys:
            task = _task(plan, means, store, (dataset, recording), [fit.condition])
            try:
                examples.append(example(task, method, params, fit.region, labelled=labelled))
            except RecordingError as error:
                lost.append(f"{recording}: {error}")
    if not examples:
        raise BenchError(f"{fit.method}: nothing to learn from: {'; '.join(lost[:3])}")
    training = Training(
        fit.seed,
        means.device,
        folder.with_name(f"{fit.digest}-training"),
        lambda line: shown.say(f"{fit.method} {fit.fold} seed {fit.seed}: {line}"),
    )
    model = method.fit(examples, training, **params)
    facts = {
        **model.facts,
        "method": fit.method,
        "fold": fit.fold,
        "seed": fit.seed,
        "params": dict(params),
        "learned_from": len(examples),
        "could_not_learn_from": lost,
    }
    write_model(folder, replace(model, facts=facts))


def _keep(outcome: Outcome, store: Store) -> None:
    """Store what was done, then raise what the machine kept from being done."""
    if outcome.observed:
        store.add_observed(outcome.observed)
    if outcome.estimates:
        store.add(outcome.estimates)
    if outcome.trace:
        with (store.folder / "errors.log").open("a", encoding="utf-8") as log:
            log.write(f"{outcome.task.dataset}/{outcome.task.recording}\n{outcome.trace}\n")
    if outcome.fault is not None:
        raise outcome.fault


def _over_processes(tasks: Sequence[Task], jobs: int) -> Generator[Outcome]:
    """Outcomes as they come; a task whose worker died is done again, alone at last."""
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(do, tasks)
        return
    waiting = list(tasks)
    for attempt in range(TRIES):
        # The last try is one task a process, so that a task that kills its worker takes no other.
        waiting, lost = [], waiting
        alone = attempt == TRIES - 1
        for group in [[task] for task in lost] if alone else [lost]:
            with closing(_pool(group, 1 if alone else jobs)) as done:
                for task, outcome in done:
                    if outcome is None:
                        waiting.append(task)
                    else:
                        yield outcome
        if not waiting:
            return
    names = ", ".join(task.recording for task in waiting[:5])
    raise BenchError(
        f"a worker process was killed {TRIES} times over {names}: out of memory? "
        "Fewer --jobs need less; run the same command again to go on"
    )


def _pool(tasks: Sequence[Task], jobs: int) -> Generator[tuple[Task, Outcome | None]]:
    """Each task with its outcome, or None where the pool broke before it was done."""
    # Spawned, not forked: threads of FFmpeg and OpenCV do not survive a fork. One numeric thread a
    # worker: the processes are the parallelism, and the results do not depend on their number.
    futures: dict[Future[Outcome], Task] = {}
    with _one_numeric_thread(), no_worker_left(), ExitStack() as last:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker)
        last.callback(pool.shutdown, wait=False, cancel_futures=True)
        with ctrl_c_held_back(), suppress(BrokenProcessPool):  # the workers begin with the first
            for task in tasks:
                futures[pool.submit(do, task)] = task
        pending = set(futures)
        while pending:
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    yield futures[future], None
        for task in tasks[len(futures) :]:
            yield task, None


@contextmanager
def _one_numeric_thread() -> Iterator[None]:
    """What is begun in here has one thread for its numbers."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in threads}
    os.environ.update(dict.fromkeys(threads, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
