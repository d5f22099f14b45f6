"""The pages, as the server renders them."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from node.ports import (
    CheckRecord,
    CommitmentRecord,
    CommitmentState,
    DeliveryRecord,
    DeliveryState,
    Event,
    ReadingRecord,
    Reason,
    SeriesState,
)
from node.status import DestinationInfo
from tests.support import night
from tests.support.fake_archive import NOW, FakeArchive, a_series
from tests.unit.status.conftest import Node, Show

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"
SERIES = "/series/1.2.826.0.1.3680043.8.498"


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ["/", f"{SERIES}.65", f"{SERIES}.3", "/destinations", "/docs"])
def test_a_page_says_that_it_is_not_for_diagnosis_and_loads_only_its_own(
    path: str, show: Show
) -> None:
    """The banner is on every page; scripts, styles and pictures come from the node alone."""
    client = show(night.archive(), night.probes())
    html = client.get(path).text
    assert "Not for diagnostic use" in html
    loaded = [
        attributes.get("src") or attributes.get("href") or ""
        for tag, attributes in Elements(html).found
        if tag in {"script", "link", "img"}
    ]
    assert loaded
    assert all(source.startswith(("/static/", "/series/")) for source in loaded)


def test_the_first_page_tells_the_night_at_a_glance(show: Show) -> None:
    """Counts, the clock, and for each series its state, reason, remedy and next try."""
    client = show(night.archive(), night.probes())
    html = client.get("/").text
    for told in (
        "Waiting for 2 more images of slice 3; declared complete in 14 s",
        "The network ran out of memory on cuda:0.",
        "Check free memory and the device",
        "Next try in 18 s.",
        "waits to retry",
        "2 series that are no perfusion",
    ):
        assert told in html
    assert "Topogram" not in html


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("?show=failed", "Hr36", "CTP 5 mm"),
        ("?show=refused", "CTP 5 mm", "Topogram"),
        ("?show=everything", "Topogram", "Nothing here"),
        ("?search=AQUILION", "CT_AQUILION", '<td class="from">CT_SOMATOM'),
        ("?sender=CT_REVOLUTION", "NEURO PERFUSION", '<td class="from">CT_AQUILION'),
        ("?age=hour", "CTP 5 mm", "Page 1 of"),
        ("?age=hour&show=failed", "Hr36", "5.0 H20f"),
        ("?show=everything&search=nobody", "Nothing here matches “nobody”", "<table"),
        ("?show=no-such-filter", "CTP 5 mm", "Topogram"),
    ],
)
def test_the_table_can_be_filtered_and_searched(
    query: str, there: str, absent: str, show: Show
) -> None:
    """A filter shows its states only, a search what matches, and nothing says so."""
    client = show(night.archive(), night.probes())
    html = client.get(f"/{query}").text
    assert there in html
    assert absent not in html


def test_hostile_text_stays_text(show: Show) -> None:
    """A SeriesDescription, AE title, reason or message that holds HTML is shown, not obeyed."""
    reason = Reason(HOSTILE, HOSTILE, HOSTILE)
    uid = f"{SERIES}.1".removeprefix("/series/")
    delivery = DeliveryRecord("1.2", HOSTILE, DeliveryState.FAILED, 0xA700, HOSTILE, 1, None, NOW)
    record = replace(
        a_series(1, SeriesState.FAILED, description=HOSTILE, calling_ae_title=HOSTILE),
        modality=HOSTILE,
        waiting_for=HOSTILE,
        reason=reason,
        flags=(reason,),
        summary={HOSTILE: 1.0},
        stages_s={HOSTILE: 1.0},
        deliveries=(delivery,),
        events=(Event(NOW, HOSTILE, HOSTILE),),
    )
    client = show(FakeArchive(record), night.probes())
    pages = [
        client.get("/"),
        client.get("/", params={"search": HOSTILE, "show": "everything"}),
        client.get(f"/series/{uid}"),
        client.get(f"/nowhere{HOSTILE}"),
        client.get("/", params={"search": HOSTILE * 3}),
    ]
    for page in pages:
        tags = [tag for tag, _ in Elements(page.text).found]
        assert tags.count("script") == 1, "the page's own"
        assert not any(name.startswith("on") for _, a in Elements(page.text).found for name in a)
        assert not any(a.get("src") == "x" for _, a in Elements(page.text).found)
        assert "49" not in [part.strip("<>") for part in page.text.split()]
    assert "&lt;script&gt;alert(1)" in pages[2].text


def test_a_series_page_shows_what_was_confirmed(node: Node) -> None:
    """Each object's commitment with its reason and next try; the time line has its station."""
    kept = CommitmentRecord(
        CommitmentState.UNCONFIRMED,
        0x0122,
        "it commits to no object of this SOP class",
        1,
        None,
        NOW,
    )
    delivery = DeliveryRecord("1.2", "pacs", DeliveryState.STORED, 0, "", 1, None, NOW, kept)
    committed = a_series(77, SeriesState.DELIVERED, deliveries=(delivery,))
    without = replace(delivery, commitment=None)
    node.archive.put(committed, a_series(78, SeriesState.DELIVERED, deliveries=(without,)))
    page = node.get(f"{SERIES}.77").text
    assert "<th>Commitment</th>" in page
    assert '<span class="badge warn">unconfirmed</span>' in page
    assert "it commits to no object of this SOP class" in page
    assert "Maps confirmed" in page
    assert "Commitment" not in node.get(f"{SERIES}.78").text
    told = node.get("/api/queue").json()["unconfirmed"]
    assert told == [{"destination": "pacs", "state": "UNCONFIRMED", "objects": 1}]
    metrics = node.get("/metrics").text
    assert 'unconfirmed_objects{destination="pacs",state="UNCONFIRMED"} 1.0' in metrics


