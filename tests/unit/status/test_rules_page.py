"""The page on which rules are tried: those in effect, and drafts that change nothing."""

import html
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from node.ports import SeriesState
from node.series import Instance, read_header
from node.settings import AnalysisSettings, Destination, SelectionRule, Settings
from node.status.rulebook import LONGEST
from node.wiring.rulebook import rulebook
from tests.support import night
from tests.support.ctp import CtpSpec, build_series
from tests.support.fake_archive import FakeArchive, a_series
from tests.unit.status.conftest import Show

RULES = (
    SelectionRule(action="skip", description="*mip*"),
    SelectionRule(
        action="usual",
        peer="STROKE*",
        priority=5,
        model=Path("/opt/models/fast.onnx"),
        destinations=("viewer",),
        results=("colour", "report"),
    ),
)
RESULTS = ("colour", "summary_page", "segmentation")
DRAFT = "[[analysis.rules]]\naction = "


def settings(*rules: SelectionRule) -> Settings:
    names = ("pacs", "viewer")
    return Settings(
        analysis=AnalysisSettings(rules=rules),
        destinations=tuple(
            Destination(name=name, ae_title="A", port=104, results=RESULTS) for name in names
        ),
    )


def of(folder: Path, spec: CtpSpec) -> list[Instance]:
    images = []
    for number, dataset in enumerate(build_series(spec)):
        path = folder / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        images.append(Instance(read_header(path), path))
    return images


@pytest.fixture
def client(show: Show, tmp_path: Path) -> httpx.Client:
    archive = FakeArchive(replace(a_series(7, SeriesState.DELIVERED), calling_ae_title="STROKE_CT"))
    uid = archive.list_series()[0].series_instance_uid
    archive.images[uid] = of(tmp_path, CtpSpec(frames=20, interval_s=2.0))
    node = settings(*RULES)
    probes = replace(night.probes(), rulebook=lambda draft: rulebook(node, draft))
    return show(archive, probes)


def read(client: httpx.Client, **question: str) -> str:
    """The page's words, without its form."""
    answer = client.get("/rules", params=question)
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("<form")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def series_uid(client: httpx.Client) -> str:
    (found,) = client.get("/api/series").json()
    return str(found["series_instance_uid"])


def test_rules_are_told_in_order(client: httpx.Client) -> None:
    """Of a series that says nothing no rule speaks: what is usual holds."""
    told = read(client)
    assert "No rule speaks of it" in told
    assert '1 Description "*mip*" leave it out does not match' in told
    assert '2 From "STROKE*" judge it as usual; priority 5, by fast' in told
    assert "To pacs colour, summary page, segmentation" in told


def test_what_a_series_would_say_is_enough_to_try_them(client: httpx.Client) -> None:
    """Who sends it, what it is called: which rule decides, and what becomes of it."""
    told = read(client, peer="STROKE_2", description="Head")
    assert "Rule 2 decides" in told
    assert "Priority 5" in told
    assert "Network fast" in told
    assert "To viewer colour" in told
    assert "To pacs" not in told
    assert 'not description "*mip*"' in told


def test_what_is_left_out_is_told_so(client: httpx.Client) -> None:
    """No priority and no destination then; a later rule that matches is shown as too late."""
    told = read(client, peer="STROKE_2", description="MIP thick", thickness_mm="")
    assert "Rule 1 decides" in told
    assert "Analysed no it is left out" in told
    assert "Priority" not in told
    assert "matches, too late" in told


def test_a_series_that_has_come_is_tried_with_all_its_images(client: httpx.Client) -> None:
    """Its content is judged as the analysis would, and its sender is who sent it."""
    told = read(client, series=series_uid(client))
    assert "from STROKE_CT" in told
    assert "Rule 2 decides" in told
    assert "Analysed yes" in told
    assert "The settings have a rule for this series" in told


def test_a_draft_is_tried_and_changes_nothing(client: httpx.Client) -> None:
    """What was drafted stays in the field, and the rules in effect are as before."""
    uid = series_uid(client)
    draft = f'{DRAFT}"skip"\nmax_thickness_mm = 99'
    told = read(client, series=uid, rules=draft)
    assert "Rule 1 decides draft" in told
    assert "no the settings leave this series out" in told
    assert "draft" not in read(client, series=uid)
    assert draft in html.unescape(client.get("/rules", params={"rules": draft}).text)


def test_what_the_content_does_not_allow_no_rule_allows(show: Show, tmp_path: Path) -> None:
    """Five time points are no perfusion scan, and of deleted images nothing can be said."""
    archive = FakeArchive(a_series(7, SeriesState.REFUSED))
    probes = replace(night.probes(), rulebook=lambda draft: rulebook(settings(), draft))
    (record,) = archive.list_series()
    client = show(archive, probes)
    told = read(client, series=record.series_instance_uid)
    assert "Analysed no its images are deleted" in told
    archive.images[record.series_instance_uid] = of(tmp_path, CtpSpec(frames=5))
    told = read(show(archive, probes), series=record.series_instance_uid)
    assert "Analysed no the series has 5 time points. Send a CT perfusion series" in told
    assert "There are no rules" in told
    assert "Priority" not in told


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("[[", "The draft cannot be used: it is not valid TOML"),
        (f'{DRAFT}"usual"\ndestinations = ["nowhere"]', "name nowhere"),
        ('data_dir = "/"', "other keys than rules: data_dir"),
    ],
)
def test_a_wrong_draft_says_what_is_wrong(client: httpx.Client, draft: str, words: str) -> None:
    """And nothing is said of the series."""
    told = read(client, rules=draft)
    assert words in told
    assert "Analysed" not in told


def test_a_long_draft_fits_into_an_address(client: httpx.Client) -> None:
    """Every letter of it takes six in the address."""
    draft = f'{DRAFT}"skip"\n#'.ljust(LONGEST, "ü")
    assert "Rule 1 decides" in read(client, rules=draft)
    assert client.get("/rules", params={"rules": 2 * draft}).status_code == 422


def test_rules_too_many_for_an_address_are_tried_as_they_are(show: Show) -> None:
    """They are shown, and are no draft that the page would refuse to take."""
    rules = [SelectionRule(action="skip", description=f"*number {n}") for n in range(100)]
    node = settings(*rules)
    client = show(
        FakeArchive(), replace(night.probes(), rulebook=lambda draft: rulebook(node, draft))
    )
    page = client.get("/rules").text
    assert 'name="rules"' not in page
    assert "*number 99" in html.unescape(page)
    assert "Rule 42 decides" in read(client, description="number 41")


def test_what_cannot_be_asked_is_refused(client: httpx.Client) -> None:
    """An unknown series, what is no UID, and what is no number."""
    assert client.get("/rules", params={"series": "9.9"}).status_code == 404
    assert client.get("/rules", params={"series": "x"}).status_code == 422
    assert client.get("/rules", params={"thickness_mm": "thick"}).status_code == 422
