"""A series that is whole is examined during its grace; what comes of it waits for the lease.

Nothing here is recorded, kept or sent: the registry alone says when a series is complete and who
analyses it. What was examined ahead is used if, and only if, the analysis would be made from the
very same images, network and options; else it is forgotten, and so it is when the process dies.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from node import log
from node.errors import InferenceError, NodeError
from node.failpoint import Step, passed
from node.jobs.basis import Basis, basis_of
from node.jobs.foresight import MOST_IMAGES
from node.ports import Activity, Receiving
from node.route import Examined, Progress, examine
from node.wiring import Node

PATIENCE_S = 5.0
"""How long after its grace a series is still waited for [s]: the sweep declares it complete."""

_LOOK_S, _CLOSE_LOOK_S = 0.2, 0.01
# How long before its end a grace is looked at closely: a look costs some ms of the examination.
_CLOSE_S = 0.05
_LOG = log.get("jobs")


class _DroppedError(Exception):
    """Nobody wants it any more."""


class _Examination:
    """One series that is being examined in a thread, or was."""

    def __init__(self, series_instance_uid: str, seen: Receiving, basis: Basis) -> None:
        self.uid, self.seen, self.basis = series_instance_uid, seen, basis
        self.dropped = threading.Event()
        self.progress: Progress | None = None
        self.future: Future[Examined] | None = None

    def run(self) -> Examined:
        with log.about(series_instance_uid=self.uid):
            basis = self.basis
            return examine(
                basis.images, model=basis.model, options=basis.options, progress=self._told
            )

    def _told(self, stage: str, done: float) -> None:
        if self.dropped.is_set():
            raise _DroppedError
        if self.progress is not None:
            self.progress(stage, done)


class Ahead:
    """Examines one series at a time, in a thread, while its grace still runs.

    Parameters
    ----------
    node
        Registry, model and settings.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._one: _Examination | None = None
        self._broken_by = ""

    def has_broken(self, series_instance_uid: str) -> bool:
        """Whether the network could not be run, ahead, for another series than this one.

        A device that was lost, or memory that does not suffice, would fail this one too, and the
        fault would count as its own. The other is analysed in its turn, and meets it again.
        """
        return self._broken_by not in ("", series_instance_uid)

    def examine(self, series_instance_uid: str, called_away: Callable[[], bool]) -> bool:
        """Whether there is something to analyse by now, most likely this series.

        Returns when anything is due, when this worker is ``called_away`` to something else (the
        examination goes on meanwhile), or when the series is no longer what it was.
        """
        seen = self._in_grace(series_instance_uid)
        if seen is None or seen.instances > MOST_IMAGES or not self._may_work():
            return False
        self._begin(seen)
        while (left_s := self._left_s(seen)) > -PATIENCE_S:
            now = self._in_grace(series_instance_uid)
            if self._node.registry.most_urgent(datetime.now(UTC)):
                return True
            if now is None or now.instances != seen.instances:
                self.drop()
                return False
            if called_away():
                return False
            time.sleep(_CLOSE_LOOK_S if left_s < _CLOSE_S else min(_LOOK_S, left_s - _CLOSE_S))
        return False

    def examined(self, basis: Basis, progress: Progress) -> Examined | None:
        """What was found ahead of the same basis; waited for where it is still at work.

        Of any other basis it is forgotten: a series that is due does not wait for one that is
        not. Where it failed, the analysis does it again and says why.
        """
        one = self._one
        if one is None or one.future is None or not one.basis.shows_the_same_as(basis):
            self.drop()
            return None
        self._one, one.progress = None, progress
        fault_of = one.future.exception  # waits; any fault is met again, and told, by the analysis
        if (fault := fault_of()) is not None:
            self._broken_by = ""  # if it is broken still, this analysis finds it so
            _LOG.info("not_examined_ahead", found=type(fault).__name__)
            return None
        _LOG.info("examined_ahead", stages_s=round(sum(one.future.result().stages_s.values()), 3))
        return one.future.result()

    def drop(self) -> None:
        """Forget what is examined ahead; it ends at its next stage."""
        if self._one is not None:
            self._one.dropped.set()
            self._one = None

    def close(self) -> None:
        """Drop it, and take no more."""
        self.drop()
        self._threads.shutdown(wait=False)

    def _begin(self, seen: Receiving) -> None:
        if self._one is not None and (self._one.uid, self._one.seen.instances) == (
            seen.series_instance_uid,
            seen.instances,
        ):
            return
        self.drop()
        try:
            basis = basis_of(self._node, seen.series_instance_uid, 1, datetime.now(UTC))
        except NodeError as fault:  # its analysis will meet the same, and record it
            _LOG.info("not_examined_ahead", found=str(fault))
            return
        self._one = _Examination(seen.series_instance_uid, seen, basis)
        self._one.future = self._threads.submit(self._run, self._one)
        passed(Step.EXAMINED_AHEAD)

    def _run(self, one: _Examination) -> Examined:
        try:
            return one.run()
        except (InferenceError, MemoryError):
            self._broken_by = one.uid
            raise

    def _in_grace(self, series_instance_uid: str) -> Receiving | None:
        """The series, if it still receives and waits for no other."""
        for seen in self._node.registry.receiving():
            if seen.series_instance_uid == series_instance_uid:
                return None if seen.has_parts else seen
        return None

    def _left_s(self, seen: Receiving) -> float:
        """How much of the grace is left [s]."""
        scp = self._node.settings.scp
        past_s = (datetime.now(UTC) - seen.received_last_at).total_seconds()
        return min(scp.grace_s, scp.quiet_s) - past_s

    def _may_work(self) -> bool:
        """Whether settings and people let this worker do more than it must."""
        paused = {pause.activity for pause in self._node.registry.pauses()}
        return self._node.settings.jobs.ahead and Activity.ANALYSING not in paused
