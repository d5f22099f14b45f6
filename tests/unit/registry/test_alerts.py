"""Alerts in the registry: what was told survives a restart, and is told by one process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from node.ports import Alert
from node.registry import Registry

NOW = datetime.now(UTC)
DISK = Alert("disk", "1.0 GiB free", "Free disk space.")
REDIS = Alert("redis", "Redis does not answer", "Check the Redis server.")


def keys(registry: Registry) -> list[tuple[str, bool, bool]]:
    """Each alert: whether it was told, and whether it is over."""
    return [(a.alert.key, a.told_at is not None, a.over_at is not None) for a in registry.alerts()]


def test_an_alert_begins_once_and_ends_once(registry: Registry) -> None:
    """The same trouble stays one alert, with its newest words and its first time."""
    registry.note_alerts([DISK], now=NOW)
    registry.note_alerts([replace(DISK, found="0.5 GiB free"), REDIS], now=NOW + timedelta(1))
    first, second = registry.alerts()
    assert (first.alert.found, first.since, second.alert) == ("0.5 GiB free", NOW, REDIS)
    registry.alerts_told(["disk"], now=NOW)
    registry.note_alerts([], now=NOW + timedelta(2))
    assert keys(registry) == [("disk", True, True)]  # nobody heard of the other
    registry.alerts_told(["disk"], now=NOW)
    assert keys(registry) == []


def test_what_comes_back_before_its_end_was_told_was_never_over(registry: Registry) -> None:
    """A trouble that flickers is one trouble."""
    registry.note_alerts([DISK], now=NOW)
    registry.alerts_told(["disk"], now=NOW)
    registry.note_alerts([], now=NOW)
    registry.note_alerts([DISK], now=NOW)
    assert keys(registry) == [("disk", True, False)]


def test_one_process_tells_until_its_claim_ends(registry: Registry) -> None:
    """Several workers look at once; the one that tells may go on, another takes over a dead one."""
    until = NOW + timedelta(minutes=1)
    assert registry.claim_alerts("a", now=NOW, until=until)
    assert not registry.claim_alerts("b", now=NOW, until=until)
    assert registry.claim_alerts("a", now=NOW, until=until)
    assert registry.claim_alerts("b", now=until, until=until + timedelta(minutes=1))
    assert not registry.claim_alerts("a", now=until, until=until)
