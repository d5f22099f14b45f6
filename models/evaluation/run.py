"""Every case through every estimator, on all cores, each finished score kept at once."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from models.evaluation.cases import Case
from models.evaluation.estimators import EstimatorId, estimator
from models.evaluation.score import Score, score
from models.evaluation.store import ScoreStore

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One case and the estimators whose score is still wanted: the scan is made once."""

    case: Case
    estimators: tuple[EstimatorId, ...]


def tasks(
    cases: Iterable[Case], estimators: Sequence[EstimatorId], store: ScoreStore
) -> list[Task]:
    """What is still to do, cases that are asked for twice once."""
    wanted = (
        Task(case, tuple(e for e in estimators if store.read(case, e) is None))
        for case in dict.fromkeys(cases)
    )
    return [task for task in wanted if task.estimators]


def run(
    todo: Sequence[Task], store: ScoreStore, workers: int, heard: Callable[[Task], None]
) -> None:
    """Score what is to do; a stopped run loses only the cases it was at.

    Parameters
    ----------
    todo
        What :func:`tasks` gave.
    store
        Where scores are kept.
    workers
        Processes side by side; with 1 everything happens in this process.
    heard
        Called for every finished task.
    """
    if workers == 1:
        for task in todo:
            _score(task, store)
            heard(task)
        return
    # Processes are the parallelism: their libraries must not each start a thread a core.
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = {pool.submit(_score, task, store): task for task in todo}
        try:
            for done in as_completed(running):
                done.result()
                heard(running[done])
        finally:
            pool.shutdown(cancel_futures=True)


def collected(
    cases: Iterable[Case], estimators: Sequence[EstimatorId], store: ScoreStore
) -> dict[tuple[Case, str], Score]:
    """Every score by case and estimator's name.

    Raises
    ------
    LookupError
        If one is missing: :func:`run` was not done.
    """
    found: dict[tuple[Case, str], Score] = {}
    for case in dict.fromkeys(cases):
        for who in estimators:
            kept = store.read(case, who)
            if kept is None:
                raise LookupError(f"no score of {who.name} for {case}")
            found[case, who.name] = kept
    return found


def _score(task: Task, store: ScoreStore) -> None:
    known = task.case.make()
    for who in task.estimators:
        store.keep(task.case, who, score(estimator(who.source), known))