def test_a_series_page_and_its_api_show_every_check(node: Node) -> None:
    """What was measured, its threshold and its grade; those that are ok as well."""
    reading = ReadingRecord("noise of a voxel", 5.2, "HU", "5.2 HU", "at most 12 HU")
    check = CheckRecord("noise", "ok", "noise of 5 HU", (reading,))
    node.archive.put(a_series(77, SeriesState.DELIVERED, checks=(check,)))
    row = node.get(f"{SERIES}.77").text.partition('id="checks"')[2]
    for said in ("Noise of a voxel", "5.2 HU", "at most 12 HU", '<span class="badge good">ok'):
        assert said in row
    [told] = node.get(f"/api{SERIES}.77").json()["checks"]
    assert (told["code"], told["grade"], told["readings"][0]["value"]) == ("noise", "ok", 5.2)


def test_a_series_page_offers_only_what_can_be_asked(node: Node) -> None:
    """A failed series can be tried again; one that is being analysed can only be watched."""
    assert "/retry" in node.get(f"{SERIES}.9").text
    assert 'method="post"' not in node.get(f"{SERIES}.3").text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/series/1.2.3", 404, "No series 1.2.3 is known."),
        ("/series/DROP TABLE", 422, "String should match pattern"),
        ("/nowhere", 404, "Not Found."),
    ],
)
def test_a_page_that_cannot_be_shown_says_what_to_do(
    node: Node, path: str, status: int, said: str
) -> None:
    """People get a page in words where machines get JSON."""
    answer = node.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert said in answer.text


def test_without_the_database_the_page_says_so(node: Node) -> None:
    """A silent registry is a 503 page with the remedy, which heals by itself."""
    node.archive.down = True
    answer = node.get("/")
    assert answer.status_code == 503
    assert "The registry&#39;s database does not answer." in answer.text
    assert "Check database_url" in answer.text


def test_a_node_without_destination_is_told_on_every_page(show: Show) -> None:
    """Maps that go nowhere are a mistake in the settings that nobody should find by chance."""
    probes = replace(night.probes(), destinations=lambda: ())
    client = show(FakeArchive(), probes)
    assert "No destination is configured" in client.get("/").text
    assert "None is configured" in client.get("/destinations").text


