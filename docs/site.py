"""The documentation site: ``python -m docs.site`` gathers the pages and builds them (make docs).

Pages link to one another, and to files beside them, as they do in the repository: each is put
where it lies there, with whatever it links to. A link to a folder becomes one to its listing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")
_SOURCES = ("*.md", "docs/**/*.md", "deploy/*.md", "models/*.md")


def pages() -> list[Path]:
    """Every document of the repository, README.md first."""
    found = {path for pattern in _SOURCES for path in ROOT.glob(pattern)}
    return sorted(found, key=lambda path: (path.name != "README.md", path))


def linked(page: Path) -> Iterator[Path]:
    """Files and folders of the repository that a page links to."""
    for target, _, picture in _LINK.findall(page.read_text()):
        words = target or picture
        if "://" not in words and not words.startswith("mailto:"):
            yield (page.parent / words).resolve()


def gather(into: Path = PAGES) -> None:
    """Every page, and what it links to, below one folder."""
    shutil.rmtree(into, ignore_errors=True)
    known = pages()
    for page in known:
        _copied(page, into, page.read_text())
        for target in linked(page):
            if target.is_dir():
                listing = into / target.relative_to(ROOT) / "index.md"
                listing.parent.mkdir(parents=True, exist_ok=True)
                listing.write_text(_listing(target, known))
            elif target.is_file() and target not in known:
                (into / target.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target, into / target.relative_to(ROOT))


def _copied(page: Path, into: Path, text: str) -> None:
    """The page, its links to folders as links to their listings."""

    def to_listing(link: re.Match[str]) -> str:
        target = link[1] or ""
        if target and "://" not in target and (page.parent / target).is_dir():
            return link[0].replace(f"({target}", f"({target.rstrip('/')}/index.md")
        return link[0]

    copy = into / page.relative_to(ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(_LINK.sub(to_listing, text))


def _listing(folder: Path, known: list[Path]) -> str:
    """A page that names what is in a folder."""
    name = folder.relative_to(ROOT)
    lines = (
        f"- [{path.name}]({path.name})" if path in known else f"- {path.name}"
        for path in sorted(folder.iterdir())
    )
    return "\n".join([f"# {name}", "", *lines, ""])


def build() -> int:
    """The site, where a warning is a fault; the exit status of MkDocs."""
    gather()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--clean"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode


if __name__ == "__main__":
    status = build()
    found = "The site is not whole." if status else f"The site is at {SITE / 'index.html'}"
    sys.stdout.write(f"{found}\n")
    sys.exit(status)
