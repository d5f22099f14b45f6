"""The sweep: looks in the registry for what is due, and heals what a dead process left."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from node import log
from node.errors import NodeError
from node.failpoint import Step, passed
from node.jobs.beside import Beside
from node.jobs.foresight import Foresight
from node.jobs.owner import is_gone
from node.jobs.retention import Retention
from node.jobs.vigil import Vigil
from node.ports import Ledger, Receiving, Wake
from node.series import Volume, completeness, scans_among, volume_of
from node.settings import Settings
from node.wiring import Node

AGAIN_S = 10.0
"""A wake-up that led to nothing for so long may have been lost with Redis [s]."""
LITTER_S = 600.0
"""How often temporary files of dead processes are looked for [s]."""

_LOG = log.get("sweep")


class Queue(Protocol):
    """Where wake-ups go."""

    def publish(self, wake: Wake) -> None:
        """Put a wake-up into its queue."""

    def publish_once(self, wake: Wake, about: str) -> None:
        """The same, unless any worker has done so about this lately."""

    def waiting(self, queue: str) -> int:
        """How many wake-ups wait in a queue."""


class Litter(Protocol):
    """What leaves temporary files behind."""

    def remove_litter(self) -> int:
        """How many files of dead processes were removed."""


class Sweeper(Beside):
    """Looks at the registry every ``sweep_s``, in a thread of every worker.

    Parameters
    ----------
    ledger
        The truth.
    queue
        Where wake-ups go; without it, all else goes on.
    spool
        Swept of temporary files now and then.
    settings
        Grace, quiet time, attempts and the sweep's own pace.
    retention
        What deletes files that may go; none in a worker that only analyses.
    vigil
        Whether this worker takes up what is due.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        spool: Litter,
        settings: Settings,
        retention: Retention | None = None,
        vigil: Vigil | None = None,
    ) -> None:
        super().__init__("sweep")
        self._retention = retention
        self._ledger = ledger
        self._queue = queue
        self._spool = spool
        self._settings = settings
        self._vigil = vigil
        self._foresight = Foresight(settings)
        self._whole: list[Receiving] = []
        self._next_s = settings.jobs.sweep_s
        self._woken: dict[Wake, float] = {}
        self._litter_at = 0.0
        self._troubles: dict[str, str] = {}

    def sweep(self) -> None:
        """One look at everything; a fault in one part does not keep the others from theirs."""
        early = (self._complete, self._foretell, self._expire, self._owe, self._wake)
        self._do(*early, self._tidy, self._retain)

    def glance(self) -> None:
        """A look between two sweeps at what a grace that ends, or a pause, may have changed."""
        self._do(self._complete, self._foretell, self._wake)

    def _do(self, *parts: Callable[[], None]) -> None:
        for part in parts:
            name = part.__name__.strip("_")
            try:
                part()
            except NodeError as fault:
                self._note(name, str(fault), fault.remedy)
            except Exception:  # noqa: BLE001 - the thread's border: a bug must not end the sweep
                _LOG.exception("sweep_failed", part=name)
            else:
                self._note(name, "", "")

    def _run(self) -> None:
        pace_s = self._settings.jobs.sweep_s
        due_at = time.monotonic() + pace_s
        while not self._ended.wait(max(0.0, min(self._next_s, due_at - time.monotonic()))):
            self._next_s = pace_s
            if time.monotonic() < due_at:
                self.glance()
                continue
            due_at = time.monotonic() + pace_s
            self.sweep()
            if self._vigil is not None:
                self._vigil.look()

    def _note(self, part: str, found: str, remedy: str) -> None:
        """Each trouble is told once when it comes and once when it goes."""
        before = self._troubles.get(part, "")
        self._troubles[part] = found
        if found and found != before:
            _LOG.warning("sweep_hindered", part=part, found=found, remedy=remedy)
        elif before and not found:
            _LOG.info("sweep_recovered", part=part)

    def _complete(self) -> None:
        for seen in self._ledger.receiving():
            self._look(seen)
        self._join()
        receiving = [s for s in self._ledger.receiving() if not self._judge(s)]
        self._foresight.forget_all_but({s.series_instance_uid for s in receiving})
        self._next_s = self._foresight.next_s(receiving, self._settings.jobs.sweep_s)

    def _look(self, seen: Receiving) -> None:
        """Note what has arrived, once the images pause: nothing is read while they stream in."""
        scp = self._settings.scp
        if seen.looked:
            return
        if _since(seen.received_last_at) < min(scp.grace_s, scp.quiet_s):
            self._foresee(seen)
            return
        whole, missing, volume = self._content(seen.series_instance_uid)
        self._ledger.looked(seen, content_complete=whole, missing=missing, volume=volume)

    def _foresee(self, seen: Receiving) -> None:
        """Remember what is whole before its grace has passed; nothing is noted yet."""
        if self._foresight.is_time(seen) and self._content(seen.series_instance_uid)[0]:
            self._foresight.foreseen(seen.series_instance_uid)
            self._whole.append(seen)

    def _foretell(self) -> None:
        """A worker may examine what is whole, though it is not due before its grace has passed."""
        whole, self._whole = self._whole, []
        for seen in whole:
            wake = Wake("analyse", seen.series_instance_uid)
            self._queue.publish_once(wake, f"{seen.series_instance_uid} {seen.instances}")

    def _join(self) -> None:
        """Series that are parts of one scan become one: the first that came leads them."""
        parts = {p.volume.series_instance_uid: p for p in self._ledger.scan_parts()}
        arrived = list(parts)
        for scan in scans_among(p.volume for p in parts.values()):
            members = sorted((v.series_instance_uid for v in scan), key=arrived.index)
            leads = [parts[uid].leader for uid in members if parts[uid].leader]
            leader, free = (leads or members)[0], [u for u in members if not parts[u].leader]
            if joining := [uid for uid in free if uid != leader]:
                joined = self._ledger.join(leader, joining, now=datetime.now(UTC))
                _LOG.info("parts_joined", series_instance_uid=leader, series=joined)

    def _judge(self, seen: Receiving) -> bool:
        """Whether it is complete now: by content after the grace, else after the quiet time.

        Whether another part comes as a series of its own, nothing in those that came says: their
        study must be quiet.
        """
        quiet_s = self._settings.scp.quiet_s
        last = seen.study_last_at if seen.has_parts else seen.received_last_at
        quiet = _since(last) >= quiet_s
        paused = _since(seen.received_last_at) >= min(self._settings.scp.grace_s, quiet_s)
        whole = seen.content_complete and not seen.has_parts
        if not seen.looked or not (quiet or (whole and paused)):
            return False
        note = f"{seen.instances} images, every slice at every time point"
        if not seen.content_complete:
            note = f"{seen.instances} images, then quiet for {quiet_s:g} s; {seen.missing}"
        priority = self._priority(seen)
        done = self._ledger.complete(seen, now=datetime.now(UTC), note=note, priority=priority)
        if done:
            passed(Step.COMPLETED)
            _LOG.info("series_completed", series_instance_uid=seen.series_instance_uid, found=note)
        return done

    def _priority(self, seen: Receiving) -> int:
        """What the site's rules give the series; what they do not speak of has the usual."""
        if not any(rule.priority for rule in self._settings.analysis.rules):
            return 0
        images = self._ledger.instances(seen.series_instance_uid)
        headers = (image.header for image in images)
        rule = Node(self._settings).rule(headers, seen.calling_ae_title)
        return rule.priority if rule else 0

    def _content(self, series_instance_uid: str) -> tuple[bool, str, Volume | None]:
        """Whether the series is whole, else what is missing; and what it is if it shows one time.

        A scan that comes volume by volume is a whole grid after each of them: with too few
        time points to be analysed it waits for the rest, or the PACS would get a refusal first.
        """
        fewest = self._settings.analysis.min_frames
        try:
            images = self._ledger.instances(series_instance_uid)
            headers = [image.header for image in images]
            found, volume = completeness(headers), volume_of(headers)
        except NodeError:
            raise
        except Exception:  # noqa: BLE001 - one odd series must neither stop the others nor wait
            # for ever: its quiet time runs, and its analysis says what is wrong
            _LOG.exception("judging_failed", series_instance_uid=series_instance_uid)
            return False, "its content could not be judged", None
        if found.complete and found.frames < fewest:
            return False, f"{found.frames} of at least {fewest} time points", volume
        return found.complete, found.missing, volume

    def _expire(self) -> None:
        now = datetime.now(UTC)
        for lease in self._ledger.leases():
            if lease.until <= now or is_gone(lease.owner):
                state = self._ledger.expire(
                    lease, now=now, max_attempts=self._settings.jobs.max_attempts
                )
                _LOG.warning(
                    "lease_expired",
                    series_instance_uid=lease.series_instance_uid,
                    queue=lease.queue,
                    state=str(state),
                )

    def _owe(self) -> None:
        """What waited for a destination goes to those that the settings have by now."""
        wanted = {d.name: d.results for d in self._settings.destinations}
        kinds = {kind for results in wanted.values() for kind in results}
        for uid in self._ledger.unowed(kinds) if kinds else ():
            self._ledger.owe(uid, wanted, now=datetime.now(UTC))

    def _wake(self) -> None:
        due = self._ledger.due(datetime.now(UTC))
        still_due = set(due)
        self._woken = {wake: at for wake, at in self._woken.items() if wake in still_due}
        for wake in self._to_wake(due):
            self._queue.publish(wake)
            passed(Step.WOKEN)
            self._woken[wake] = time.monotonic()

    def _to_wake(self, due: Sequence[Wake]) -> list[Wake]:
        """What is due for the first time, and what was woken in vain.

        A wake-up is repeated only where the queue holds fewer than are due: behind a long
        analysis the others wait in the queue, and need no second one.
        """
        new = [wake for wake in due if wake not in self._woken]
        late = time.monotonic() - AGAIN_S
        stale = [wake for wake in due if self._woken.get(wake, late + 1) <= late]
        for queue in {wake.queue for wake in stale}:
            if self._queue.waiting(queue) < sum(wake.queue == queue for wake in due):
                new += [wake for wake in stale if wake.queue == queue]
        return new

    def _retain(self) -> None:
        if self._retention is not None:
            self._retention.step()

    def _tidy(self) -> None:
        if time.monotonic() - self._litter_at >= LITTER_S or not self._litter_at:
            self._litter_at = time.monotonic()
            self._spool.remove_litter()


def _since(moment: datetime) -> float:
    """Seconds since then."""
    return (datetime.now(UTC) - moment).total_seconds()