def test_a_dicomweb_server_is_shown_by_its_address(show: Show) -> None:
    """It has no AE title; an echo of it says what was asked."""
    web = DestinationInfo("web", url="https://archive.example.org/dicom-web")
    client = show(FakeArchive(), replace(night.probes(), destinations=lambda: (web,)))
    page = client.get("/destinations").text
    assert "https://archive.example.org/dicom-web" in page
    assert "AE title" not in page
    (listed,) = client.get("/api/destinations").json()
    assert (listed["url"], listed["ae_title"], listed["port"]) == (web.url, "", None)
    answer = client.post("/api/destinations/web/echo").json()
    assert answer["words"] == "Answered a QIDO-RS search in 4 ms."


def test_the_system_page_tells_who_works_and_what_is_set(show: Show) -> None:
    """Workers with what they have in hand, the silent one told apart; disk, model, settings."""
    html = show(night.archive(), night.probes()).get("/system").text
    for told in (
        "GPU (CUDA)",
        "NVIDIA L4: 64 % busy, 3.0 of 24 GiB",
        "working",
        "silent",
        "for 12 min",
        "412 GiB of 931 GiB",
        night.ESTIMATOR.sha256,
        "scp.ae_title",
        "&#34;PERFUSION&#34;",
    ):
        assert told in html
    empty = show(FakeArchive(), night.probes()).get("/system").text
    assert "No worker has reported itself" in empty


def test_a_destination_is_told_with_what_it_stored_last(show: Show) -> None:
    """And with what it is still to be sent."""
    html = show(night.archive(), night.probes()).get("/destinations").text
    assert "min ago" in html
    assert "9 objects" in html


def test_the_curves_are_drawn_with_their_peaks_in_words(show: Show) -> None:
    """A drawing in the page itself, and what it shows for those who do not see it."""
    html = show(night.archive(), night.probes()).get(f"{SERIES}.65").text
    assert "artery at most 21" in html
    assert "2 time points left out" in html
    assert "Curves" not in show(night.archive(), night.probes()).get(f"{SERIES}.48").text


def test_the_table_is_shown_a_page_at_a_time(show: Show) -> None:
    """Fifty series a page; older and newer ones are one step away, with the same filters."""
    archive = FakeArchive(*(a_series(n, SeriesState.FAILED) for n in range(1, 121)))
    client = show(archive, night.probes())
    first = client.get("/?show=failed&sender=CT_SOMATOM").text
    assert "1–50 of 120 series" in first
    assert 'href="/?show=failed&amp;sender=CT_SOMATOM&amp;page=2"' in first
    last = client.get("/?show=failed&page=3").text
    assert "101–120 of 120 series" in last
    assert 'rel="next"' not in last
    assert client.get("/?page=0").status_code == 422


def test_what_the_log_says_of_a_series_is_a_page(show: Show) -> None:
    """Time, level, part, event and facts of each kept line; without one it says so."""
    html = show(night.archive(), night.probes()).get(f"{SERIES}.48/log").text
    for told in ("Step failed", "found=the network ran out of memory on cuda:0", "predict"):
        assert told in html
    asked: list[tuple[object, object]] = []

    def none(uids: object, since: object) -> tuple[()]:
        asked.append((uids, since))
        return ()

    client = show(night.archive(), replace(night.probes(), log_lines=none))
    assert "No line about it is kept" in client.get(f"{SERIES}.48/log").text
    [(uids, since)] = asked
    assert f"{SERIES}.48".removeprefix("/series/") in uids
    assert str(since) == "2026-03-14"


def test_a_line_of_any_shape_is_shown(show: Show) -> None:
    """A line without time, or with markup in it, is text like any other."""
    odd = {"event": HOSTILE, "timestamp": 7}
    probes = replace(night.probes(), log_lines=lambda uids, since: (odd,))
    html = show(night.archive(), probes).get(f"{SERIES}.48/log").text
    assert "<script>alert(1)" not in html
    assert "alert(1)" in html
