"""When a series is looked at within its grace, so that it can be examined ahead."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from node.ports import Receiving
from node.settings import Settings

PAUSE_S = 0.15
"""A pause between images after which a series may have been sent [s]; it doubles if it was not."""
STREAM_S = 0.2
"""How often a series is glanced at while its images stream in [s], to find their end."""
AHEAD_S = 10.0
"""Most of the grace that is used [s]: where it is long, senders pause long."""
MOST_IMAGES = 2_000
"""Larger series are not examined ahead: to them the grace is little, and memory much."""


class Foresight:
    """Chooses the moments for a look at what still receives.

    Whoever sends with pauses is not judged after each image, and what was foreseen once and in
    vain is not foreseen again.

    Parameters
    ----------
    settings
        Grace and quiet time, and whether anything is to be examined ahead.
    """

    def __init__(self, settings: Settings) -> None:
        scp = settings.scp
        self._on = settings.jobs.ahead
        self._grace_s = min(scp.grace_s, scp.quiet_s)
        self._pauses_s: dict[str, float] = {}
        self._foreseen: set[str] = set()

    def is_time(self, seen: Receiving) -> bool:
        """Whether a series is to be looked at now, before its grace has passed."""
        uid, pause_s = seen.series_instance_uid, _since(seen.received_last_at)
        if not self._may_be(seen) or pause_s < self._wanted_s(uid):
            return False
        self._pauses_s[uid] = 2 * self._wanted_s(uid)
        return True

    def foreseen(self, series_instance_uid: str) -> None:
        """Note that a series was found to be whole."""
        self._foreseen.add(series_instance_uid)

    def next_s(self, receiving: Iterable[Receiving], longest_s: float) -> float:
        """How long until the sweep should look again [s]: a grace may end earlier."""
        return min([longest_s, *(s for each in receiving for s in self._moments_s(each) if s > 0)])

    def forget_all_but(self, receiving: Collection[str]) -> None:
        """Forget the series that no longer receive."""
        self._pauses_s = {uid: s for uid, s in self._pauses_s.items() if uid in receiving}
        self._foreseen &= set(receiving)

    def _may_be(self, seen: Receiving) -> bool:
        alone = not (seen.has_parts or seen.looked) and seen.instances <= MOST_IMAGES
        return self._on and alone and seen.series_instance_uid not in self._foreseen

    def _wanted_s(self, series_instance_uid: str) -> float:
        begins_s = self._grace_s - AHEAD_S
        return max(self._pauses_s.get(series_instance_uid, PAUSE_S), begins_s)

    def _moments_s(self, seen: Receiving) -> list[float]:
        """When something may be due about a series, from now [s]."""
        pause_s = _since(seen.received_last_at)
        moments = [self._grace_s - pause_s]
        if self._may_be(seen):
            left_s = self._wanted_s(seen.series_instance_uid) - pause_s
            moments.append(left_s if pause_s > PAUSE_S / 2 else max(left_s, STREAM_S))
        return moments


def _since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()
