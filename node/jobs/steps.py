"""The steps of a series under a lease: analyse it, deliver its results, have them confirmed."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from node import log, route
from node.derived import DerivedObject
from node.errors import (
    InferenceError,
    NodeError,
    PeerUnreachableError,
    SpoolFullError,
    UnknownDestinationError,
    WrongStateError,
)
from node.failpoint import Step, passed
from node.jobs.ahead import Ahead
from node.jobs.basis import basis_of
from node.jobs.committing import CommitmentPolicy, commit
from node.jobs.lease import HeldLease, LeaseTiming
from node.jobs.outcomes import DeliveryPolicy
from node.jobs.owner import new_owner
from node.jobs.retry import RetryPolicy
from node.jobs.verification import Verifier
from node.ports import (
    DueDelivery,
    Kept,
    Lease,
    Reason,
    SeriesState,
    StoreOutcome,
    Wake,
)
from node.wiring import Node

_LOG = log.get("jobs")
_NO_MEMORY = "the memory of this machine did not suffice"


def _leave_it(_lease: Lease) -> None:
    """The lease runs out, and another worker takes the series."""


def _go_on(_series_instance_uid: str) -> None:
    """The next step shows whether it is broken still."""


class Steps:
    """What a worker does when it is woken; every step may run any number of times.

    Parameters
    ----------
    node
        Registry, spool, model and destinations.
    on_stalled
        What to do about a step that is stuck.
    on_broken
        What to do after the network could not be run for a series: a device that was lost, or
        memory that does not suffice, would fail the next one too. The fault is on record by then,
        unless there was no memory left to record it.
    """

    def __init__(
        self,
        node: Node,
        on_stalled: Callable[[Lease], None] = _leave_it,
        on_broken: Callable[[str], None] = _go_on,
    ) -> None:
        jobs = node.settings.jobs
        self._node = node
        self._ahead = Ahead(node)
        self._on_broken = on_broken
        self._on_stalled = on_stalled
        self._timing = LeaseTiming(jobs.lease_s, jobs.heartbeat_s)
        self._retry = RetryPolicy(jobs.retry_first_s, jobs.retry_longest_s)
        self._outcomes = DeliveryPolicy(self._retry, timedelta(hours=jobs.delivery_hours))
        self._verifier = Verifier(node, self._retry)
        self._commitments = CommitmentPolicy.of(node.settings.commitment, jobs)

    def most_urgent(self) -> Sequence[str]:
        """The series to analyse first, as the registry has them now."""
        return self._node.registry.most_urgent(_now())

    def analyse(self, series_instance_uid: str) -> SeriesState | None:
        """The series' state after its analysis; None where none was due or it came to nothing."""
        state = None
        if self._ahead.has_broken(series_instance_uid):
            self._on_broken(series_instance_uid)
        with self._leased(Wake("analyse", series_instance_uid)) as held:
            if held is not None:
                state = self._analyse(held)
        return state

    def examine_ahead(self, series_instance_uid: str, called_away: Callable[[], bool]) -> bool:
        """Whether something is due by now, after examining a series that is in its grace.

        See :class:`node.jobs.ahead.Ahead`.
        """
        return self._ahead.examine(series_instance_uid, called_away)

    def close(self) -> None:
        """Give up what is done ahead."""
        self._ahead.close()

    def deliver(self, series_instance_uid: str) -> SeriesState | None:
        """The series' state after a round; None where none was due or it came to nothing."""
        state = None
        with self._leased(Wake("deliver", series_instance_uid)) as held:
            if held is not None:
                state = self._deliver(held)
        return state

    def commit(self, series_instance_uid: str) -> SeriesState | None:
        """The series' state after a round of storage commitment; None where none was due."""
        state = None
        with self._leased(Wake("commit", series_instance_uid)) as held:
            if held is not None:
                state = commit(held, self._node, self._commitments)
        return state

    def _analyse(self, held: HeldLease) -> SeriesState:
        lease, ledger = held.lease, self._node.registry
        passed(Step.LEASED)
        uid = lease.series_instance_uid
        basis = basis_of(self._node, uid, lease.revision, lease.completed_at)

        def told(_stage: str, _done: float) -> None:
            held.progressed()

        outcome = route.analyse(
            basis.images,
            model=basis.model,
            keep=self._keep(lease),
            options=basis.options,
            progress=told,
            examined=self._ahead.examined(basis, told),
        )
        rule = basis.rule
        wanted = self._node.wanted_results()
        ruling = self._node.ruling(rule) if rule else None
        state = ledger.finish(lease, outcome, destinations=wanted, ruling=ruling, now=_now())
        passed(Step.ANALYSED)
        _LOG.info(
            "series_analysed",
            series_instance_uid=lease.series_instance_uid,
            state=str(state),
            reason=outcome.reason.code if outcome.reason else None,
            objects=len(outcome.results),
            took_s=round(sum(outcome.stages_s.values()), 3),
        )
        return state

    def _deliver(self, held: HeldLease) -> SeriesState:
        lease, ledger = held.lease, self._node.registry
        passed(Step.DELIVERY_LEASED)
        # a resend means every destination, also one that was added after the analysis
        ledger.owe(lease.series_instance_uid, self._node.wanted_results(), now=_now())
        due = ledger.deliveries_due(lease, _now())
        for name, objects in itertools.groupby(due, key=lambda each: each.destination):
            if held.lost:
                break  # settle() says so
            self._deliver_to(name, list(objects), held)
        self._verifier.verify(held)
        state = ledger.settle(lease, committing=self._node.committing(), now=_now())
        passed(Step.SETTLED)
        _LOG.info("round_ended", series_instance_uid=lease.series_instance_uid, state=str(state))
        return state

    def _keep(self, lease: Lease) -> route.Keep:
        def keep(made: DerivedObject) -> Kept:
            passed(Step.PREDICTED)
            kept = self._node.spool.keep_result(
                lease.series_instance_uid, lease.revision, made.dataset
            )
            passed(Step.RESULT_KEPT)
            return kept

        return keep

    def _deliver_to(self, name: str, due: Sequence[DueDelivery], held: HeldLease) -> None:
        """One round at one destination: each answer is recorded as it comes."""
        ledger, waiting = self._node.registry, {each.sop_instance_uid: each for each in due}
        outcomes = self._outcomes.of_one_round()
        uid_of = {each.path.name: each.sop_instance_uid for each in due}

        def note(answer: StoreOutcome) -> None:
            passed(Step.ANSWERED)
            held.progressed()
            named = answer.sop_instance_uid
            answered = waiting.pop(named if answer.readable else uid_of.get(named, named))
            outcome = outcomes.of_answer(answered, answer, _now())
            ledger.delivered(held.lease, outcome, now=_now())
            passed(Step.DELIVERED)
            if not ledger.holds(held.lease):
                raise WrongStateError("the series was re-opened or taken while it was sent")

        try:
            route.deliver(due, self._node.pacs(name), note)
        except (PeerUnreachableError, UnknownDestinationError) as fault:
            _LOG.warning(
                "destination_failed", destination=name, found=str(fault), remedy=fault.remedy
            )
            now = _now()
            for each in waiting.values():
                ledger.delivered(held.lease, outcomes.of_fault(each, fault, now), now=now)

    @contextmanager
    def _leased(self, wake: Wake) -> Iterator[HeldLease | None]:
        """A lease for the block, None where there is none to be had; faults are recorded."""
        ledger, until = self._node.registry, self._timing.until()
        lease = ledger.lease(wake, new_owner(), now=_now(), until=until)
        if lease is None:
            yield None
            return
        broken = False
        about = log.about(series_instance_uid=wake.series_instance_uid)
        try:
            with about, HeldLease(ledger, lease, self._timing, self._on_stalled) as held:
                yield held
        except WrongStateError as lost:
            _superseded(lease, str(lost))
        except NodeError as fault:
            broken = isinstance(fault, InferenceError)
            self._record(lease, fault)
        except MemoryError:
            broken = True
            self._record(lease, InferenceError(_NO_MEMORY))
        except Exception as bug:
            # it surfaces, and the series must not wait for it in silence
            self._record(lease, _BugError(f"{type(bug).__name__} in the step to {lease.queue}"))
            raise
        finally:
            # also where there was no memory even to record it: that the process ends tells it
            if broken:
                self._on_broken(lease.series_instance_uid)

    def _record(self, lease: Lease, fault: NodeError) -> None:
        """The fault in the registry: tried again later, or failed."""
        now, tries = _now(), lease.attempts + 1
        # a full disk says nothing against the series: it waits until there is room
        patient = isinstance(fault, SpoolFullError)
        again = patient or (fault.retry and tries < self._node.settings.jobs.max_attempts)
        next_try_at = now + timedelta(seconds=self._retry.pause_s(tries)) if again else None
        reason = Reason(_code(fault), str(fault), fault.remedy)
        try:
            state = self._node.registry.fault(lease, reason, now=now, next_try_at=next_try_at)
        except WrongStateError as lost:  # a fault of images that another revision replaces
            _superseded(lease, f"{lost}; {fault}")
            return
        _LOG.error(
            "step_failed",
            series_instance_uid=lease.series_instance_uid,
            queue=lease.queue,
            fault=reason.code,
            found=reason.found,
            remedy=reason.remedy,
            state=str(state),
        )


class _BugError(NodeError):
    """A mistake in the node itself; a crash that depends on chance deserves another try."""

    retry = True
    remedy = "Report the traceback in the worker's log; the series can be tried again."


def _superseded(lease: Lease, found: str) -> None:
    _LOG.warning(
        "step_superseded",
        series_instance_uid=lease.series_instance_uid,
        queue=lease.queue,
        found=found,
    )


def _code(fault: NodeError) -> str:
    """``SpoolFullError`` as ``spool_full``."""
    words = re.findall("[A-Z][a-z]*", type(fault).__name__.removesuffix("Error"))
    return "_".join(words).lower()


def _now() -> datetime:
    return datetime.now(UTC)
