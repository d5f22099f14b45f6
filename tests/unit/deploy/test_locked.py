"""The lock files hold every package that the node asks for, each with its checksums."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_every_dependency_is_locked_at_a_version_it_allows(kind: str) -> None:
    """What was added to pyproject.toml and not locked would be missing in the image."""
    text = (ROOT / "deploy" / f"requirements-{kind}.txt").read_text()
    found = re.findall(
        r"^([\w.-]+)==([^ ;]+)(?: ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M
    )
    locked = {canonicalize_name(name): version for name, version in found}
    assert len(found) == len(re.findall(r"^\w", text, re.M)), "each has its checksum"
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][kind]]
    for each in map(Requirement, wanted):
        assert each.specifier.contains(locked[canonicalize_name(each.name)], prereleases=True), each
