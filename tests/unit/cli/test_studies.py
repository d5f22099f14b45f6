"""What an administrator asks and does about series at a prompt."""

from pathlib import Path

import pytest

from node.ports import DeliveryState, Part, SeriesState
from tests.support import registered
from tests.support.prompt import Said, perfusion_node, registry_of, settings_file

OTHER = "1.2.840.99.4"
"""Ends as registered.SERIES does."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A node with a refused series, and a younger one that still receives."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.complete(registry)
        registered.finish(registry, reason=registered.REFUSED)
        registered.receive(registry, series=OTHER)
    return config


def asked(config: Path, *arguments: str) -> Said:
    return perfusion_node(*arguments, "--config", config)


def test_the_newest_series_comes_first_on_one_line_with_its_reason(config: Path) -> None:
    """In a pipe a series is one line that holds its whole UID and why it is where it is."""
    said = asked(config, "studies")
    newest, oldest = said.out.splitlines()
    assert said.code == 0
    assert newest.startswith("RECEIVING ")
    assert newest.endswith(f"  {OTHER}  more images")
    assert registered.SERIES in oldest
    assert oldest.endswith("the series covers 12 s. Send at least 30 s.")


def test_series_as_json_are_a_list_of_records(config: Path) -> None:
    """Programs read states, UIDs, ISO times and the reason as they are in the registry."""
    newest, oldest = asked(config, "studies", "--json").json
    assert newest["series_instance_uid"] == OTHER
    assert newest["received_first_at"].endswith("+00:00")
    assert oldest["reason"] == {
        "code": "too_short",
        "found": "the series covers 12 s",
        "remedy": "Send at least 30 s.",
    }


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "refused"], [registered.SERIES]),
        (["--state", "REFUSED", "--state", "RECEIVING"], [OTHER, registered.SERIES]),
        (["--state", "FAILED"], []),
        (["--search", "840.99"], [OTHER]),
        (["--limit", "1"], [OTHER]),
    ],
)
def test_a_list_can_be_narrowed(config: Path, options: list[str], found: list[str]) -> None:
    """State, words and number limit what is listed."""
    listed = asked(config, "studies", *options, "--json").json
    assert [each["series_instance_uid"] for each in listed] == found


def test_a_list_that_ends_early_says_so(config: Path) -> None:
    """Nobody takes the first page for everything."""
    assert "more with --limit" in asked(config, "studies", "--limit", "1").out
    assert asked(config, "studies", "--state", "FAILED").out == "No series matches.\n"


def test_asking_before_there_is_a_registry_makes_none(tmp_path: Path) -> None:
    """A question to a node that never ran is answered with where it looked, and leaves no trace."""
    config = settings_file(tmp_path)
    for command in (["studies"], ["show", "1"], ["retry", "1"]):
        said = asked(config, *command)
        assert said.code == 1
        assert f"no registry at {tmp_path}/data/registry.sqlite" in said.err
        assert "--config" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["node.toml"]


def test_the_end_of_a_uid_names_a_series(config: Path) -> None:
    """Whatever end of the UID is the only one of its kind is enough."""
    assert asked(config, "show", "99.4", "--json").json["series_instance_uid"] == OTHER


def test_a_whole_uid_names_its_series_though_others_end_alike(tmp_path: Path) -> None:
    """An exact match goes before any number of longer UIDs that end with it."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        for uid in ("2.3.4", "1.2.3.4"):
            registered.receive(registry, series=uid)
    assert asked(config, "show", "2.3.4", "--json").json["series_instance_uid"] == "2.3.4"


@pytest.mark.parametrize("command", ["show", "retry", "cancel", "complete", "resend"])
def test_an_id_that_fits_no_series_is_a_clear_fault(config: Path, command: str) -> None:
    """Exit code 1, the ID as it was given, and how to find the right one."""
    said = asked(config, command, "5.5.5")
    assert (said.code, said.out) == (1, "")
    assert "5.5.5" in said.err
    assert "perfusion-node studies" in said.err


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_an_id_that_fits_several_series_names_them(config: Path, command: str) -> None:
    """Nothing is done to any of them; each is listed with its state."""
    said = asked(config, command, ".4")
    assert said.code == 1
    assert f"{OTHER}  RECEIVING" in said.err
    assert f"{registered.SERIES}  REFUSED" in said.err
    states = {each["state"] for each in asked(config, "studies", "--json").json}
    assert states == {"RECEIVING", "REFUSED"}


