"""The JSON API over a real socket."""

from dataclasses import replace

import pytest

from node.errors import ModelError, PeerUnreachableError, UnknownDestinationError
from node.ports import DiskUse, SeriesState
from node.status import DestinationInfo, Probes
from tests.support import night
from tests.support.fake_archive import FakeArchive
from tests.unit.status.conftest import Node, Show

BASE = "/api/series/1.2.826.0.1.3680043.8.498"
NUMBER = {state: place for place, state in enumerate(SeriesState, start=1)}


def address(state: SeriesState, action: str = "") -> str:
    return f"{BASE}.{NUMBER[state]}{action and '/' + action}"


def test_the_list_shows_the_newest_series_first(node: Node) -> None:
    """Every series is a line with its state, its age and its situation in words."""
    lines = node.get("/api/series").json()
    assert [line["state"] for line in lines] == [str(state) for state in SeriesState]
    assert lines[0]["age_s"] == 60.0
    assert lines[0]["words"].startswith("Receiving images")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state=FAILED", 1),
        ("?state=FAILED&state=REFUSED", 2),
        ("?search=498.3", 1),
        ("?search=nobody", 0),
        ("?limit=4", 4),
        ("?search=%25", 0),
    ],
)
def test_the_list_can_be_narrowed(node: Node, query: str, found: int) -> None:
    """State (several), search and limit narrow the list; a per cent sign is no wildcard."""
    assert len(node.get(f"/api/series{query}").json()) == found


def test_a_series_is_told_in_full_without_file_paths(show: Show) -> None:
    """Times, results, deliveries with status in words and history; no path of the node's disk."""
    client = show(night.archive(), night.probes())
    answer = client.get(f"{BASE}.65")
    body = answer.json()
    assert body["results"][0]["kind"] == "background"
    assert {d["status_words"] for d in body["deliveries"]} >= {"0x0000 stored", ""}
    assert body["events"][-1]["name"] == "delivered"
    assert body["actions"] == ["resend", "analyse"]
    assert body["stages_s"]["predict"] == 1.2
    assert "/var/lib" not in answer.text


def test_the_queue_counts_by_state_and_clocks_the_maps(node: Node) -> None:
    """Every state is counted; the clock is null before the first delivery."""
    queue = node.get("/api/queue").json()
    assert queue["counts"] == {str(state): 1 for state in SeriesState}
    assert queue["oldest_waiting_s"] == 5 * 60
    assert queue["turnround"] == {
        "median_s": None,
        "last_s": None,
        "target_s": 60.0,
        "within": 0,
    }


@pytest.mark.parametrize(
    ("state", "action", "after"),
    [
        (SeriesState.FAILED, "retry", "COMPLETE"),
        (SeriesState.RECEIVING, "cancel", "CANCELLED"),
        (SeriesState.RECEIVING, "complete", "COMPLETE"),
        (SeriesState.DELIVERED, "resend", "READY"),
        (SeriesState.DELIVERED, "analyse", "COMPLETE"),
        (SeriesState.COMPLETE, "prioritise", "COMPLETE"),
    ],
)
def test_an_action_says_what_it_came_to(
    node: Node, state: SeriesState, action: str, after: str
) -> None:
    """An action answers with the state afterwards, in words too, and the registry has it."""
    answer = node.post(address(state, action))
    assert answer.status_code == 200
    assert answer.json()["state"] == after
    assert answer.json()["words"].startswith("Now ")
    assert node.get(address(state)).json()["state"] == after


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/series/1.2.3", 404, "unknown_series"),
        ("POST", "/api/series/1.2.3/retry", 404, "unknown_series"),
        ("POST", address(SeriesState.DELIVERED, "retry"), 409, "wrong_state"),
        ("POST", address(SeriesState.FAILED, "explode"), 422, "invalid_request"),
        ("GET", "/api/series?limit=0", 422, "invalid_request"),
        ("GET", "/api/series?state=LOST", 422, "invalid_request"),
        ("GET", "/api/series?search=%00", 422, "invalid_request"),
        ("GET", "/api/series/..%2F..%2Fetc%2Fpasswd", 400, "no_path"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("DELETE", address(SeriesState.FAILED), 405, "method_not_allowed"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_remedy(
    node: Node, method: str, path: str, status: int, code: str
) -> None:
    """Every refused request says what was found and what to do, as JSON."""
    answer = node.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["found"]
    assert answer.json()["remedy"]


@pytest.mark.parametrize("path", ["/api/series", "/api/queue", BASE + ".1"])
def test_a_silent_database_is_503(node: Node, path: str) -> None:
    """Without the registry the API answers 503 and names the remedy."""
    node.archive.down = True
    answer = node.get(path)
    assert answer.status_code == 503
    assert answer.json()["code"] == "registry_unavailable"
    node.archive.down = False
    assert node.get(path).status_code == 200


def test_a_destination_that_answers_says_how_fast(node: Node) -> None:
    """The echo button's answer is the time the C-ECHO took."""
    assert [d["name"] for d in node.get("/api/destinations").json()] == ["pacs", "viewer"]
    answer = node.post("/api/destinations/pacs/echo")
    assert answer.json() == {
        "destination": "pacs",
        "seconds": 0.0042,
        "words": "Answered a C-ECHO in 4 ms.",
    }


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (PeerUnreachableError("no association with viewer"), 502, "peer_unreachable"),
        (UnknownDestinationError("no destination viewer"), 404, "unknown_destination"),
        (ModelError("damaged"), 500, "model"),
    ],
)
def test_an_echo_that_fails_says_why(fault: Exception, status: int, code: str, show: Show) -> None:
    """A peer that does not answer is a bad gateway, a name nobody knows is not found."""

    def echo(name: str) -> float:
        raise fault

    client = show(FakeArchive(), replace(night.probes(), echo=echo))
    answer = client.post("/api/destinations/viewer/echo")
    assert answer.status_code == status
    assert answer.json()["code"] == code


