"""What a generated page says of where its figures come from."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def commit() -> str:
    """The commit of the code, and whether files of node or models differ from it."""
    git = shutil.which("git") or "git"
    asked = ("rev-parse", "HEAD"), ("status", "--porcelain", "--", "node", "models")
    try:
        head, changed = (
            subprocess.run(
                (git, *call), cwd=_ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            for call in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return "not in a git repository"
    return f"commit {head[:12]}" + (", with uncommitted changes" if changed else "")


def machine() -> str:
    """The processor, its cores and the version of Python."""
    names = [
        line.partition(":")[2].strip()
        for line in _cpuinfo().splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""