def test_an_empty_id_is_a_bad_call(config: Path) -> None:
    """An unset variable in a script must not mean every series."""
    assert asked(config, "cancel", "").code == 2


@pytest.mark.parametrize(
    ("command", "uid", "state"),
    [
        ("retry", registered.SERIES, SeriesState.COMPLETE),
        ("cancel", OTHER, SeriesState.CANCELLED),
        ("complete", OTHER, SeriesState.COMPLETE),
    ],
)
def test_an_action_prints_the_state_afterwards(
    config: Path, command: str, uid: str, state: SeriesState
) -> None:
    """The series is named in full, and the registry has the state that was printed."""
    said = asked(config, command, uid, "--json")
    assert said.json == {"series_instance_uid": uid, "state": state}
    assert asked(config, "show", uid, "--json").json["state"] == state


def test_what_a_state_does_not_allow_is_refused_with_a_reason(config: Path) -> None:
    """Exit code 1, the state it is in, and the command that shows it."""
    said = asked(config, "retry", OTHER)
    assert said.code == 1
    assert "RECEIVING" in said.err
    assert "perfusion-node show" in said.err


def test_one_series_is_shown_whole(tmp_path: Path) -> None:
    """UIDs, measurements with units, results, deliveries by state, and the history."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.ready(registry)
        registered.answer_all(registry, DeliveryState.PENDING, 0xA700, again_s=300)
    out = asked(config, "show", registered.SERIES).out
    assert f"Series:       {registered.SERIES}\n" in out
    assert "Next try in" in out
    assert "0xA700" in out
    assert "analysis started" in out
    assert "at least 2 s" in out.partition("Quality checks")[2]
    assert out.endswith("Not for diagnostic use.\n")


def test_a_history_that_repeats_is_told_once(tmp_path: Path) -> None:
    """Rounds that end alike are counted, not listed: the history stays readable for days."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.ready(registry)
        for _ in range(4):
            registered.answer_all(registry, DeliveryState.PENDING, 0xA700, again_s=0)
    out = asked(config, "show", registered.SERIES).out
    assert out.count("delivery started") == 1
    assert "(4 times, last at" in out
    events = asked(config, "show", registered.SERIES, "--json").json["events"]
    assert [event["name"] for event in events].count("delivery_started") == 4


def test_results_can_be_sent_again(tmp_path: Path) -> None:
    """Every object is pending once more."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.ready(registry)
        registered.answer_all(registry)
    assert asked(config, "resend", registered.SERIES).code == 0
    deliveries = asked(config, "show", registered.SERIES, "--json").json["deliveries"]
    assert {each["state"] for each in deliveries} == {"PENDING"}


def test_an_expired_series_says_so_and_what_to_do(tmp_path: Path) -> None:
    """In the list, shown whole, and where it is asked to be tried or sent again."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.ready(registry)
        registered.answer_all(registry)
        registry.begin_expiry(registered.SERIES, tuple(Part), "ended more than 30 days ago")
        registry.end_expiry(registered.SERIES)
    assert "Expired: its files were deleted" in asked(config, "studies").out
    shown = asked(config, "show", registered.SERIES).out
    assert "Images deleted:" in shown
    assert "2 results deleted: ended more than 30 days ago" in shown
    for command in ("retry", "resend"):
        said = asked(config, command, registered.SERIES)
        assert said.code == 1
        assert "Send the study again: it is analysed anew." in said.err


def test_what_is_not_confirmed_is_told_at_the_prompt(tmp_path: Path) -> None:
    """Delivered, what is waited for and when it is asked again; then confirmed, with the time."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.ready(registry)
        registered.answer_all(registry, committing=["pacs"])
        taken = registered.lease(registry, "commit")
        registered.ask(registry, taken)
        registry.settle_commitments(taken, now=registered.now())
    assert "pacs to confirm 2 of 2 objects. Next try in" in asked(config, "studies").out
    assert "ASKED" in asked(config, "show", registered.SERIES).out
    with registry_of(config) as registry:
        registered.reply(registry, "2.25.1.0", "2.25.1.1")
    assert asked(config, "studies", "--state", "confirmed").out.startswith("CONFIRMED")
    shown = asked(config, "show", registered.SERIES, "--json").json
    assert shown["confirmed_at"]
    assert {d["commitment"]["state"] for d in shown["deliveries"]} == {"CONFIRMED"}
