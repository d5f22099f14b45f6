"""Alerts: looked for, remembered in the registry, and told as a digest by one worker."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from node import log
from node.alerts import Channel, ChannelError, Digest, channels, digest_of
from node.errors import NodeError
from node.jobs.beside import Beside
from node.jobs.owner import new_owner
from node.jobs.retry import RetryPolicy
from node.jobs.troubles import troubles, utc_now
from node.ports import Alert, AlertRecord
from node.settings import AlertSettings
from node.wiring import Node

LOOK_S = 15.0
"""How often troubles are looked for [s]."""
_CLAIM = timedelta(minutes=2)
_BACK_OFF = RetryPolicy(30.0, 1800.0)

_LOG = log.get("alerts")


class Watch(Beside):
    """Looks for troubles and tells people, in a thread of a worker.

    A trouble is told once it has lasted, with all others of the moment; then nothing for the
    length of a digest. What was told is in the registry, so that a restart neither repeats nor
    loses anything; of several workers one tells.

    Parameters
    ----------
    node
        What is watched.
    ways
        How people are told; by the settings where omitted.
    now
        The clock.
    """

    def __init__(
        self,
        node: Node,
        ways: Sequence[Channel] | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__("alerts")
        self._node, self._now = node, now
        self._ways = channels(node.settings.alerts) if ways is None else ways
        self._owner = new_owner()
        self._failures = 0
        self._not_before: datetime | None = None
        self._silent: dict[str, Alert] = {}

    def step(self) -> None:
        """One look; what is to be told now, is."""
        registry, now = self._node.registry, self._now()
        if not registry.claim_alerts(self._owner, now=now, until=now + _CLAIM):
            return
        registry.note_alerts([*troubles(self._node, now), *self._silent.values()], now=now)
        records = registry.alerts()
        if not self._ways or (self._not_before is not None and now < self._not_before):
            return
        message = due(records, self._node.settings.alerts, now)
        if message is not None:
            self._tell(message, now)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.step()
            except NodeError as fault:
                _LOG.warning("alerting_hindered", found=str(fault), remedy=fault.remedy)
            except Exception:  # noqa: BLE001 - the thread's border: a bug must not end the watch
                _LOG.exception("alerting_crashed")

    def _tell(self, message: Digest, now: datetime) -> None:
        """By every way; it is told once one has taken it, and the others are a trouble."""
        taken = [self._taken(way, message) for way in self._ways]
        if any(taken):
            self._node.registry.alerts_told(message.keys, now=now)
            self._failures, self._not_before = 0, None
            _LOG.info("alerts_told", alerts=len(message.keys))
            return
        self._failures += 1
        self._not_before = now + timedelta(seconds=_BACK_OFF.pause_s(self._failures))

    def _taken(self, way: Channel, message: Digest) -> bool:
        try:
            way.send(message)
        except ChannelError as fault:
            _LOG.error("alert_not_sent", way=way.name, found=str(fault), remedy=fault.remedy)
            self._silent[way.name] = Alert(f"way {way.name}", str(fault), fault.remedy)
            return False
        self._silent.pop(way.name, None)
        return True


def due(records: Sequence[AlertRecord], settings: AlertSettings, now: datetime) -> Digest | None:
    """The message that is to be sent now; None while there is none, or others were just sent."""
    told = [each.told_at for each in records if each.told_at is not None]
    digest = timedelta(minutes=settings.digest_minutes)
    if told and now - max(told) < digest:
        return None
    lasted = timedelta(seconds=settings.first_s)
    new = [r for r in records if r.told_at is None and now - r.since >= lasted]
    over = [r for r in records if r.over_at is not None and r.told_at is not None]
    remind = timedelta(hours=settings.remind_hours)
    lasting = [
        r
        for r in records
        if remind and r.told_at is not None and r.over_at is None and now - r.told_at >= remind
    ]
    return digest_of(new, lasting, over) if new or lasting or over else None
