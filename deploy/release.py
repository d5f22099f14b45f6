"""A release in ``dist/``: ``python -m deploy.release`` (make dist).

The wheel with the network's weights, the context from which the images are built, the lock
files, a software bill of materials (CycloneDX) and a table of licences, each with its checksum.
The same commit makes the same wheel and context.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
CONTEXT = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "docker-compose.yml")
CONTEXT += (".dockerignore", "deploy", "node", "models")
_LEFT_OUT = frozenset({"__pycache__", "secrets"})
_CLASSIFIER = "License :: OSI Approved :: "


def wheel(into: Path, epoch: str) -> Path:
    """The wheel, built from the working tree."""
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(into)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return next(into.glob("*.whl"))


def context(into: Path, version: str, epoch: str) -> Path:
    """What ``docker build`` needs, as one archive whose bytes depend on its files alone."""
    path = into / f"perfusion-node-{version}-image-context.tar.gz"
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for each in files(CONTEXT):
            entry = archive.gettarinfo(each, str(each.relative_to(ROOT)))
            entry.mtime, entry.uid, entry.gid = int(epoch), 0, 0
            entry.uname = entry.gname = ""
            with each.open("rb") as content:
                archive.addfile(entry, content)
    return path


def files(names: Iterable[str]) -> Iterator[Path]:
    """Every file of these, in order."""
    for name in names:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        yield from (p for p in found if not _LEFT_OUT.intersection(p.parts))


def bill(into: Path, kind: str) -> Path:
    """CycloneDX of what a lock file installs, taken from an environment made of it alone."""
    locked = ROOT / "deploy" / f"requirements-{kind}.txt"
    path = into / f"sbom-{kind}.cdx.json"
    with tempfile.TemporaryDirectory() as name:
        venv.create(name, with_pip=True)
        python = Path(name) / "bin" / "python"
        install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", locked]
        subprocess.run([python, *install], check=True)
        subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip"], check=True)
        made = ["-m", "cyclonedx_py", "environment", "--output-reproducible"]
        command = [sys.executable, *made, "--output-file", str(path), str(python)]
        subprocess.run(command, check=True)
    return path


def bill_unseen(into: Path, kind: str) -> Path:
    """CycloneDX of what a lock file names, with its checksums and without installing it."""
    path = into / f"sbom-{kind}.cdx.json"
    locked = ROOT / "deploy" / f"requirements-{kind}.txt"
    made = ["-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command = [sys.executable, *made, "--output-file", str(path), str(locked)]
    subprocess.run(command, check=True)
    return path


def licences(bom: Path) -> str:
    """The packages of a bill of materials with versions and licences, as a table."""
    components = json.loads(bom.read_text()).get("components", [])
    rows = (
        f"| {each['name']} | {each['version']} | {_licence(each)} |"
        for each in sorted(components, key=lambda component: component["name"].lower())
    )
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows, ""])


def _licence(component: dict[str, Any]) -> str:
    """Identifiers rather than names, names rather than text."""
    found = []
    for each in component.get("licenses", []):
        told = each.get("expression") or each.get("license", {})
        words = told if isinstance(told, str) else told.get("id") or told.get("name") or ""
        if words and len(words) < 80:
            found.append(words.removeprefix(_CLASSIFIER))
    return ", ".join(dict.fromkeys(found)) or "see the package"


def checksums(into: Path) -> Path:
    """SHA256SUMS of everything in the folder."""
    path = into / "SHA256SUMS"
    made = sorted(p for p in into.iterdir() if p != path)
    path.write_text(
        "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in made)
    )
    return path


def commit_time() -> str:
    """When the commit was made, in seconds since 1970: the release's own time."""
    shown = ["git", "show", "--no-patch", "--format=%ct", "HEAD"]
    return subprocess.run(
        shown, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> None:
    """Makes dist/ anew."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    epoch = commit_time()
    version = wheel(DIST, epoch).name.split("-")[1]
    context(DIST, version, epoch)
    bom = bill(DIST, "cpu")
    bill_unseen(DIST, "gpu")  # installed it would be CUDA's gigabytes
    (DIST / "LICENCES.md").write_text(licences(bom))
    for kind in ("cpu", "gpu"):
        shutil.copy(ROOT / "deploy" / f"requirements-{kind}.txt", DIST)
    checksums(DIST)
    for path in sorted(DIST.iterdir()):
        sys.stdout.write(f"{path.stat().st_size / 1e6:8.1f} MB  {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