def test_a_bug_surfaces_and_tells_nothing_of_the_inside(show: Show) -> None:
    """A mistake in the node is a 500 that keeps the trace in the log."""

    def destinations() -> list[DestinationInfo]:
        raise ZeroDivisionError("secret detail")

    broken = replace(night.probes(), destinations=destinations)
    client = show(FakeArchive(), broken)
    # uvicorn ends a connection on which an exception surfaced: no later test may draw on it.
    last = {"Connection": "close"}
    answer = client.get("/api/destinations", headers=last)
    page = client.get("/destinations", headers=last)
    assert (answer.status_code, answer.json()["code"]) == (500, "bug")
    assert "secret detail" not in answer.text + page.text
    assert page.headers["content-security-policy"] == answer.headers["content-security-policy"]


def test_the_api_describes_itself_without_the_internet(node: Node) -> None:
    """/docs lists every address of /openapi.json and loads nothing from elsewhere."""
    document = node.get("/openapi.json").json()
    page = node.get("/docs").text
    assert all(path in page for path in document["paths"])
    assert "http://" not in page
    assert "https://" not in page


def ill(**facts: object) -> Probes:
    return replace(night.probes(), **facts)  # type: ignore[arg-type]  # the caller names fields


def no_model() -> None:
    raise ModelError("the digest of perfusion.onnx does not match")


@pytest.mark.parametrize(
    ("probes", "why"),
    [
        (ill(redis=lambda: "redis_url is not set"), "Redis: redis_url is not set"),
        (ill(database=lambda: "disk I/O error"), "Database: disk I/O error"),
        (ill(database=lambda: "the database is read-only"), "The database is read-only"),
        (ill(disk=lambda: DiskUse(10**9, 10**12, 2 * 2**30)), "Disk: 0.9 GiB free"),
        (ill(model=lambda: None), "Model: no usable model is there"),
        (ill(model=no_model), "Model: the digest of perfusion.onnx"),
    ],
    ids=["redis", "database", "read-only", "disk", "none", "damaged"],
)
def test_a_node_that_could_not_work_is_not_ready_and_says_why(
    probes: Probes, why: str, show: Show
) -> None:
    """Not ready is 503 with every reason, and the first page shows it too; alive it stays."""
    client = show(FakeArchive(), probes)
    ready = client.get("/health/ready")
    assert client.get("/health/live").status_code == 200
    page = client.get("/").text
    assert ready.status_code == 503
    assert len(ready.json()["reasons"]) == 1
    assert ready.json()["reasons"][0].startswith(why)
    assert why in page


def test_a_disk_with_little_room_is_told_before_it_is_full(show: Show) -> None:
    """Under the soft mark the node is ready, and page, health and metrics warn."""
    little = DiskUse(5 * 2**30, 10**12, 2 * 2**30, 10 * 2**30)
    client = show(FakeArchive(), ill(disk=lambda: little))
    ready = client.get("/health/ready")
    told = "Disk: 5.0 GiB free, under the mark of 10 GiB; finished studies expire early"
    assert (ready.status_code, ready.json()["warnings"]) == (200, [told])
    assert told in client.get("/").text
    lines = client.get("/metrics").text.splitlines()
    assert "perfusion_node_disk_low 1.0" in lines
    assert "perfusion_node_disk_full 0.0" in lines


def test_a_well_node_is_ready(node: Node) -> None:
    """Ready is 200 without a reason."""
    answer = node.get("/health/ready")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "reasons": [], "warnings": []},
    )


def test_the_metrics_are_prometheus_text(node: Node) -> None:
    """Counts by state, ages, disk and versions are there for alerts."""
    answer = node.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'perfusion_node_series{state="FAILED"} 1.0' in lines
    assert "perfusion_node_oldest_waiting_seconds 300.0" in lines
    assert "perfusion_node_database_up 1.0" in lines
    assert "perfusion_node_model_up 1.0" in lines
    assert any(line.startswith("perfusion_node_disk_free_bytes 4.4") for line in lines)
    assert any(line.startswith("perfusion_node_info{") for line in lines)


def test_a_silent_database_is_a_metric(node: Node) -> None:
    """Alerts on the disk do not hang on the database."""
    node.archive.down = True
    answer = node.get("/metrics")
    assert answer.status_code == 200
    assert "perfusion_node_database_up 0.0" in answer.text
    assert "perfusion_node_disk_free_bytes" in answer.text
    assert "perfusion_node_series{" not in answer.text


def test_what_the_node_does_is_paused_and_resumed(node: Node) -> None:
    """Each activity is told with who paused it; asked twice, nothing changes."""
    assert [a["paused"] for a in node.get("/api/activities").json()] == [False] * 3
    for _ in range(2):
        answer = node.post("/api/activities/delivering/pause").json()
        assert answer["paused"] is True
        assert answer["words"].startswith("Delivering is paused")
    told = node.get("/api/activities").json()[2]
    assert (told["activity"], told["by"], bool(told["since"])) == (
        "delivering",
        "somebody on the status page",
        True,
    )
    assert 'perfusion_node_paused{activity="delivering"} 1.0' in node.get("/metrics").text
    assert "Delivering is paused" in node.get("/destinations").text
    assert node.post("/api/activities/delivering/resume").json()["paused"] is False
    assert "Delivering is paused" not in node.get("/destinations").text
    assert node.post("/api/activities/thinking/pause").status_code == 422
