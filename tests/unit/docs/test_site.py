"""The documentation as a site: whole, without a warning, and without the internet."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.site import gather, linked, pages
from tests.support.peers import PIP, require
from tests.support.running_node import ROOT


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, gathered where a test may spoil them."""
    folder = tmp_path_factory.mktemp("site")
    gather(folder / "build" / "pages")
    (folder / "mkdocs.yml").write_text((ROOT / "mkdocs.yml").read_text())
    return folder


def built(folder: Path) -> subprocess.CompletedProcess[str]:
    """MkDocs, for which a warning is a fault."""
    require("mkdocs", package="mkdocs-material", installer=PIP)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(copy: Path) -> None:
    """Every link and every heading that a link names is there; it opens from a disk."""
    done = built(copy)
    assert done.returncode == 0, done.stderr
    html = "".join(page.read_text() for page in (copy / "build" / "site").rglob("*.html"))
    loaded = re.findall(
        r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]*)"', html
    )
    assert loaded == []
    for page in ("index.html", "docs/scaling.html", "deploy/RUNBOOK.html"):
        assert (copy / "build" / "site" / page).is_file()


def test_a_link_that_leads_nowhere_is_seen(copy: Path) -> None:
    """The check above finds a page and a heading that are not there."""
    page = copy / "build" / "pages" / "docs" / "upgrading.md"
    sound = page.read_text()
    for wrong in ("[gone](gone.md)", "[gone](scaling.md#no-such-heading)"):
        page.write_text(f"{sound}\n{wrong}\n")
        assert built(copy).returncode != 0
    page.write_text(sound)


def test_every_page_has_its_place_in_the_site() -> None:
    """Decisions are reached by links; the others are in the list."""
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    own = {str(page.relative_to(ROOT)) for page in pages()}
    assert listed <= own
    missing = {page for page in own - listed if "decisions" not in page}
    reached = {str(target.relative_to(ROOT)) for page in pages() for target in linked(page)}
    assert missing <= reached
