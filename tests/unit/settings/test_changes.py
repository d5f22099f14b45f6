"""What a running node takes up, and what only a restart does."""

from node.settings import (
    Destination,
    JobsSettings,
    Peer,
    RetentionSettings,
    ScpSettings,
    Settings,
    SpoolSettings,
    changes,
    picture,
)


def differ(**new: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = changes(picture(Settings()), picture(Settings(**new)))  # type: ignore[arg-type]
    return found.live, found.at_restart


def test_nothing_changed_is_nothing() -> None:
    """The same settings differ in nothing."""
    assert differ() == ((), ())


def test_each_key_is_live_or_waits_for_a_restart() -> None:
    """The listener's address and the disk's marks wait; peers, destinations and ages do not."""
    live, at_restart = differ(
        data_dir="elsewhere",
        scp=ScpSettings(port=104, quiet_s=5, allowed_peers=(Peer(ae_title="CT1"),)),
        destinations=(Destination(name="pacs", ae_title="PACS", port=104),),
        jobs=JobsSettings(max_attempts=5),
        spool=SpoolSettings(min_free_gib=1),
        retention=RetentionSettings(sources_days=1),
    )
    assert set(at_restart) == {
        "data_dir",
        "scp.port",
        "spool.min_free_gib",
        "destinations.0.commitment",
    }
    wanted = {"scp.quiet_s", "jobs.max_attempts", "retention.sources_days"}
    assert wanted | {"scp.allowed_peers.0.ae_title", "destinations.0.port"} < set(live)
